"""Stripe's webhooks: `ingress.ports.Source`. What is signed is believed, and read strictly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from actors.ingress.model import (
    Delivery,
    Event,
    Fact,
    Nothing,
    PaymentSeen,
    Rejected,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Unusable,
)
from actors.ingress.ports import Source
from actors.kernel.charges import Standing
from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import MalformedJson, load_object
from adapters.stripe import objects, reports
from adapters.stripe.client import Form, Refusal, StripeClient
from adapters.stripe.objects import Odd, read
from adapters.stripe.reports import Told
from adapters.stripe.signature import HEADER, signed_at

EXPANDED: Form = (("expand[]", "payments"),)
THIN = "v2.core.event"
"""An event that names its object instead of carrying it; sent to endpoints made for it only."""


class StripeSource(Source):
    """Deliveries signed with any of `secrets` (whole `whsec_...` texts). `live` is the shop's
    mode: an event of the other one is parked. `client` looks up who paid an invoice, which
    newer versions do not tell in the event.
    """

    def __init__(self, *, secrets: Sequence[str], live: bool, client: StripeClient) -> None:
        if not secrets or not all(secrets):
            raise ValueError("Stripe's webhooks need a secret, and none that is empty")
        self._secrets = tuple(secret.encode() for secret in secrets)
        self._live, self._client = live, client

    @property
    def name(self) -> SourceName:
        return SourceName.STRIPE

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:
        """Keyed by `event.id`, which every repetition of an event carries."""
        header = delivery.headers.get(HEADER, "")
        signed = signed_at(header, delivery.body, secrets=self._secrets, now=now)
        if isinstance(signed, Rejected):
            return signed
        if not delivery.is_json:
            return Rejected(reason="media", detail="an event of Stripe is JSON")
        try:
            raw = load_object(delivery.body)
            if raw.get("object") == THIN:
                detail = "a thin event: this endpoint takes snapshot events"
                return Rejected(reason="malformed", detail=detail)
            event = read(raw, objects.Event)
        except (MalformedJson, Odd) as error:
            return Rejected(reason="malformed", detail=str(error))
        return Event(
            source=self.name,
            key=event.id,
            kind=event.type,
            subject=objects.subject(event),
            body=delivery.body,
            headers={"signed-at": str(signed)},
            at=_time(event.created),
        )

    async def interpret(self, stored: StoredEvent) -> Fact:
        try:
            event = read(load_object(stored.event.body), objects.Event)
            if event.livemode is None:
                return Unusable(why="an event that does not say whether it is live")
            if event.livemode is not self._live:
                modes = ("a test event on a live shop", "a live event on a test shop")
                return Unusable(why=modes[event.livemode])
            return await self._fact(event, Told(live=event.livemode, at=_time(event.created)))
        except ValueError as error:  # MalformedJson and Odd are; so is what Money refuses
            return Unusable(why=f"{stored.event.kind}: {error}")

    async def _fact(self, event: objects.Event, told: Told) -> Fact:
        raw = event.data.object
        match event.type.split("."):
            case ["checkout", "session", word]:
                return _of_session(word, read(raw, objects.Session), told)
            case ["payment_intent", "succeeded" | "payment_failed" | "processing" | "canceled"]:
                return PaymentSeen(report=reports.of_intent(read(raw, objects.PaymentIntent), told))
            case ["charge", "refunded"]:
                return PaymentSeen(report=reports.of_charge(read(raw, objects.Charge), told))
            case ["refund", "failed" | "updated"] | ["charge", "refund", "updated"]:
                return _of_refund(read(raw, objects.Refunded))
            case ["charge", "dispute", "created" | "closed" | "funds_reinstated"]:
                return _of_dispute(read(raw, objects.Dispute), told)
            case ["invoice", "payment_succeeded" | "paid"]:
                return await self._of_invoice(read(raw, objects.Invoice), told)
            case ["customer", "subscription", "updated" | "deleted"]:
                return _of_subscription(read(raw, objects.Subscription), told)
            case _:
                return Nothing(why="unknown type")

    async def _of_invoice(self, invoice: objects.Invoice, told: Told) -> Fact:
        if not invoice.is_paid:
            return Nothing(why="not paid yet")
        if not invoice.amount_paid:
            return Nothing(why="nothing to pay")
        if invoice.intent is None:
            # Without it the same charge would have two names: `payment_intent.succeeded` tells
            # of it as well.
            answer = await self._client.get(f"/v1/invoices/{invoice.id}", EXPANDED)
            if isinstance(answer, Refusal):
                raise Unavailable(str(answer))
            invoice.payments = read(answer.body, objects.Invoice).payments
        return PaymentSeen(report=reports.of_invoice(invoice, told))


def _of_session(word: str, session: objects.Session, told: Told) -> Fact:
    if word not in {"completed", "async_payment_succeeded", "async_payment_failed", "expired"}:
        return Nothing(why="unknown type")
    report = reports.of_session(session, told)
    if report is None:
        return Nothing(why=f"a checkout for a {session.mode}")
    if word == "async_payment_failed":
        return PaymentSeen(report=replace(report, standing=Standing.FAILED))
    return PaymentSeen(report=report)


def _of_refund(refund: objects.Refunded) -> Fact:
    """One that went through is told by its charge. One that did not (a closed account) is money
    that we have again, after it was booked, and told to the buyer, as given back.
    """
    if not refund.has_failed:
        return Nothing(why="told by its charge")
    of = objects.id_of(refund.payment_intent) or objects.id_of(refund.charge) or "a charge"
    return Unusable(
        why=f"refund {refund.id} of {of} has {refund.status}: the buyer did not get his money, "
        "give it to him in another way"
    )


def _of_dispute(dispute: objects.Dispute, told: Told) -> Fact:
    if dispute.status.startswith("warning_"):
        return Nothing(why="a bank's question: no money has moved")
    if dispute.status == objects.PREVENTED:
        return Unusable(
            why=f"dispute {dispute.id} was prevented: what went back for it is told as a refund; "
            "see on Stripe's page that nothing was taken besides"
        )
    return PaymentSeen(report=reports.of_dispute(dispute, told))


def _of_subscription(subscription: objects.Subscription, told: Told) -> Fact:
    return SubscriptionSeen(
        subscription_id=subscription.id,
        order_id=reports.order_of(subscription.metadata),
        status=subscription.status,
        ends_at_period_end=subscription.cancel_at_period_end,
        period_end=_time(subscription.period_end),
        at=told.at,
    )


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
