"""People buy in their manner, in calm weather; what they lack at the end is named."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.charges import Rail
from actors.payments.orders import State
from config.scenarios.books import check_books
from config.scenarios.buyers import Buyer, Manner, Regret, Wish
from config.scenarios.market import RECOVERS_SECONDS, Market
from runtime.testing import Plan, PropertyError, Simulation, simulate
from runtime.testing.pytest_plugin import simulation

CASES = (
    (Rail.STRIPE, Manner.PROMPTLY, "", State.GRANTED),
    (Rail.STRIPE, Manner.REFUSED_FIRST, "a card was refused", State.GRANTED),
    (Rail.STRIPE, Manner.DELAYED, "paid by a delayed method", State.GRANTED),
    (Rail.STRIPE, Manner.CANCELS_FIRST, "paid late", State.GRANTED),
    (Rail.STRIPE, Manner.NEVER, "", State.WAITING),
    (Rail.STARS, Manner.PROMPTLY, "", State.GRANTED),
    (Rail.YOOKASSA, Manner.CANCELS_FIRST, "paid late", State.GRANTED),
    (Rail.NOWPAYMENTS, Manner.DELAYED, "paid by a delayed method", State.GRANTED),
)


@pytest.mark.parametrize(("rail", "manner", "sometimes", "state"), CASES)
@simulation(seeds=1, twice=False)
async def test_a_buyer_comes_to_his_goods(
    sim: Simulation, rail: Rail, manner: Manner, sometimes: str, state: State
) -> None:
    market = Market(sim)
    market.strict()
    wish = Wish(rail=rail, manner=manner, thinks_for=5.0, takes_for=60.0, taps=2)
    buyer = Buyer(market, 1, wish)
    async with market.open():
        with trio.fail_after(200):
            await buyer.live()
        await market.still()
        await trio.sleep(5)

        assert buyer.faults() == []
        check_books(market)

    assert [order.state for order in buyer.orders] == [state]
    assert not sometimes or sim.reached[sometimes] == 1
    assert market.wrongs == []


@pytest.mark.parametrize(
    ("rail", "regret", "state"),
    [
        (Rail.STRIPE, Regret.AT_ONCE, State.REFUNDED),
        (Rail.STRIPE, Regret.DISPUTED, State.DISPUTED),
        (Rail.STRIPE, Regret.REINSTATED, State.GRANTED),
        (Rail.STARS, Regret.REFUNDED, State.REFUNDED),
        (Rail.YOOKASSA, Regret.AT_ONCE, State.REFUNDED),
        (Rail.NOWPAYMENTS, Regret.REFUNDED, State.REFUNDED),
    ],
)
@simulation(seeds=1, twice=False)
async def test_money_that_goes_back_is_known_and_booked(
    sim: Simulation, rail: Rail, regret: Regret, state: State
) -> None:
    market = Market(sim)
    market.strict()
    buyer = Buyer(market, 1, Wish(rail=rail, regret=regret, thinks_for=5.0))
    async with market.open():
        with trio.fail_after(200):
            await buyer.live()
        await market.still()
        await trio.sleep(5)

        assert buyer.faults() == []
        check_books(market)
    assert [order.state for order in buyer.orders] == [state]
    assert market.wrongs == []


@simulation(seeds=2, sometimes=("paid late",))
async def test_who_cancels_and_pays_at_once_is_asked_what_he_wants(sim: Simulation) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.STARS, manner=Manner.CANCELS_FIRST))
    async with market.open():
        with trio.fail_after(200):
            await buyer.live()
        await trio.sleep(5)

        assert buyer.faults() == []
        check_books(market)


@simulation(seeds=1)
async def test_who_was_not_served_is_named(sim: Simulation) -> None:
    market = Market(sim)
    buyer = Buyer(market, 1, Wish(rail=Rail.STARS))
    assert any("is still under way" in fault for fault in buyer.faults())

    buyer.under_way, buyer.paid_at = False, 1.0
    buyer.takes_goods = True
    assert len(buyer.faults()) == 2


async def _unanswered(sim: Simulation) -> None:
    market = Market(sim)
    market.telegram.fail_next(9, 502, "Bad Gateway", method="answerprecheckoutquery")
    async with market.open():
        await Buyer(market, 1, Wish(rail=Rail.STARS, comes_after=RECOVERS_SECONDS + 5)).live()


def test_a_pay_button_without_an_answer_is_wrong_in_calm_weather() -> None:
    run = simulate(_unanswered, Plan(seed=0))

    assert isinstance(run.failure, PropertyError)
    assert "pressed Pay and waited 10 s in vain" in str(run.failure)
