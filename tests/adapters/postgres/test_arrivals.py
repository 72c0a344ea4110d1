"""What one statement says of many arrivals; what it does is in `contract/test_ingress.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from actors.ingress.model import Added, Arrival
from actors.kernel.failures import Conflict
from actors.kernel.ids import EventId
from adapters.postgres.arrivals import added, adding
from tests.adapters.contract.provider_events import event

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_however_many_come_it_is_one_statement_that_is_prepared_once() -> None:
    arrivals = [
        Arrival(event=event(str(n), headers={"n": "\x00"}), delivery_id=UUID(int=n), at=NOON)
        for n in range(3)
    ]
    one, three = adding(arrivals[:1]), adding(arrivals)
    assert one.sql == three.sql
    assert {len(values) for values in three.params.values() if isinstance(values, list)} == {3}
    assert three.params["headers"] == ['{"n": "\\u0000"}'] * 3


def test_a_row_that_cannot_be_seen_yet_is_somebody_elses() -> None:
    row = {"event_id": 7, "duplicate": True}
    assert added([row]) == (Added(event_id=EventId(7), duplicate=True),)
    with pytest.raises(Conflict):
        added([row, {"event_id": None, "duplicate": None}])
