"""The reconciler keeps up with a shop where very many begin to pay and do not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter

import trio

from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId
from actors.operations import messages as operations
from actors.payments.looks import LOOK_FIRST_SECONDS, Checkouts, LookLimits, OpenCheckout, again_at
from actors.payments.orders import State
from actors.payments.ports import Till
from actors.payments.reconciler import PAGE_MAX, PAUSE_MAX_SECONDS, Reconciler
from runtime import VirtualWorld
from runtime.testing import Probe, running
from tests.actors.payments.orders import NOON
from tests.actors.payments.provider import Provider
from tests.actors.payments.shop import USD

A_DAY = 5_000
"""Checkouts that are opened and abandoned."""
LIFETIME, LATE = timedelta(hours=1), timedelta(days=9)
RAIL = Rail.NOWPAYMENTS


class Shelf(Checkouts):
    """Checkouts of one rail, by the time of their next look."""

    def __init__(self) -> None:
        self._due: list[tuple[datetime, OrderId, OpenCheckout]] = []

    def put(self, checkout: OpenCheckout) -> None:
        insort(self._due, (checkout.look_at, checkout.order_id, checkout))

    async def checkouts(
        self, rails: Collection[Rail], *, now: datetime, limit: int
    ) -> tuple[OpenCheckout, ...]:
        due = self._due[: min(limit, self._behind(now))]
        return tuple(checkout for _, _, checkout in due) if RAIL in rails else ()

    async def next_look(self, *, after: datetime | None = None) -> datetime | None:
        place = 0 if after is None else self._behind(after)
        return self._due[place][0] if place < len(self._due) else None

    async def looked(
        self, *checkouts: OpenCheckout, again_at: datetime | None, answered: bool = True
    ) -> None:
        for each in checkouts:
            del self._due[bisect_left(self._due, (each.look_at, each.order_id, each))]
            if again_at is not None:
                self.put(replace(each, look_at=again_at, looks=each.looks + answered))

    def _behind(self, at: datetime) -> int:
        return bisect_right(self._due, at, key=itemgetter(0))


def opened(number: int, at: datetime) -> OpenCheckout:
    """A checkout that is opened then."""
    return OpenCheckout(
        order_id=OrderId(f"{number:032x}"),
        rail=RAIL,
        checkout_id=str(number),
        state=State.WAITING,
        expires_at=at + LIFETIME,
        looks=0,
        look_at=at + timedelta(seconds=LOOK_FIRST_SECONDS),
    )


def fill(shelf: Shelf) -> int:
    """What is left at noon of all that was opened in the days before; how many were opened."""
    course = [opened(0, NOON)]  # of each, look by look: all are looked at after the same times
    while at := again_at(course[-1], now=course[-1].look_at, jitter=1.1):
        course.append(replace(course[-1], look_at=at, looks=course[-1].looks + 1))
    ages = [checkout.look_at - NOON for checkout in course]
    opened_before = int(LATE.days * A_DAY)
    for number in range(opened_before):
        age = LATE * ((number + 1) / opened_before)
        looks = bisect_left(ages, age)
        if looks < len(ages):
            look_at = NOON - age + ages[looks]
            shelf.put(replace(opened(number, NOON - age), look_at=look_at, looks=looks))
    return opened_before


async def test_5000_abandoned_checkouts_a_day_are_looked_at_in_time_by_the_slowest_rail() -> None:
    """All of them on the rail that takes one look a second; after it was away, it catches up."""
    away_seconds, hours = 1_200.0, 2.5
    world, shelf, provider, reports = VirtualWorld(epoch=NOON), Shelf(), Provider(), Probe()
    provider.look_limits = LookLimits(at_a_time=1, pace_seconds=1.0)
    provider.slow_seconds = 0.3
    number = fill(shelf)
    till = Till(rail=RAIL, checkout=provider, currencies=(USD,))
    provider.failure = Unavailable("503")
    async with running(world=world) as system:
        system.events.subscribe(operations.Reported, reports)
        system.spawn(lambda: Reconciler(store=shelf, tills={RAIL: till}, tracker=Probe()))
        for _ in range(int(hours * A_DAY / 24)):
            shelf.put(opened(number, world.now()))
            number += 1
            if trio.current_time() > away_seconds:
                provider.failure = None
            await trio.sleep(86_400 / A_DAY)
    late = [report.measurements[0].value for report in reports.told]
    assert 0.4 < len(provider.looked) / (hours * 3_600) < 0.9
    assert max(late) < away_seconds + 2 * PAGE_MAX + PAUSE_MAX_SECONDS
    assert max(late[-len(late) // 4 :]) < 2 * PAGE_MAX
