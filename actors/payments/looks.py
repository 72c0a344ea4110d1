"""Asking providers how checkouts stand: which, how often, and when again. Pure.

As long as no money has decided anything, it may still come, and each look is further from the
one before. Once an order is settled, what may still come is bad news: a refund made on the
provider's own page, a dispute, a second payment. It mostly comes by webhook; a lost one is found
by the next of a few looks, each twice as late as the one before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId, PaymentId
from actors.payments.orders import UNSETTLED, State

LOOK_FIRST_SECONDS = 60
"""By then nearly every checkout that will be paid was paid, and its provider told us so. After it
was paid, what it cost is known by then: Stripe tells its fee to whoever looks, and nowhere else."""
LOOK_SECONDS = 60.0
LOOK_GROWTH = 2.5
LOOK_MAX_SECONDS = 2 * 86_400.0
"""Looked at again after a minute, then 2.5 times as long each time, up to two days: 12 or 13 looks
at a checkout that nobody ever pays."""
LATE_SECONDS = 8 * 86_400
"""Past its expiry: NOWPayments still reports on a deposit seven days after it was asked for."""
SETTLED_LOOK_SECONDS = 86_400
"""A settled order is looked at when it is so old, then after 3, 7, 15, 31 and 63 days."""
SETTLED_SECONDS = 125 * 86_400
"""The last look. Visa, Mastercard, American Express and Discover let a payer dispute a charge for
120 days (Visa for longer, for a few reasons), and it takes some days until it is known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookLimits:
    """How often a provider may be asked how checkouts stand."""

    at_a_time: int = 10
    """Looks under way together; Stripe's limit, the lowest published, is 25 requests a second."""
    pace_seconds: float = 0.0
    """From the beginning of one look to the next in its place at least."""


class MoreToRead(Unavailable):
    """The provider answers well, and has more to tell than one look reads: look again soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCheckout:
    """A checkout whose provider is to be asked at `look_at` how it stands; `looks` counts the
    times before, and `charges` are those that its order has heard of.
    """

    order_id: OrderId
    rail: Rail
    checkout_id: str
    state: State
    expires_at: datetime
    looks: int
    look_at: datetime
    charges: tuple[PaymentId, ...] = ()


class Checkouts(Protocol):
    """Which checkouts are to be looked at; a part of `ports.Orders`."""

    async def checkouts(
        self, rails: Collection[Rail], *, now: datetime, limit: int
    ) -> tuple[OpenCheckout, ...]:
        """Checkouts that are to be looked at by now, at most `limit` of each of these rails: those
        of `UNSETTLED` orders first, and of either kind the longest due.

        Every checkout is to be looked at `LOOK_FIRST_SECONDS` after it was opened, and again after
        its order was settled; in between and later as `looked` says.
        """
        ...

    async def next_look(self, *, after: datetime | None = None) -> datetime | None:
        """When the first checkout of all, or of those not yet due at `after`, is to be looked at;
        None: none is.
        """
        ...

    async def looked(
        self, *checkouts: OpenCheckout, again_at: datetime | None, answered: bool = True
    ) -> None:
        """These were looked at, which counts if the provider `answered`; `again_at` None when
        they are not to be looked at any more.

        Nothing happens to one that is to be looked at at another time than its `look_at`: its
        order was settled meanwhile.
        """
        ...


def again_at(checkout: OpenCheckout, *, now: datetime, jitter: float = 1.0) -> datetime | None:
    """When to look after a look that was made now; None: nothing that could be told is news."""
    if checkout.state in UNSETTLED:
        at = now + timedelta(seconds=look_seconds(checkout.looks) * jitter)
        return at if at < checkout.expires_at + timedelta(seconds=LATE_SECONDS) else None
    last = checkout.expires_at + timedelta(seconds=SETTLED_SECONDS)
    if now >= last:
        return None
    age = max(timedelta(), now - checkout.expires_at)
    return min(last, now + (age + timedelta(seconds=SETTLED_LOOK_SECONDS)) * jitter)


def look_seconds(looks: int) -> float:
    """How long to wait after so many looks and this one, while money may still come."""
    return min(LOOK_MAX_SECONDS, LOOK_SECONDS * LOOK_GROWTH ** min(looks, 32))
