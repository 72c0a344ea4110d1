"""The payload is one flat object with the same fields, whatever it is about."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from actors.debounce.messages import Passed
from actors.debounce.model import flat
from actors.kernel.charges import Rail
from actors.kernel.ids import MessageId, OrderId, ProductId, UpdateId
from actors.kernel.money import Money
from actors.relay.messages import EventType
from actors.relay.model import Event, Paid, payload
from tests.actors.relay.world import ANNA, NOON
from tests.architecture import ROOT

JSON_TYPES = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
MESSAGES = tuple(
    flat(Passed(update_id=UpdateId(n), message_id=MessageId(n), kind="text", text=text))
    for n, text in enumerate(("Привіт", "", "2"))
)
BATCH = Event(
    event_id=UUID(int=5),
    event_type=EventType.MESSAGE_BATCH,
    chat_id=ANNA,
    created_at=NOON + timedelta(microseconds=1_500),
    messages=MESSAGES,
    dropped=3,
)
PAYMENT = Event(
    event_id=UUID(int=6),
    event_type=EventType.PAYMENT,
    chat_id=ANNA,
    created_at=NOON,
    paid=Paid(
        order_id=OrderId("a" * 32),
        product_id=ProductId("ticket"),
        title="Ticket",
        price=Money.of("990.00", "RUB"),
        rail=Rail.YOOKASSA,
        live=True,
        paid_at=NOON,
        name=None,
        phone="+380501234567",
    ),
)


def told(event: Event) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(payload(event))
    return fields


def test_a_batch() -> None:
    fields = told(BATCH)
    assert fields["event_id"] == str(BATCH.event_id)
    assert (fields["event_type"], fields["user_id"]) == ("message_batch", ANNA)
    assert fields["created_at"] == "2026-11-21T12:00:00.001Z"
    assert (fields["batch_size"], fields["messages_dropped"]) == (3, 3)
    assert fields["messages"] == list(MESSAGES)
    assert fields["text"] == "Привіт\n2"
    assert (fields["order_id"], fields["amount"], fields["live"]) == ("", "", False)


def test_a_payment() -> None:
    fields = told(PAYMENT)
    assert (fields["event_type"], fields["batch_size"], fields["messages"]) == ("payment", 0, [])
    assert (fields["amount"], fields["currency"], fields["rail"]) == ("990.00", "RUB", "yookassa")
    assert (fields["customer_name"], fields["customer_phone"]) == ("", "+380501234567")
    assert (fields["paid_at"], fields["live"]) == ("2026-11-21T12:00:00.000Z", True)


def test_every_payload_has_the_same_fields_of_the_same_kinds() -> None:
    batch, payment = told(BATCH), told(PAYMENT)
    assert list(batch) == list(payment)
    assert {k: type(v) for k, v in batch.items()} == {k: type(v) for k, v in payment.items()}
    assert not any(isinstance(value, dict) for value in batch.values())


def test_the_schema_describes_what_is_sent() -> None:
    schema = json.loads((ROOT / "docs" / "relay.schema.json").read_text("utf-8"))
    for event in (BATCH, PAYMENT):
        _fits(told(event), schema)


def _fits(value: Any, schema: dict[str, Any]) -> None:
    """As much of JSON Schema as the document uses."""
    if "enum" in schema:
        assert value in schema["enum"]
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(type(value) in JSON_TYPES[kind] for kind in kinds), (value, kinds)
    if isinstance(value, dict):
        assert list(value) == list(schema["properties"]) == schema["required"]
        for name, inner in value.items():
            _fits(inner, schema["properties"][name])
    elif isinstance(value, list):
        for inner in value:
            _fits(inner, schema["items"])


def test_the_same_event_is_the_same_bytes() -> None:
    assert payload(BATCH) == payload(replace(BATCH))
    assert "Привіт".encode() in payload(BATCH)
