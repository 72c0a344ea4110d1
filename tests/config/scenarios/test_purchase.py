"""Whoever pays gets his goods, once, whatever fails; a shop that credits too early is found.

`make test` tries many more seeds, and many more steps at which to kill the bot.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import EventId
from actors.kernel.ledger import KeyReused, Transfer
from actors.tracker.settlement import Observation
from adapters.memory.database import MemoryConnection
from adapters.memory.payments import MemoryPayments
from adapters.memory.tables import Tables
from config.scenarios.buyers import Wish
from config.scenarios.market import Market
from config.scenarios.purchase import returns, sale, sell
from config.sim_log import mute
from config.store import MemoryStore
from runtime.testing import Plan, PropertyError, Simulation, check, simulate
from runtime.testing.crashes import crash_everywhere
from runtime.testing.node import Crash
from runtime.testing.pytest_plugin import simulation
from runtime.testing.twice import compare

CRASH_EVERY = 1_201


TWO = (Wish(rail=Rail.STRIPE), Wish(rail=Rail.STARS))


async def sound_sale(sim: Simulation) -> None:
    """What the careless shop sells, in one that is not."""
    await sell(Market(sim), TWO)


class CarelessPayments(MemoryPayments):
    """As `tests.stories.careless`: two transactions where there should be one, under new keys."""

    def __init__(self, connection: MemoryConnection, between: Callable[[], object]) -> None:
        super().__init__(connection)
        self._between = between

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        for transfer in seen.transfers:
            once_more = replace(transfer, key=f"{transfer.key}:{secrets.token_hex(8)}")
            await self.connection.write(partial(_post, once_more))
            self._between()
        return await super().record(replace(seen, transfers=()), event_id=event_id, at=at)


def _post(transfer: Transfer, tables: Tables) -> KeyReused | None:
    return tables.ledger.post(transfer)


class CarelessShop:
    """The sale with that mistake, and the steps of the bot at which a death would show it."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    async def sale(self, sim: Simulation) -> None:
        market = Market(sim)

        def make_store(connection: MemoryConnection) -> MemoryStore:
            store = MemoryStore(connection)
            between = lambda: self.steps.append(market.bot.steps)  # noqa: E731 - a word
            store.payments = CarelessPayments(connection, between)
            return store

        market.make_store = make_store
        await sell(market, TWO)


@simulation(seeds=1)
async def test_somebody_buys_on_each_rail_and_the_books_agree_with_the_providers(
    sim: Simulation,
) -> None:
    await sale(sim)


@simulation(seeds=1, twice=False)
async def test_money_goes_back_on_each_rail_and_the_books_agree(sim: Simulation) -> None:
    await returns(sim)


@pytest.mark.process
def test_a_seed_of_the_whole_market_is_one_run_in_every_process() -> None:
    compared = compare(
        "config.scenarios.purchase:purchase", Plan(seed=5, options={"people": 3}), warm_up=mute
    )

    assert compared.equal, compared.parted
    assert compared.digests[0] == compared.digests[1]


def test_whenever_the_bot_is_killed_everybody_gets_his_goods_once() -> None:
    runs = list(crash_everywhere(sale, Plan(seed=0), node="bot", every=CRASH_EVERY))

    assert [run.plan for run in runs if run.failure is not None] == []
    assert sum(bool(run.sometimes.get("crash of bot")) for run in runs) > len(runs) / 2


def test_a_shop_that_credits_before_it_stores_is_found() -> None:
    careless = CarelessShop()
    check(simulate(careless.sale, Plan(seed=0)))
    # After the receipts a fee is booked; it is asked for again only when the sale is long over.
    steps = tuple(careless.steps[:2])

    for step in steps:
        plan = Plan(seed=0, crashes=(Crash("bot", step + 1),))
        check(simulate(sound_sale, plan))
        found = simulate(careless.sale, plan)
        assert isinstance(found.failure, PropertyError)
        assert "booked" in str(found.failure)
    assert len(steps) == 2
