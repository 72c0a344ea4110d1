"""What an administrator reads, writes and presses in his chat."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.panel_reader import Reader
from actors.gateway.model import Entry
from actors.kernel.ids import BroadcastId, MessageId, UpdateId
from actors.kernel.language import Language
from adapters.memory.gateway import MemoryInbox
from tests.actors.broadcasts.post import ADMIN, EPOCH, Bureau

ONE = BroadcastId(1)
RU = Reader(language=Language.RU, zone=ZoneInfo("Europe/Kyiv"))


async def hear(bureau: Bureau, told: Any) -> None:
    """An update came, and is told."""
    inbox = MemoryInbox(bureau.connection)
    entry = Entry(told.update_id, "{}", chat_id=ADMIN)
    await inbox.add([entry], batch_id=bureau.world.uuid(), at=EPOCH)
    bureau.ref.tell(told)
    await bureau.system.settle()


async def unhandled(bureau: Bureau) -> int:
    return len(await MemoryInbox(bureau.connection).unhandled())


def composed(text: str, number: int = 5, **more: Any) -> Any:
    return broadcasts.Composed(update_id=UpdateId(number), who="telegram:@ann", text=text, **more)


def pressed(data: str, number: int) -> Any:
    return broadcasts.Pressed(
        update_id=UpdateId(number), who="telegram:@ann", callback_id=f"c{number}",
        message_id=MessageId(1), data=data,
    )  # fmt: skip


def shown(bureau: Bureau) -> Any:
    """The panel as it was told last."""
    told = bureau.post.others.told
    return [e for e in told if isinstance(e, broadcast.Say | broadcast.Edit)][-1]


def said(bureau: Bureau) -> list[str]:
    """What the administrators were told, edits included."""
    told = bureau.post.others.told
    return [each.text for each in told if isinstance(each, broadcast.Say | broadcast.Edit)]


def buttons(bureau: Bureau) -> dict[str, str]:
    """What can be pressed, and what it would say."""
    return {button.text: button.data for row in shown(bureau).keyboard for button in row}


def bubble(bureau: Bureau) -> str:
    answers = [e for e in bureau.post.others.told if isinstance(e, broadcast.AnswerCallback)]
    return answers[-1].text


class Admin:
    """Somebody who presses what he sees; every press is another update."""

    def __init__(self, bureau: Bureau) -> None:
        self.bureau, self._number = bureau, 5

    async def presses(self, label: str) -> str:
        """Press the button of this name; what the bubble says."""
        return await self.repeats(buttons(self.bureau)[label])

    async def repeats(self, data: str) -> str:
        """Press a button that says `data`, whether or not it is still there."""
        self._number += 1
        await hear(self.bureau, pressed(data, self._number))
        return bubble(self.bureau)


def lost(letter: Any) -> broadcast.Undelivered:
    return broadcast.Undelivered(
        letter_id=letter.letter_id, chat_id=letter.chat_id, reason="gone", detail="not found"
    )


def delivered(letter: Any, message_id: int) -> broadcast.Delivered:
    return broadcast.Delivered(
        letter_id=letter.letter_id, chat_id=letter.chat_id, message_id=MessageId(message_id)
    )
