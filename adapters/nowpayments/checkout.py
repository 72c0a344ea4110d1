"""Invoices of NOWPayments: one per order as far as we know, and how they are paid.

The API has no idempotency and cannot find an invoice by its order. After an unknown outcome the
order's next `open` makes a second invoice. That is harmless: nobody was told of the first one,
both carry the same order, and what is granted is keyed by the order, not by the invoice.

`look` lists the payments of an invoice, for which NOWPayments wants the account's e-mail and
password; without them it knows none, and `read` is left, for payments that were told of once: a
later notification that was lost is made up for, a payment of which all were lost is not found.
"""

from __future__ import annotations

from urllib.parse import quote

from actors.kernel.charges import PaymentReport
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import PaymentId
from actors.payments.looks import LookLimits
from actors.payments.ports import Charges, Checkout, Declined, Offer, Opened
from adapters.nowpayments.client import NowPaymentsClient, Refusal
from adapters.nowpayments.reports import ID, Reader, Unreadable

PAYMENTS_MAX = 100
"""Of one invoice: each coin that the payer tries makes one."""
NOT_FOUND = 404
KEY_REFUSED = frozenset({401, 403})
"""Whatever is asked, this key may not."""
LOOK_SECONDS = 1.0
"""From one list of payments to the next: NOWPayments publishes no limit for them, and throttles."""


class NowPaymentsCheckout(Checkout, Charges):
    """`ipn_url` is our public address for notifications; NOWPayments refuses localhost."""

    def __init__(self, *, client: NowPaymentsClient, reader: Reader, ipn_url: str) -> None:
        self._client, self._reader, self._ipn_url = client, reader, ipn_url

    async def open(self, offer: Offer) -> Opened | Declined:
        fields: dict[str, object] = {
            "price_amount": offer.price.amount,
            "price_currency": offer.price.currency.lower(),
            "order_id": offer.order_id,
            "order_description": offer.title,
            "ipn_callback_url": self._ipn_url,
            "success_url": offer.return_url,
            "partially_paid_url": offer.return_url,
            "cancel_url": offer.cancel_url,
        }
        if self._reader.pay_currency:
            fields["pay_currency"] = self._reader.pay_currency.lower()
        invoice = await self._client.post("/invoice", fields)
        if isinstance(invoice, Refusal):
            return Declined(detail=invoice.detail, key_refused=invoice.status in KEY_REFUSED)
        checkout_id, url = str(invoice.get("id")), invoice.get("invoice_url")
        if ID.fullmatch(checkout_id) is None or not isinstance(url, str) or "://" not in url:
            raise self._client.unreadable("an invoice without id or address")
        return Opened(checkout_id=checkout_id, url=url)

    @property
    def look_limits(self) -> LookLimits | None:
        """About one request a second; without an account nothing can be listed."""
        return LookLimits(at_a_time=1, pace_seconds=LOOK_SECONDS) if self._client.lists else None

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        if not self._client.lists:
            return ()
        page = await self._client.list("/payment/", invoiceId=checkout_id, limit=PAYMENTS_MAX)
        if isinstance(page, Refusal):
            raise Unavailable(page.detail)
        payments = page.get("data")
        if not isinstance(payments, list):
            raise self._client.unreadable("no list of payments")
        return tuple(filter(None, map(self._report_if_readable, payments)))

    async def read(self, payment_id: PaymentId) -> PaymentReport | None:
        payment = await self._client.get(f"/payment/{quote(payment_id, safe='')}")
        if isinstance(payment, Refusal):
            if payment.status == NOT_FOUND:
                return None
            if payment.status in KEY_REFUSED:
                raise KeyRefused(payment.detail)
            raise Unavailable(payment.detail)
        try:
            return self._reader.report(payment)
        except Unreadable as error:
            raise self._client.unreadable(str(error)) from None

    def _report_if_readable(self, payment: object) -> PaymentReport | None:
        """One that cannot be read hides no other; its notification is parked for a person."""
        try:
            return self._reader.report(payment) if isinstance(payment, dict) else None
        except Unreadable:
            return None
