"""Stars go back in one piece, and once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, PaymentId
from actors.kernel.money import Money
from actors.payments.deeds import Refund
from actors.payments.ports import Declined, GivenBack
from adapters.telegram.payments import TelegramCheckout
from adapters.telegram.refunds import StarRefunds
from tests.adapters.sandbox.calls import NOON
from tests.adapters.telegram.test_payments import ORDER, bot_to, link_of, pay, world

STARS = Money.of("100", "XTR")
REFUND = Refund(
    rail=Rail.STARS,
    payment_id=PaymentId("no such charge"),
    order_id=ORDER,
    chat_id=ChatId(7),
    received=STARS,
    total=STARS,
    amount=STARS,
    wanted_at=NOON,
    due_at=NOON,
)


async def test_told_twice_it_goes_back_once_and_the_list_says_so() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        checkout, refunds = TelegramCheckout(bot, live=True), StarRefunds(bot)
        charge = await pay(sandbox, bot, await link_of(checkout))
        refund = replace(REFUND, payment_id=PaymentId(charge))
        for _ in range(2):
            assert await refunds.give_back(refund) == GivenBack()
        (report,) = await checkout.look(ORDER)
    assert report.refunded == STARS


async def test_a_charge_that_telegram_does_not_know_is_declined_in_its_words() -> None:
    async with bot_to(world()) as bot:
        outcome = await StarRefunds(bot).give_back(REFUND)
    assert isinstance(outcome, Declined)
    assert "charge_id_invalid" in outcome.detail.lower()


async def test_a_part_is_never_asked_for() -> None:
    sandbox = world()
    async with bot_to(sandbox) as bot:
        checkout = TelegramCheckout(bot, live=True)
        charge = await pay(sandbox, bot, await link_of(checkout))
        half = Money.of("50", "XTR")
        part = replace(REFUND, payment_id=PaymentId(charge), amount=half)
        outcome = await StarRefunds(bot).give_back(part)
        (report,) = await checkout.look(ORDER)
    assert isinstance(outcome, Declined)
    assert report.refunded is None


@pytest.mark.parametrize("status", [429, 500, 502])
async def test_when_telegram_is_away_the_outcome_is_unknown(status: int) -> None:
    sandbox = world()
    sandbox.fail_next(2, status, "Sandbox")
    async with bot_to(sandbox) as bot:
        with pytest.raises(Unavailable):
            await StarRefunds(bot).give_back(REFUND)
