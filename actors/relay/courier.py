"""Courier: texts that somebody else wrote reach users: answers to events, and what operators send.

Receives  relay.Look, relay.Write and relay.FindNote (asked), broadcast receipts, its own timers
Tells     broadcast.Say, in the lane of answers; publishes relay.Answered and operations.Reported
Owns      what became of each note (ports.Notes); what it has with it, in a `Satchel`
Restarts  safely: a note that nobody has confirmed is told again, under the name of its id. So it
          reaches its user once, but where Telegram's answer to it is lost, or the process dies
          between Telegram's word and ours.

One note of a user is with the dispatcher at a time, and what that turns away is told again: so
nothing that was taken is lost, and a user's notes stay in their order. Who writes more than can
be brought is refused (`USER_WAITING_MAX`, `HELD_MAX`); answers to events never are.

It outlives the dispatcher in an orderly stop, to hear what became of the last letters, and in a
crash of the dispatcher, which forgets what it was told: hence it tells again after a while.
"""

from __future__ import annotations

from html import escape
from typing import assert_never
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, LetterId, MessageId
from actors.operations import messages as operations
from actors.relay import messages as relay
from actors.relay.ports import Notes, Unsent
from actors.relay.satchel import USER_HELD_MAX, Satchel
from runtime import Actor, Recipient, message

COMPONENT = "relay.courier"

HELD_MAX = 2_000
"""Notes in memory, a minute of what Telegram takes; those behind them wait in the store, and no
operator's is taken in. Of one user a few are enough to go on with (`satchel.USER_HELD_MAX`)."""
PAGE = 200
"""Notes of one look at the store."""
USER_WAITING_MAX = 50
"""Notes of one user that wait, beyond which no operator's is taken in. He can be told one a
second: `HELD_MAX` are those of so many users that Telegram's limit for all of them counts."""
TICK_SECONDS = 5.0
LOOK_SECONDS = 300.0
"""From one look at the store to the next, which is for what nobody told of."""
UNHEARD_SECONDS = 60.0
"""A letter of which nothing was heard for so long is told again; one that waits is still one."""
REPORT_SECONDS = 5.0
LETTER_PREFIX = "note:"


@message
class _Look:
    """Somebody may have forgotten to tell."""


@message
class _Tick:
    """Something may have to be told again."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


_Own = _Look | _Tick | _ReportDue


class Courier(Actor[relay.CourierCommand | _Own]):
    """See the four headings above."""

    def __init__(self, *, notes: Notes, dispatcher: Recipient[broadcast.Command]) -> None:
        super().__init__()
        self._notes, self._dispatcher = notes, dispatcher
        self._satchel, self._seen = Satchel(), 0
        self._more_wait = False
        """The store has notes that were not taken along yet."""
        self._sent_total = self._failed_total = self._refused_total = 0

    async def on_start(self) -> None:
        await self._fetch()
        self.every(TICK_SECONDS, _Tick(), key=_Tick)
        self.every(LOOK_SECONDS, _Look(), key=_Look)
        self._report()
        self.every(REPORT_SECONDS, _ReportDue(), key=_ReportDue)

    async def on_receive(
        self, message: relay.CourierCommand | _Own
    ) -> relay.Taken | relay.Clash | relay.Crowded | relay.Note | None:
        match message:
            case relay.Look() | _Look():
                await self._fetch()
            case relay.Write():
                return await self._write(message)
            case relay.FindNote():
                return await self._notes.find(message.note_id)
            case broadcast.Delivered():
                await self._settle(message)
            case broadcast.Undelivered():
                await self._settle(message)
            case _Tick():
                for note in self._satchel.due(self.monotonic()):
                    self._tell(note)
            case _ReportDue():
                self._report()
            case _:
                assert_never(message)
        return None

    async def _fetch(self) -> None:
        """Take along what is new in the store, as far as there is room for it."""
        self._more_wait = True
        while len(self._satchel) < HELD_MAX:
            page = await self._notes.unsent(after=self._seen, limit=PAGE)
            for note in page[: HELD_MAX - len(self._satchel)]:
                self._seen = note.place
                self._add(note)
            if len(page) < PAGE and (not page or self._seen == page[-1].place):
                self._more_wait = False
                return

    async def _fetch_of(self, chat_id: ChatId) -> None:
        """Take along what was left behind of a user who has been brought everything else."""
        after = self._satchel.left(chat_id)
        if after is not None:
            # One more than there is room for: it is left again, and says that there are more.
            limit = USER_HELD_MAX + 1
            for note in await self._notes.unsent(after=after, limit=limit, of=chat_id):
                self._add(note)

    def _add(self, note: Unsent) -> None:
        if self._satchel.add(note):
            self._tell(note)

    def _tell(self, note: Unsent) -> None:
        self._satchel.tell(note, again_at=self.monotonic() + UNHEARD_SECONDS)
        self.publish(relay.Answered(chat_id=note.chat_id))  # nobody is typing any more
        self._dispatcher.tell(
            broadcast.Say(
                letter_id=LetterId(f"{LETTER_PREFIX}{note.note_id}"),
                chat_id=note.chat_id,
                text=escape(note.text, quote=False),
                notify=self.actor_ref,
            )
        )

    async def _write(self, told: relay.Write) -> relay.Taken | relay.Clash | relay.Crowded:
        full = self._more_wait or len(self._satchel) >= HELD_MAX
        kept = await self._notes.keep(
            self.world.uuid(),
            key=told.key,
            chat_id=told.chat_id,
            text=told.text,
            at=self.now(),
            waiting_max=0 if full else USER_WAITING_MAX,  # what is known already is answered
        )
        if kept is None:
            self._refused_total += 1
            return relay.Crowded(waiting=HELD_MAX if full else USER_WAITING_MAX, of_all=full)
        if isinstance(kept, relay.Taken) and kept.is_new:
            await self._fetch()
        return kept

    async def _settle(self, receipt: broadcast.Receipt) -> None:
        note_id = UUID(receipt.letter_id.removeprefix(LETTER_PREFIX))
        message_id: MessageId | None = None
        match receipt:
            case broadcast.Delivered():
                state, detail, message_id = relay.NoteState.SENT, "", receipt.message_id
                self._sent_total += 1
            case broadcast.Undelivered(turned_away=True):
                self._satchel.postpone(note_id, until=self.monotonic() + TICK_SECONDS)
                return
            case broadcast.Undelivered():
                state = relay.NoteState.FAILED
                detail = ascii(f"{receipt.reason}: {receipt.detail}")[1:-1]
                self._failed_total += 1
                self.log.warning("note.undelivered", note_id=note_id, detail=detail)
        await self._notes.settle(
            note_id, state, detail=detail, message_id=message_id, at=self.now()
        )
        following = self._satchel.settled(note_id)
        if following is not None:
            self._tell(following)
        else:
            await self._fetch_of(receipt.chat_id)
        if self._more_wait and len(self._satchel) <= HELD_MAX // 2:
            await self._fetch()

    def _report(self) -> None:
        figures = {
            "outstanding_notes": self._satchel.told,
            "waiting_notes": len(self._satchel),
            "sent_total": self._sent_total,
            "failed_total": self._failed_total,
            "refused_total": self._refused_total,
        }
        full = f"more than {HELD_MAX} texts wait for users: does Telegram answer? Write less"
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="warn" if self._more_wait else "pass",
                output=full if self._more_wait else "",
                measurements=tuple(
                    operations.Measurement(name=name, value=float(value))
                    for name, value in figures.items()
                ),
            )
        )
