"""People buy at Stripe's page and by Stars while everything fails; and one sale of each, in calm.

In `purchase` Stripe's webhooks come twice, late, in another order or not at first, Telegram,
Stripe and the database are away, and the bot is killed, also between a webhook and the goods.
Then all heals, and what providers took, what was granted and what is booked must be the same.
`sale` is small enough to be killed at every single step.
"""

from __future__ import annotations

import random

import trio

from actors.kernel.charges import Rail
from config.scenarios import SCENARIOS
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Manner, Wish
from config.scenarios.course import course
from config.scenarios.market import Market
from config.scenarios.market_weather import EVERYTHING
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check, check_the_end, served
from config.scenarios.weather import bad_weather
from runtime.testing.simulation import Simulation

STORMY_SECONDS = 1200.0
LOST_ANSWERS = 0.005
"""Of the database's acknowledgements."""
REFUSALS = 0.005
"""Of the requests to it."""
SETTLE_SECONDS = 2 * 3600.0
"""A rail that did not answer for long is asked again after half an hour (`reconciler`)."""
QUIET_SECONDS = 120.0
"""Time in which something would be granted twice."""
SOLD_ON = (Rail.STRIPE, Rail.STARS)
MANNERS = {
    Rail.STRIPE: (
        Manner.PROMPTLY,
        Manner.REFUSED_FIRST,
        Manner.DELAYED,
        Manner.CANCELS_FIRST,
    ),
    Rail.STARS: (Manner.PROMPTLY, Manner.CANCELS_FIRST),
}
OK = 200
NEVER_PAYS = 0.1
"""Share of the people."""


async def purchase(sim: Simulation) -> None:
    """Twenty minutes of bad weather; `people` and `seconds` between faults can be set."""
    known = SCENARIOS["purchase"]
    market, luck = Market(sim), sim.luck("people")
    people = range(1, known.size("people", sim) + 1)
    crowd = [Buyer(market, number, _wish(luck, number)) for number in people]

    async def weather(_: SimulatedShop) -> None:
        market.lost_answers, market.refusals = LOST_ANSWERS, REFUSALS
        with trio.move_on_after(STORMY_SECONDS):
            await bad_weather(market, EVERYTHING, mean_seconds=known.size("seconds", sim))

    await course(
        market,
        crowd,
        weather,
        settle_seconds=SETTLE_SECONDS,
        checks=(lambda _: _remember(market), lambda _: check_books(market)),
    )


async def sale(sim: Simulation) -> None:
    """One buyer at Stripe's page and one by Stars; undisturbed, but for the crashes of the plan."""
    await sell(Market(sim))


async def sell(market: Market) -> None:
    """The sale, in a market that a test may have changed."""
    crowd = [Buyer(market, number, Wish(rail=rail)) for number, rail in enumerate(SOLD_ON, 1)]
    if not market.sim.plan.crashes:
        market.strict()
    async with market.open():
        async with trio.open_nursery() as nursery:
            for buyer in crowd:
                nursery.start_soon(buyer.live)
            await served(market.sim, crowd, within=SETTLE_SECONDS)
        await market.still()
        await trio.sleep(QUIET_SECONDS)
        await check(market, crowd)
        check_books(market)
    check_the_end(market)


def _wish(luck: random.Random, number: int) -> Wish:
    """Every other one pays at Stripe's page."""
    rail = SOLD_ON[number % 2]
    manner = luck.choice(MANNERS[rail])
    return Wish(
        rail=rail,
        manner=Manner.NEVER if luck.random() < NEVER_PAYS else manner,
        comes_after=luck.random() * STORMY_SECONDS * 0.9,
        thinks_for=luck.choice((0.0, 1.0, 30.0, 120.0)),
        takes_for=luck.uniform(1.0, 600.0),
        taps=luck.choice((1, 1, 2, 3)),
    )


def _remember(market: Market) -> None:
    """What happened to the webhooks of this run."""
    for sending in market.stripe.deliveries.sendings:
        accepted = [each for each in sending.attempts if each.status == OK]
        if len(accepted) > 1:
            market.sim.sometimes("a webhook was delivered twice")
        if accepted and sending.attempts[0].status is None:
            market.sim.sometimes("a webhook came while nobody took it")
