"""How many messages may wait for one actor, and what happens to one too many.

Lossless by default: whoever can wait is slowed down (`await ref.send(...)`), a warning comes
at `warn_at` and at each doubling, and at `limit` the message is refused and recorded. Only a
class that asks for it loses messages on purpose; payments never do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import structlog
from pykka.messages import _ActorStop

from runtime.message import Coalesced, Piped, Terminated, TimerFired

if TYPE_CHECKING:
    from runtime.cell import Cell, Envelope

MAILBOX_LIMIT = 1_000_000
MAILBOX_WARN_AT = 10_000
MAILBOX_SEND_BELOW = 1_000
STASH_LIMIT = 1_000

log = structlog.get_logger("runtime.mailbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """A class's policy; all figures count messages.

    `limit`       one more is refused (or, for `drop_oldest`, pushes out the oldest)
    `warn_at`     a warning here and at each doubling
    `send_below`  `await ref.send(...)` waits until fewer than this are queued
    `overflow`    `refuse`, `drop_oldest`, or `coalesce`: a queued message is replaced by a
                  newer one with the same `key(message)`; messages whose key is None are kept
    """

    limit: int = MAILBOX_LIMIT
    warn_at: int = MAILBOX_WARN_AT
    send_below: int = MAILBOX_SEND_BELOW
    overflow: Literal["refuse", "drop_oldest", "coalesce"] = "refuse"
    key: Callable[[Any], object] | None = None

    def __post_init__(self) -> None:
        if (self.overflow == "coalesce") != (self.key is not None):
            msg = "`key` belongs to overflow='coalesce'"
            raise ValueError(msg)

    def threshold(self, depth: int) -> int:
        """The next depth at which somebody has to look."""
        if self.overflow == "coalesce":
            return 0
        warn_at = max(self.warn_at, 1)
        while warn_at <= depth:
            warn_at *= 2
        return min(warn_at, self.limit)


DEFAULT_MAILBOX = Mailbox()

_CONTROL = frozenset({Terminated, TimerFired, Piped, _ActorStop})
"""Never refused nor dropped: an actor waits for these, and there are few of them."""


def admit(cell: Cell, envelope: Envelope) -> Envelope | bool:
    """Decide about a message that found the mailbox at its threshold.

    Answers the envelope to queue; True when a queued place already stands for it; False when
    it was refused and its fate is written.
    """
    if type(envelope[0]) in _CONTROL:
        return envelope
    policy = cell.policy
    if policy.overflow == "coalesce":
        placed = _coalesce(cell, policy, envelope)
        if placed is None:
            return True
        envelope = placed
    depth = len(cell.inbox) if cell.inbox else 0
    if depth >= policy.limit:
        if policy.overflow != "drop_oldest":
            cell.bury(envelope, "refused")
            return False
        _drop_oldest(cell)
    elif policy.overflow != "coalesce" and depth >= cell.threshold:
        log.warning("mailbox.deep", actor=cell.path, depth=depth, limit=policy.limit)
        cell.threshold = policy.threshold(depth)
    return envelope


def _drop_oldest(cell: Cell) -> None:
    inbox = cell.inbox or ()
    for place, envelope in enumerate(inbox):
        if type(envelope[0]) not in _CONTROL:
            del cell.inbox[place]  # type: ignore[union-attr]  # it has at least this one
            cell.bury(envelope, "dropped")
            return


def _coalesce(cell: Cell, policy: Mailbox, envelope: Envelope) -> Envelope | None:
    assert policy.key is not None
    key = policy.key(envelope[0])
    if key is None:
        return envelope
    if cell.latest is None:
        cell.latest = {}
    older = cell.latest.get(key)
    cell.latest[key] = envelope
    if older is not None:
        cell.bury(older, "coalesced")
        return None
    return (Coalesced(key), None, None, None, None, envelope[5])
