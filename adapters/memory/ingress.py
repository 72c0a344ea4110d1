"""Provider events in memory: for tests and for simulation.

Whoever does what an event means marks it with `Tables.mark_event_processed`, in the same write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter

from actors.ingress.model import (
    Action,
    Added,
    Arrival,
    Backlog,
    Chosen,
    EventState,
    Found,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Summary,
)
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import EventRow, Tables, check_texts

_NEVER = datetime.min.replace(tzinfo=UTC)


class MemoryEvents(Events):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def add(self, arrivals: Sequence[Arrival]) -> tuple[Added, ...]:
        def add(tables: Tables) -> tuple[Added, ...]:
            for arrival in arrivals:
                event = arrival.event
                check_texts((event.key, event.kind, event.subject))
            return tuple(_add(tables, arrival) for arrival in arrivals)

        return await self.connection.write(add)

    async def due(
        self, *, now: datetime, without: Collection[EventId], room: Mapping[SourceName, int]
    ) -> tuple[StoredEvent, ...]:
        def due(tables: Tables) -> tuple[StoredEvent, ...]:
            found: list[StoredEvent] = []
            left = Counter(room)
            taken: set[tuple[SourceName, str]] = set()
            for event_id, row in sorted(tables.pending_events.items(), key=itemgetter(0)):
                subject = (row.event.source, row.event.subject)
                if subject in taken:
                    continue
                if row.event.subject:
                    taken.add(subject)
                source = row.event.source
                if row.due_at <= now and event_id not in without and left[source] > 0:
                    left[source] -= 1
                    found.append(_stored(event_id, row))
            return tuple(found)

        return await self.connection.read(due)

    async def next_due(self, *, after: datetime) -> datetime | None:
        def next_due(tables: Tables) -> datetime | None:
            times = (row.due_at for row in tables.pending_events.values())
            return min((at for at in times if at > after), default=None)

        return await self.connection.read(next_due)

    async def processed(self, event_id: EventId, *, at: datetime) -> None:
        await self.connection.write(lambda tables: tables.mark_event_processed(event_id, at))

    async def ignored(self, reasons: Mapping[EventId, str], *, at: datetime) -> None:
        def ignore(tables: Tables) -> None:
            check_texts(reasons.values())
            for event_id, why in reasons.items():
                if event_id in tables.pending_events:
                    tables.settle_event(event_id, EventState.IGNORED, why, at)

        await self.connection.write(ignore)

    async def parked(self, event_id: EventId, why: str, *, at: datetime) -> bool:
        def park(tables: Tables) -> bool:
            check_texts((why,))
            if event_id in tables.pending_events:
                tables.settle_event(event_id, EventState.PARKED, why, at)
            row = tables.events.get(event_id)
            return row is not None and (row.state, row.outcome) == (EventState.PARKED, why)

        return await self.connection.write(park)

    async def postponed(
        self, event_id: EventId, why: str, *, attempts: int, due_at: datetime
    ) -> None:
        def postpone(tables: Tables) -> None:
            check_texts((why,))
            row = tables.pending_events.get(event_id)
            if row is not None:
                row.attempts, row.due_at, row.outcome = attempts, due_at, why

        await self.connection.write(postpone)

    async def subscribed(self, event_id: EventId, seen: SubscriptionSeen, *, at: datetime) -> None:
        def keep(tables: Tables) -> None:
            check_texts((seen.subscription_id, seen.order_id, seen.status))
            if event_id not in tables.events:
                return
            key = (tables.events[event_id].event.source, seen.subscription_id)
            before = tables.subscriptions.get(key)
            if before is None or _stamp(seen, event_id) > _stamp(*before):
                tables.subscriptions[key] = (seen, event_id)
            tables.mark_event_processed(event_id, at)

        await self.connection.write(keep)

    async def subscription(
        self, source: SourceName, subscription_id: str
    ) -> SubscriptionSeen | None:
        def find(tables: Tables) -> SubscriptionSeen | None:
            seen, _ = tables.subscriptions.get((source, subscription_id), (None, None))
            return seen

        return await self.connection.read(find)

    async def find(self, event_id: EventId) -> Found | None:
        def find(tables: Tables) -> Found | None:
            row = tables.events.get(event_id)
            if row is None:
                return None
            actions = [a for a in tables.event_actions.values() if a.event_id == event_id]
            return Found(
                summary=_summary(event_id, row),
                stored=_stored(event_id, row),
                actions=tuple(sorted(actions, key=lambda a: (a.at, a.action_id))),
            )

        return await self.connection.read(find)

    async def listing(
        self, chosen: Chosen, *, limit: int, before: EventId | None = None
    ) -> tuple[Summary, ...]:
        def listing(tables: Tables) -> tuple[Summary, ...]:
            found = (
                _summary(event_id, row)
                for event_id, row in reversed(tables.events.items())
                if (before is None or event_id < before) and _is_chosen(event_id, row, chosen)
            )
            return tuple(summary for summary, _ in zip(found, range(limit), strict=False))

        return await self.connection.read(listing)

    async def replayed(self, action: Action) -> bool:
        def replay(tables: Tables) -> bool:
            check_texts((action.who, action.why))
            row = tables.events.get(action.event_id)
            if row is not None and action.action_id not in tables.event_actions:
                tables.event_actions[action.action_id] = action
                row.state, row.attempts, row.outcome = EventState.PENDING, 0, ""
                row.due_at, row.settled_at = action.at, None
                tables.pending_events[action.event_id] = row
            return action.action_id in tables.event_actions

        return await self.connection.write(replay)

    async def put_aside(self, action: Action) -> bool:
        def park(tables: Tables) -> bool:
            check_texts((action.who, action.why))
            new = action.action_id not in tables.event_actions
            if new and action.event_id in tables.pending_events:
                tables.event_actions[action.action_id] = action
                why = f"by {action.who}: {action.why}"
                tables.settle_event(action.event_id, EventState.PARKED, why, action.at)
            return action.action_id in tables.event_actions

        return await self.connection.write(park)

    async def backlog(self) -> Backlog:
        def backlog(tables: Tables) -> Backlog:
            pending = tables.pending_events
            return Backlog(
                pending=len(pending),
                parked=sum(row.state is EventState.PARKED for row in tables.events.values()),
                oldest=pending[min(pending)].received_at if pending else None,
            )

        return await self.connection.read(backlog)

    async def prune(self, source: SourceName, *, settled_before: datetime, limit: int) -> int:
        def prune(tables: Tables) -> int:
            old = [
                event_id
                for event_id, row in tables.events.items()
                if row.event.source is source
                and row.state in {EventState.PROCESSED, EventState.IGNORED}
                and row.settled_at is not None
                and row.settled_at < settled_before
            ][:limit]
            for event_id in old:
                event = tables.events.pop(event_id).event
                del tables.event_keys[event.source, event.key]
            return len(old)

        return await self.connection.write(prune)


def _add(tables: Tables, arrival: Arrival) -> Added:
    event = arrival.event
    known = tables.event_keys.get((event.source, event.key))
    if known is not None:
        duplicate = tables.events[known].delivery_id != arrival.delivery_id
        return Added(event_id=known, duplicate=duplicate)
    tables.event_count += 1
    event_id = EventId(tables.event_count)
    row = EventRow(event, arrival.at, arrival.at, arrival.delivery_id)
    tables.events[event_id] = tables.pending_events[event_id] = row
    tables.event_keys[event.source, event.key] = event_id
    return Added(event_id=event_id, duplicate=False)


def _stamp(seen: SubscriptionSeen, event_id: EventId) -> tuple[datetime, EventId]:
    return (seen.at or _NEVER, event_id)


def _is_chosen(event_id: EventId, row: EventRow, chosen: Chosen) -> bool:
    return (
        (not chosen.event_ids or event_id in chosen.event_ids)
        and chosen.source in {None, row.event.source}
        and chosen.kind in {None, row.event.kind}
        and chosen.state in {None, row.state}
        and (chosen.received_from is None or row.received_at >= chosen.received_from)
        and (chosen.received_before is None or row.received_at < chosen.received_before)
    )


def _stored(event_id: EventId, row: EventRow) -> StoredEvent:
    return StoredEvent(
        event_id=event_id, event=row.event, received_at=row.received_at, attempts=row.attempts
    )


def _summary(event_id: EventId, row: EventRow) -> Summary:
    return Summary(
        event_id=event_id,
        source=row.event.source,
        key=row.event.key,
        kind=row.event.kind,
        subject=row.event.subject,
        state=row.state,
        attempts=row.attempts,
        outcome=row.outcome,
        received_at=row.received_at,
        due_at=row.due_at,
        settled_at=row.settled_at,
    )
