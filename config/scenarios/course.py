"""The course of a scenario: a crowd comes to a shop, weather passes, all heals and is judged.

A scenario says what is its own: who comes, what goes wrong meanwhile, what more must hold.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import (
    REST_SECONDS,
    SETTLE_SECONDS,
    Guest,
    check,
    check_calm,
    check_the_end,
    served,
)
from config.scenarios.watch import watch_health


def crowd_of(
    shop: SimulatedShop, temper: Callable[[Random], Temper], *, people: int
) -> tuple[Person, ...]:
    """So many people, each with a temper that the seed draws."""
    luck = shop.sim.luck("people")
    return tuple(Person(shop, number, temper(luck)) for number in range(1, people + 1))


async def course(
    shop: SimulatedShop,
    crowd: Sequence[Guest],
    weather: Callable[[SimulatedShop], Awaitable[None]],
    *,
    until: float = 0.0,
    settle_seconds: float = SETTLE_SECONDS,
    checks: Sequence[Callable[[SimulatedShop], None]] = (),
) -> None:
    """Live through it all: `weather` ends the trouble by returning, what is left of it is healed.

    Then everybody is served, within `settle_seconds`, and the shop rests, until the virtual
    second `until` at least. The `checks` are what this scenario asks for besides what every shop
    has to stand.
    """
    async with shop.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_health, shop)
            for person in crowd:
                nursery.start_soon(person.live, name=f"person {person.user.id}")
            await weather(shop)
            shop.heal()
            await served(shop.sim, crowd, within=settle_seconds)
            await shop.still()
            await trio.sleep_until(max(until, trio.current_time() + REST_SECONDS))
            await served(shop.sim, crowd, within=settle_seconds)  # some have paid meanwhile
            nursery.cancel_scope.cancel()  # who has not paid by now waits no longer
        await check_calm(shop)
        await check(shop, crowd)
        for extra in checks:
            extra(shop)
    check_the_end(shop)
