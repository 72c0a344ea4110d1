"""A notification only says where to look: who sent it, and what YooKassa itself answers, count."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
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
from actors.kernel.charges import Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.kernel.money import Money
from adapters.sandbox.server import Request, Response, serve
from adapters.yookassa.client import YooKassaClient
from adapters.yookassa.source import (
    BODY_BYTES_MAX,
    NETWORKS,
    READ_SECONDS,
    READS_MAX,
    YooKassaSource,
)
from tests.adapters.yookassa.samples import (
    CANCELED,
    PAID,
    PAYMENT_ID,
    REFUND,
    REFUND_ID,
    notification,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEER = "185.71.76.1"
TRUSTED = (
    *("185.71.76.1", "185.71.76.31", "185.71.77.5", "77.75.153.127", "77.75.154.128"),
    *("77.75.154.255", "77.75.156.11", "77.75.156.35"),
    *("2a02:5180:0:1509::1", "2a02:5180:0:2655::ffff", "::ffff:185.71.76.1"),
)
STRANGERS = (
    *("185.71.76.32", "77.75.153.128", "77.75.154.127", "77.75.156.12", "2a02:5180::1"),
    *("8.8.8.8", "::ffff:8.8.8.8", "127.0.0.1", "", "185.71.76.1, 8.8.8.8", "yookassa.ru"),
)


@dataclass
class Api:
    """What YooKassa answers to a path; 404 to any other."""

    objects: dict[str, object] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)
    hanging: frozenset[str] = frozenset()
    """Paths that are never answered."""
    head_bytes_max: int = 16_384

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: NOW

    async def __call__(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.path}")
        if request.path in self.hanging:
            await trio.sleep_forever()
        found = self.objects.get(request.path)
        missing = {"type": "error", "code": "not_found"}
        return Response.of(missing, 404) if found is None else Response.of(found, self.status)


@asynccontextmanager
async def source(api: Api | None = None) -> AsyncIterator[YooKassaSource]:
    async with (
        serve(api or Api()) as url,
        YooKassaClient(url=f"{url}/v3", shop_id="100500", secret_key="k") as client,
    ):
        yield YooKassaSource(client=client)


def offline(networks: tuple[str, ...] = NETWORKS) -> YooKassaSource:
    client = YooKassaClient(url="http://127.0.0.1:9/v3", shop_id="1", secret_key="k")
    return YooKassaSource(client=client, networks=networks)


def delivery(payload: object, peer: str = PEER, **headers: str) -> Delivery:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    sent = {"content-type": "application/json", "user-agent": "AHC/2.1"} | headers
    return Delivery(source=SourceName.YOOKASSA, headers=sent, body=body, peer=peer)


def verified(payload: object, **headers: str) -> Event:
    event = offline().verify(delivery(payload, **headers), now=NOW)
    assert isinstance(event, Event), event
    return event


def refused(sent: Delivery) -> str:
    verdict = offline().verify(sent, now=NOW)
    assert isinstance(verdict, Rejected)
    return verdict.reason


async def meaning(event: Event, api: Api) -> Fact:
    async with source(api) as subject:
        return await subject.interpret(
            StoredEvent(event_id=EventId(1), event=event, received_at=NOW)
        )


def payments(payment: object) -> Api:
    return Api({f"/v3/payments/{PAYMENT_ID}": payment})


@pytest.mark.parametrize("peer", TRUSTED)
def test_its_own_addresses_are_let_in(peer: str) -> None:
    assert isinstance(offline().verify(delivery(notification(), peer), now=NOW), Event)


@pytest.mark.parametrize("peer", STRANGERS)
def test_nobody_else_is(peer: str) -> None:
    assert refused(delivery(notification(), peer)) == "address"
    forwarded = {"x-forwarded-for": PEER, "x-real-ip": PEER}
    assert refused(delivery(notification(), peer, **forwarded)) == "address"


def test_the_networks_are_a_setting() -> None:
    subject = offline(("2a02:5180::/32", "127.0.0.0/8"))
    for peer, expected in (("2a02:5180::1", Event), ("127.0.0.1", Event), (PEER, Rejected)):
        assert isinstance(subject.verify(delivery(notification(), peer), now=NOW), expected)
    with pytest.raises(ValueError, match="host bits"):
        offline(("185.71.76.1/27",))


def test_an_event_is_named_by_its_kind_and_its_object() -> None:
    event = verified(notification())
    assert event.source is offline().name is SourceName.YOOKASSA
    assert event.key == f"payment.succeeded:{PAYMENT_ID}"
    assert (event.kind, event.subject) == ("payment.succeeded", PAYMENT_ID)
    assert verified(notification(description="later")).key == event.key
    assert verified(notification("payment.canceled")).key != event.key
    refund = verified(notification("refund.succeeded"))
    assert refund.key == f"refund.succeeded:{REFUND_ID}"
    assert verified(notification("refund.succeeded", id="another")).key != refund.key


def test_a_signature_header_is_noise() -> None:
    assert "x-yookassa-signature" not in verified(notification()).headers
    signed = verified(notification(), **{"x-yookassa-signature": "v" * 500, "cookie": "secret"})
    assert signed.headers["x-yookassa-signature"] == "v" * 200
    assert "cookie" not in signed.headers


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b'{"type":"notification"',
        b'{"type":"notification","type":"notification"}',
        {},
        notification() | {"type": "event"},
        notification() | {"event": None},
        notification() | {"event": "paid"},
        notification() | {"event": "payment.succeeded\x00"},
        notification() | {"event": f"payment.{'x' * 40}"},
        notification() | {"object": None},
        notification() | {"object": [PAID]},
        notification(id=None),
        notification(id=7),
        notification(id="../refunds/1"),
        notification(id="x" * 65),
    ],
)
def test_what_yookassa_never_sends_is_malformed(payload: object) -> None:
    assert refused(delivery(payload)) == "malformed"


def test_a_body_has_a_limit() -> None:
    body = json.dumps(notification()).encode()
    assert isinstance(offline().verify(delivery(body.ljust(BODY_BYTES_MAX)), now=NOW), Event)
    assert refused(delivery(body.ljust(BODY_BYTES_MAX + 1))) == "size"


async def test_only_what_yookassa_answers_now_counts() -> None:
    forged = verified(notification(amount={"value": "9999999.00", "currency": "RUB"}, test=False))
    api = payments(PAID)
    fact = await meaning(forged, api)
    assert isinstance(fact, PaymentSeen)
    assert fact.report.amount == Money.of("990.00", "RUB")
    assert not fact.report.live
    assert api.asked == [f"GET /v3/payments/{PAYMENT_ID}"]


@pytest.mark.parametrize(
    ("event", "answer", "standing"),
    [
        ("payment.succeeded", CANCELED, Standing.EXPIRED),
        ("payment.canceled", PAID, Standing.PAID),
        ("payment.waiting_for_capture", PAID, Standing.PAID),
        ("payment.waiting_for_capture", PAID | {"status": "waiting_for_capture"}, None),
    ],
)
async def test_a_late_notification_tells_the_newest_state(
    event: str, answer: dict[str, object], standing: Standing | None
) -> None:
    fact = await meaning(verified(notification(event)), payments(answer))
    assert isinstance(fact, PaymentSeen)
    assert fact.report.standing is (standing or Standing.PROCESSING)


async def test_a_refund_is_read_through_its_payment() -> None:
    back = PAID | {"refunded_amount": {"value": "990.00", "currency": "RUB"}}
    api = payments(back)
    api.objects[f"/v3/refunds/{REFUND_ID}"] = REFUND
    fact = await meaning(verified(notification("refund.succeeded")), api)
    assert isinstance(fact, PaymentSeen)
    assert fact.report.standing is Standing.REFUNDED
    assert fact.report.refunded == Money.of("990.00", "RUB")
    assert api.asked == [f"GET /v3/refunds/{REFUND_ID}", f"GET /v3/payments/{PAYMENT_ID}"]


@pytest.mark.parametrize("event", ["payment.succeeded", "refund.succeeded"])
async def test_what_yookassa_does_not_know_is_forged(event: str) -> None:
    fact = await meaning(verified(notification(event)), Api())
    assert isinstance(fact, Unusable)
    assert "forged" in fact.why


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
async def test_what_cannot_be_asked_waits(status: int) -> None:
    api = payments({"type": "error", "code": "x"})
    api.status = status
    with pytest.raises(Unavailable, match=str(status)):
        await meaning(verified(notification()), api)


@pytest.mark.parametrize(
    "event",
    [
        *("payout.succeeded", "payout.canceled", "deal.closed", "payment_method.active"),
        *("payment.reborn", "refund.canceled"),
    ],
)
async def test_other_events_are_kept_and_ignored(event: str) -> None:
    api = Api()
    assert await meaning(verified(notification(event)), api) == Nothing(why="unknown type")
    assert api.asked == []


async def test_money_without_an_order_is_told_as_that() -> None:
    metadata = {"telegram_id": "7", "plan_id": "1", "created_at": "2026-11-20"}
    fact = await meaning(verified(notification()), payments(PAID | {"metadata": metadata}))
    assert isinstance(fact, PaymentSeen)
    assert (fact.report.order_id, fact.report.amount) == (None, Money.of("990", "RUB"))
    orphan = CANCELED | {"metadata": {}}
    fact = await meaning(verified(notification("payment.canceled")), payments(orphan))
    assert fact == Nothing(why="no order, no money")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"paid": False}, "not paid"),
        ({"amount": None}, "amount"),
        ({"id": "another"}, "another payment"),
    ],
)
async def test_an_answer_that_cannot_be_is_for_a_person(
    changes: dict[str, object], why: str
) -> None:
    fact = await meaning(verified(notification()), payments(PAID | changes))
    assert isinstance(fact, Unusable)
    assert why in fact.why


async def test_a_refund_of_nothing_is_for_a_person() -> None:
    api = Api({f"/v3/refunds/{REFUND_ID}": REFUND | {"payment_id": None}})
    fact = await meaning(verified(notification("refund.succeeded")), api)
    assert isinstance(fact, Unusable)


async def test_an_unknown_status_is_ignored() -> None:
    fact = await meaning(verified(notification()), payments(PAID | {"status": "on_hold"}))
    assert fact == Nothing(why="unknown status")


async def test_objects_that_hang_hold_up_the_others_for_seconds_and_never_fail_them() -> None:
    names = [f"p-{number}" for number in range(3 * READS_MAX)]
    paths = {f"/v3/payments/{name}": {**PAID, "id": name} for name in names}
    api = Api(dict(paths), hanging=frozenset(list(paths)[:READS_MAX]))
    ends: dict[str, tuple[type, float]] = {}

    async def interpret(subject: YooKassaSource, name: str) -> None:
        event = subject.verify(delivery(notification("payment.succeeded", id=name)), now=NOW)
        assert isinstance(event, Event)
        try:
            stored = StoredEvent(event_id=EventId(1), event=event, received_at=NOW)
            told: object = await subject.interpret(stored)
        except Unavailable as error:
            told = error
        ends[name] = type(told), trio.current_time()

    async with source(api) as subject:
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(interpret, subject, name)
    assert [ends[name][0] for name in names] == [Unavailable] * READS_MAX + [PaymentSeen] * (
        2 * READS_MAX
    )
    assert max(at for _, at in ends.values()) - began < READ_SECONDS + 1
