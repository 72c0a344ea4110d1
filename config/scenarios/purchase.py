"""People buy on every rail while everything fails; and one sale on each, in calm.

In `purchase` webhooks come twice, late, in another order or not at first, Telegram, providers
and the database are away, and the bot is killed, also between a webhook and the goods. Some have
their money back, from the owner or through their bank. Then all heals, and what providers took
and gave back, what was granted, what administrators were told and what is booked must be the same.
`sale` is small enough to be killed at every single step, and `returns` is the same for money that
goes back.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import trio

from actors.kernel.charges import Rail
from config.scenarios import SCENARIOS
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Manner, Regret, Wish
from config.scenarios.course import course
from config.scenarios.market import Market
from config.scenarios.market_weather import EVERYTHING
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check, check_the_end, served
from config.scenarios.weather import bad_weather
from runtime.testing.simulation import PropertyError, Simulation

STORMY_SECONDS = 1200.0
LOST_ANSWERS = 0.005
"""Of the database's acknowledgements."""
REFUSALS = 0.005
"""Of the requests to it."""
SETTLE_SECONDS = 2 * 3600.0
"""A rail that did not answer for long is asked again after half an hour (`reconciler`)."""
GOODS_SECONDS = 15.0
"""In calm weather everybody has what he paid for within this time, a question in between."""
QUIET_SECONDS = 120.0
"""Time in which something would be granted twice."""
SOLD_ON = (Rail.STRIPE, Rail.STARS, Rail.YOOKASSA, Rail.NOWPAYMENTS)
MANNERS = {
    Rail.STRIPE: (
        Manner.PROMPTLY,
        Manner.REFUSED_FIRST,
        Manner.DELAYED,
        Manner.CANCELS_FIRST,
    ),
    Rail.STARS: (Manner.PROMPTLY, Manner.CANCELS_FIRST),
    Rail.YOOKASSA: (Manner.PROMPTLY, Manner.CANCELS_FIRST),
    Rail.NOWPAYMENTS: (Manner.PROMPTLY, Manner.DELAYED, Manner.CANCELS_FIRST),
}
REGRETS = (Regret.AT_ONCE, Regret.REFUNDED)
BANKS = (Regret.DISPUTED, Regret.REINSTATED)
"""What only a card's bank does."""
REGRETS_SHARE = 0.3
"""Of those who pay."""
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
    """One buyer on each rail, one of whom pays late; undisturbed, but for the plan's crashes."""
    late = Wish(rail=Rail.YOOKASSA, manner=Manner.CANCELS_FIRST)
    others = [Wish(rail=rail) for rail in SOLD_ON if rail is not late.rail]
    await sell(Market(sim), [late, *others])


async def returns(sim: Simulation) -> None:
    """The same, and each gets his money back, at once or later, or his bank decides about it."""
    wishes = [
        Wish(rail=rail, regret=regret)
        for rail in SOLD_ON
        for regret in (*REGRETS, *(BANKS if rail is Rail.STRIPE else ()))
    ]
    await sell(Market(sim), wishes)


async def sell(market: Market, wishes: Sequence[Wish]) -> None:
    """Serve who wishes that, in a market that a test may have changed."""
    crowd = [Buyer(market, number, wish) for number, wish in enumerate(wishes, 1)]
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
        if not market.sim.plan.crashes:
            _check_promptness(crowd)
    check_the_end(market)


def _check_promptness(crowd: Sequence[Buyer]) -> None:
    """Where nothing goes wrong nobody waits for what is only tried again."""
    for buyer in crowd:
        if buyer.paid_at is not None and buyer.got_at is not None:
            waited = buyer.got_at - buyer.paid_at
            if waited > GOODS_SECONDS:
                raise PropertyError(f"{buyer.name} waited {waited:.1f} s for his goods")


def _wish(luck: random.Random, number: int) -> Wish:
    """The rails take turns."""
    rail = SOLD_ON[number % len(SOLD_ON)]
    manner = luck.choice(MANNERS[rail])
    regrets = (*REGRETS, *BANKS) if rail is Rail.STRIPE else REGRETS
    regret = luck.choice(regrets) if luck.random() < REGRETS_SHARE else Regret.NONE
    return Wish(
        regret=regret,
        rail=rail,
        manner=Manner.NEVER if luck.random() < NEVER_PAYS else manner,
        comes_after=luck.random() * STORMY_SECONDS * 0.9,
        thinks_for=luck.choice((0.0, 1.0, 30.0, 120.0)),
        takes_for=luck.uniform(1.0, 600.0),
        taps=luck.choice((1, 1, 2, 3)),
    )


def _remember(market: Market) -> None:
    """What happened to the webhooks of this run."""
    for sending in (sending for each in market.deliveries for sending in each.sendings):
        accepted = [each for each in sending.attempts if each.status == OK]
        if len(accepted) > 1:
            market.sim.sometimes("a webhook was delivered twice")
        if accepted and sending.attempts[0].status is None:
            market.sim.sometimes("a webhook came while nobody took it")
