"""Stripe Checkout against the sandbox: one order, one session, whatever the wire does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from actors.kernel.charges import PaymentReport, Standing
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.payments.ports import Declined, Offer, Opened
from adapters.sandbox.server import Response, serve
from adapters.sandbox.stripe import StripeSandbox
from adapters.stripe.checkout import SESSIONS, StripeCheckout
from adapters.stripe.client import StripeClient
from tests.adapters.sandbox.calls import NOON, virtual_now
from tests.adapters.stripe.wire import Scripted, client_of

ORDER = OrderId("8f14e45fceea167a5a36dedd4bea2543")
OFFER = Offer(
    order_id=ORDER,
    title="VIP access",
    description="For a month",
    price=Money.of("19.99", "USD"),
    expires_at=NOON + timedelta(hours=1),
    return_url="https://t.me/bot?start=ok",
    cancel_url="https://t.me/bot?start=no",
    metadata={"product": "vip"},
)


@asynccontextmanager
async def checkout(stripe: StripeSandbox, *, live: bool = False) -> AsyncIterator[StripeCheckout]:
    async with (
        serve(stripe) as url,
        StripeClient(secret_key=stripe.key, url=url, deadline_seconds=0.5) as client,
    ):
        yield StripeCheckout(client, live=live)


def sandbox(*, live: bool = False) -> StripeSandbox:
    return StripeSandbox(now=virtual_now, live=live)


async def opened(shop: StripeCheckout, offer: Offer = OFFER) -> str:
    found = await shop.open(offer)
    assert isinstance(found, Opened), found
    return found.checkout_id


async def looked(shop: StripeCheckout, checkout_id: str) -> PaymentReport:
    (report,) = await shop.look(checkout_id)
    return report


async def test_the_form_is_the_one_stripes_own_library_sends() -> None:
    server = Scripted(Response.of({}, 402))
    async with serve(server) as url, client_of(url) as client:
        await StripeCheckout(client, live=False).open(replace(OFFER, description="", metadata={}))
    (request,) = server.seen
    place, price = "line_items[0]", "line_items[0][price_data]"

    assert (request.method, request.path) == ("POST", SESSIONS)
    assert request.headers["idempotency-key"] == f"checkout-{ORDER}"
    assert parse_qsl(request.body.decode()) == [
        ("mode", "payment"),
        ("success_url", "https://t.me/bot?start=ok"),
        ("cancel_url", "https://t.me/bot?start=no"),
        ("client_reference_id", ORDER),
        ("metadata[order_id]", ORDER),
        ("payment_intent_data[metadata][order_id]", ORDER),
        (f"{place}[quantity]", "1"),
        (f"{price}[currency]", "usd"),
        (f"{price}[unit_amount]", "1999"),
        (f"{price}[product_data][name]", "VIP access"),
        ("expires_at", str(int(NOON.timestamp()) + 3600 + 1800)),
    ]
    assert request.body.startswith(
        b"mode=payment&success_url=https%3A%2F%2Ft.me%2Fbot%3Fstart%3Dok&cancel_url="
    )
    assert b"&metadata[order_id]=8f14" in request.body


async def test_an_order_is_opened_with_all_that_is_known_of_it() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        found = await shop.open(OFFER)
    (session,) = stripe.checkouts.sessions.values()
    assert found == Opened(checkout_id=session["id"], url=session["url"])
    assert session["metadata"] == {"order_id": ORDER, "product": "vip"}
    assert (session["client_reference_id"], session["amount_total"]) == (ORDER, 1999)


async def test_told_twice_stripe_opens_one_session() -> None:
    stripe = sandbox()
    stripe.drop_next(1)
    async with checkout(stripe) as shop:
        with pytest.raises(Unavailable):
            await shop.open(OFFER)
        first, again = await opened(shop), await opened(shop)
    assert [first, again] == [*stripe.checkouts.sessions] * 2


async def test_asked_again_while_stripe_is_still_busy_it_waits() -> None:
    stripe = sandbox()
    stripe.hang_next(1, 3)
    async with checkout(stripe) as shop:
        for _ in range(2):  # a time-out, then the key is in use
            with pytest.raises(Unavailable):
                await shop.open(OFFER)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_trouble_is_no_answer(status: int) -> None:
    stripe = sandbox()
    stripe.fail_next(1, status)
    async with checkout(stripe) as shop:
        with pytest.raises(Unavailable):
            await shop.open(OFFER)
        assert await opened(shop)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expires_at": NOON - timedelta(seconds=1)}, "30 minutes"),
        ({"price": Money.of("0.01", "USD")}, "amount_too_small"),
        ({"price": Money.of("19.999", "USD")}, "minor unit"),
        ({"return_url": "bot"}, "url_invalid"),
        ({"metadata": {"k" * 41: "v"}}, "metadata"),
        ({"metadata": {"a[b]": "v"}}, "metadata"),
        ({"metadata": {str(n): "v" for n in range(50)}}, "metadata"),
    ],
)
async def test_what_stripe_never_takes_is_declined(changes: dict[str, object], words: str) -> None:
    async with checkout(sandbox()) as shop:
        found = await shop.open(replace(OFFER, **changes))  # type: ignore[arg-type]
    assert isinstance(found, Declined)
    assert words in found.detail


async def test_a_key_that_stripe_does_not_take_is_told_apart_from_what_it_declines() -> None:
    async with (
        serve(sandbox()) as url,
        StripeClient(secret_key="sk_test_wrong", url=url, deadline_seconds=0.5) as client,
    ):
        shop = StripeCheckout(client, live=False)
        found = await shop.open(OFFER)
        assert isinstance(found, Declined)
        assert found.key_refused
        with pytest.raises(KeyRefused, match="Invalid API Key"):
            await shop.look("cs_test_1")
    async with checkout(sandbox()) as shop:
        small = await shop.open(replace(OFFER, price=Money.of("0.01", "USD")))
        assert isinstance(small, Declined)
        assert not small.key_refused


async def test_the_same_order_in_other_words_is_declined() -> None:
    async with checkout(sandbox()) as shop:
        await opened(shop)
        found = await shop.open(replace(OFFER, title="Other"))
    assert isinstance(found, Declined)
    assert "idempotency_error" in found.detail


async def test_a_key_of_the_other_mode_is_declined() -> None:
    async with checkout(sandbox(), live=True) as shop:
        assert isinstance(await shop.open(OFFER), Declined)
    async with checkout(sandbox(live=True), live=True) as shop:
        assert isinstance(await shop.open(OFFER), Opened)


async def test_whole_currencies_that_stripe_counts_in_hundredths_are_not_sold_for_a_hundredth() -> (
    None
):
    stripe = sandbox()
    async with checkout(stripe) as shop:
        checkout_id = await opened(shop, replace(OFFER, price=Money.of("5000", "UGX")))
        assert stripe.checkouts.session(checkout_id)["amount_total"] == 500_000
        stripe.checkouts.pay(checkout_id)
        assert (await looked(shop, checkout_id)).amount == Money.of("5000", "UGX")


async def test_long_texts_are_cut_and_not_refused() -> None:
    server = Scripted(Response.of({}, 402))
    async with serve(server) as url, client_of(url) as client:
        long = replace(OFFER, title="x" * 900, description="y" * 900, metadata={"k": "v" * 900})
        await StripeCheckout(client, live=False).open(long)
    sent = dict(parse_qsl(server.seen[0].body.decode()))
    product = "line_items[0][price_data][product_data]"
    assert [len(sent[name]) for name in (f"{product}[name]", f"{product}[description]")] == [
        250,
        500,
    ]
    assert len(sent["metadata[k]"]) == len(sent["payment_intent_data[metadata][k]"]) == 500


async def test_looking_tells_how_the_payment_stands() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        checkout_id = await opened(shop)
        assert await shop.look(checkout_id) == ()
        intent = stripe.checkouts.decline(checkout_id)
        waiting = await looked(shop, checkout_id)
        stripe.checkouts.pay(checkout_id)
        paid = await looked(shop, checkout_id)
        stripe.checkouts.refund(checkout_id, units=500)
        refunded = await looked(shop, checkout_id)

    assert {waiting.payment_id, paid.payment_id, refunded.payment_id} == {intent}
    assert {waiting.order_id, paid.order_id, refunded.order_id} == {ORDER}
    assert [report.standing for report in (waiting, paid, refunded)] == [
        Standing.WAITING,
        Standing.PAID,
        Standing.REFUNDED,
    ]
    assert (paid.amount, paid.fee) == (Money.of("19.99", "USD"), Money.of("0.87", "USD"))
    assert refunded.refunded == Money.of("5", "USD")
    assert not paid.live


async def test_looking_tells_of_disputes_in_which_money_moved() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        checkout_id = await opened(shop)
        intent = stripe.checkouts.pay(checkout_id)
        for quiet in ("warning_needs_response", "prevented"):
            stripe.checkouts.dispute(checkout_id, status=quiet)
            assert (await looked(shop, checkout_id)).standing is Standing.PAID
        dispute = stripe.checkouts.dispute(checkout_id)
        paid, taken = await shop.look(checkout_id)
        stripe.checkouts.close_dispute(dispute, "won")
        _, won = await shop.look(checkout_id)
        stripe.fail_next(1, 403, kind="GET /v1/disputes")
        assert await shop.look(checkout_id) == (paid,)
        stripe.fail_next(1, 503, kind="GET /v1/disputes")
        with pytest.raises(Unavailable):
            await shop.look(checkout_id)

    assert {paid.payment_id, taken.payment_id, won.payment_id} == {intent}
    assert (paid.standing, paid.disputed) == (Standing.PAID, None)
    assert (taken.standing, taken.disputed) == (Standing.DISPUTED, paid.amount)
    assert (won.standing, won.reinstated) == (Standing.REINSTATED, paid.amount)
    assert taken.dispute == won.dispute == dispute["id"]


async def test_looking_tells_of_delayed_money_and_of_closed_pages() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        orders = [replace(OFFER, order_id=OrderId(name)) for name in "abc"]
        late, lost, gone = [await opened(shop, offer) for offer in orders]
        stripe.checkouts.pay_later(late)
        stripe.checkouts.pay_later(lost)
        stripe.checkouts.settle(lost, arrives=False)
        stripe.checkouts.expire(gone)
        standings = [(await looked(shop, session)).standing for session in (late, lost, gone)]
    assert standings == [Standing.PROCESSING, Standing.FAILED, Standing.EXPIRED]


async def test_what_stripe_does_not_know_has_no_charges() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        assert await shop.look("cs_test_nobody") == ()
        assert await shop.look("../../v1/balance") == ()
    assert sum(stripe.calls.values()) == 1


async def test_a_refused_look_is_no_answer() -> None:
    stripe = sandbox()
    async with checkout(stripe) as shop:
        checkout_id = await opened(shop)
        stripe.fail_next(1, 403)
        with pytest.raises(Unavailable):
            await shop.look(checkout_id)


@pytest.mark.parametrize("body", [{}, {"id": "cs_1"}, {"id": "cs_1", "mode": 7}])
async def test_an_answer_that_is_no_session_is_no_answer(body: object) -> None:
    async with serve(Scripted(Response.of(body))) as url, client_of(url) as client:
        shop = StripeCheckout(client, live=False)
        for ask in (shop.open(OFFER), shop.look("cs_1")):
            with pytest.raises(Unavailable):
                await ask
