"""YooKassa on loopback: payments over its v3 API, payers, and notifications nobody signs.

    yookassa = YooKassaSandbox()
    async with serve(yookassa) as url, yookassa.deliveries:     # YOOKASSA_API_URL=<url>/v3
        yookassa.webhooks_to("http://127.0.0.1:8080/v1/payments/webhook")
        ...                                                     # the shop opens a payment
        yookassa.pay(payment_id)

A test shop (`test` is true in every object). As the real one: Basic auth, an `Idempotence-Key`
that is required and remembered for a day, 202 while something is not finished, 500 after which
nobody knows what happened, and notifications that only a 200 ends (contract, section 2). The
vendor's own library, pointed here, works (`tests/adapters/sandbox`).
"""

from __future__ import annotations

import base64
import copy
import hmac
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import trio

from adapters.sandbox import yookassa_objects as objects
from adapters.sandbox.deliveries import Deliveries
from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.outgoing import Webhook
from adapters.sandbox.server import Request, Response, utc_now
from adapters.sandbox.yookassa_objects import Json, Refused, invalid

SHOP_ID = "100500"
SECRET_KEY = "test_SandboxSecretKey"  # noqa: S105 - opens nothing
HEAD_BYTES_MAX = 16_384
RETRIES_SECONDS = (32.0, 42.0, 84.0, 504.0, 4704.0, 80_640.0)
"""Seven notifications within 24 hours. The published numbers (10, 42, 84, 168, 672, 5376, 86016)
fit that only as distances from the event; these are the pauses between them."""
KEY_LIFE = timedelta(hours=24)
KEY_LENGTH_MAX = 64
RETRY_AFTER_MILLISECONDS = 1800
DELIVERED = 200
YOO_MONEY, MERCHANT = "yoo_money", "merchant"


class YooKassaSandbox:
    """One shop, in memory. `now` is the wall clock of this world; it may be replaced. Ids are made
    from numbers that count from `first_number`.
    """

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(
        self,
        *,
        shop_id: str = SHOP_ID,
        secret_key: str = SECRET_KEY,
        first_number: int = 1,
        retries_seconds: Sequence[float] = RETRIES_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.shop_id, self.secret_key, self.now = shop_id, secret_key, now
        self.calls: Counter[str] = Counter()
        """Requests per kind (`POST payments`, `GET payments/*`), refused ones included."""
        self.payments: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.deliveries = Deliveries(
            schedule=retries_seconds, accepted=lambda status: status == DELIVERED
        )
        self._webhook_url = ""
        self._captures: set[str] = set()
        self._remembered: dict[str, tuple[datetime, bytes, Json]] = {}
        self._faults, self._numbers = Faults(), count(first_number)
        self._unfinished = self._forgotten = 0

    # What the cabinet and the payer do.

    def webhooks_to(self, url: str) -> None:
        """Notifications go there from now on: one address for each shop."""
        self._webhook_url = url

    def pay(self, payment_id: str) -> None:
        """The payer pays on the page. Raises KeyError, or ValueError when it is too late."""
        payment = self._in_status(payment_id, "pending")
        objects.held(payment, now=self.now())
        if payment_id in self._captures:
            objects.captured(payment, now=self.now())
            self._notify("payment.succeeded", payment)
        else:
            self._notify("payment.waiting_for_capture", payment)

    def cancel(
        self, payment_id: str, *, reason: str = "insufficient_funds", party: str = "payment_network"
    ) -> None:
        """The payer's bank refuses, or somebody decides against it."""
        payment = self._in_status(payment_id, "pending", "waiting_for_capture")
        objects.canceled(payment, party=party, reason=reason)
        self._notify("payment.canceled", payment)

    def expire(self, payment_id: str) -> None:
        """The payer never came back to the page."""
        self.cancel(payment_id, reason="expired_on_confirmation", party=YOO_MONEY)

    def refund(self, payment_id: str, value: str | None = None) -> str:
        """The shop gives money back in the cabinet, all of it or `value`; the refund's id."""
        payment = self._in_status(payment_id, "succeeded")
        amount = payment["amount"] if value is None else payment["amount"] | {"value": value}
        return str(self._refund({"payment_id": payment_id, "amount": amount})["id"])

    # What goes wrong.

    def processing_next(self, times: int) -> None:
        """The next POSTs that make something answer 202: ask again with the same key."""
        self._unfinished += times

    def forget_next(self, times: int) -> None:
        """The next POSTs are carried out, and answer 500."""
        self._forgotten += times

    def fail_next(self, times: int, status: int, *, kind: str | None = None) -> None:
        """Refuse the next requests (of `kind`, see `calls`); nothing happens."""
        code = "too_many_requests" if status == 429 else "internal_server_error"  # noqa: PLR2004 - its status
        refused = Refused(status, code, "Sandbox").as_json()
        answer = Response.of(refused | {"retry_after": RETRY_AFTER_MILLISECONDS}, status)
        self._faults.plan(Fail(answer), times=times, kind=kind)

    def hang_next(self, times: int, seconds: float, *, kind: str | None = None) -> None:
        """Look at the next requests only after `seconds`, and carry them out even then."""
        self._faults.plan(Hang(seconds), times=times, kind=kind)

    def drop_next(self, times: int, *, kind: str | None = None) -> None:
        """Carry out the next requests, then hang up: the client never learns the outcome."""
        self._faults.plan(Drop(), times=times, kind=kind)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()
        self._unfinished = self._forgotten = 0

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        parts = request.path.strip("/").split("/")
        kind = " ".join((request.method, "/".join([*parts[1:2], *("*" for _ in parts[2:3])])))
        self.calls[kind] += 1
        fault = self._faults.take(kind.lower())
        if isinstance(fault, Fail):
            return fault.answer
        if isinstance(fault, Hang):
            await trio.sleep(fault.seconds)
        try:
            self._authorize(request)
            if request.method == "POST":
                response = self._write(request, parts)
            else:
                response = Response.of(self._read(request.method, parts))
        except Refused as refused:
            response = Response.of(refused.as_json(), refused.status)
        return None if isinstance(fault, Drop) else response

    def _authorize(self, request: Request) -> None:
        wanted = base64.b64encode(f"{self.shop_id}:{self.secret_key}".encode()).decode()
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Basic {wanted}".encode()):
            raise Refused(
                401, "invalid_credentials", "Error in shopId or secret key", "Authorization"
            )

    def _read(self, method: str, parts: list[str]) -> Json:
        match method, parts:
            case "GET", ["v3", "payments", identity] if identity in self.payments:
                return self.payments[identity]
            case "GET", ["v3", "refunds", identity] if identity in self.refunds:
                return self.refunds[identity]
            case _:
                raise Refused(404, "not_found", "There is no such object", "id")

    def _write(self, request: Request, parts: list[str]) -> Response:
        """Once for each key; the first result is what later requests get, too."""
        key = request.headers.get("idempotence-key", "")
        if not key:
            raise invalid("Idempotence key is empty", "Idempotence-Key")
        if len(key) > KEY_LENGTH_MAX:
            raise invalid("Idempotence key is too long", "Idempotence-Key")
        asked = request.path.encode() + b" " + request.body
        until, before, result = self._remembered.get(key, (self.now(), b"", {}))
        if until <= self.now():
            result = copy.deepcopy(self._done(parts, _fields(request)))
            self._remembered[key] = (self.now() + KEY_LIFE, asked, result)
        elif before != asked:
            raise invalid("Duplicate idempotence key", "Idempotence-Key")
        if self._forgotten:
            self._forgotten -= 1
            raise Refused(500, "internal_server_error", "Sandbox")
        if self._unfinished:
            self._unfinished -= 1
            wait = {"type": "processing", "retry_after": RETRY_AFTER_MILLISECONDS}
            return Response.of(wait, 202)
        return Response.of(result)

    def _done(self, parts: list[str], fields: Json) -> Json:
        match parts:
            case ["v3", "payments"]:
                return self._open(fields)
            case ["v3", "payments", identity, "capture"]:
                payment = self._found(identity, "waiting_for_capture")
                objects.captured(payment, now=self.now())
                self._notify("payment.succeeded", payment)
                return payment
            case ["v3", "payments", identity, "cancel"]:
                payment = self._found(identity, "waiting_for_capture")
                objects.canceled(payment, party=MERCHANT, reason="canceled_by_merchant")
                self._notify("payment.canceled", payment)
                return payment
            case ["v3", "refunds"]:
                return self._refund(fields)
            case _:
                raise Refused(404, "not_found", "There is no such method", "path")

    def _open(self, fields: Json) -> Json:
        payment = objects.new_payment(
            fields, number=next(self._numbers), shop_id=self.shop_id, now=self.now()
        )
        self.payments[payment["id"]] = payment
        if fields.get("capture") is True:
            self._captures.add(payment["id"])
        return payment

    def _refund(self, fields: Json) -> Json:
        payment = self._found(str(fields.get("payment_id")), "succeeded")
        refund = objects.new_refund(
            payment, fields.get("amount"), number=next(self._numbers), now=self.now()
        )
        self.refunds[refund["id"]] = refund
        self._notify("refund.succeeded", refund)
        return refund

    def _found(self, payment_id: str, status: str) -> Json:
        payment = self.payments.get(payment_id)
        if payment is None:
            raise Refused(404, "not_found", "Payment doesn't exist or access denied", "payment_id")
        if payment["status"] != status:
            raise invalid(f"Payment is not {status}", "payment_id")
        return payment

    def _in_status(self, payment_id: str, *statuses: str) -> Json:
        payment = self.payments[payment_id]
        if payment["status"] not in statuses:
            raise ValueError(f"payment {payment_id} is {payment['status']}")
        return payment

    def _notify(self, event: str, subject: Json) -> None:
        """The object as it is at this moment; later attempts say the same, however late."""
        if not self._webhook_url:
            return
        url = self._webhook_url
        notification = {"type": "notification", "event": event, "object": subject}
        body = json.dumps(notification, ensure_ascii=False).encode()
        headers = {"content-type": "application/json", "user-agent": "AHC/2.1"}
        self.deliveries.send(
            f"{event}:{subject['id']}", lambda: Webhook(url=url, headers=headers, body=body)
        )


def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = json.loads(request.body or b"{}")
    except ValueError:
        raise invalid("Body is not JSON", "body") from None
    if not isinstance(fields, dict):
        raise invalid("Body is no object", "body")
    return fields
