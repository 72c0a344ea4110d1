"""An administrator sends a broadcast from his chat: the whole shop in memory, on the sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.sessions.model import Session, State
from adapters.memory.database import MemoryDatabase
from adapters.memory.sessions import MemorySessions
from adapters.sandbox.telegram_user import CannotDo
from tests.adapters.sandbox.calls import virtual_now
from tests.config.staged import staged

ADMIN = 7
READERS = {42: Language.EN, 43: Language.UK, 44: Language.EN}


async def test_what_he_confirms_in_his_language_reaches_whom_he_has_chosen(tmp_path: Path) -> None:
    database = MemoryDatabase(now=virtual_now)
    sessions = MemorySessions(database.connect())
    for chat_id, language in READERS.items():
        await sessions.save(Session(chat_id=ChatId(chat_id), state=State.NAME, language=language))
    settings = {"ADMIN_CHAT_ID": str(ADMIN), "ADMIN_LANGUAGE": "uk", "TIME_ZONE": "Europe/Kyiv"}
    async with staged(tmp_path, database=database, alter=lambda _: None, **settings) as (stage, _):
        telegram = stage.world.telegram
        readers = [telegram.user(chat_id) for chat_id in READERS]
        for reader in readers:
            reader.chat.started = True
        admin = telegram.user(ADMIN, "Ira", language_code="uk")

        admin.says("/broadcast Hello {first_name|friend}\n[Read more] https://example.org")
        await admin.sees("Отримають: 3")
        assert (await admin.sees("Hello friend")).buttons == ["Read more"]
        admin.presses("Кому…")
        await admin.sees("Позначте, хто отримає")
        admin.presses("English")
        await admin.sees("мова — English\nОтримають: 2")
        admin.presses("Активність…")
        await admin.sees("За 90 днів")
        admin.presses("За тиждень")
        panel = await admin.sees("були активні з 2026-")
        assert " UTC+2\n" in panel.text
        admin.presses("Покупки…")
        await admin.sees("Нотатки про машину")
        admin.presses("Назад")
        await admin.sees("Реєстрація…")
        with pytest.raises(CannotDo):
            admin.presses("Підтвердити")  # it is another page that is shown
        admin.presses("Назад")
        panel = await admin.sees("Підтвердити")
        data = panel.inline_keyboard[0][0]["callback_data"]
        admin.presses("Підтвердити")
        admin.presses_stale(panel, data)  # twice, before anything has changed
        await admin.sees("Розсилка 1: готово", within=15)

        assert "отримали: 2" in panel.text
        told = [[m.text for m in reader.screen().shown] for reader in readers]
        assert told == [["Hello friend"], [], ["Hello friend"]]
        assert all(press.answered for press in admin.callbacks)
        assert telegram.limits.violations == 0
