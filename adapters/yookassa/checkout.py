"""Payments on YooKassa's hosted page: opened once per order, read by their id.

The order's id is the `Idempotence-Key`, and what is sent depends on the offer alone: asked again
within 24 hours, YooKassa answers with the payment it made first. Afterwards a second payment of
the same order may come to be; what is granted is keyed by the order.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from actors.kernel.charges import PaymentReport
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import PaymentId
from actors.payments.deeds import Refund
from actors.payments.ports import (
    Charges,
    Checkout,
    Declined,
    GivenBack,
    Offer,
    Opened,
    Refunding,
    UnderWay,
)
from adapters.yookassa.client import Refusal, YooKassaClient
from adapters.yookassa.receipts import Receipts
from adapters.yookassa.reports import ID, Unreadable, payment_id, report_of

DESCRIPTION_LENGTH_MAX = 128
METADATA_KEYS_MAX, METADATA_KEY_LENGTH_MAX, METADATA_VALUE_LENGTH_MAX = 16, 32, 512
NOT_FOUND = 404
UNAUTHORIZED, FORBIDDEN = 401, 403
"""A key that is none, and one that may not do what was asked."""


class YooKassaCheckout(Checkout, Charges, Refunding):
    """One shop of YooKassa; payments are captured at once (one step). With `receipts` each carries
    what YooKassa needs to make one.
    """

    def __init__(self, *, client: YooKassaClient, receipts: Receipts | None = None) -> None:
        self._client, self._receipts = client, receipts

    async def open(self, offer: Offer) -> Opened | Declined:
        metadata = {**offer.metadata, "order_id": offer.order_id}
        if not _fits(metadata):
            return Declined(detail="YooKassa takes at most 16 short texts as metadata")
        fields: dict[str, object] = {
            "amount": {"value": offer.price.text, "currency": offer.price.currency},
            "capture": True,
            "confirmation": {"type": "redirect", "return_url": offer.return_url},
            "description": offer.title[:DESCRIPTION_LENGTH_MAX],
            "metadata": metadata,
        }
        if self._receipts is not None:
            fields["receipt"] = self._receipts.of(offer.title, offer.price)
        payment = await self._client.post("/payments", fields, key=offer.order_id)
        if isinstance(payment, Refusal):
            return Declined(
                detail=payment.detail, key_refused=payment.status in {UNAUTHORIZED, FORBIDDEN}
            )
        if payment.get("status") == "canceled":
            return Declined(detail=f"YooKassa cancelled payment {payment.get('id')} at once")
        confirmation = payment.get("confirmation")
        url = confirmation.get("confirmation_url") if isinstance(confirmation, dict) else None
        if not isinstance(url, str) or "://" not in url:
            raise self._client.unreadable("a payment without the address of its page")
        try:
            return Opened(checkout_id=payment_id(payment), url=url)
        except Unreadable as error:
            raise self._client.unreadable(str(error)) from None

    async def give_back(self, refund: Refund) -> GivenBack | Declined | UnderWay:
        """A refund may be `pending` for long, and no notification tells that it was `canceled`
        (contract, section 2.3): it is read until it is decided.
        """
        if refund.refund_id:
            known = await self._client.get(f"/refunds/{quote(refund.refund_id, safe='')}")
            if isinstance(known, Refusal):
                raise Unavailable(known.detail)
            return self._decided(known)
        fields = {
            "payment_id": refund.payment_id,
            "amount": {"value": refund.amount.text, "currency": refund.amount.currency},
        }
        made = await self._client.post("/refunds", fields, key=refund.key)
        if isinstance(made, Refusal):
            return Declined(detail=made.detail)
        return self._decided(made)

    def _decided(self, refund: dict[str, Any]) -> GivenBack | Declined | UnderWay:
        """How a refund stands; raises `Unavailable` where that cannot be read."""
        identity = refund.get("id")
        match refund.get("status"):
            case "succeeded":
                return GivenBack()
            case "canceled":
                return Declined(detail="YooKassa cancelled it")
            case "pending" if isinstance(identity, str) and ID.fullmatch(identity):
                return UnderWay(refund_id=identity)
            case "pending":
                raise self._client.unreadable("a refund without an id")
            case _:
                raise self._client.unreadable("a refund without a status")

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        report = await self.read(PaymentId(checkout_id))
        return () if report is None else (report,)

    async def read(self, payment_id: PaymentId) -> PaymentReport | None:
        payment = await self._client.get(f"/payments/{quote(payment_id, safe='')}")
        if isinstance(payment, Refusal):
            if payment.status == NOT_FOUND:
                return None
            if payment.status == UNAUTHORIZED:
                raise KeyRefused(payment.detail)
            raise Unavailable(payment.detail)
        try:
            return report_of(payment)
        except Unreadable as error:
            raise self._client.unreadable(str(error)) from None


def _fits(metadata: dict[str, str]) -> bool:
    return len(metadata) <= METADATA_KEYS_MAX and all(
        len(key) <= METADATA_KEY_LENGTH_MAX and len(value) <= METADATA_VALUE_LENGTH_MAX
        for key, value in metadata.items()
    )
