"""What is asked of Stripe to give money back, and what its answers mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments.deeds import Refund
from actors.payments.ports import Declined, GivenBack
from adapters.sandbox.server import Request, Response, serve
from adapters.stripe.checkout import StripeCheckout
from tests.adapters.stripe.wire import Scripted, client_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def refund(payment_id: str = "pi_1", amount: str = "5.00", currency: str = "USD") -> Refund:
    return Refund(
        rail=Rail.STRIPE,
        payment_id=PaymentId(payment_id),
        order_id=OrderId("0" * 32),
        chat_id=ChatId(7),
        received=Money.of("19.99", "USD"),
        total=Money.of(amount, currency),
        amount=Money.of(amount, currency),
        wanted_at=NOON,
        due_at=NOON,
    )


async def asked(
    wanted: Refund, status: int = 200, body: dict[str, Any] | None = None
) -> tuple[GivenBack | Declined, list[Request]]:
    told = {"id": "re_1", "object": "refund", "status": "succeeded"} if body is None else body
    stripe = Scripted(Response(status=status, body=json.dumps(told).encode()))
    async with serve(stripe) as url, client_of(url) as client:
        return await StripeCheckout(client, live=False).give_back(wanted), stripe.seen


@pytest.mark.parametrize(
    ("payment_id", "field"),
    [("pi_1", "payment_intent"), ("ch_1", "charge"), ("py_1", "charge")],
)
async def test_a_charge_is_named_as_what_it_is(payment_id: str, field: str) -> None:
    wanted = refund(payment_id)
    outcome, (request,) = await asked(wanted)
    assert outcome == GivenBack()
    assert (request.method, request.path) == ("POST", "/v1/refunds")
    assert parse_qsl(request.body.decode()) == [(field, payment_id), ("amount", "500")]
    assert request.headers["idempotency-key"] == wanted.key


async def test_an_amount_is_told_in_the_currencys_own_units() -> None:
    _, (request,) = await asked(refund(amount="500", currency="JPY"))
    assert ("amount", "500") in parse_qsl(request.body.decode())


@pytest.mark.parametrize("status", ["pending", "requires_action", "succeeded", None])
async def test_what_is_on_its_way_is_given_back(status: str | None) -> None:
    outcome, _ = await asked(refund(), body={"id": "re_1", "status": status})
    assert outcome == GivenBack()


@pytest.mark.parametrize("status", ["failed", "canceled"])
async def test_what_has_failed_at_once_is_declined(status: str) -> None:
    outcome, _ = await asked(refund(), body={"id": "re_1", "status": status})
    assert outcome == Declined(detail=f"the refund has {status}")


async def test_a_refusal_is_told_in_stripes_words() -> None:
    error = {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "Done."}
    outcome, _ = await asked(refund(), 400, {"error": error})
    assert isinstance(outcome, Declined)
    assert "charge_already_refunded" in outcome.detail


@pytest.mark.parametrize(
    ("status", "body"), [(500, {}), (429, {}), (200, {"object": "refund"}), (200, {"id": "a b"})]
)
async def test_what_says_nothing_leaves_the_outcome_unknown(
    status: int, body: dict[str, Any]
) -> None:
    with pytest.raises(Unavailable):
        await asked(refund(), status, body)


@pytest.mark.parametrize("wanted", [refund("cs_test_1"), refund("in_1"), refund(amount="0.001")])
async def test_what_stripe_could_not_understand_is_never_asked(wanted: Refund) -> None:
    outcome, requests = await asked(wanted)
    assert isinstance(outcome, Declined)
    assert requests == []
