"""A shop opens invoices at a NOWPayments that behaves as the real one, and sees what is paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.kernel.charges import Standing
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments.looks import LookLimits
from actors.payments.ports import Declined, Offer, Opened
from adapters.nowpayments.checkout import NowPaymentsCheckout
from adapters.nowpayments.client import Account, NowPaymentsClient
from adapters.nowpayments.reports import Reader
from adapters.sandbox.nowpayments import API_KEY, EMAIL, PASSWORD, NowPaymentsSandbox
from adapters.sandbox.server import serve
from tests.adapters.sandbox.calls import virtual_now

ORDER = OrderId("0" * 31 + "1")
OFFER = Offer(
    order_id=ORDER,
    title="VIP access",
    description="A month",
    price=Money.of("49.90", "USD"),
    expires_at=datetime(2026, 11, 21, 13, tzinfo=UTC),
    return_url="https://shop.example/paid",
    cancel_url="https://shop.example/no",
    metadata={"telegram_id": "7"},
)
IPN_URL = "https://shop.example/webhooks/nowpayments"
OWNER = Account(email=EMAIL, password=PASSWORD)


@asynccontextmanager
async def shop(
    sandbox: NowPaymentsSandbox,
    *,
    account: Account | None = OWNER,
    api_key: str = API_KEY,
    pay_currency: str = "",
) -> AsyncIterator[NowPaymentsCheckout]:
    async with (
        serve(sandbox) as url,
        NowPaymentsClient(url=f"{url}/v1", api_key=api_key, account=account) as client,
    ):
        reader = Reader(live=False, pay_currency=pay_currency)
        yield NowPaymentsCheckout(client=client, reader=reader, ipn_url=IPN_URL)


def a_sandbox() -> NowPaymentsSandbox:
    return NowPaymentsSandbox(now=virtual_now)


async def opened(checkout: NowPaymentsCheckout, offer: Offer = OFFER) -> Opened:
    found = await checkout.open(offer)
    assert isinstance(found, Opened), found
    return found


async def test_an_invoice_carries_the_order_and_where_to_tell_of_it() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
    (invoice,) = sandbox.invoices.values()
    assert found.checkout_id == str(invoice.invoice_id)
    assert found.url == f"https://nowpayments.io/payment/?iid={invoice.invoice_id}"
    assert (invoice.price_amount, invoice.price_currency) == (Decimal("49.90"), "usd")
    assert invoice.pay_currency is None
    assert invoice.echo == {
        "order_id": ORDER,
        "order_description": "VIP access",
        "ipn_callback_url": IPN_URL,
        "success_url": "https://shop.example/paid",
        "partially_paid_url": "https://shop.example/paid",
        "cancel_url": "https://shop.example/no",
    }


async def test_a_shop_that_takes_one_coin_says_so() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox, pay_currency="USDTTRC20") as checkout:
        found = await opened(checkout)
        with pytest.raises(ValueError, match="paid in usdttrc20"):
            sandbox.choose(found.checkout_id, "btc")
        sandbox.pay(sandbox.choose(found.checkout_id, "usdttrc20"))
        (report,) = await checkout.look(found.checkout_id)
    assert report.amount == OFFER.price


async def test_what_is_paid_is_seen_in_the_price_s_currency() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        assert checkout.look_limits == LookLimits(at_a_time=1, pace_seconds=1)
        found = await opened(checkout)
        assert await checkout.look(found.checkout_id) == ()
        payment_id = sandbox.choose(found.checkout_id, "eth")
        (waiting,) = await checkout.look(found.checkout_id)
        assert waiting.standing is Standing.WAITING
        assert not waiting.amount
        sandbox.pay(payment_id)
        (paid,) = await checkout.look(found.checkout_id)
        assert await checkout.read(PaymentId(str(payment_id))) == paid
    assert paid.standing is Standing.PAID
    assert (paid.order_id, paid.amount, paid.live) == (ORDER, OFFER.price, False)
    assert paid.at is not None
    assert abs(virtual_now() - paid.at) < timedelta(seconds=1)
    assert paid.fee is not None
    assert Decimal("0.24") < paid.fee.amount < Decimal("0.25")


async def test_a_late_deposit_and_a_second_coin_are_payments_of_their_own() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
        first, second = (sandbox.choose(found.checkout_id, coin) for coin in ("trx", "btc"))
        sandbox.expire(first)
        late = sandbox.pay(first, share="0.5")
        sandbox.pay(second, share="2")
        reports = {report.payment_id: report for report in await checkout.look(found.checkout_id)}
    expired, again, doubled = (reports[PaymentId(str(i))] for i in (first, late, second))
    assert (expired.standing, expired.parent) == (Standing.EXPIRED, None)
    assert (again.standing, again.parent) == (Standing.PAID, str(first))
    assert again.amount < OFFER.price
    assert doubled.amount == Money.of("99.80", "USD")


async def test_asked_twice_there_are_two_invoices_of_one_order() -> None:
    sandbox = a_sandbox()
    sandbox.drop_next(1, kind="invoice")
    async with shop(sandbox) as checkout:
        with pytest.raises(Unavailable):
            await checkout.open(OFFER)
        second = await opened(checkout)
    assert len(sandbox.invoices) == 2
    assert {invoice.echo["order_id"] for invoice in sandbox.invoices.values()} == {ORDER}
    assert second.checkout_id == str(max(sandbox.invoices))


async def test_without_the_owner_s_password_only_known_payments_are_read() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox, account=None) as checkout:
        found = await opened(checkout)
        payment_id = sandbox.choose(found.checkout_id)
        assert checkout.look_limits is None
        assert await checkout.look(found.checkout_id) == ()
        report = await checkout.read(PaymentId(str(payment_id)))
        assert report is not None
        assert report.standing is Standing.WAITING
        assert await checkout.read(PaymentId("404")) is None
        assert await checkout.read(PaymentId("../auth?x")) is None
        sandbox.move(payment_id, "on_hold")
        assert await checkout.read(PaymentId(str(payment_id))) is None


async def test_a_refused_invoice_is_declined_with_a_reason() -> None:
    async with shop(a_sandbox(), api_key="wrong") as checkout:
        declined = await checkout.open(OFFER)
        assert isinstance(declined, Declined)
        assert "INVALID_API_KEY" in declined.detail
        assert declined.key_refused
        with pytest.raises(KeyRefused, match="INVALID_API_KEY"):
            await checkout.read(PaymentId("1"))
        with pytest.raises(Unavailable, match="INVALID_API_KEY"):
            await checkout.look("1")
    async with shop(a_sandbox()) as checkout:
        declined = await checkout.open(replace(OFFER, price=Money.of("0.10", "USD")))
        assert isinstance(declined, Declined)
        assert not declined.key_refused
        assert "AMOUNT_MINIMAL_ERROR" in declined.detail


async def test_a_payment_that_cannot_be_read_hides_no_other() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
        odd, good = (sandbox.choose(found.checkout_id) for _ in range(2))
        sandbox.pay(odd)
        sandbox.payments[odd].pay_amount = Decimal(0)
        (report,) = await checkout.look(found.checkout_id)
        assert report.payment_id == str(good)
        with pytest.raises(Unavailable, match="pay_amount"):
            await checkout.read(PaymentId(str(odd)))
