"""A purchase from the offer to the last refund: our checkout, Stripe's sandbox, our source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import trio

from actors.ingress.model import Delivery, Event, Fact, PaymentSeen, SourceName, StoredEvent
from actors.kernel.charges import PaymentReport
from actors.kernel.ids import EventId
from actors.payments.ports import Declined, GivenBack, Opened
from actors.tracker.settlement import Observation, observe
from adapters.sandbox.deliveries import Deliveries
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.stripe import WEBHOOK_SECRET, StripeSandbox
from adapters.stripe.checkout import StripeCheckout
from adapters.stripe.client import StripeClient
from adapters.stripe.source import StripeSource
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.stripe.test_checkout import OFFER, ORDER
from tests.adapters.stripe.test_refunds import refund


class Door:
    """Verifies and interprets what comes, at once; keeps the first of each key."""

    head_bytes_max = 16_384

    def __init__(self, source: StripeSource) -> None:
        self.now: Callable[[], datetime] = virtual_now
        self.source, self.events = source, dict[str, Fact]()
        self.deliveries = 0

    async def __call__(self, request: Request) -> Response:
        self.deliveries += 1
        delivery = Delivery(
            source=SourceName.STRIPE, headers=request.headers, body=request.body, peer=""
        )
        event = self.source.verify(delivery, now=self.now())
        assert isinstance(event, Event), event
        stored = StoredEvent(event_id=EventId(1), event=event, received_at=self.now())
        self.events.setdefault(event.key, await self.source.interpret(stored))
        return Response(status=200)

    @property
    def reports(self) -> list[PaymentReport]:
        return [fact.report for fact in self.events.values() if isinstance(fact, PaymentSeen)]


@asynccontextmanager
async def opened_checkout() -> AsyncIterator[
    tuple[StripeSandbox, Deliveries, Door, StripeCheckout, Opened]
]:
    """A checkout that waits for its buyer; what Stripe tells comes through the door."""
    stripe = StripeSandbox(now=virtual_now)
    async with (
        serve(stripe) as url,
        StripeClient(secret_key=stripe.key, url=url) as client,
        stripe.deliveries as deliveries,
    ):
        door = Door(StripeSource(secrets=(WEBHOOK_SECRET,), live=False, client=client))
        async with serve(door) as hook:
            stripe.webhooks_to(hook)
            checkout = StripeCheckout(client, live=False)
            opened = await checkout.open(OFFER)
            assert isinstance(opened, Opened)
            yield stripe, deliveries, door, checkout, opened


async def test_every_event_of_a_purchase_is_about_one_charge_of_one_order() -> None:
    stripe = StripeSandbox(now=virtual_now)
    async with (
        serve(stripe) as url,
        StripeClient(secret_key=stripe.key, url=url) as client,
        stripe.deliveries as deliveries,
    ):
        secrets = ("whsec_new", WEBHOOK_SECRET)
        door = Door(StripeSource(secrets=secrets, live=False, client=client))
        async with serve(door) as hook:
            stripe.webhooks_to(hook)
            deliveries.reorder_next(4)
            deliveries.duplicate_next(20)
            deliveries.lose_answers_next(3)
            opened = await StripeCheckout(client, live=False).open(OFFER)
            assert isinstance(opened, Opened)
            intent = stripe.checkouts.pay(opened.checkout_id)
            stripe.checkouts.refund(opened.checkout_id, units=500)
            stripe.checkouts.dispute(opened.checkout_id)
            await deliveries.settled()

    assert {report.payment_id for report in door.reports} == {intent}
    assert {report.order_id for report in door.reports} == {ORDER, None}  # a dispute names none
    assert sorted(report.standing for report in door.reports) == [
        "disputed",
        "paid",
        "paid",
        "refunded",
    ]
    assert door.deliveries == 6 * 2 + 3


async def test_a_page_nobody_paid_on_is_told_to_have_expired() -> None:
    async with opened_checkout() as (_, deliveries, door, _, _):
        await trio.sleep(90 * 60 + 1)
        await deliveries.settled()
    (report,) = door.reports
    assert (report.standing, report.order_id) == ("expired", ORDER)


async def test_what_an_operator_gives_back_is_told_by_stripe_and_found_by_looking() -> None:
    async with opened_checkout() as (stripe, deliveries, door, checkout, opened):
        intent = stripe.checkouts.pay(opened.checkout_id)
        wanted = refund(intent, "5.00")
        for _ in range(2):
            assert await checkout.give_back(wanted) == GivenBack()
        (seen,) = await checkout.look(opened.checkout_id)
        assert seen.refunded == wanted.amount
        rest = replace(refund(intent, str(seen.amount.amount - 5)), round=2)
        assert await checkout.give_back(rest) == GivenBack()
        again = await checkout.give_back(replace(rest, round=3))
        assert isinstance(again, Declined)
        assert "charge_already_refunded" in again.detail
        await deliveries.settled()
    told = [report for report in door.reports if report.refunded is not None]
    assert {report.refunded for report in told} == {wanted.amount, seen.amount}
    assert {report.payment_id for report in told} == {intent}


async def test_the_fee_is_told_to_whoever_looks_and_is_booked_then() -> None:
    async with opened_checkout() as (stripe, deliveries, door, checkout, opened):
        stripe.checkouts.pay(opened.checkout_id)
        await deliveries.settled()
        (seen,) = await checkout.look(opened.checkout_id)
    assert {report.fee for report in door.reports} == {None}
    assert seen.fee
    paid = observe(None, door.reports[0], None, live=False)
    assert isinstance(paid, Observation)
    looked = observe(paid.after, seen, None, live=False)
    assert isinstance(looked, Observation)
    assert [entry.amount for each in looked.transfers for entry in each.entries] == [
        seen.fee,
        -seen.fee,
    ]
    assert not looked.news


async def test_a_dispute_that_is_won_is_told_with_what_it_took() -> None:
    async with opened_checkout() as (stripe, deliveries, door, _, opened):
        stripe.checkouts.pay(opened.checkout_id)
        dispute = stripe.checkouts.dispute(opened.checkout_id)
        stripe.checkouts.close_dispute(dispute, "won")
        await deliveries.settled()
    disputed = [report for report in door.reports if report.disputed is not None]
    lost, won = sorted(disputed, key=lambda report: report.standing.rank)
    assert (lost.reinstated, won.reinstated) == (None, lost.disputed)
    assert lost.dispute == won.dispute == dispute["id"]
