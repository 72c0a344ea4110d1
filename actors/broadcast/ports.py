"""What the dispatcher needs from the outside: somebody who carries one letter to Telegram, a
book of what it must not forget, and whoever owns the letters of the bulk lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Outcome
from actors.kernel.ids import ChatId, LetterId


class Messenger(Protocol):
    """One attempt per call; no repetition, no pacing, no waiting for rate limits.

    May be called concurrently (the dispatcher has at most `desk.in_flight_max` calls open, never
    two of one chat) and may be cancelled at any point.
    """

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        """Make the request and say what became of it (see `model`).

        Whatever Telegram answers, garbage included, is a value. Raises only `Unavailable`,
        and only when the request was certainly *not* sent (the same as `NotSent`; its
        `retry_after_seconds` is obeyed). Must end within the messenger's own time-outs: a
        chat waits for as long as its letter is out.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """Why a chat cannot be written to; `detail` is Telegram's description."""

    reason: broadcast.Closed
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the book says, or what is to be put down in it."""

    closings: Mapping[ChatId, datetime] = field(default_factory=dict)
    """Chats in a flood wait, and until when."""
    bulk_closed_until: datetime | None = None
    """The flood wait of the bulk lane."""
    unreachable: Mapping[ChatId, Unreachable | None] = field(default_factory=dict)
    """Chats that cannot be written to; None: one that can after all."""
    moved: Mapping[ChatId, ChatId] = field(default_factory=dict)
    """Groups that became another one, and which."""
    stars_tenths: int | None = None
    """Tenths of a Star ever spent or reserved, in all."""
    quiet_since: datetime | None = None
    """When a predecessor sent something last, if it stopped in an orderly way; None where it was
    killed.
    """
    groups: Mapping[ChatId, tuple[datetime, ...]] = field(default_factory=dict)
    """What it had sent to groups in the minute before: until when each message counts."""
    is_new: bool = False
    """Nobody has read the book before."""
    cut: int = 0
    """Flood waits that ended later than Telegram may ask, and end in a day by now."""


class PostBook(Protocol):
    """What a dispatcher knows and its successor must know before the first letter leaves: so a
    restart does not run into flood waits again, asks nobody twice who is not there, and forgets
    no Star. One dispatcher writes at a time.
    """

    async def read(self) -> Page:
        """All of it, also what a predecessor still had under way. Raises `Unavailable`.

        Whoever reads it has begun: `quiet_since` is told once. A flood wait that ends more than
        `model.FLOOD_MAX_SECONDS` from now, because some clock was wrong, is cut for good.
        """
        ...

    async def write(self, page: Page) -> None:
        """Put all of the page down, or nothing. Raises `Unavailable`; told again then, it does no
        harm. A time that is put down never makes a later one earlier.
        """
        ...


class Pause(Protocol):
    """Lets some seconds pass for whoever awaits it; `trio.sleep` is one."""

    async def __call__(self, seconds: float) -> None: ...


class Outbox(Protocol):
    """Whose the letters of the bulk lane are: it says whether one may leave, and remembers it.

    So that after a crash nobody has to guess what was under way: what `starting` was told of,
    and nothing else. Calls for one letter never overlap.
    """

    async def starting(self, letter_id: LetterId) -> bool:
        """A request for this letter begins as soon as this returns True; that is durable by then.

        False: the letter was withdrawn (paused, cancelled, not known); nothing is sent and the
        sender hears `Undelivered(reason="withdrawn")`. Asked again for each attempt. Raises
        `Unavailable`; the letter waits then, nothing was sent.
        """
        ...

    async def postponed(self, letter_id: LetterId, *, became: ChatId | None = None) -> None:
        """The request was certainly not carried out (429, no connection, or the group `became`
        another one, to which it goes instead): the letter waits again.

        It is durable when this returns, and `starting` is not asked before. Raises `Unavailable`;
        it is then told again.
        """
        ...
