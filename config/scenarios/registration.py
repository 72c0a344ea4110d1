"""One person registers, pays and is told: small enough to be killed at every single step."""

from __future__ import annotations

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check, check_calm, check_promptness, check_the_end, told
from runtime.testing.simulation import PropertyError, Simulation

PAYS_AFTER_SECONDS = 5.0
QUIET_SECONDS = 120.0
"""Time in which a second telling would come."""


async def registration(sim: Simulation) -> None:
    """Undisturbed, but for the crashes that the plan asks for."""
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper(pays_after=PAYS_AFTER_SECONDS, asks=1))
    if not sim.plan.crashes:
        shop.strict()
    async with shop.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.live)
            await told(sim, person)
        await trio.sleep(QUIET_SECONDS)
        if not sim.plan.crashes:
            check_promptness(person)
            if len(person.user.screen().shown) > 1:
                raise PropertyError(f"more than one panel:\n{person.user.screen()}")
            if not all(pressed.answered for pressed in person.user.callbacks):
                raise PropertyError("a button that was pressed spins until it gives up")
            await check_calm(shop)
        await check(shop, [person])
    check_the_end(shop)
