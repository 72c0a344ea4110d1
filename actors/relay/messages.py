"""What the relay and the courier can be told and asked, and what they publish."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, MessageId
from runtime import Asks, message


class EventType(StrEnum):
    """What an event is about."""

    MESSAGE_BATCH = "message_batch"
    PAYMENT = "payment"


class EventState(StrEnum):
    """Where an event stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    PARKED = "parked"
    """It was refused for good: nobody sends it again until an operator has it replayed."""


class NoteState(StrEnum):
    """Where a note to a user stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@message
class Answered:
    """Published when an answer goes out to this chat, and when it is certain that none comes."""

    chat_id: ChatId


@message
class EventParked:
    """Published when an event was refused for good; `detail` says why in one line."""

    event_id: UUID
    chat_id: ChatId
    detail: str


@message
class Look:
    """There may be something new in the store: see for yourself. It is never the only way to
    hear of it.
    """


@message
class Resume(Asks[bool]):
    """An operator says that the paused destination listens again. False: it was not paused."""

    who: str


@message
class Replay(Asks[int]):
    """An operator has parked events sent again, this one or all; answers how many.

    Each comes behind whatever waits for its user.
    """

    event_id: UUID | None
    who: str


@message
class Prune(Asks[int]):
    """Forget what was delivered long ago (`ports.Outbox.prune`); answers how many events."""


@message
class Note:
    """A text for a user, and what became of it; `message_id` is Telegram's, once it is there."""

    note_id: UUID
    chat_id: ChatId
    state: NoteState
    detail: str
    created_at: datetime
    settled_at: datetime | None
    message_id: MessageId | None


@message
class Taken:
    """The note is kept under this id; `is_new`: it was not before."""

    note: Note
    is_new: bool


@message
class Clash:
    """The key was used before, for another text or another user."""


@message
class Crowded:
    """The note was not kept: so many of this user wait already, or `of_all` users."""

    waiting: int
    of_all: bool


@message
class Write(Asks[Taken | Clash | Crowded]):
    """Have `text` (plain, 1 to 4096 characters) reach a user. Answered once it is durable.

    Asked twice under the same `key`, it is one note, and reaches him once. What was taken is
    never lost; a user's notes reach him in the order in which they were taken.
    """

    key: str
    chat_id: ChatId
    text: str


@message
class FindNote(Asks[Note | None]):
    """What became of a note; None when there is none of this id."""

    note_id: UUID


Command = Look | Resume | Replay | Prune
"""What the relay takes."""

CourierCommand = Look | Write | FindNote | broadcast.Receipt
"""What the courier takes."""
