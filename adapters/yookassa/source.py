"""YooKassa's notifications: unsigned, proved by the sender's address and by a second look.

A notification is let in from YooKassa's networks only, and then tells us no more than where to
look: the payment is read again with our own credentials, and that answer alone counts. A header
`x-yookassa-signature` is in none of the vendor's documents, nor in its SDK; it is kept if it ever
comes, and never asked for (contract, section 2.6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote

import trio

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
from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import MalformedJson, load_object
from adapters.yookassa.client import Refusal, YooKassaClient
from adapters.yookassa.reports import ID, Unreadable, payment_id, report_of

NETWORKS = (
    *("77.75.153.0/25", "77.75.154.128/25", "77.75.156.11/32", "77.75.156.35/32"),
    *("185.71.76.0/27", "185.71.77.0/27"),
    *("2a02:5180:0:1509::/64", "2a02:5180:0:1533::/64"),
    *("2a02:5180:0:2655::/64", "2a02:5180:0:2669::/64"),
)
"""Where notifications come from: the list of the vendor's SDK, 3.13.0."""
BODY_BYTES_MAX = 64 * 1024
KEPT_HEADERS = ("content-type", "user-agent", "x-yookassa-signature")
HEADER_LENGTH_MAX = 200
EVENT_NAME = re.compile(r"[a-z_]{1,32}\.[a-z_]{1,32}")
PAYMENT_EVENTS = frozenset({"payment.waiting_for_capture", "payment.succeeded", "payment.canceled"})
REFUND_EVENTS = frozenset({"refund.succeeded"})
NOT_FOUND = 404
READS_MAX = 8
"""Objects read again at once. Whoever waits for his turn has his time still before him."""
READ_SECONDS = 5.0
"""For reading one, which takes YooKassa a fraction of a second; one that hangs gives its place to
the next, and is read again later."""


class YooKassaSource(Source):
    """Notifications of one shop; `networks` are the only senders that are let in."""

    def __init__(self, *, client: YooKassaClient, networks: Sequence[str] = NETWORKS) -> None:
        self._client, self._places = client, trio.CapacityLimiter(READS_MAX)
        self._networks: tuple[IPv4Network | IPv6Network, ...] = tuple(map(ip_network, networks))

    @property
    def name(self) -> SourceName:
        return SourceName.YOOKASSA

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:  # noqa: ARG002 - no time is signed
        if not self._is_theirs(delivery.peer):
            return Rejected(reason="address", detail="YooKassa does not send from there")
        if len(delivery.body) > BODY_BYTES_MAX:
            return Rejected(reason="size", detail=f"more than {BODY_BYTES_MAX} bytes")
        try:
            kind, subject = _read(load_object(delivery.body))
        except (MalformedJson, Unreadable) as error:
            return Rejected(reason="malformed", detail=str(error))
        return Event(
            source=SourceName.YOOKASSA,
            # There is no id of the event. An object goes through each of these once: a second
            # refund of one payment is another refund object.
            key=f"{kind}:{subject}",
            kind=kind,
            subject=subject,
            body=delivery.body,
            headers={
                name: delivery.headers[name][:HEADER_LENGTH_MAX]
                for name in KEPT_HEADERS
                if name in delivery.headers
            },
        )

    async def interpret(self, stored: StoredEvent) -> Fact:
        kind, subject = stored.event.kind, stored.event.subject
        try:
            if kind in PAYMENT_EVENTS:
                return await self._payment(subject)
            if kind in REFUND_EVENTS:
                refund = await self._object("refunds", subject)
                if isinstance(refund, Unusable):
                    return refund
                return await self._payment(payment_id(refund, "payment_id"))
        except Unreadable as error:
            return Unusable(why=f"YooKassa answered about {subject}: {error}")
        return Nothing(why="unknown type")

    async def _payment(self, subject: str) -> Fact:
        payment = await self._object("payments", subject)
        if isinstance(payment, Unusable):
            return payment
        report = report_of(payment)
        if report is None:
            return Nothing(why="unknown status")
        if report.payment_id != subject:
            raise Unreadable("it is another payment")
        if report.order_id is None and not report.amount:
            return Nothing(why="no order, no money")
        return PaymentSeen(report=report)

    async def _object(self, kind: str, subject: str) -> dict[str, Any] | Unusable:
        """The object as YooKassa has it now; raises `Unavailable`."""
        async with self._places:
            with trio.move_on_after(READ_SECONDS) as deadline:
                found = await self._client.get(f"/{kind}/{quote(subject, safe='')}")
        if deadline.cancelled_caught:
            raise Unavailable(f"YooKassa did not answer within {READ_SECONDS:g} s")
        if not isinstance(found, Refusal):
            return found
        if found.status == NOT_FOUND:
            return Unusable(
                why=f"YooKassa has no such object in {kind}: forged, or another shop's ({subject})"
            )
        raise Unavailable(found.detail)  # our credentials, most likely: the event can wait

    def _is_theirs(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _read(notification: dict[str, Any]) -> tuple[str, str]:
    """The name of the event and the id of its object; raises `Unreadable`."""
    event, subject = notification.get("event"), notification.get("object")
    if notification.get("type") != "notification":
        raise Unreadable("type is not 'notification'")
    if not isinstance(event, str) or EVENT_NAME.fullmatch(event) is None:
        raise Unreadable("event is no name")
    identity = subject.get("id") if isinstance(subject, dict) else None
    if not isinstance(identity, str) or ID.fullmatch(identity) is None:
        raise Unreadable("object has no id")
    return event, identity
