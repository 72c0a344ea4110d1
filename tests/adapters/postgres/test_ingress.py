"""How PostgreSQL finds provider events in a large table; what it finds: the contract suites."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from psycopg.sql import SQL, Literal

from actors.ingress.model import Chosen, EventState
from actors.kernel.ids import EventId
from adapters.postgres.ingress import LAST, listing
from adapters.postgres.session import Connection, connect

pytestmark = pytest.mark.postgres

TYPES = {"before": "bigint", "from": "timestamptz", "until": "timestamptz", "limit": "int"} | {
    "source": "text",
    "kind": "text",
    "event_ids": "bigint[]",
}
PAGE: dict[str, Any] = dict.fromkeys(TYPES) | {"before": LAST, "limit": 50, "event_ids": [3, 5]}


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    """To 20,000 events of which 20 are parked and 20 pending; plans know no parameter."""
    with connect(database_url, "writer") as connection:
        connection.execute(
            """
            insert into provider_event (source, key, kind, subject, body, headers, received_at,
                delivery_id, state, due_at, settled_at)
            select 'stripe', n::text, 'paid', '', '', '{}', now(), gen_random_uuid(), state, now(),
                case when state <> 'pending' then now() end
            from generate_series(1, 20000) as n, lateral (
                select case n % 1000 when 1 then 'parked' when 2 then 'pending' else 'processed' end
            ) as told (state)
            """
        )
        connection.execute("analyze provider_event")
        connection.execute("set plan_cache_mode = force_generic_plan")
        yield connection


def plan_of(connection: Connection, chosen: Chosen) -> str:
    """The plan that is made once for whatever is asked, and how many rows it looked at."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", listing(chosen))))
    text = listing(chosen)
    for number, name in enumerate(names, start=1):
        text = text.replace(f"%({name})s", f"${number}")
    types = ", ".join(TYPES[name] for name in names)
    connection.execute(f"prepare page ({types}) as {text}".encode())
    values = SQL(", ").join(Literal(PAGE[name]) for name in names)
    rows = connection.execute(SQL("explain (analyze) execute page ({})").format(values))
    return "\n".join(str(row["QUERY PLAN"]) for row in rows)


@pytest.mark.parametrize(
    ("chosen", "index"),
    [
        (Chosen(state=EventState.PARKED), "provider_event_parked"),
        (Chosen(state=EventState.PENDING), "provider_event_pending"),
        (Chosen(event_ids=(EventId(3), EventId(5))), "provider_event_pkey"),
        (Chosen(), "provider_event_pkey"),
    ],
)
def test_a_page_is_found_by_an_index_without_looking_at_the_others(
    connection: Connection, chosen: Chosen, index: str
) -> None:
    plan = plan_of(connection, chosen)
    assert index in plan
    assert "Removed by Filter" not in plan
