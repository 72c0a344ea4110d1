"""What sessions need from outside: a store of conversations and the record table.

Both raise only `Unavailable`, and `Sessions.save` also `Conflict`. Every call may be repeated
after an outcome that is not known.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from actors.debounce import messages as debounce
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.sessions.model import Registration, Session


class Alarm(NamedTuple):
    """A session that wants to be looked at, and since when."""

    due_at: datetime
    chat_id: ChatId


class Sessions(Protocol):
    """Every conversation, one row per chat."""

    async def load(self, chat_id: ChatId) -> Session | None:
        """The session as it was saved last; None for a chat that never wrote.

        No save that was asked for before happens after it, whatever its caller was told.
        """
        ...

    async def save(
        self,
        session: Session,
        *,
        handled: UpdateId | None = None,
        passed: debounce.Collect | None = None,
    ) -> None:
        """Keep the session and what it passes on, and mark this update as handled, in one
        transaction.

        Raises `Conflict`, and keeps nothing, when the update had been handled before: it came
        twice, or its first saving was only believed to have failed. Read again then. An
        update that the inbox does not know is nobody's conflict.
        """
        ...

    async def due(
        self, *, now: datetime, limit: int, after: Alarm | None = None
    ) -> tuple[Alarm, ...]:
        """Sessions whose `due_at` is not later than `now`, oldest first, at most `limit`.

        `after` continues behind the last alarm of the page before.
        """
        ...

    async def next_due(self, *, after: datetime) -> datetime | None:
        """The earliest `due_at` that is later than `after`; None when there is none."""
        ...

    async def unshown(self, *, limit: int, after: ChatId | None = None) -> tuple[ChatId, ...]:
        """Chats whose newest view has not been confirmed, by chat id, at most `limit`.

        Chats that blocked the bot are left out.
        """
        ...


class Records(Protocol):
    """The table in which operators see who registered, and tick who paid."""

    async def create(self, registration: Registration) -> RecordId:
        """Make the table hold exactly this registration for its chat, and say in which row.

        Found by chat id first: an existing row is brought up to date, never doubled, and what
        operators wrote into it (`Paid`) is left alone. The lowest id when there are several.
        """
        ...

    async def find(self, chat_id: ChatId) -> RecordId | None:
        """The chat's row, the lowest id when there are several; None when there is none."""
        ...
