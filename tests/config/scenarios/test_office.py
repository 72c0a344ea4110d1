"""Administrators hear of each payment once, and of nothing else."""

from __future__ import annotations

import trio

from actors.kernel.charges import Rail
from config.scenarios.buyers import Buyer, Wish
from config.scenarios.market import Market
from config.scenarios.office import ADMIN_CHAT_ID
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation


@simulation(seeds=1)
async def test_a_notice_that_was_told_twice_or_never_is_found(sim: Simulation) -> None:
    market = Market(sim)
    async with market.open():
        await Buyer(market, 1, Wish(rail=Rail.STARS)).live()
        await trio.sleep(30)
        assert list(market.office.faults()) == []
        shown = market.telegram.world.chats[ADMIN_CHAT_ID].messages
        ((message_id, notice),) = shown.items()
        shown[message_id + 1] = notice
        assert "was told 2 times, and its notice is sent" in next(market.office.faults())
        shown.clear()
        assert "was told 0 times, and its notice is sent" in next(market.office.faults())
        ((key, row),) = market.tables.notices.items()
        row.state = "unknown"
        assert market.office.missed
        assert list(market.office.faults()) == []
        del market.tables.notices[key]
        assert "its notice is None" in next(market.office.faults())


@simulation(seeds=1)
async def test_only_payments_that_are_booked_are_told(sim: Simulation) -> None:
    odd = Market(sim).telegram.offices[ADMIN_CHAT_ID]

    assert "administrators see" in odd("charge <code>pi_1</code>")
    assert "administrators see" in odd("<b>Payment received</b>")
