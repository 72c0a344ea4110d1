"""A wrong clock ends nothing early, and a webhook that it refuses is accepted later."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio

from actors.payments.orders import State
from config.scenarios.clocks import (
    BEHIND_SECONDS,
    STORMY_SECONDS,
    Watch,
    patient_market,
)
from config.scenarios.market import Market
from runtime.testing import PropertyError, Simulation
from runtime.testing.pytest_plugin import simulation
from tests.actors.payments.orders import order


@simulation(seeds=1)
async def test_an_order_that_a_clock_cuts_short_is_seen_unless_it_was_ahead(
    sim: Simulation,
) -> None:
    market = Market(sim)
    watch = Watch(market)
    waits = order(State.WAITING)
    market.tables.put_order(waits, saved_by=None)
    sim.shift(-BEHIND_SECONDS, host="bot")
    await trio.sleep(60)
    market.tables.put_order(replace(waits, state=State.EXPIRED), saved_by=None)
    assert "expired after 60 s" in market.wrongs.pop()
    watch.set(10.0)
    market.tables.put_order(replace(waits, state=State.EXPIRED), saved_by=None)
    watch.set(0.0)
    market.tables.put_order(replace(waits, state=State.EXPIRED), saved_by=None)
    assert market.wrongs == []


@simulation(seeds=1)
async def test_a_webhook_that_was_refused_for_good_is_seen(sim: Simulation) -> None:
    market = Market(sim)
    watch = Watch(market)
    market.stripe.sandbox.webhooks_to("http://bot:80/webhooks/stripe", secrets=["whsec_other"])
    async with market.open():
        await trio.sleep(10)
        market.stripe.sandbox.events.emit("charge.refunded", {"id": "ch_1", "object": "charge"})
        await market.still()

    with pytest.raises(PropertyError, match="was refused for good"):
        watch.check()


@simulation(seeds=1)
async def test_a_webhook_comes_once_more_when_the_clock_is_right_for_good(sim: Simulation) -> None:
    """It may have been wrong again at each repetition before."""
    stripe = patient_market(sim).stripe
    async with stripe.deliveries:
        stripe.sandbox.events.emit("charge.refunded", {"id": "ch_1", "object": "charge"})
        await stripe.deliveries.settled()

    (sending,) = stripe.deliveries.sendings
    assert sending.attempts[-1].at_seconds > STORMY_SECONDS
