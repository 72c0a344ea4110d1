"""Whoever knows the secret may point at rows; which, when, and nothing else is believed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from actors.ingress.model import (
    Delivery,
    Event,
    Fact,
    Nothing,
    RecordsTouched,
    Rejected,
    SourceName,
    StoredEvent,
    Unusable,
)
from actors.kernel.ids import EventId
from adapters.nocodb.webhook import NocoDbSource

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TABLE = "m56p6ryypmrhitr"
SOURCE = NocoDbSource(secrets=("newer", "older"), table_id=TABLE)
ROW = {
    "Id": 3,
    "CreatedAt": "2026-11-21 00:05:55+00:00",
    "UpdatedAt": "2026-11-21 00:06:02+00:00",
    "Title": "o3",
    "Paid": 1,
    "Amount": 3,
}
V3: dict[str, Any] = {
    "type": "records.after.update",
    "id": "0f6174ed-ade3-455d-a954-47d1d7dec2da",
    "base_id": "pfcg9sg41v0gtba",
    "version": "v3",
    "data": {
        "table_id": TABLE,
        "table_name": "Orders",
        "previous_rows": [ROW | {"UpdatedAt": None, "Paid": 0}],
        "rows": [ROW],
    },
}
"""As NocoDB 0.301 sent it."""
V2 = {name: value for name, value in V3.items() if name not in {"base_id", "version"}}
BULK = V2 | {"type": "records.after.bulkUpdate"}


def delivery(payload: object, secret: str | None = "newer") -> Delivery:
    sent = {"content-type": "application/json", "user-agent": "axios/1.7", "cookie": "secret"}
    if secret is not None:
        sent["x-hook-secret"] = secret
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Delivery(source=SourceName.NOCODB, headers=sent, body=body, peer="10.0.0.1")


def verified(payload: object) -> Event:
    event = SOURCE.verify(delivery(payload), now=NOW)
    assert isinstance(event, Event), event
    return event


def refused(sent: Delivery) -> str:
    verdict = SOURCE.verify(sent, now=NOW)
    assert isinstance(verdict, Rejected)
    return verdict.reason


def told(*rows: object, **changes: object) -> dict[str, Any]:
    return V3 | {"data": V3["data"] | {"rows": list(rows)}} | changes


async def meaning(event: Event) -> Fact:
    return await SOURCE.interpret(StoredEvent(event_id=EventId(1), event=event, received_at=NOW))


@pytest.mark.parametrize("payload", [V3, V2, BULK], ids=["v3", "v2", "v2 bulk"])
async def test_a_changed_row_is_touched(payload: dict[str, Any]) -> None:
    event = verified(payload)
    assert event.source is SOURCE.name is SourceName.NOCODB
    assert (event.kind, event.subject) == (payload["type"], "3")
    assert event.headers == {"content-type": "application/json", "user-agent": "axios/1.7"}
    assert await meaning(event) == RecordsTouched(record_ids=(3,))  # type: ignore[arg-type]


async def test_many_rows_are_touched_once_each() -> None:
    event = verified(told(ROW, ROW | {"Id": 7}, ROW))
    assert await meaning(event) == RecordsTouched(record_ids=(3, 7))  # type: ignore[arg-type]


def test_any_of_the_secrets_proves_and_nothing_else_does() -> None:
    for secret in ("newer", "older"):
        assert isinstance(SOURCE.verify(delivery(V3, secret), now=NOW), Event)
    for wrong in (None, "", "newe", "newer ", "é", "\udc80"):
        assert refused(delivery(V3, wrong)) == "signature"
    assert refused(delivery(b"{", "wrong")) == "signature"
    for none in ((), ("",), ("a", "")):
        with pytest.raises(ValueError, match="secret"):
            NocoDbSource(secrets=none, table_id=TABLE)


def test_two_hooks_tell_of_one_change_under_one_key() -> None:
    key = verified(V3).key
    assert verified(V3 | {"id": "another"}).key == key
    assert verified(BULK | {"id": "a-third"}).key == key
    assert verified(told(ROW | {"Title": "new", "Amount": 9})).key == key


def test_another_change_has_another_key() -> None:
    keys = [
        verified(payload).key
        for payload in (
            V3,
            told(ROW | {"Paid": 0}),
            told(ROW | {"Id": 4}),
            told(ROW | {"UpdatedAt": "2026-11-21 00:06:03+00:00"}),
            told(ROW | {"UpdatedAt": None}),
            told(ROW, ROW | {"Id": 4}),
            told(),
            V3 | {"data": V3["data"] | {"table_id": "mother"}},
        )
    ]
    assert len(set(keys)) == len(keys)


def test_rows_that_do_not_say_when_are_told_apart_by_the_delivery() -> None:
    row = {"Id": 3, "Paid": 1}
    assert verified(told(row)).key != verified(told(row, id="another")).key


def test_the_paid_column_may_have_another_name() -> None:
    source = NocoDbSource(secrets=("newer",), table_id=TABLE, paid_column="Done")
    first, second = (
        source.verify(delivery(told(ROW | {"Done": done})), now=NOW) for done in (0, 1)
    )
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert first.key != second.key


async def test_another_table_or_no_row_is_nothing() -> None:
    foreign = verified(V3 | {"data": V3["data"] | {"table_id": "mother"}})
    assert await meaning(foreign) == Nothing(why="another table")
    assert await meaning(verified(told())) == Nothing(why="no rows")
    for row in ({"Id": "3"}, {"Id": True}, {"Id": 0}, {"Id": 2**63}, {}):
        assert await meaning(verified(told(row))) == Nothing(why="no rows")


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        b'{"type":1,"type":2}',
        V3 | {"type": "records.before.update"},
        V3 | {"type": "x" * 50},
        V3 | {"type": None},
        V3 | {"id": None},
        V3 | {"id": "\x00"},
        V3 | {"data": None},
        V3 | {"data": {"rows": {}}},
        V3 | {"data": {"rows": [3]}},
        {},
    ],
)
async def test_what_nocodb_never_sends_is_malformed(payload: object) -> None:
    assert refused(delivery(payload)) == "malformed"
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    stored = Event(source=SourceName.NOCODB, key="k", kind="k", subject="", body=body, headers={})
    assert isinstance(await meaning(stored), Unusable)
