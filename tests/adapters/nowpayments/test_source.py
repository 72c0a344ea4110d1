"""A notification proves itself by its signature, and means what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from actors.kernel.ids import EventId
from actors.kernel.money import Money
from actors.kernel.strict_json import loads
from adapters.nowpayments.canonical import canonical, signature
from adapters.nowpayments.reports import Reader
from adapters.nowpayments.source import BODY_BYTES_MAX, SIGNATURE_HEADER, NowPaymentsSource
from tests.adapters.nowpayments.vectors import FINISHED, SECRET, VECTORS, signed

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SOURCE = NowPaymentsSource(secrets=("newer", SECRET), reader=Reader(live=True))
PAYMENT = json.loads(FINISHED)


def delivery(body: str | bytes, sig: str | None = None) -> Delivery:
    content = body.encode() if isinstance(body, str) else body
    sent = {"content-type": "application/json", "cookie": "secret"}
    if sig is not None:
        sent[SIGNATURE_HEADER] = sig
    return Delivery(source=SourceName.NOWPAYMENTS, headers=sent, body=content, peer="51.89.194.21")


def verified(body: str | Mapping[str, object]) -> Event:
    text = body if isinstance(body, str) else json.dumps(body)
    event = SOURCE.verify(delivery(text, signed(text)), now=NOW)
    assert isinstance(event, Event), event
    return event


def refused(sent: Delivery) -> str:
    verdict = SOURCE.verify(sent, now=NOW)
    assert isinstance(verdict, Rejected)
    assert SECRET not in verdict.detail
    return verdict.reason


async def meaning(event: Event) -> Fact:
    stored = StoredEvent(event_id=EventId(1), event=event, received_at=NOW)
    return await SOURCE.interpret(stored)


def key(**changes: object) -> str:
    return verified(PAYMENT | changes).key


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_contract_prove_themselves(name: str) -> None:
    body, _, sig = VECTORS[name]
    assert isinstance(SOURCE.verify(delivery(body, sig), now=NOW), Event)
    assert refused(delivery(body, sig[1:] + sig[0])) == "signature"
    assert refused(delivery(body, sig.upper())) == "signature"


async def test_a_finished_payment_is_an_event_and_a_fact() -> None:
    event = verified(FINISHED)
    assert event.source is SOURCE.name is SourceName.NOWPAYMENTS
    assert (event.kind, event.subject) == ("finished", "5524759814")
    assert event.key == "5524759814:finished:165.652609/165.652609"
    assert event.body == FINISHED.encode()
    assert event.headers == {"content-type": "application/json"}
    fact = await meaning(event)
    assert isinstance(fact, PaymentSeen)
    assert fact.report.standing is Standing.PAID
    assert fact.report.amount == Money.of("5", "USD")


def test_the_body_may_be_written_in_any_way_that_means_the_same() -> None:
    sig = VECTORS["N1"][2]
    again = json.dumps(dict(reversed(PAYMENT.items())), indent=2)
    assert isinstance(SOURCE.verify(delivery(again, sig), now=NOW), Event)


def test_arrays_are_signed_in_either_way() -> None:
    body = json.dumps(PAYMENT | {"payment_extra_ids": [3, 1, 2]})
    for as_objects in (False, True):
        text = canonical(loads(body.encode()), arrays_as_objects=as_objects)
        sig = signature(text, SECRET)
        assert isinstance(SOURCE.verify(delivery(body, sig), now=NOW), Event)


def test_any_of_the_secrets_proves_and_no_other() -> None:
    for secret in ("newer", SECRET, f"{SECRET}\n"):
        assert isinstance(
            SOURCE.verify(delivery(FINISHED, signed(FINISHED, secret)), now=NOW), Event
        )
    assert refused(delivery(FINISHED, signed(FINISHED, "older"))) == "signature"
    for none in ((), ("",), (SECRET, " ")):
        with pytest.raises(ValueError, match="secret"):
            NowPaymentsSource(secrets=none, reader=Reader(live=True))


@pytest.mark.parametrize("sig", [None, "", "é", "0" * 128, "\x00", "f" * 10_000])
def test_without_a_signature_nothing_is_proved(sig: str | None) -> None:
    assert refused(delivery(FINISHED, sig)) == "signature"


@given(st.sampled_from(sorted(PAYMENT)), st.none() | st.integers() | st.text(max_size=3))
def test_a_changed_value_breaks_the_signature(field: str, value: object) -> None:
    if PAYMENT[field] != value or type(PAYMENT[field]) is not type(value):
        changed = json.dumps(PAYMENT | {field: value})
        assert refused(delivery(changed, VECTORS["N1"][2])) == "signature"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"payment_id":1',
        FINISHED.encode()[:-1] + b',"payment_id":7}',  # a key twice: two readers, two ids
        b'{"a":NaN}',
        b'{"a":1e99999999999999999999}',
        b"[" * 8_000,
        b'{"a":"\xff"}',
    ],
)
def test_what_two_readers_could_read_differently_is_malformed(body: bytes) -> None:
    assert refused(delivery(body, "0" * 128)) == "malformed"


def test_a_body_has_a_bounded_size() -> None:
    room = BODY_BYTES_MAX - len(json.dumps(PAYMENT | {"x": ""}))
    body = json.dumps(PAYMENT | {"x": "x" * room})
    assert len(body) == BODY_BYTES_MAX
    assert isinstance(SOURCE.verify(delivery(body, signed(body)), now=NOW), Event)
    assert refused(delivery(body + " ", signed(body))) == "size"


@pytest.mark.parametrize("status", [None, 5, "", "x" * 41, "a\nb", "\x00"])
async def test_a_signed_payment_without_a_status_is_kept_and_ignored(status: object) -> None:
    event = verified(PAYMENT | {"payment_status": status})
    assert (event.kind, event.subject) == ("unknown", "")
    assert await meaning(event) == Nothing(why="unknown status")


async def test_two_ids_that_share_a_signature_pay_nothing() -> None:
    one, other = (json.dumps(PAYMENT | {"payment_id": 2**53 + n}) for n in (0, 1))
    assert signed(one) == signed(other)
    assert verified(one).key == verified(other).key
    assert isinstance(await meaning(verified(other)), Unusable)


def test_a_redelivery_has_the_same_key() -> None:
    same = key()
    assert key(payment_id="5524759814") == same
    assert key(actually_paid="165.652609000") == same
    assert key(outcome_amount=1, fee=None, updated_at=5, purchase_id="1") == same


def test_a_new_fact_has_a_new_key() -> None:
    keys = [
        key(),
        key(payment_id=2),
        key(payment_status="partially_paid"),
        key(payment_status="refunded"),
        key(actually_paid=100),
        key(payment_status="partially_paid", actually_paid=100),
        key(payment_status="waiting", actually_paid=0),
        key(payment_status="waiting", actually_paid=0, pay_amount=170),
    ]
    assert len(set(keys)) == len(keys)
    assert key(actually_paid=None) == key(actually_paid=0)


async def test_a_withdrawal_is_kept_and_ignored() -> None:
    withdrawal = {"id": "5", "batch_withdrawal_id": "7", "status": "FINISHED", "amount": "1.5"}
    event = verified(withdrawal)
    assert event.kind == "withdrawal"
    assert event.key == verified(dict(reversed(withdrawal.items()))).key
    assert event.key != verified(withdrawal | {"status": "SENDING"}).key
    assert await meaning(event) == Nothing(why="not a payment")
    assert await meaning(verified({"new": 1})) == Nothing(why="not a payment")


async def test_an_unknown_status_is_kept_and_ignored() -> None:
    event = verified(PAYMENT | {"payment_status": "on_hold"})
    assert event.kind == "on_hold"
    assert await meaning(event) == Nothing(why="unknown status")


async def test_a_payment_that_cannot_be_read_is_for_a_person() -> None:
    fact = await meaning(verified(PAYMENT | {"pay_amount": 0}))
    assert isinstance(fact, Unusable)
    assert "pay_amount" in fact.why
