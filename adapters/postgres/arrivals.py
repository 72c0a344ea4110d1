"""Many verified events into the inbox with one statement, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Sequence

from actors.ingress.model import Added, Arrival
from actors.kernel.failures import Conflict
from actors.kernel.ids import EventId
from adapters.postgres.batch import Rows, Statement

# `added` is what this statement has inserted, which it does not see in the table; every other row
# is looked up there, by its key and one at a time: a plan that is kept from when the table was
# small must never read a large one from end to end. Its lists travel in PostgreSQL's binary format
# (`%()b`): to write them as text takes a sixth of all that an acknowledgement costs, and the server
# as long to read them.
_ADD = """
with told as (
    select * from unnest(
        %(sources)b::text[], %(keys)b::text[], %(kinds)b::text[], %(subjects)b::text[],
        %(bodies)b::bytea[], %(headers)b::text[], %(ats)b::timestamptz[],
        %(received_ats)b::timestamptz[], %(delivery_ids)b::uuid[]
    ) with ordinality as told
        (source, key, kind, subject, body, headers, at, received_at, delivery_id, place)
), added as (
    insert into provider_event
        (source, key, kind, subject, body, headers, at, received_at, due_at, delivery_id)
    select source, key, kind, subject, body, headers, at, received_at, received_at, delivery_id
    from told order by place
    on conflict (source, key) do nothing
    returning event_id, source, key, delivery_id
)
select coalesce(added.event_id, known.event_id) as event_id,
    coalesce(added.delivery_id, known.delivery_id) <> told.delivery_id as duplicate
from told
left join added using (source, key)
left join lateral (
    select event_id, delivery_id from provider_event as e
    where added.event_id is null and e.source = told.source and e.key = told.key limit 1
) as known on true
order by told.place
"""


def adding(arrivals: Sequence[Arrival]) -> Statement:
    """Insert what is new; a row for each of `arrivals`, in their order (`added`)."""
    events = [arrival.event for arrival in arrivals]
    return Statement(
        _ADD,
        {
            "sources": [event.source.value for event in events],
            "keys": [event.key for event in events],
            "kinds": [event.kind for event in events],
            "subjects": [event.subject for event in events],
            "bodies": [event.body for event in events],
            "headers": [json.dumps(dict(event.headers)) for event in events],
            "ats": [event.at for event in events],
            "received_ats": [arrival.at for arrival in arrivals],
            "delivery_ids": [arrival.delivery_id for arrival in arrivals],
        },
    )


def added(rows: Rows) -> tuple[Added, ...]:
    """What the rows of `adding` say. Raises `Conflict`."""
    if any(row["event_id"] is None for row in rows):
        # Another process's row that the statement conflicts with and cannot see yet.
        raise Conflict("an event is being stored by somebody else")
    return tuple(
        Added(event_id=EventId(row["event_id"]), duplicate=row["duplicate"]) for row in rows
    )
