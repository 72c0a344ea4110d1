"""NOWPayments' instant payment notifications (IPN): proved by HMAC-SHA512, then read.

The signature has no timestamp, so that an old notification proves itself for ever: the inbox
remembers its key, and a payment only moves forward (contract, section 3.5). Nothing is read
again from the API here; what is signed is the provider's own word.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from actors.ingress.model import (
    Delivery,
    Event,
    Fact,
    Nothing,
    PaymentSeen,
    Rejected,
    SourceName,
    StoredEvent,
    Unusable,
)
from actors.ingress.ports import Source
from actors.kernel.strict_json import MalformedJson, load_object
from adapters.nowpayments.canonical import canonical, canonicals, signature
from adapters.nowpayments.reports import Reader, Unreadable, amount, moment, payment_id

SIGNATURE_HEADER = "x-nowpayments-sig"
BODY_BYTES_MAX = 8 * 1024
"""A notification has about 700 bytes. To know whether one is signed it has to be parsed and written
anew, which anybody can make us do: of these bytes at most 20 ms, of the usual ones below one.
"""
KEPT_HEADERS = ("content-type", "user-agent")
STATUS = re.compile(r"[\x21-\x7e]{1,40}")


class NowPaymentsSource(Source):
    """Notifications of one account; `secrets` are its IPN secrets, several while one changes."""

    def __init__(self, *, secrets: Sequence[str], reader: Reader) -> None:
        if not secrets or not all(secret.strip() for secret in secrets):
            raise ValueError("NOWPayments' notifications need a secret, and none that is empty")
        self._secrets, self._reader = tuple(secrets), reader

    @property
    def name(self) -> SourceName:
        return SourceName.NOWPAYMENTS

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:  # noqa: ARG002 - no time is signed
        if len(delivery.body) > BODY_BYTES_MAX:
            return Rejected(reason="size", detail=f"more than {BODY_BYTES_MAX} bytes")
        given = delivery.headers.get(SIGNATURE_HEADER, "")
        if not given:
            return Rejected(reason="signature", detail=f"{SIGNATURE_HEADER} is missing")
        try:
            document = load_object(delivery.body)
        except MalformedJson as error:
            return Rejected(reason="malformed", detail=str(error))
        if not self._is_signed(document, given):
            return Rejected(reason="signature", detail=f"{SIGNATURE_HEADER} does not fit the body")
        return _event(document, delivery)

    async def interpret(self, stored: StoredEvent) -> Fact:
        try:
            document = load_object(stored.event.body)
            if "payment_id" not in document:
                return Nothing(why="not a payment")
            report = self._reader.report(document)
        except (MalformedJson, Unreadable) as error:
            return Unusable(why=f"NOWPayments: {error}")
        return Nothing(why="unknown status") if report is None else PaymentSeen(report=report)

    def _is_signed(self, document: Mapping[str, Any], given: str) -> bool:
        """By any of the secrets, over either text of an array; all are tried, whichever fits."""
        told = given.strip().encode("utf-8", "replace")
        fits = [
            hmac.compare_digest(signature(text, secret).encode(), told)
            for text in canonicals(document)
            for secret in self._secrets
        ]
        return any(fits)


def _event(document: Mapping[str, Any], delivery: Delivery) -> Event:
    try:
        kind, key, subject = _payment(document)
    except Unreadable:
        kind, key, subject = _other(document)
    return Event(
        source=SourceName.NOWPAYMENTS,
        key=key,
        kind=kind,
        subject=subject,
        body=delivery.body,
        headers={name: delivery.headers[name] for name in KEPT_HEADERS if name in delivery.headers},
        at=moment(document),
    )


def _payment(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, key and subject of a payment; raises `Unreadable` for anything else.

    It is told again when its status changes, or what was paid, or what was asked for
    (`pay_amount` moves when an estimate is renewed); all else may differ between two tellings of
    one fact.
    """
    subject, status = payment_id(document), document.get("payment_status")
    if not isinstance(status, str) or STATUS.fullmatch(status) is None:
        raise Unreadable("payment_status is no status")
    paid, asked = (_plain(document, field) for field in ("actually_paid", "pay_amount"))
    return status, f"{subject}:{status}:{paid}/{asked}", subject


def _other(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """The same of a withdrawal, or of something new: it is known by what was signed of it."""
    digest = hashlib.sha256(canonical(document).encode("utf-8")).hexdigest()
    kind = "withdrawal" if "batch_withdrawal_id" in document else "unknown"
    return kind, f"{kind}:{digest}", ""


def _plain(document: Mapping[str, Any], field: str) -> str:
    """An amount so that `1.50`, `1.5` and `"1.5"` are one; nothing and null are 0."""
    return canonical(amount(document, field) or 0)
