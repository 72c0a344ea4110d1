"""What the batcher needs from outside: what was passed on and belongs to no batch yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from actors.kernel.ids import ChatId, UpdateId


class Waiting(NamedTuple):
    """A message that a session has stored (`sessions.ports.Sessions.save`), without its words."""

    chat_id: ChatId
    update_id: UpdateId
    received_at: datetime
    bytes: int
    album: str


class Batch(NamedTuple):
    """Messages of one user that go out as one event; the flooded ones only as a number."""

    event_id: UUID
    chat_id: ChatId
    update_ids: tuple[UpdateId, ...]
    flooded_ids: tuple[UpdateId, ...]


class Batches(Protocol):
    """Raises only `Unavailable`; every call may be repeated after an outcome that is not known."""

    async def waiting(
        self, *, before: datetime | None = None, after: Waiting | None = None, limit: int
    ) -> tuple[Waiting, ...]:
        """Messages of no batch, received before that time, by time, chat and update id; `after`
        goes on behind the last one of the page before.

        None that was to be saved before comes after it, whatever its saving was told.
        """
        ...

    async def close(self, batches: Sequence[Batch], *, at: datetime) -> None:
        """Make these batches events that are to be delivered, in this order, all or nothing.

        A message that is in a batch already stays there; a batch without any is none.
        """
        ...
