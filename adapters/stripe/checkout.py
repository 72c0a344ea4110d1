"""Stripe Checkout: `payments.ports.Checkout` on hosted checkout sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from actors.kernel.charges import PaymentReport
from actors.kernel.failures import KeyRefused, Unavailable
from actors.payments.deeds import Refund
from actors.payments.ports import Checkout, Declined, GivenBack, Offer, Opened, Refunding
from adapters.stripe.client import Form, Refusal, StripeClient
from adapters.stripe.objects import (
    Charge,
    Dispute,
    Disputes,
    Odd,
    PaymentIntent,
    Refunded,
    Session,
    read,
)
from adapters.stripe.reports import ORDER_KEY, Told, of_dispute, of_session, units

SESSIONS = "/v1/checkout/sessions"
REFUNDS = "/v1/refunds"
DISPUTES = "/v1/disputes"
LINGERS_SECONDS = 1800
"""How long a session outlives its order. Stripe takes sessions of at least 30 minutes from now,
so that an order can be asked for until its last second. Nobody closes the page earlier: whoever
pays on it after his order has ended has paid late, and chooses (docs/payments.md, `late`)."""
NAME_MAX_CHARACTERS = 250
DESCRIPTION_MAX_CHARACTERS = 500
METADATA_MAX_ENTRIES = 50
METADATA_KEY_MAX_CHARACTERS = 40
METADATA_VALUE_MAX_CHARACTERS = 500
EXPANDED: Form = (("expand[]", "payment_intent.latest_charge.balance_transaction"),)
NOT_FOUND = 404
UNAUTHORIZED, FORBIDDEN = 401, 403
"""A key that is none, and one that may not do what was asked."""


class _By(NamedTuple):
    """How a charge is named in a refund."""

    prefix: str
    field: str


_REFUNDED_BY = (_By("pi_", "payment_intent"), _By("ch_", "charge"), _By("py_", "charge"))
_SESSION_ID = re.compile(r"cs_[A-Za-z0-9_]{1,250}")


class StripeCheckout(Checkout, Refunding):
    """Sells over `client`. `live` is the mode of its key: reports of the other mode are not ours.

    The order's id is the idempotency key, so the same offer has to be told in the same words:
    Stripe refuses a key that comes back with other parameters.
    """

    def __init__(self, client: StripeClient, *, live: bool) -> None:
        self._client, self._live = client, live

    async def open(self, offer: Offer) -> Opened | Declined:
        try:
            form = tuple(_form(offer))
        except ValueError as error:
            return Declined(detail=str(error))
        key = f"checkout-{offer.order_id}"
        answer = await self._client.post(SESSIONS, form, idempotency_key=key)
        if isinstance(answer, Refusal):
            return Declined(
                detail=str(answer), key_refused=answer.status in {UNAUTHORIZED, FORBIDDEN}
            )
        session = _session(answer.body)
        if session.livemode is not self._live:
            return Declined(detail="Stripe opened a session of the other mode: which key is it?")
        if session.url is None:
            return Declined(detail=f"the session {session.id} is no longer open")
        return Opened(checkout_id=session.id, url=session.url)

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        """One report, or none while nobody has begun to pay; refunds and the fee included. And
        one of each dispute in which money moved.
        """
        if _SESSION_ID.fullmatch(checkout_id) is None:
            return ()
        answer = await self._client.get(f"{SESSIONS}/{checkout_id}", EXPANDED)
        if isinstance(answer, Refusal):
            if answer.status == NOT_FOUND:
                return ()
            if answer.status == UNAUTHORIZED:
                raise KeyRefused(str(answer))
            raise Unavailable(str(answer))
        session = _session(answer.body)
        if session.status == "open" and session.payment_intent is None:
            return ()
        told = Told(live=session.livemode is True)
        try:
            report = of_session(session, told)
            disputes = [of_dispute(each, told) for each in await self._disputes(session)]
        except ValueError as error:
            raise _odd(error) from None
        return () if report is None else (report, *disputes)

    async def _disputes(self, session: Session) -> list[Dispute]:
        intent = session.payment_intent
        charge = intent.latest_charge if isinstance(intent, PaymentIntent) else None
        if not isinstance(charge, Charge) or not charge.disputed:
            return []
        answer = await self._client.get(DISPUTES, (("charge", charge.id),))
        if isinstance(answer, Refusal):
            return []  # a restricted key that may not read them; webhooks tell them all the same
        return [each for each in read(answer.body, Disputes).data if each.moved_money]

    async def give_back(self, refund: Refund) -> GivenBack | Declined:
        by = next((by for by in _REFUNDED_BY if refund.payment_id.startswith(by.prefix)), None)
        if by is None:
            return Declined(detail="nothing was charged for this checkout")
        try:
            amount = str(units(refund.amount))
        except ValueError as error:
            return Declined(detail=str(error))
        form = ((by.field, refund.payment_id), ("amount", amount))
        answer = await self._client.post(REFUNDS, form, idempotency_key=refund.key)
        if isinstance(answer, Refusal):
            return Declined(detail=str(answer))
        try:
            made = read(answer.body, Refunded)
        except Odd as error:
            raise _odd(error) from None
        if made.has_failed:
            return Declined(detail=f"the refund has {made.status}")
        return GivenBack()


def _form(offer: Offer) -> Iterator[tuple[str, str]]:
    """The fields of one session, in the order in which Stripe documents them. Metadata flow
    nowhere by themselves, so the PaymentIntent is given its own.
    """
    yield "mode", "payment"
    yield "success_url", offer.return_url
    yield "cancel_url", offer.cancel_url
    yield "client_reference_id", offer.order_id
    metadata = [*_metadata(offer)]
    yield from ((f"metadata[{key}]", value) for key, value in metadata)
    yield from ((f"payment_intent_data[metadata][{key}]", value) for key, value in metadata)
    yield "line_items[0][quantity]", "1"
    yield "line_items[0][price_data][currency]", offer.price.currency.lower()
    yield "line_items[0][price_data][unit_amount]", str(units(offer.price))
    product = "line_items[0][price_data][product_data]"
    yield f"{product}[name]", offer.title[:NAME_MAX_CHARACTERS]
    if offer.description:
        yield f"{product}[description]", offer.description[:DESCRIPTION_MAX_CHARACTERS]
    yield "expires_at", str(int(offer.expires_at.timestamp()) + LINGERS_SECONDS)


def _metadata(offer: Offer) -> Iterator[tuple[str, str]]:
    """Ours first; raises `ValueError` for what Stripe would not take."""
    yield ORDER_KEY, offer.order_id
    ours = {key: value for key, value in offer.metadata.items() if key != ORDER_KEY}
    if len(ours) >= METADATA_MAX_ENTRIES:
        raise ValueError(f"more than {METADATA_MAX_ENTRIES} entries of metadata")
    for key, value in ours.items():
        if len(key) > METADATA_KEY_MAX_CHARACTERS or "[" in key or "]" in key:
            raise ValueError("a key of metadata that Stripe does not take")
        yield key, value[:METADATA_VALUE_MAX_CHARACTERS]


def _session(body: object) -> Session:
    try:
        return read(body, Session)
    except Odd as error:
        raise _odd(error) from None


def _odd(error: ValueError) -> Unavailable:
    return Unavailable(f"Stripe answered what this bot does not understand: {error}")
