"""Reports and payments: which fact is the newer one, and what is left of the money."""

from __future__ import annotations

from dataclasses import replace

from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.ids import PaymentId
from actors.kernel.money import Money


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


PAYMENT = Payment(
    rail=Rail.STRIPE,
    payment_id=PaymentId("pi_1"),
    standing=Standing.PAID,
    received=usd("10"),
    refunded=usd("0"),
    disputed=usd("0"),
    reinstated=usd("0"),
    fee=None,
    live=True,
    order_id=None,
    chat_id=None,
    parent=None,
    version=3,
)


def test_of_any_two_standings_one_is_the_newer() -> None:
    assert len({standing.rank for standing in Standing}) == len(Standing)


def test_money_that_came_late_is_newer_than_an_expiry() -> None:
    ranked = sorted(Standing, key=lambda standing: standing.rank)
    assert ranked == [
        Standing.WAITING,
        Standing.PROCESSING,
        Standing.EXPIRED,
        Standing.PARTIAL,
        Standing.FAILED,
        Standing.PAID,
        Standing.REFUNDED,
        Standing.DISPUTED,
        Standing.REINSTATED,
    ]


def test_only_news_has_to_be_recorded() -> None:
    assert not PAYMENT.unrecorded
    assert replace(PAYMENT, news_version=2, recorded_version=1).unrecorded
    assert not replace(PAYMENT, news_version=2, recorded_version=2).unrecorded
