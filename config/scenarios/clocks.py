"""The bot's wall clock is wrong for minutes at a time, while forms, orders and invoices are open.

It is more than an hour ahead or ten minutes behind the clocks of everybody else, until it is
corrected, and now and then everything stands still, as a machine that was suspended. Nothing that
has a time of its own may end before that time because a clock was set *back*; what ends because it
was ahead is begun anew. A webhook whose signature looks too old or too new then is refused in a
way that makes its sender repeat it, and is accepted once the clock is right.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from random import Random

import trio

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId
from actors.payments.orders import Order, State
from config.rails import CHECKOUT_SECONDS
from config.scenarios import SCENARIOS
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Manner, Wish
from config.scenarios.course import course, crowd_of
from config.scenarios.market import RETRIES_SECONDS, Market
from config.scenarios.people import Temper
from config.scenarios.shop import BOT, SimulatedShop
from config.scenarios.verdict import SETTLE_SECONDS, Guest
from config.scenarios.weather import bad_weather
from runtime.testing.simulation import PropertyError, Simulation

STORMY_SECONDS = 2 * 3600.0
AHEAD_SECONDS, BEHIND_SECONDS = (3600.0, 4800.0), 600.0
"""Ahead by more than a form lasts, and mostly by more than an order does with its overtime."""
WRONG_SECONDS = (5.0, 300.0)
"""How long it stays wrong each time."""
STALLED_SECONDS = (30.0, 900.0)
WEATHER_SECONDS = 600.0
REFUSED = 400
RAILS = (Rail.STRIPE, Rail.STARS, Rail.YOOKASSA, Rail.NOWPAYMENTS)


async def clocks(sim: Simulation) -> None:
    """People register and buy for two hours; `people` of each kind can be set."""
    market = patient_market(sim)
    watch = Watch(market)
    people = SCENARIOS["clocks"].size("people", sim)
    luck = sim.luck("buyers")
    buyers = [Buyer(market, number, _wish(luck, number)) for number in range(1, people + 1)]
    guests: list[Guest] = [*buyers, *crowd_of(market, _temper, people=people)]

    async def weather(_: SimulatedShop) -> None:
        kinds = (watch.ahead, watch.behind, _stalls)
        with trio.move_on_after(STORMY_SECONDS):
            await bad_weather(market, kinds, mean_seconds=WEATHER_SECONDS)
        watch.set(0.0)

    await course(
        market,
        guests,
        weather,
        # What was to be tried again in a minute by a clock that was ahead, waits for the hour.
        settle_seconds=max(AHEAD_SECONDS) + SETTLE_SECONDS,
        checks=(lambda _: check_books(market), lambda _: watch.check()),
    )


def patient_market(sim: Simulation) -> Market:
    """A clock may be wrong again at each repetition of a webhook: as real providers, these go on
    for longer than that lasts.
    """
    return Market(sim, retries_seconds=(*RETRIES_SECONDS, STORMY_SECONDS))


class Watch:
    """Sets the bot's clock, and sees whose time was cut short by that."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._wrong_by = 0.0
        self._ahead_until = float("-inf")
        self._born: dict[OrderId, float] = {}
        self._before: Callable[[Order], object] = market.tables.ordered
        market.tables.ordered = self._ordered

    async def ahead(self, market: Market, luck: Random) -> None:
        """More than an hour ahead, for a while."""
        market.sim.sometimes("the clock was ahead")
        market.ran_ahead = True
        await self._wrong(luck.uniform(*AHEAD_SECONDS), luck)

    async def behind(self, market: Market, luck: Random) -> None:
        """Ten minutes behind, for a while."""
        market.sim.sometimes("the clock was behind")
        await self._wrong(-BEHIND_SECONDS, luck)

    def check(self) -> None:
        """Whoever was refused because of a clock was accepted later."""
        for sending in self._market.stripe.deliveries.sendings:
            if any(attempt.status == REFUSED for attempt in sending.attempts):
                self._market.sim.sometimes("a webhook was refused and accepted later")
                if not sending.delivered:
                    raise PropertyError(f"webhook {sending.name} was refused for good")

    async def _wrong(self, seconds: float, luck: Random) -> None:
        self.set(seconds)
        await trio.sleep(luck.uniform(*WRONG_SECONDS))
        self.set(0.0)

    def set(self, seconds: float) -> None:
        """The clock is wrong by so much from now on."""
        if self._wrong_by > 0:
            self._ahead_until = trio.current_time()
        self._market.sim.shift(seconds - self._wrong_by, host=BOT)
        self._wrong_by = seconds

    def _ordered(self, order: Order) -> None:
        self._before(order)
        now = trio.current_time()
        born = self._born.setdefault(order.order_id, now)
        was_ahead = self._wrong_by > 0 or self._ahead_until >= born
        early = now - born < CHECKOUT_SECONDS - BEHIND_SECONDS
        if order.state is State.EXPIRED and early and not was_ahead:
            self._market.wrong(f"order {order.order_id} expired after {now - born:.0f} s")


async def _stalls(market: Market, luck: Random) -> None:
    """Everything stands still, as after a suspension, and nobody can be answered."""
    market.sim.sometimes("everything stood still")
    with market.hindrance():
        market.stalled_at = trio.current_time()
        market.sim.stall(luck.uniform(*STALLED_SECONDS))
        market.disturbed()
        await trio.lowlevel.checkpoint()


def _wish(luck: random.Random, number: int) -> Wish:
    rail = RAILS[number % len(RAILS)]
    slow = rail in {Rail.STRIPE, Rail.NOWPAYMENTS} and luck.random() < 1 / 2
    return Wish(
        rail=rail,
        manner=Manner.DELAYED if slow else Manner.PROMPTLY,
        comes_after=luck.random() * STORMY_SECONDS * 0.9,
        thinks_for=luck.choice((1.0, 60.0, 600.0)),
        takes_for=luck.uniform(1.0, 1200.0),
    )


def _temper(luck: random.Random) -> Temper:
    return Temper(
        comes_after=luck.random() * STORMY_SECONDS * 0.9,
        thinks_for=luck.choice((1.0, 60.0, 600.0)),
        pays_after=luck.uniform(-1.0, 600.0),
    )
