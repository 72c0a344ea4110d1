"""A shop opens payments at a YooKassa that behaves as the real one: once per order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
import trio

from actors.kernel.charges import Standing
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments.ports import Declined, Offer, Opened
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.yookassa import SECRET_KEY, SHOP_ID, YooKassaSandbox
from adapters.yookassa.checkout import YooKassaCheckout
from adapters.yookassa.client import YooKassaClient
from tests.adapters.sandbox.calls import virtual_now

ORDER = OrderId("0" * 31 + "1")
METADATA = {"telegram_id": "7", "plan_id": "vip", "created_at": "2026-11-21T12:00:00+00:00"}
OFFER = Offer(
    order_id=ORDER,
    title="VIP доступ",
    description="A month",
    price=Money.of("990", "RUB"),
    expires_at=datetime(2026, 11, 21, 13, tzinfo=UTC),
    return_url="https://shop.example/paid",
    cancel_url="https://shop.example/no",
    metadata=METADATA,
)


@asynccontextmanager
async def shop(
    sandbox: YooKassaSandbox, secret_key: str = SECRET_KEY
) -> AsyncIterator[YooKassaCheckout]:
    async with (
        serve(sandbox) as url,
        YooKassaClient(url=f"{url}/v3", shop_id=SHOP_ID, secret_key=secret_key) as client,
    ):
        yield YooKassaCheckout(client=client)


def a_sandbox() -> YooKassaSandbox:
    return YooKassaSandbox(now=virtual_now)


async def opened(checkout: YooKassaCheckout, offer: Offer = OFFER) -> Opened:
    found = await checkout.open(offer)
    assert isinstance(found, Opened), found
    return found


async def test_a_payment_carries_the_order_and_who_bought_what() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
    payment = sandbox.payments[found.checkout_id]
    assert found.url == payment["confirmation"]["confirmation_url"]
    assert payment["amount"] == {"value": "990.00", "currency": "RUB"}
    assert payment["metadata"] == METADATA | {"order_id": ORDER}
    assert payment["confirmation"]["return_url"] == "https://shop.example/paid"
    assert payment["description"] == "VIP доступ"
    sandbox.pay(found.checkout_id)
    assert payment["status"] == "succeeded"  # in one step


async def test_told_twice_it_opens_once() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        assert await opened(checkout) == await opened(checkout)
        other = replace(OFFER, order_id=OrderId("0" * 31 + "2"))
        assert await opened(checkout, other) != await opened(checkout)
    assert len(sandbox.payments) == 2


@pytest.mark.parametrize("trouble", ["drop_next", "forget_next"])
async def test_after_an_unknown_outcome_the_same_payment_is_found(trouble: str) -> None:
    sandbox = a_sandbox()
    getattr(sandbox, trouble)(1)
    async with shop(sandbox) as checkout:
        with pytest.raises(Unavailable):
            await checkout.open(OFFER)
        found = await opened(checkout)
    assert list(sandbox.payments) == [found.checkout_id]


async def test_what_is_not_finished_is_waited_for() -> None:
    sandbox = a_sandbox()
    sandbox.processing_next(2)
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
        assert trio.current_time() == pytest.approx(3.6, abs=0.1)
        sandbox.processing_next(3)
        with pytest.raises(Unavailable, match="not finished"):
            await checkout.open(OFFER)
    assert list(sandbox.payments) == [found.checkout_id]


async def test_another_price_under_the_same_order_is_declined() -> None:
    async with shop(a_sandbox()) as checkout:
        await opened(checkout)
        declined = await checkout.open(replace(OFFER, price=Money.of("1", "RUB")))
    assert isinstance(declined, Declined)
    assert not declined.key_refused
    assert "Duplicate idempotence key" in declined.detail


async def test_wrong_credentials_decline_and_make_reading_wait() -> None:
    async with shop(a_sandbox(), secret_key="wrong-canary") as checkout:
        declined = await checkout.open(OFFER)
        assert isinstance(declined, Declined)
        assert "invalid_credentials" in declined.detail
        assert "canary" not in declined.detail
        assert declined.key_refused
        with pytest.raises(KeyRefused, match="invalid_credentials"):
            await checkout.look("1")


@pytest.mark.parametrize(
    "metadata",
    [
        {str(number): "x" for number in range(16)},
        {"k" * 33: "x"},
        {"k": "x" * 513},
    ],
)
async def test_metadata_that_does_not_fit_is_declined_unasked(metadata: dict[str, str]) -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        assert isinstance(await checkout.open(replace(OFFER, metadata=metadata)), Declined)
    assert not sandbox.calls


async def test_the_order_s_own_id_cannot_be_overridden_and_a_title_is_cut() -> None:
    sandbox = a_sandbox()
    offer = replace(OFFER, title="Ї" * 200, metadata={"order_id": "another"})
    async with shop(sandbox) as checkout:
        found = await opened(checkout, offer)
    payment = sandbox.payments[found.checkout_id]
    assert payment["metadata"] == {"order_id": ORDER}
    assert payment["description"] == "Ї" * 128


async def test_a_checkout_is_looked_at_until_all_went_back() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        found = await opened(checkout)
        seen = []
        for step in (None, sandbox.pay, sandbox.refund):
            if step is not None:
                step(found.checkout_id)
            (report,) = await checkout.look(found.checkout_id)
            assert (report.payment_id, report.order_id) == (found.checkout_id, ORDER)
            assert not report.live
            seen.append((report.standing, report.amount, report.refunded))
        assert await checkout.read(PaymentId(found.checkout_id)) == report
    none, all_of_it = Money.of("0", "RUB"), OFFER.price
    assert seen == [
        (Standing.WAITING, none, None),
        (Standing.PAID, all_of_it, None),
        (Standing.REFUNDED, all_of_it, all_of_it),
    ]


async def test_an_unknown_payment_is_nobody_s() -> None:
    async with shop(a_sandbox()) as checkout:
        assert await checkout.look("22e12f66-none") == ()
        assert await checkout.read(PaymentId("../refunds")) is None


@dataclass
class Odd:
    """Answers 200 with something no YooKassa would answer."""

    body: object
    head_bytes_max: int = 16_384

    @property
    def now(self) -> Callable[[], datetime]:
        return virtual_now

    async def __call__(self, request: Request) -> Response:
        return Response.of(self.body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "1"},
        {"id": "1", "confirmation": "https://x"},
        {"id": "1", "confirmation": {"confirmation_url": "x"}},
        {"id": 7, "confirmation": {"confirmation_url": "https://x"}},
    ],
)
async def test_an_odd_answer_is_no_answer(body: object) -> None:
    async with (
        serve(Odd(body)) as url,
        YooKassaClient(url=f"{url}/v3", shop_id="1", secret_key="k") as client,
    ):
        with pytest.raises(Unavailable, match="understand"):
            await YooKassaCheckout(client=client).open(OFFER)


async def test_a_payment_that_makes_no_sense_is_no_answer_and_a_cancelled_one_is_declined() -> None:
    async with (
        serve(Odd({"id": "1", "status": "succeeded"})) as url,
        YooKassaClient(url=f"{url}/v3", shop_id="1", secret_key="k") as client,
    ):
        with pytest.raises(Unavailable, match="amount"):
            await YooKassaCheckout(client=client).look("1")
    async with (
        serve(Odd({"id": "1", "status": "canceled"})) as url,
        YooKassaClient(url=f"{url}/v3", shop_id="1", secret_key="k") as client,
    ):
        assert isinstance(await YooKassaCheckout(client=client).open(OFFER), Declined)
