"""Provider events in PostgreSQL: `ingress.ports.Events` on `0006_provider_events.sql`.

`processed` is for whoever does what an event means: it belongs into the write that does it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

from actors.ingress.model import (
    Action,
    Added,
    Arrival,
    Backlog,
    Chosen,
    Event,
    EventState,
    Found,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Summary,
)
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from adapters.postgres.arrivals import added, adding
from adapters.postgres.database import Database, Statement

_LISTED = """
    select event_id, source, key, kind, subject, state, attempts, outcome, received_at, due_at,
        settled_at
    from provider_event
    where event_id < %(before)s
        and (%(source)s::text is null or source = %(source)s)
        and (%(kind)s::text is null or kind = %(kind)s)
        and (%(from)s::timestamptz is null or received_at >= %(from)s)
        and (%(until)s::timestamptz is null or received_at < %(until)s)
"""
_OF_STATE: Mapping[EventState | None, LiteralString] = {
    None: "",
    EventState.PENDING: "and state = 'pending'",
    EventState.PROCESSED: "and state = 'processed'",
    EventState.IGNORED: "and state = 'ignored'",
    EventState.PARKED: "and state = 'parked'",
}
_NEWEST_FIRST = "order by event_id desc limit %(limit)s"
LAST = 2**63 - 1
"""No event is newer."""


def processed(event_id: EventId, at: datetime) -> Statement:
    """Mark an event processed, in the transaction of its effect; repeating it changes nothing.

    Also one that was put aside meanwhile: its effect is there now.
    """
    return Statement(
        """
        update provider_event set state = 'processed', outcome = '', settled_at = %(at)s
        where event_id = %(event_id)s and state <> 'processed'
        """,
        {"event_id": event_id, "at": at},
    )


def listing(chosen: Chosen) -> LiteralString:
    """The query for a page of the chosen events.

    Its text depends on what is chosen, since a plan that is made once for every parameter uses an
    index only where its condition stands in the text.
    """
    among = "and event_id = any(%(event_ids)s::bigint[])" if chosen.event_ids else ""
    return " ".join((_LISTED, _OF_STATE[chosen.state], among, _NEWEST_FIRST))


class PostgresEvents(Events):
    """Every method is one statement, or one transaction through the batching writer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        if not arrivals:
            return ()
        (rows,) = await self._database.write(adding(arrivals))
        return added(rows)

    async def due(
        self, *, now: datetime, without: Collection[EventId], room: Mapping[SourceName, int]
    ) -> tuple[StoredEvent, ...]:
        rows = await self._database.read(
            """
            select first.*
            from unnest(%(sources)s::text[], %(rooms)s::int[]) as wanted (source, room)
            cross join lateral (
                select event_id, source, key, kind, subject, body, headers, at, received_at,
                    attempts
                from provider_event as e
                where state = 'pending' and source = wanted.source and due_at <= %(now)s
                    and event_id <> all(%(without)s::bigint[])
                    and not exists (
                        select from provider_event as earlier
                        where earlier.state = 'pending' and earlier.subject <> ''
                            and earlier.source = e.source and earlier.subject = e.subject
                            and earlier.event_id < e.event_id
                    )
                order by event_id limit wanted.room
            ) as first
            order by event_id
            """,
            {
                "now": now,
                "without": list(without),
                "sources": [source.value for source in room],
                "rooms": list(room.values()),
            },
        )
        return tuple(_stored(row) for row in rows)

    async def next_due(self, *, after: datetime) -> datetime | None:
        (row,) = await self._database.read(
            """
            select min(due_at) as at from provider_event
            where state = 'pending' and due_at > %(after)s
            """,
            {"after": after},
        )
        at: datetime | None = row["at"]
        return at

    async def processed(self, event_id: EventId, *, at: datetime) -> None:
        await self._database.write(processed(event_id, at))

    async def ignored(self, reasons: Mapping[EventId, str], *, at: datetime) -> None:
        await self._database.write(
            Statement(
                """
                update provider_event as e
                set state = 'ignored', outcome = ignored.why, settled_at = %(at)s
                from unnest(%(event_ids)s::bigint[], %(whys)s::text[]) as ignored (event_id, why)
                where e.event_id = ignored.event_id and e.state = 'pending'
                """,
                {"event_ids": list(reasons), "whys": list(reasons.values()), "at": at},
            )
        )

    async def parked(self, event_id: EventId, why: str, *, at: datetime) -> bool:
        params = {"event_id": event_id, "why": why, "at": at}
        park = Statement(
            """
            update provider_event set state = 'parked', outcome = %(why)s, settled_at = %(at)s
            where event_id = %(event_id)s and state = 'pending'
            """,
            params,
        )
        # Asked apart from the update, so that a repetition gets the same answer.
        is_so = Statement(
            """
            select true from provider_event
            where event_id = %(event_id)s and state = 'parked' and outcome = %(why)s
            """,
            params,
        )
        _, rows = await self._database.write(park, is_so)
        return bool(rows)

    async def postponed(
        self, event_id: EventId, why: str, *, attempts: int, due_at: datetime
    ) -> None:
        await self._database.write(
            Statement(
                """
                update provider_event
                set attempts = %(attempts)s, due_at = %(due_at)s, outcome = %(why)s
                where event_id = %(event_id)s and state = 'pending'
                """,
                {"event_id": event_id, "attempts": attempts, "due_at": due_at, "why": why},
            )
        )

    async def subscribed(self, event_id: EventId, seen: SubscriptionSeen, *, at: datetime) -> None:
        keep = Statement(
            """
            insert into provider_subscription
                (source, subscription_id, order_id, status, ends_at_period_end, period_end, at,
                    event_id)
            select source, %(subscription_id)s, %(order_id)s, %(status)s, %(ends)s,
                %(period_end)s::timestamptz, %(at)s::timestamptz, event_id
            from provider_event where event_id = %(event_id)s
            on conflict (source, subscription_id) do update set
                order_id = excluded.order_id, status = excluded.status,
                ends_at_period_end = excluded.ends_at_period_end,
                period_end = excluded.period_end, at = excluded.at, event_id = excluded.event_id
            where (coalesce(excluded.at, '-infinity'), excluded.event_id)
                > (coalesce(provider_subscription.at, '-infinity'), provider_subscription.event_id)
            """,
            {
                "event_id": event_id,
                "subscription_id": seen.subscription_id,
                "order_id": seen.order_id,
                "status": seen.status,
                "ends": seen.ends_at_period_end,
                "period_end": seen.period_end,
                "at": seen.at,
            },
        )
        await self._database.write(keep, processed(event_id, at))

    async def subscription(
        self, source: SourceName, subscription_id: str
    ) -> SubscriptionSeen | None:
        rows = await self._database.read(
            """
            select subscription_id, order_id, status, ends_at_period_end, period_end, at
            from provider_subscription
            where source = %(source)s and subscription_id = %(subscription_id)s
            """,
            {"source": source.value, "subscription_id": subscription_id},
        )
        return SubscriptionSeen(**rows[0]) if rows else None

    async def find(self, event_id: EventId) -> Found | None:
        params = {"event_id": event_id}
        rows = await self._database.read(
            "select * from provider_event where event_id = %(event_id)s", params
        )
        if not rows:
            return None
        actions = await self._database.read(
            """
            select action_id, event_id, what, who, why, at from provider_event_action
            where event_id = %(event_id)s order by at, action_id
            """,
            params,
        )
        return Found(
            summary=_summary(rows[0]),
            stored=_stored(rows[0]),
            actions=tuple(Action(**action) for action in actions),
        )

    async def listing(
        self, chosen: Chosen, *, limit: int, before: EventId | None = None
    ) -> tuple[Summary, ...]:
        rows = await self._database.read(
            listing(chosen),
            {
                "event_ids": list(chosen.event_ids),
                "source": chosen.source and chosen.source.value,
                "kind": chosen.kind,
                "from": chosen.received_from,
                "until": chosen.received_before,
                "before": LAST if before is None else before,
                "limit": limit,
            },
        )
        return tuple(_summary(row) for row in rows)

    async def replayed(self, action: Action) -> bool:
        replay = Statement(
            """
            with noted as (
                insert into provider_event_action (action_id, event_id, what, who, why, at)
                select %(action_id)s, event_id, %(what)s, %(who)s, %(why)s, %(at)s::timestamptz
                from provider_event where event_id = %(event_id)s
                on conflict (action_id) do nothing
                returning event_id
            )
            update provider_event set state = 'pending', attempts = 0, outcome = '',
                due_at = %(at)s::timestamptz, settled_at = null
            where event_id in (select event_id from noted)
            """,
            _noted(action),
        )
        return await self._note(replay, action)

    async def put_aside(self, action: Action) -> bool:
        park = Statement(
            """
            with noted as (
                insert into provider_event_action (action_id, event_id, what, who, why, at)
                select %(action_id)s, event_id, %(what)s, %(who)s, %(why)s, %(at)s::timestamptz
                from provider_event where event_id = %(event_id)s and state = 'pending'
                on conflict (action_id) do nothing
                returning event_id
            )
            update provider_event set state = 'parked',
                outcome = 'by ' || %(who)s || ': ' || %(why)s,
                settled_at = %(at)s::timestamptz
            where event_id in (select event_id from noted)
            """,
            _noted(action),
        )
        return await self._note(park, action)

    async def _note(self, do: Statement, action: Action) -> bool:
        is_noted = Statement(
            "select true from provider_event_action where action_id = %(action_id)s",
            {"action_id": action.action_id},
        )
        _, rows = await self._database.write(do, is_noted)
        return bool(rows)

    async def backlog(self) -> Backlog:
        rows = await self._database.read(
            """
            select
                (select count(*) from provider_event where state = 'pending') as pending,
                (select count(*) from provider_event where state = 'parked') as parked,
                (select received_at from provider_event where state = 'pending'
                    order by event_id limit 1) as oldest
            """
        )
        return Backlog(**rows[0])

    async def prune(self, source: SourceName, *, settled_before: datetime, limit: int) -> int:
        old = Statement(
            """
            with forgotten as (
                delete from provider_event
                where event_id in (
                    select event_id from provider_event
                    where source = %(source)s and state in ('processed', 'ignored')
                        and settled_at < %(settled_before)s
                    limit %(limit)s
                )
                returning 1
            )
            select count(*) as forgotten from forgotten
            """,
            {"source": source.value, "settled_before": settled_before, "limit": limit},
        )
        ((row,),) = await self._database.write(old)
        return int(row["forgotten"])


def _noted(action: Action) -> dict[str, object]:
    return {
        "action_id": action.action_id,
        "event_id": action.event_id,
        "what": action.what,
        "who": action.who,
        "why": action.why,
        "at": action.at,
    }


def _stored(row: Mapping[str, Any]) -> StoredEvent:
    return StoredEvent(
        event_id=EventId(row["event_id"]),
        event=Event(
            source=SourceName(row["source"]),
            key=row["key"],
            kind=row["kind"],
            subject=row["subject"],
            body=bytes(row["body"]),
            headers=json.loads(row["headers"]),
            at=row["at"],
        ),
        received_at=row["received_at"],
        attempts=row["attempts"],
    )


def _summary(row: Mapping[str, Any]) -> Summary:
    return Summary(
        event_id=EventId(row["event_id"]),
        source=SourceName(row["source"]),
        key=row["key"],
        kind=row["kind"],
        subject=row["subject"],
        state=EventState(row["state"]),
        attempts=row["attempts"],
        outcome=row["outcome"],
        received_at=row["received_at"],
        due_at=row["due_at"],
        settled_at=row["settled_at"],
    )
