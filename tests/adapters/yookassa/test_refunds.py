"""Money goes back at a YooKassa that behaves as the real one: once under each key."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.kernel.charges import Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Currency, Money
from actors.payments.deeds import Refund
from actors.payments.ports import Declined, GivenBack, Till, UnderWay
from actors.payments.refunding import give_back
from adapters.sandbox.server import Request, Response
from adapters.sandbox.yookassa import YooKassaSandbox
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.yookassa.test_checkout import OFFER, ORDER, a_sandbox, opened, shop

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def refund(payment_id: str, amount: str = "990") -> Refund:
    return Refund(
        rail=Rail.YOOKASSA,
        payment_id=PaymentId(payment_id),
        order_id=ORDER,
        chat_id=ChatId(7),
        received=Money.of("990", "RUB"),
        total=Money.of(amount, "RUB"),
        amount=Money.of(amount, "RUB"),
        wanted_at=NOON,
        due_at=NOON,
    )


async def test_told_twice_it_goes_back_once_and_the_payment_says_so() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        payment_id = (await opened(checkout)).checkout_id
        sandbox.pay(payment_id)
        for _ in range(2):
            assert await checkout.give_back(refund(payment_id, "90.50")) == GivenBack()
        (report,) = await checkout.look(payment_id)
    assert len(sandbox.refunds) == 1
    assert (report.standing, report.refunded) == (Standing.REFUNDED, Money.of("90.50", "RUB"))


async def test_a_second_payment_of_an_order_is_read_before_it_goes_back() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        first = (await opened(checkout)).checkout_id
        second = (await opened(checkout, replace(OFFER, order_id=OrderId("f" * 32)))).checkout_id
        for payment_id in (first, second):
            sandbox.pay(payment_id)
        sandbox.refund(second)  # on YooKassa's own page
        till = Till(
            rail=Rail.YOOKASSA,
            checkout=checkout,
            currencies=(Currency("RUB"),),
            refunding=checkout,
            charges=checkout,
        )
        outcome = await give_back(till, refund(second), first)
    assert outcome.verdict == GivenBack()
    assert [report.payment_id for report in outcome.reports] == [second]
    assert len(sandbox.refunds) == 1


@pytest.mark.parametrize("trouble", ["drop_next", "forget_next"])
async def test_after_an_unknown_outcome_it_goes_back_once(trouble: str) -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        payment_id = (await opened(checkout)).checkout_id
        sandbox.pay(payment_id)
        getattr(sandbox, trouble)(1)
        with pytest.raises(Unavailable):
            await checkout.give_back(refund(payment_id))
        assert await checkout.give_back(refund(payment_id)) == GivenBack()
    assert len(sandbox.refunds) == 1


async def test_what_was_not_paid_cannot_go_back() -> None:
    async with shop(a_sandbox()) as checkout:
        payment_id = (await opened(checkout)).checkout_id
        outcome = await checkout.give_back(refund(payment_id))
    assert isinstance(outcome, Declined)
    assert "400" in outcome.detail


class Answering(YooKassaSandbox):
    """Says of every refund what a test wants."""

    status: object = "succeeded"
    identity: object = "r"

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.asked: list[str] = []

    async def __call__(self, request: Request) -> Response | None:
        self.asked.append(f"{request.method} {request.path}")
        body = json.dumps({"id": self.identity, "status": self.status}).encode()
        return Response(status=200, body=body)


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [("succeeded", GivenBack()), ("canceled", Declined(detail="YooKassa cancelled it"))],
)
async def test_what_is_undecided_is_read_by_its_id_until_it_is(
    ends: str, outcome: GivenBack | Declined
) -> None:
    sandbox = Answering(now=virtual_now)
    sandbox.status = "pending"
    async with shop(sandbox) as checkout:
        first = await checkout.give_back(refund("p"))
        assert first == UnderWay(refund_id="r")
        followed = replace(refund("p"), refund_id="r")
        assert await checkout.give_back(followed) == first
        sandbox.status = ends
        assert await checkout.give_back(followed) == outcome
    assert sandbox.asked == ["POST /v3/refunds", "GET /v3/refunds/r", "GET /v3/refunds/r"]


async def test_a_refund_that_yookassa_does_not_know_any_more_is_not_made_again() -> None:
    sandbox = a_sandbox()
    async with shop(sandbox) as checkout:
        payment_id = (await opened(checkout)).checkout_id
        sandbox.pay(payment_id)
        with pytest.raises(Unavailable):
            await checkout.give_back(replace(refund(payment_id), refund_id="gone"))
    assert not sandbox.refunds


@pytest.mark.parametrize("identity", [None, 7, "", "../payments/p"])
async def test_an_undecided_refund_without_an_id_leaves_the_outcome_unknown(
    identity: object,
) -> None:
    sandbox = Answering(now=virtual_now)
    sandbox.status, sandbox.identity = "pending", identity
    async with shop(sandbox) as checkout:
        with pytest.raises(Unavailable):
            await checkout.give_back(refund("p"))


async def test_what_was_cancelled_at_once_is_declined() -> None:
    sandbox = Answering(now=virtual_now)
    sandbox.status = "canceled"
    async with shop(sandbox) as checkout:
        assert await checkout.give_back(refund("p")) == Declined(detail="YooKassa cancelled it")


@pytest.mark.parametrize("status", [None, "odd", 1])
async def test_a_status_nobody_knows_leaves_the_outcome_unknown(status: object) -> None:
    sandbox = Answering(now=virtual_now)
    sandbox.status = status
    async with shop(sandbox) as checkout:
        with pytest.raises(Unavailable):
            await checkout.give_back(refund("p"))
