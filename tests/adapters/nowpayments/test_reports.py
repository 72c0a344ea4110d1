"""Coins become money of the price's currency, exactly, and nothing is believed that is not told."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money
from actors.kernel.strict_json import load_object
from adapters.nowpayments.reports import DUST_SHARE, STANDINGS, Reader, Unreadable, moment
from tests.adapters.nowpayments.vectors import FINISHED

READER = Reader(live=True)
USD = "USD"


def payment(**changes: object) -> dict[str, Any]:
    """The finished payment of the contract: 5 USD, 165.652609 TRX."""
    return load_object(FINISHED.encode()) | changes


def read(**changes: object) -> PaymentReport:
    report = READER.report(payment(**changes))
    assert report is not None
    return report


def test_a_finished_payment_has_paid_the_price() -> None:
    assert read() == PaymentReport(
        rail=Rail.NOWPAYMENTS,
        payment_id=PaymentId("5524759814"),
        standing=Standing.PAID,
        amount=Money.of("5", USD),
        live=True,
        order_id=OrderId("order-42"),
        fee=Money.of("0.018066011", USD),  # 0.59853637216235617 TRX, at 165.652609 for 5
    )


@pytest.mark.parametrize(("status", "standing"), STANDINGS.items())
def test_every_status_has_its_standing(status: str, standing: Standing) -> None:
    assert read(payment_status=status).standing is standing


def test_a_failed_payment_tells_of_the_coins_that_are_in_it() -> None:
    nothing = read(payment_status="failed", actually_paid=0)
    assert (nothing.amount, nothing.fee) == (Money.of("0", USD), None)
    assert read(payment_status="failed", actually_paid=None).amount == Money.of("0", USD)
    coins = read(payment_status="failed")
    assert (coins.standing, coins.amount) == (Standing.FAILED, Money.of("5", USD))


def test_the_path_of_a_payment_only_climbs() -> None:
    path = ["waiting", "confirming", "confirmed", "sending", "finished", "refunded"]
    ranks = [read(payment_status=status).standing.rank for status in path]
    assert ranks == sorted(ranks)
    assert read(payment_status="expired").standing.rank < read().standing.rank
    partly, failed = (read(payment_status=word) for word in ("partially_paid", "failed"))
    assert partly.standing.rank < failed.standing.rank < read().standing.rank


@pytest.mark.parametrize("status", ["", "on_hold", None, 7, "FINISHED"])
def test_a_status_nobody_knows_says_nothing(status: object) -> None:
    assert READER.report(payment(payment_status=status)) is None


@pytest.mark.parametrize("status", ["waiting", "confirming", "confirmed", "sending", "expired"])
def test_coins_that_may_still_vanish_are_no_money(status: str) -> None:
    report = read(payment_status=status)
    assert report.amount == Money.of("0", USD)
    assert report.fee is None
    assert read(payment_status=status, actually_paid=None, pay_amount=None).amount == report.amount


@pytest.mark.parametrize(
    ("paid", "amount"),
    [
        ("165.652609", "5"),
        ("165.652610", "5"),  # dust more
        ("165.49", "5"),  # 0.098 % less
        ("165.48", "4.994790030"),  # 0.104 % less
        ("82.8263045", "2.5"),
        ("331.305218", "10"),
        ("0.000001", "0.000000030"),
        ("0", "0"),
    ],
)
def test_less_or_more_coins_are_less_or_more_money(paid: str, amount: str) -> None:
    for status in ("finished", "partially_paid"):
        report = read(payment_status=status, actually_paid=Decimal(paid))
        assert report.amount == Money.of(amount, USD)


@given(
    price=st.decimals(Decimal("0.01"), Decimal(10**9), places=2),
    asked=st.decimals(Decimal("0.00000001"), Decimal(10**9), places=8),
    share=st.decimals(0, 3, places=6),
)
def test_nobody_is_credited_more_than_he_paid_for(
    price: Decimal, asked: Decimal, share: Decimal
) -> None:
    paid = (asked * share).quantize(Decimal("1e-18"))
    amount = read(price_amount=price, pay_amount=asked, actually_paid=paid).amount
    if abs(paid - asked) <= asked * DUST_SHARE:
        assert amount == Money.of(price, USD)
    else:
        assert 0 <= price * paid / asked - amount.amount < Decimal("1.0001e-9")


def test_what_went_back_is_all_that_had_come() -> None:
    report = read(payment_status="refunded", actually_paid=Decimal("82.8263045"))
    assert report.standing is Standing.REFUNDED
    assert report.amount == report.refunded == Money.of("2.5", USD)


def test_a_deposit_to_an_old_address_names_its_parent() -> None:
    report = read(payment_id=99, parent_payment_id=5524759814, actually_paid=Decimal(1))
    assert (report.payment_id, report.parent) == ("99", "5524759814")
    assert report.amount == Money.of("0.030183647", USD)
    assert [read(parent_payment_id=none).parent for none in (None, "", 0)] == [None] * 3


def test_an_id_is_the_same_as_a_number_and_as_a_text() -> None:
    assert read(payment_id="5524759814") == read(payment_id=5524759814)
    assert read(price_amount="5.00", actually_paid="165.652609") == read()
    assert read(order_id=42).order_id == "42"
    assert [read(order_id=none).order_id for none in (None, "")] == [None, None]


def test_another_price_is_another_amount() -> None:
    assert read(price_amount=4).amount == Money.of("4", USD)
    assert read(price_currency="eur").amount == Money.of("5", "EUR")


def test_a_shop_that_takes_one_coin_takes_no_other() -> None:
    reader = Reader(live=False, pay_currency="TRX")
    report = reader.report(payment())
    assert report is not None
    assert not report.live
    with pytest.raises(Unreadable, match="another coin"):
        reader.report(payment(pay_currency="usdttrc20"))


@pytest.mark.parametrize(
    ("fee", "told"),
    [
        (None, None),
        ("0.5", None),
        ({"currency": "btc", "depositFee": Decimal("0.1")}, None),
        ({"currency": "trx", "serviceFee": 0}, "0"),
        ({"currency": "btc"}, "0"),
        ({"currency": "TRX", "serviceFee": "33.1305218"}, "1"),
    ],
)
def test_a_fee_is_told_where_there_is_a_rate_for_it(fee: object, told: str | None) -> None:
    assert read(fee=fee).fee == (None if told is None else Money.of(told, USD))


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_id": None},
        {"payment_id": True},
        {"payment_id": Decimal("5524759814.0")},
        {"payment_id": "5 or 6"},
        {"payment_id": 2**53},
        {"parent_payment_id": "\x00"},
        {"order_id": "a b"},
        {"order_id": "x" * 65},
        {"order_id": {"$ne": 1}},
        {"price_amount": None},
        {"price_amount": 0},
        {"price_amount": -5},
        {"price_amount": "5 USD"},
        {"price_amount": Decimal("NaN")},
        {"price_amount": Decimal("0.0000000001")},
        {"price_currency": None},
        {"price_currency": "u$d"},
        {"pay_currency": ""},
        {"pay_amount": None},
        {"pay_amount": 0},
        {"pay_amount": True},
        {"actually_paid": None},
        {"actually_paid": Decimal(-1)},
        {"actually_paid": Decimal("1e60")},
        {"fee": {"currency": "trx", "serviceFee": "much"}},
    ],
)
def test_what_nowpayments_never_says_is_not_guessed(changes: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        READER.report(payment(**changes))


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("2026-11-20T10:51:18.139Z", datetime(2026, 11, 20, 10, 51, 18, 139000, UTC)),
        ("2026-11-20T13:51:18+03:00", datetime(2026, 11, 20, 10, 51, 18, tzinfo=UTC)),
        ("2026-11-20T10:51:18", datetime(2026, 11, 20, 10, 51, 18, tzinfo=UTC)),
        (1_763_635_878_500, datetime(2025, 11, 20, 10, 51, 18, 500000, UTC)),
        (10**30, None),
        (True, None),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (None, None),
    ],
)
def test_the_time_is_told_in_several_ways_or_not_at_all(told: object, at: datetime | None) -> None:
    assert moment({"updated_at": told}) == at
    assert read(updated_at=told).at == at
