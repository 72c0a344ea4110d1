"""What broadcasts need from outside: a store of passes and of each recipient's outcome.

Raises only `Unavailable`, and `save` and `start` also `Conflict`. Every call may be repeated after
an outcome that is not known. The same store is the dispatcher's `Outbox`: between `starting` and
`settle` a recipient is `sending`, so that a crash leaves behind whose request was under way.
"""

from __future__ import annotations

import re
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

NOT_SENT = "it was not sent: Telegram asked to wait, or was not reached"
"""Why somebody has failed of whom that was learnt when everything else was over."""

MOVED = "the group became another one, which gets it"
"""Why somebody is `blocked` who can be reached, as somebody else among the recipients."""

_LETTER = re.compile(rf"{LETTER_PREFIX}:([0-9]+):(-?[0-9]+)(?::([0-9]+))?")


def letter_of(broadcast_id: BroadcastId, chat_id: ChatId, edition: int = 0) -> LetterId:
    """Says by itself which recipient it is for, and what it says, so that a receipt outlives
    whoever told it, and a letter that waits is not taken for one with newer content.
    """
    named = f"{LETTER_PREFIX}:{broadcast_id}:{chat_id}"
    return LetterId(f"{named}:{edition}" if edition else named)


def recipient_of(letter_id: LetterId) -> tuple[BroadcastId, ChatId] | None:
    """Whom a letter is for; None for a letter of somebody else."""
    found = _LETTER.fullmatch(letter_id)
    return None if found is None else (BroadcastId(int(found[1])), ChatId(int(found[2])))


def edition_of(letter_id: LetterId) -> int:
    """Which content a letter has; that of somebody else has none but the first."""
    found = _LETTER.fullmatch(letter_id)
    return int(found[3] or 0) if found is not None else 0


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
    ) -> None:
        """Keep this version of a known broadcast. All in one transaction.

        Raises `Conflict`, and keeps nothing, when the version before is not the one that is kept.
        """
        ...

    async def start(self, broadcast: Broadcast) -> None:
        """Save; what a change says is what the broadcast that it changes says from then on, to
        whomever it is still sent, and that one's `edition` is one more. Raises `Conflict`.
        """
        ...

    async def prepare(self, broadcast: Broadcast) -> None:
        """Write down, as pending, whoever is to be told: in small transactions that hold nobody
        else up, and which count for nothing before a save says that the broadcast is `prepared`.

        With `again` those become pending that have such an outcome. Otherwise it is everybody who
        is meant at one moment, and nobody is added later: of a pass that sends its audience without
        whoever cannot be written to, of whom the number is kept; of another pass whoever
        `broadcast.of` was sent to. Interrupted, it is done again, from the beginning. Stops when
        the broadcast is not `preparing` any more.
        """
        ...

    async def reach(self, broadcast: Broadcast) -> Reach:
        """How many `prepare` would write down now."""
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
        known after all. When it was `sent`, he is pending as well in the newest change or deletion
        of what he got, should that have started without him; one that had finished runs again.
        Only a `sending` one goes back to `pending`, and only where making the request again does
        no harm: elsewhere that is for `postponed` to say.
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

    async def under_way(self, broadcast_id: BroadcastId | None = None) -> int:
        """How many are `sending`, in all or of one broadcast."""
        ...

    async def finish(self, update_id: UpdateId) -> None:
        """Mark an update as handled that needs nothing else."""
        ...

    async def starting(self, letter_id: LetterId) -> bool:
        """The request of this letter is about to be made: its recipient is `sending`, durably.

        False: it must not be made, because the broadcast is not running, is not prepared, or says
        something else by now, or because the recipient has an outcome. So has, from now on, a group
        that became another one which is a recipient too: it is `blocked`, and gets it once. Told
        again before it is settled, the answer is the same, as long as it runs.
        """
        ...

    async def postponed(self, letter_id: LetterId, *, became: ChatId | None = None) -> None:
        """The request was not carried out after all: the recipient is `pending` again, also one
        of whom that was `unknown` since a `recover`. Where the broadcast has finished meanwhile
        such a one has `failed`, to be tried again by whoever wants to. That the group `became`
        another one is known from then on, see `starting`.
        """
        ...
