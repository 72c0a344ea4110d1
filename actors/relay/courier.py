"""Courier: texts that somebody else wrote reach users: answers to events, and what operators send.

Receives  relay.Look, relay.Write and relay.FindNote (asked), broadcast receipts, its own timers
Tells     broadcast.Say, in the lane of answers; publishes relay.Answered and operations.Reported
Owns      what became of each note (ports.Notes)
Restarts  safely: a note that nobody has confirmed is told again, under the name of its id. So it
          reaches its user once, but where Telegram's answer to it is lost, or the process dies
          between Telegram's word and ours.

It outlives the dispatcher in an orderly stop, to hear what became of the last letters, and in a
crash of the dispatcher, which forgets what it was told: hence it tells again after a while.
"""

from __future__ import annotations

from html import escape
from typing import assert_never
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.kernel.ids import LetterId, MessageId
from actors.operations import messages as operations
from actors.relay import messages as relay
from actors.relay.ports import Notes, Unsent
from runtime import Actor, Recipient, message

COMPONENT = "relay.courier"

OUTSTANDING_MAX = 500
"""Notes that the dispatcher has at once; the others wait in the store."""
TICK_SECONDS = 30.0
LOOK_EVERY = 10
"""Ticks from one look at the store to the next, which is for what nobody told of."""
UNHEARD_SECONDS = 60.0
"""A letter of which nothing was heard for so long is told again; one that waits is still one."""
REPORT_SECONDS = 5.0
LETTER_PREFIX = "note:"


@message
class _Tick:
    """Somebody may have forgotten something."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


class Courier(Actor[relay.CourierCommand | _Tick | _ReportDue]):
    """See the four headings above."""

    def __init__(self, *, notes: Notes, dispatcher: Recipient[broadcast.Command]) -> None:
        super().__init__()
        self._notes, self._dispatcher = notes, dispatcher
        self._seen = 0
        self._outstanding: dict[UUID, tuple[Unsent, float]] = {}
        """What was told and is not confirmed, and when it was told last."""
        self._ticks = 0
        self._sent_total = self._failed_total = 0

    async def on_start(self) -> None:
        await self._tell_new()
        self.every(TICK_SECONDS, _Tick(), key=_Tick)
        self._report()
        self.every(REPORT_SECONDS, _ReportDue(), key=_ReportDue)

    async def on_receive(
        self, message: relay.CourierCommand | _Tick | _ReportDue
    ) -> relay.Taken | relay.Clash | relay.Note | None:
        match message:
            case relay.Look():
                await self._tell_new()
            case _Tick():
                await self._tick()
            case relay.Write():
                return await self._write(message)
            case relay.FindNote():
                return await self._notes.find(message.note_id)
            case broadcast.Delivered():
                await self._settle(message)
            case broadcast.Undelivered():
                await self._settle(message)
            case _ReportDue():
                self._report()
            case _:
                assert_never(message)
        return None

    async def _tell_new(self) -> None:
        room = OUTSTANDING_MAX - len(self._outstanding)
        if room <= 0:
            return
        for note in await self._notes.unsent(after=self._seen, limit=room):
            self._seen = note.place
            self._tell(note)

    async def _tick(self) -> None:
        now = self.monotonic()
        for note, told_at in tuple(self._outstanding.values()):
            if now - told_at >= UNHEARD_SECONDS:
                self._tell(note)
        self._ticks += 1
        if self._ticks % LOOK_EVERY == 0:
            await self._tell_new()

    def _tell(self, note: Unsent) -> None:
        self._outstanding[note.note_id] = (note, self.monotonic())
        self.publish(relay.Answered(chat_id=note.chat_id))  # nobody is typing any more
        self._dispatcher.tell(
            broadcast.Say(
                letter_id=LetterId(f"{LETTER_PREFIX}{note.note_id}"),
                chat_id=note.chat_id,
                text=escape(note.text, quote=False),
                notify=self.actor_ref,
            )
        )

    async def _write(self, told: relay.Write) -> relay.Taken | relay.Clash:
        kept = await self._notes.keep(
            self.world.uuid(), key=told.key, chat_id=told.chat_id, text=told.text, at=self.now()
        )
        if isinstance(kept, relay.Taken) and kept.is_new:
            await self._tell_new()
        return kept

    async def _settle(self, receipt: broadcast.Receipt) -> None:
        note_id = UUID(receipt.letter_id.removeprefix(LETTER_PREFIX))
        message_id: MessageId | None = None
        match receipt:
            case broadcast.Delivered():
                state, detail, message_id = relay.NoteState.SENT, "", receipt.message_id
                self._sent_total += 1
            case broadcast.Undelivered():
                state = relay.NoteState.FAILED
                detail = ascii(f"{receipt.reason}: {receipt.detail}")[1:-1]
                self._failed_total += 1
                self.log.warning("note.undelivered", note_id=note_id, detail=detail)
        await self._notes.settle(
            note_id, state, detail=detail, message_id=message_id, at=self.now()
        )
        self._outstanding.pop(note_id, None)
        if len(self._outstanding) == OUTSTANDING_MAX - 1:
            await self._tell_new()  # it was full: there may be more

    def _report(self) -> None:
        figures = {
            "outstanding_notes": len(self._outstanding),
            "sent_total": self._sent_total,
            "failed_total": self._failed_total,
        }
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="pass",
                measurements=tuple(
                    operations.Measurement(name=name, value=float(value))
                    for name, value in figures.items()
                ),
            )
        )
