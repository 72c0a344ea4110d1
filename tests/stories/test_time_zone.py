"""TIME_ZONE reaches whoever is told a time; the whole shop in memory, on the sandbox."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

from actors.kernel.ids import ChatId
from tests.config.staged import staged


async def test_a_buyer_is_told_times_by_the_clocks_of_the_shop(tmp_path: Path) -> None:
    async with staged(tmp_path, TIME_ZONE="Asia/Kolkata") as (stage, _):
        buyer = stage.world.telegram.user(42, "Ada", language_code="en")
        buyer.commands("/buy")
        await buyer.sees("What would you like to buy?")
        buyer.presses("Notes on the Engine")
        await buyer.sees("How would you like to pay?")
        buyer.presses("100 XTR, Telegram Stars")
        panel = await buyer.sees("Please pay by 2026-")
        assert " UTC+5:30. This message" in panel.text

        await buyer.pays(panel.inline_keyboard[0][0]["url"])

        receipt = await buyer.sees("Receipt")
        assert " UTC+5:30, order" in receipt.text
        [order] = await stage.shop.store.orders.recent(ChatId(42), limit=1)
        assert order.paid_at is not None
        assert order.paid_at.tzinfo is UTC  # what is stored keeps to it
