"""What the relay and the courier need from outside.

`Outbox` and `Notes` raise only `Unavailable`; each of their calls may be repeated after an outcome
that is not known. Questions that say so see every write that was asked for before.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from actors.kernel.ids import ChatId, MessageId
from actors.relay.messages import Clash, EventState, Note, NoteState, Taken
from actors.relay.model import Counts, Event, Outcome, Pause, Pending, Summary

PAYMENTS_MAX = 500
"""Orders of one transaction."""


class Outbox(Protocol):
    """Every event, until it is delivered and forgotten. Batches come into it by
    `debounce.ports.Batches.close`, payments by `note_payments`.
    """

    async def open(self, *, at: datetime) -> Pause | None:
        """Begin to relay, the first time at `at`: payments before that are nobody's business.
        The pause that was kept, if there is one.
        """
        ...

    async def pending(self, *, after: int, limit: int) -> tuple[Pending, ...]:
        """Events behind this place that are to be delivered, in their order. Sees every write
        that was asked for before.
        """
        ...

    async def read(self, event_id: UUID) -> Event | None:
        """A whole event; None when there is none of this id that is to be delivered."""
        ...

    async def deliver(
        self, event_id: UUID, *, texts: tuple[str, ...], detail: str = "", at: datetime
    ) -> None:
        """The event has arrived, and this was answered to its user: one note for each text.
        `detail` (ASCII) says what was wrong with the answer. The first answer counts; nothing
        happens to what was delivered before.
        """
        ...

    async def park(self, event_id: UUID, *, detail: str, at: datetime) -> None:
        """The event was refused for good, unless it was settled before. `detail` is ASCII."""
        ...

    async def replay(self, event_id: UUID | None) -> int:
        """This parked event, or all of them, are to be delivered again, behind everything else
        of their users; how many there were.
        """
        ...

    async def note_payments(self, *, limit: int = PAYMENTS_MAX) -> bool:
        """Make an event for orders that were paid since the relay was opened first, and never had
        one, the earliest first; its id is made from the order's. Whether there are more. Costs
        what is new.
        """
        ...

    async def pause(self, pause: Pause | None) -> None:
        """Remember that nothing is sent, or that it is again."""
        ...

    async def counts(self) -> Counts:
        """How many events wait for what."""
        ...

    async def listing(
        self, state: EventState | None, *, before: int | None, limit: int
    ) -> tuple[Summary, ...]:
        """Events in this state, or all, the newest place first, those below `before`."""
        ...

    async def prune(self, *, before: datetime, limit: int) -> int:
        """Forget events that were delivered before then, with their messages, and notes that were
        settled before then; at most `limit` of each. How many events.
        """
        ...


class Destination(Protocol):
    """Whoever is sent events: one request for each call, no repetition, no pacing."""

    async def send(self, event_id: UUID, body: bytes) -> Outcome:
        """Send this payload. Whatever is answered is a value; raises `Unavailable` where nothing
        was. Ends within its own time-out.
        """
        ...


class Unsent(NamedTuple):
    """A note that nobody has confirmed; `place` only grows."""

    place: int
    note_id: UUID
    chat_id: ChatId
    text: str


class Notes(Protocol):
    """Texts that have to reach users: answers (`Outbox.deliver`), and what operators write."""

    async def keep(
        self,
        note_id: UUID,
        *,
        key: str,
        chat_id: ChatId,
        text: str,
        at: datetime,
        waiting_max: int,
    ) -> Taken | Clash | None:
        """Keep a note of an operator under its key, unless there is one under it already. None:
        so many of this user wait already that nobody has confirmed, and it is not kept.
        """
        ...

    async def find(self, note_id: UUID) -> Note | None:
        """How a note stands."""
        ...

    async def unsent(
        self, *, after: int, limit: int, of: ChatId | None = None
    ) -> tuple[Unsent, ...]:
        """Notes behind this place that nobody has confirmed, in their order; those `of` one user,
        or all. Sees every write that was asked for before.
        """
        ...

    async def settle(
        self,
        note_id: UUID,
        state: NoteState,
        *,
        detail: str,
        message_id: MessageId | None,
        at: datetime,
    ) -> None:
        """What became of it; a note that was sent stays sent. `detail` is ASCII."""
        ...
