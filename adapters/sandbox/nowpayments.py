"""NOWPayments on loopback: invoices over its v1 API, payers, and signed notifications (IPN).

    nowpayments = NowPaymentsSandbox()
    async with serve(nowpayments) as url, nowpayments.deliveries:   # NOWPAYMENTS_API_URL=<url>/v1
        ...                                                         # the shop opens an invoice
        payment_id = nowpayments.choose(invoice_id, "trx")          # the payer, on its page
        nowpayments.pay(payment_id)

As the real one: no idempotency, lists want a token, coins that come late or on top make a new
payment with `parent_payment_id`, nothing is sent without an IPN secret, and a notification
counts as delivered by any 2xx within 3 seconds (contract, section 3).
"""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

import trio

from adapters.sandbox.deliveries import Deliveries, any_2xx
from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.nowpayments_books import (
    COINS,
    UNIT,
    USD_OF_ONE,
    Invoice,
    Json,
    Payment,
    coins_for,
    dumps,
    ipn_signature,
)
from adapters.sandbox.outgoing import Webhook
from adapters.sandbox.server import Request, Response, utc_now

API_KEY = "SANDBOX-0000000-0000000-0000000"
IPN_SECRET = "sandbox-ipn-secret"  # noqa: S105 - opens nothing
EMAIL, PASSWORD = "owner@shop.example", "sandbox-password"
HEAD_BYTES_MAX = 16_384
RETRIES_SECONDS = (60.0, 60.0, 60.0)
"""Number and distance are settings of an account; three times, a minute apart, is the example of
the vendor's help pages."""
PATIENCE_SECONDS = 3.0
FIRST_NUMBER = 4_522_625_843
TOKEN_LIFE = timedelta(minutes=5)
ECHOED = ("order_id", "order_description", "ipn_callback_url", "success_url", "cancel_url")
ECHOED_LATE = ("partially_paid_url",)
FINISHED, PARTIAL = "finished", "partially_paid"
ON_THE_WAY = ("confirming", "confirmed", "sending")


class Refused(Exception):  # noqa: N818 - a verdict
    """The request is refused in the words of NOWPayments."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"statusCode": status, "code": code, "message": message}


class NowPaymentsSandbox:
    """One account, in memory. `now` is the wall clock of this world; `ipn_secret` may be "": then
    nothing is ever sent, as with an account that has not made one yet. Ids count from
    `first_number`.
    """

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        ipn_secret: str = IPN_SECRET,
        first_number: int = FIRST_NUMBER,
        retries_seconds: Sequence[float] = RETRIES_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.api_key, self.ipn_secret, self.now = api_key, ipn_secret, now
        self.calls: Counter[str] = Counter()
        """Requests per kind: status, auth, invoice, payment, list; refused ones included."""
        self.invoices: dict[int, Invoice] = {}
        self.payments: dict[int, Payment] = {}
        self.deliveries = Deliveries(
            schedule=retries_seconds, accepted=any_2xx, patience_seconds=PATIENCE_SECONDS
        )
        self._faults, self._ids = Faults(), count(first_number)
        self._tokens: dict[str, datetime] = {}

    # The payer, and what happens on the chain.

    def choose(self, invoice_id: int | str, coin: str = "trx") -> int:
        """The payer picks a coin on the page of an invoice; the id of the payment that is made.

        Raises KeyError for an unknown invoice or coin, ValueError when the shop takes another.
        """
        invoice = self.invoices[int(invoice_id)]
        if invoice.pay_currency not in (None, coin):
            raise ValueError(f"this invoice is paid in {invoice.pay_currency}")
        asked = coins_for(invoice.price_amount, invoice.price_currency, coin)
        return self._add(invoice, coin, asked, purchase_id=str(next(self._ids)))

    def pay(self, payment_id: int, *, share: str = "1", until: str = FINISHED) -> int:
        """`share` of the coins arrives, and is confirmed up to status `until`.

        At an address that was used or has expired they make a payment of their own, which names
        this one as its parent. Returns the id of the payment that the coins belong to.
        """
        payment = self.payments[payment_id]
        coins = (payment.pay_amount * Decimal(share)).quantize(UNIT)
        if payment.status != "waiting":
            payment_id = self._redeposit(payment)
            payment = self.payments[payment_id]
        payment.actually_paid = coins
        is_short = coins < payment.pay_amount and payment.parent_payment_id is None
        path = ("confirming", PARTIAL) if is_short else (*ON_THE_WAY, FINISHED)
        for status in path[: path.index(until) + 1] if until in path else path:
            self.move(payment_id, status)
        return payment_id

    def move(self, payment_id: int, status: str) -> None:
        """The payment gets this status, and the shop is told (failed, refunded, sending, ...).

        Nobody is told that a payment has expired: `expire`.
        """
        payment = self.payments[payment_id]
        payment.status, payment.updated_at = status, self.now()
        payment.history.append(status)
        self._notify(payment)

    def expire(self, payment_id: int) -> None:
        """Nobody paid in time. NOWPayments sends no notification of it."""
        payment = self.payments[payment_id]
        payment.status, payment.updated_at = "expired", self.now()
        payment.history.append("expired")

    # What goes wrong.

    def fail_next(self, times: int, status: int, *, kind: str | None = None) -> None:
        """Refuse the next requests (of `kind`, see `calls`); nothing happens."""
        body = {"statusCode": status, "code": "INTERNAL_ERROR", "message": "Sandbox"}
        self._faults.plan(Fail(Response.of(body, status)), times=times, kind=kind)

    def hang_next(self, times: int, seconds: float, *, kind: str | None = None) -> None:
        """Look at the next requests only after `seconds`, and carry them out even then."""
        self._faults.plan(Hang(seconds), times=times, kind=kind)

    def drop_next(self, times: int, *, kind: str | None = None) -> None:
        """Carry out the next requests, then hang up: the client never learns the outcome."""
        self._faults.plan(Drop(), times=times, kind=kind)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        parts = request.path.strip("/").split("/")
        kind = _kind(request.method, parts)
        self.calls[kind] += 1
        fault = self._faults.take(kind)
        if isinstance(fault, Fail):
            return fault.answer
        if isinstance(fault, Hang):
            await trio.sleep(fault.seconds)
        try:
            status, body = self._answer(kind, parts, request)
        except Refused as refused:
            status, body = refused.status, refused.body
        kind_of_body = {"content-type": "application/json; charset=utf-8"}
        response = Response(
            status=status, body=dumps(body).encode("utf-8", "replace"), headers=kind_of_body
        )
        return None if isinstance(fault, Drop) else response

    def _answer(self, kind: str, parts: list[str], request: Request) -> tuple[int, object]:
        if kind == "status":
            return 200, {"message": "OK"}
        if kind == "auth":
            return 200, {"token": self._token(_fields(request))}
        self._authorize(request)
        match kind:
            case "invoice":
                return 200, self._open(_fields(request)).as_json()
            case "payment":
                return 200, self._found(parts[2]).as_json()
            case "list":
                self._check_token(request)
                return 200, self._page(request.parameters)
            case _:
                raise Refused(404, "NOT_FOUND", f"Cannot {request.method} {request.path}")

    def _authorize(self, request: Request) -> None:
        given = request.headers.get("x-api-key", "")
        if not given:
            raise Refused(401, "AUTH_REQUIRED", "Authorization header is empty (Bearer JWTtoken)")
        if not hmac.compare_digest(given.encode(), self.api_key.encode()):
            raise Refused(403, "INVALID_API_KEY", "Invalid api key")

    def _token(self, fields: dict[str, Any]) -> str:
        if (fields.get("email"), fields.get("password")) != (EMAIL, PASSWORD):
            raise Refused(403, "INVALID_CREDENTIALS", "Wrong email or password")
        token = f"token-{len(self._tokens)}"
        self._tokens[token] = self.now() + TOKEN_LIFE
        return token

    def _check_token(self, request: Request) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self._tokens or self._tokens[token] <= self.now():
            raise Refused(401, "AUTH_REQUIRED", "Authorization header is empty (Bearer JWTtoken)")

    def _open(self, fields: dict[str, Any]) -> Invoice:
        price, currency = _amount(fields.get("price_amount")), fields.get("price_currency")
        coin = fields.get("pay_currency")
        if currency not in USD_OF_ONE:
            raise Refused(400, "INVALID_REQUEST_PARAMS", "price_currency is not supported")
        if coin is not None and coin not in COINS:
            raise Refused(400, "INVALID_REQUEST_PARAMS", "pay_currency is not supported")
        if price * USD_OF_ONE[currency] < Decimal("0.5"):
            raise Refused(400, "AMOUNT_MINIMAL_ERROR", "amountTo is too small")
        invoice = Invoice(
            invoice_id=next(self._ids),
            created_at=self.now(),
            price_amount=price,
            price_currency=currency,
            pay_currency=coin,
            echo={name: fields.get(name) for name in (*ECHOED, *ECHOED_LATE)},
        )
        self.invoices[invoice.invoice_id] = invoice
        return invoice

    def _found(self, payment_id: str) -> Payment:
        payment = self.payments.get(int(payment_id)) if payment_id.isdigit() else None
        if payment is None:
            raise Refused(404, "PAYMENT_NOT_FOUND", "Payment not found")
        return payment

    def _page(self, query: dict[str, str]) -> Json:
        wanted = query.get("invoiceId")
        found = [
            payment.as_json()
            for payment in self.payments.values()
            if wanted is None or str(payment.invoice.invoice_id) == wanted
        ]
        limit, page = _whole(query.get("limit", "10")) or 10, _whole(query.get("page", "0"))
        data: list[object] = list(found[page * limit : (page + 1) * limit])
        pages = -(-len(found) // limit)
        return {
            "data": data,
            "limit": limit,
            "page": page,
            "pagesCount": pages,
            "total": len(found),
        }

    # Payments and notifications.

    def _add(
        self,
        invoice: Invoice,
        coin: str,
        asked: Decimal,
        *,
        purchase_id: str,
        parent: int | None = None,
    ) -> int:
        payment = Payment(
            payment_id=next(self._ids),
            invoice=invoice,
            purchase_id=purchase_id,
            pay_currency=coin,
            pay_amount=asked,
            created_at=self.now(),
            updated_at=self.now(),
            parent_payment_id=parent,
        )
        self.payments[payment.payment_id] = payment
        if parent is None:
            self._notify(payment)
        return payment.payment_id

    def _redeposit(self, of: Payment) -> int:
        return self._add(
            of.invoice,
            of.pay_currency,
            of.pay_amount,
            purchase_id=of.purchase_id,
            parent=of.payment_id,
        )

    def _notify(self, payment: Payment) -> None:
        url = payment.invoice.echo["ipn_callback_url"]
        if not url or not self.ipn_secret:
            return
        document = payment.as_ipn()

        def make() -> Webhook:
            headers = {
                "content-type": "application/json",
                "x-nowpayments-sig": ipn_signature(document, self.ipn_secret),
            }
            return Webhook(url=url, headers=headers, body=dumps(document).encode("utf-8"))

        self.deliveries.send(f"{payment.payment_id}:{payment.status}", make)


def _kind(method: str, parts: list[str]) -> str:
    match method, parts:
        case "GET", ["v1", "status"]:
            return "status"
        case "POST", ["v1", "auth"]:
            return "auth"
        case "POST", ["v1", "invoice"]:
            return "invoice"
        case "GET", ["v1", "payment"]:
            return "list"
        case "GET", ["v1", "payment", _]:
            return "payment"
        case _:
            return "unknown"


def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(request.body, parse_float=Decimal)
    except ValueError:
        raise Refused(400, "INVALID_REQUEST_PARAMS", "Unexpected token in JSON") from None
    if not isinstance(fields, dict):
        raise Refused(400, "INVALID_REQUEST_PARAMS", "body must be an object")
    return fields


def _whole(text: str) -> int:
    if not text.isdigit():
        raise Refused(400, "INVALID_REQUEST_PARAMS", "limit and page must be numbers")
    return min(int(text), 500)


def _amount(value: object) -> Decimal:
    """Of a price: a number above zero, or a text of one; six decimals are kept."""
    try:
        amount = Decimal(str(value)).quantize(UNIT)
    except InvalidOperation:
        amount = Decimal(0)
    if isinstance(value, bool) or amount <= 0:
        raise Refused(400, "INVALID_REQUEST_PARAMS", "price_amount must be a number")
    return amount
