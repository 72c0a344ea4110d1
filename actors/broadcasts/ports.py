"""What broadcasts need from outside: a store of passes and of each recipient's outcome.

Raises only `Unavailable`, and `save` and `start` also `Conflict`. Every call may be repeated after
an outcome that is not known. The same store is the dispatcher's `Outbox`: between `starting` and
`settle` a recipient is `sending`, so that a crash leaves behind whose request was under way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from actors.broadcasts.model import (
    Action,
    Broadcast,
    Outcome,
    Reach,
    Recipient,
    Settled,
    State,
)
from actors.broadcasts.template import Person
from actors.kernel.ids import BroadcastId, ChatId, LetterId, MessageId, UpdateId

LETTER_PREFIX = "broadcast"


def letter_of(broadcast_id: BroadcastId, chat_id: ChatId) -> LetterId:
    """Says by itself which recipient it is for, so that a receipt outlives whoever told it."""
    return LetterId(f"{LETTER_PREFIX}:{broadcast_id}:{chat_id}")


def recipient_of(letter_id: LetterId) -> tuple[BroadcastId, ChatId] | None:
    """Whom a letter is for; None for a letter of somebody else."""
    prefix, _, rest = letter_id.partition(":")
    broadcast_id, _, chat_id = rest.partition(":")
    if prefix != LETTER_PREFIX or not (broadcast_id.isdecimal() and chat_id.strip("-").isdecimal()):
        return None
    return BroadcastId(int(broadcast_id)), ChatId(int(chat_id))


class Pause(Protocol):
    """Lets some seconds pass for whoever awaits it; `trio.sleep` is one."""

    async def __call__(self, seconds: float) -> None: ...


class Turn(Protocol):
    """A recipient whose turn it is."""

    @property
    def person(self) -> Person:
        """What is known of him, as of now."""

    @property
    def message_id(self) -> MessageId | None:
        """The message that is to be changed; None for a new one."""


class Broadcasts(Protocol):
    """Every pass, its recipients, and who did what to it."""

    async def create(
        self,
        broadcast: Broadcast,
        *,
        creation_id: UUID,
        action: Action,
        handled: UpdateId | None = None,
    ) -> Broadcast:
        """Keep a new one (its `broadcast_id` is 0) and say which number it got. Told again under
        the same `creation_id`, it is the same one. `handled` is marked in the same transaction.
        """
        ...

    async def find(self, broadcast_id: BroadcastId) -> Broadcast | None:
        """As it was saved last, with its counts."""
        ...

    async def actions(self, broadcast_id: BroadcastId) -> tuple[Action, ...]:
        """What was done to it, oldest first."""
        ...

    async def listing(
        self, *, states: Collection[State], limit: int, before: BroadcastId | None = None
    ) -> tuple[Broadcast, ...]:
        """The newest first; those in one of `states`, or all."""
        ...

    async def save(
        self,
        broadcast: Broadcast,
        *,
        action: Action | None = None,
        handled: UpdateId | None = None,
        again: Collection[Outcome] = (),
    ) -> None:
        """Keep this version of a known broadcast; recipients with an outcome of `again` become
        pending. All in one transaction.

        Raises `Conflict`, and keeps nothing, when the version before is not the one that is kept.
        """
        ...

    async def start(self, broadcast: Broadcast) -> None:
        """Save, and write down every recipient, in one transaction: from then on nobody is added.

        Those of a pass that sends are its audience without whoever cannot be written to, of whom
        the number is kept; those of another pass are whoever `broadcast.of` was sent to. Raises
        `Conflict`.
        """
        ...

    async def reach(self, broadcast: Broadcast) -> Reach:
        """How many `start` would write down now."""
        ...

    async def page(
        self, broadcast_id: BroadcastId, *, after: ChatId | None, limit: int
    ) -> Sequence[Turn]:
        """Pending recipients by chat id, behind `after`."""
        ...

    async def recipients(
        self,
        broadcast_id: BroadcastId,
        *,
        outcomes: Collection[Outcome],
        limit: int,
        after: ChatId | None = None,
    ) -> tuple[Recipient, ...]:
        """Recipients with one of these outcomes, or all, by chat id."""
        ...

    async def person(self, chat_id: ChatId) -> Person:
        """What is known of somebody; nothing of a stranger."""
        ...

    async def settle(self, settled: Sequence[Settled]) -> None:
        """Write outcomes down, and count them, in one transaction.

        What is final stays so, with one exception: of an `unknown` one the outcome may become
        known after all. Only a `sending` one goes back to `pending`.
        """
        ...

    async def recover(self) -> int:
        """Nobody sends any more: whoever is `sending` becomes `unknown`, or `pending` where making
        the request again does no harm. Says how many became unknown. Ends `hold`.
        """
        ...

    async def hold(self) -> None:
        """No further request may begin until `recover`."""
        ...

    async def under_way(self) -> int:
        """How many are `sending`."""
        ...

    async def finish(self, update_id: UpdateId) -> None:
        """Mark an update as handled that needs nothing else."""
        ...

    async def starting(self, letter_id: LetterId) -> bool:
        """The request of this letter is about to be made: its recipient is `sending`, durably.

        False: it must not be made, because the broadcast is not running, or the recipient has an
        outcome. Told again before it is settled, the answer is the same, as long as it runs.
        """
        ...

    async def postponed(self, letter_id: LetterId) -> None:
        """The request was not carried out after all: the recipient is `pending` again."""
        ...
