"""Stripe's webhooks: which are Stripe's."""

from __future__ import annotations

import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from actors.ingress.model import (
    Delivery,
    Event,
    Rejected,
    SourceName,
)
from adapters.stripe.source import StripeSource
from tests.adapters.stripe.test_signature import S1, S1_BODY, S2, S2_BODY, SIGNED
from tests.adapters.stripe.test_signature import SECRET as VECTOR_SECRET
from tests.adapters.stripe.wire import CREATED, KEY, NOW, SECRET, client_of, event, signed

ORDER = "8f14e45fceea167a5a36dedd4bea2543"
NOBODY = "http://127.0.0.1:9"
INTENT: dict[str, Any] = {
    "id": "pi_1",
    "object": "payment_intent",
    "amount": 1999,
    "amount_received": 1999,
    "currency": "usd",
    "status": "succeeded",
    "metadata": {"order_id": ORDER},
}


def source(
    *, live: bool = False, url: str = NOBODY, secrets: tuple[str, ...] = (SECRET,)
) -> StripeSource:
    return StripeSource(secrets=secrets, live=live, client=client_of(url))


def delivery(body: bytes, header: str) -> Delivery:
    headers = {"stripe-signature": header, "content-type": "application/json"}
    return Delivery(source=SourceName.STRIPE, headers=headers, body=body, peer="203.0.113.1")


def verified(raw: object, **how: Any) -> Event | Rejected:
    body = raw if isinstance(raw, str) else json.dumps(raw)
    return source(**how).verify(delivery(body.encode(), signed(body)), now=NOW)


def test_a_signed_event_is_kept_under_its_own_id() -> None:
    raw = event("payment_intent.succeeded", INTENT)
    found = verified(raw)

    assert isinstance(found, Event)
    assert (found.source, found.key, found.kind) == ("stripe", "evt_1", "payment_intent.succeeded")
    assert (found.subject, found.at) == ("pi_1", datetime.fromtimestamp(CREATED, UTC))
    assert json.loads(found.body) == raw
    assert found.headers == {"signed-at": str(int(NOW.timestamp()))}


def test_a_repetition_has_the_same_key_and_another_signature() -> None:
    body = json.dumps(event("payment_intent.succeeded", INTENT))
    later = NOW + timedelta(hours=1)
    first = source().verify(delivery(body.encode(), signed(body)), now=NOW)
    again = source().verify(delivery(body.encode(), signed(body, at=later)), now=later)

    assert isinstance(first, Event)
    assert isinstance(again, Event)
    assert first.key == again.key


@pytest.mark.parametrize("secrets", [(SECRET, "whsec_new"), ("whsec_old", SECRET)])
def test_while_a_secret_is_rolled_both_count(secrets: tuple[str, ...]) -> None:
    assert isinstance(verified(event("charge.refunded", {}), secrets=secrets), Event)


def test_a_missing_wrong_or_old_proof_is_told_apart() -> None:
    body = json.dumps(event("payment_intent.succeeded", INTENT))

    def why(header: str) -> str:
        found = source().verify(delivery(body.encode(), header), now=NOW)
        assert isinstance(found, Rejected)
        assert SECRET not in found.detail
        return found.reason

    assert why("") == "signature"
    assert why(signed(body, "whsec_other")) == "signature"
    assert why(signed(body, at=NOW - timedelta(seconds=301))) == "stale"
    assert why(signed(body, at=NOW + timedelta(seconds=301))) == "stale"
    no_header = Delivery(source=SourceName.STRIPE, headers={}, body=body.encode(), peer="")
    assert isinstance(source().verify(no_header, now=NOW), Rejected)


def test_the_vectors_arrive_as_far_as_they_are_events() -> None:
    vectors = source(secrets=(VECTOR_SECRET,))
    then = datetime.fromtimestamp(SIGNED, UTC)
    whole = vectors.verify(delivery(S1_BODY, S1), now=then)
    part = vectors.verify(delivery(S2_BODY, S2), now=then)

    assert isinstance(whole, Event)
    assert (whole.key, whole.subject) == ("evt_1TestVector0001", "pi_1TestVector0001")
    assert isinstance(part, Rejected)
    assert part.reason == "malformed"


@pytest.mark.parametrize(
    "raw",
    [
        {"id": "evt_1", "object": "v2.core.event", "type": "v2.x", "related_object": {}},
        {"id": "evt_1", "object": "list", "type": "x", "data": {"object": {}}},
        {"id": "evt_1", "object": "event", "type": "x"},
        {"object": "event", "type": "x", "data": {"object": {}}},
        {"id": "evt 1", "object": "event", "type": "x", "data": {"object": {}}},
        {"id": "evt_1", "object": "event", "type": "x", "data": {"object": []}},
        {"id": "evt_1", "object": "event", "type": "x", "data": {"object": {}}, "created": -1},
        [],
        "",
        '{"id":"evt_1","id":"evt_2","object":"event","type":"x","data":{"object":{}}}',
        '{"id":"evt_1","object":"event","type":"x","data":{"object":{"a":NaN}}}',
    ],
)
def test_signed_and_yet_no_event_is_malformed(raw: object) -> None:
    found = verified(raw)
    assert isinstance(found, Rejected)
    assert found.reason == "malformed"


@given(header=st.text(max_size=100), body=st.binary(max_size=100))
def test_nothing_that_comes_raises(header: str, body: bytes) -> None:
    assert isinstance(source().verify(delivery(body, header), now=NOW), Rejected)


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"a":"\xd8"}', b"[" * 50, b"null", b"{}"])
def test_any_bytes_can_be_signed_and_are_malformed(body: bytes) -> None:
    second = str(int(NOW.timestamp()))
    digest = hmac.digest(SECRET.encode(), f"{second}.".encode() + body, "sha256").hex()
    found = source().verify(delivery(body, f"t={second},v1={digest}"), now=NOW)
    assert isinstance(found, Rejected)
    assert found.reason == "malformed"


def test_what_is_no_json_by_its_own_words_is_told_so() -> None:
    body = json.dumps(event("payment_intent.succeeded", INTENT))
    headers = {"stripe-signature": signed(body), "content-type": "text/plain"}
    plain = Delivery(source=SourceName.STRIPE, headers=headers, body=body.encode(), peer="")
    found = source().verify(plain, now=NOW)
    assert isinstance(found, Rejected)
    assert found.reason == "media"


def test_what_we_take_stripes_own_library_takes() -> None:
    body = json.dumps(event("payment_intent.succeeded", INTENT))
    header = stripe.WebhookSignature.generate_signature_header(body, SECRET)
    found = stripe.Webhook.construct_event(body, header, SECRET, api_key=KEY)
    assert found.data.object.amount_received == 1999


@pytest.mark.parametrize("secrets", [(), ("",), (SECRET, "")])
def test_an_empty_secret_would_open_the_door(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="secret"):
        source(secrets=secrets)
