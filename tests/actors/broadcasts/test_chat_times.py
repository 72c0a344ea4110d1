"""In the administrators' chat: it starts when they say, and its panel comes back."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.model import Content, State
from actors.broadcasts.panel_reader import Reader
from runtime import ask
from tests.actors.broadcasts.admin import (
    ONE,
    RU,
    Admin,
    buttons,
    composed,
    hear,
    lost,
    shown,
)
from tests.actors.broadcasts.post import Bureau


async def test_it_starts_at_the_time_that_was_chosen_and_confirmed() -> None:
    bureau = Bureau(reader=Reader(zone=ZoneInfo("Europe/Kyiv")))
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        at_once = buttons(bureau)["Confirm"]
        await admin.presses("When…")
        assert shown(bureau).text.endswith(
            "Choose when it starts. It is 2026-01-01 02:00 UTC+2 now."
        )
        await admin.presses("01-02")
        await admin.presses("18:00")
        await admin.presses(":30")
        assert "✓ 18:30" in buttons(bureau)
        await admin.presses("Back")
        assert "\nStart: 2026-01-02 18:30 UTC+2" in shown(bureau).text
        assert (await admin.repeats(at_once)).startswith("It has changed meanwhile.")
        await admin.presses("When…")
        await admin.presses("01-01")
        await admin.presses("02:30")
        await admin.presses("Back")
        assert await admin.presses("Confirm") == "It starts at its time."
        assert "starts at 2026-01-01 02:30 UTC+2" in shown(bureau).text
        await bureau.passes(1_700)
        assert (await bureau.kept(ONE)).state is State.SCHEDULED
    async with bureau.open():
        await bureau.passes(110)
        assert sorted(await bureau.carry()) == [1, 2]
        whats = [each.what for each in await bureau.store.actions(ONE)]
        assert whats == ["create", *["choose"] * 5, "resume"]


async def test_a_start_that_was_put_off_can_be_at_once_after_all() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("When…")
        await admin.presses("12:00")
        await admin.presses("Back")
        await admin.presses("Confirm")
        await admin.presses("Pause")
        await admin.presses("When…")
        await admin.presses("At once")
        await admin.presses("Back")
        assert await admin.presses("Confirm") == "It starts."
        await bureau.passes(2)
        assert sorted(await bureau.carry()) == [1, 2]
        assert await admin.repeats("b:pick:1:t+x") == "That is not here any more."


async def test_a_panel_that_was_deleted_is_shown_anew_and_once() -> None:
    bureau = Bureau()
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        first = (await bureau.kept(ONE)).panel_message_id
        await admin.presses("Confirm")
        await bureau.passes(2)
        edits = [e for e in bureau.post.others.told if isinstance(e, broadcast.Edit)]
        assert {edit.message_id for edit in edits} == {first}
        for edit in edits[-2:]:  # two were under way
            bureau.ref.tell(lost(edit))
        await bureau.system.settle()
        says = [e for e in bureau.post.others.told if isinstance(e, broadcast.Say)]
        assert len({say.letter_id for say in says}) == len(says) == 3, "preview and two panels"
        assert "is under way" in says[-1].text
        await bureau.carry()
        await bureau.passes(5)
        second = (await bureau.kept(ONE)).panel_message_id
        assert second not in {first, None}
        assert (shown(bureau).message_id, "is done" in shown(bureau).text) == (second, True)


async def test_why_it_cannot_go_on_is_told_in_the_readers_language() -> None:
    bureau = Bureau(reader=RU)
    admin = Admin(bureau)
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await admin.presses("Подтвердить")
        await bureau.passes(2)
        await bureau.carry(1)
        await admin.presses("Пауза")
        go_on = buttons(bureau)["Продолжить"]
        bureau.post.shows = False
        await ask(bureau.ref, broadcasts.Edit(broadcast_id=ONE, content=Content(text="B"), who="b"))
        told = "её вот-вот изменит рассылка 2: дождитесь её или отмените"
        assert await admin.repeats(go_on) == told
