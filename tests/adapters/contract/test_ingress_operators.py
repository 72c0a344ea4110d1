"""What operators do with provider events, and what is forgotten: in memory and in PostgreSQL."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from actors.ingress.model import Action, Chosen, EventState
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from tests.adapters.contract.provider_events import (
    HOUR,
    NOBODY,
    NOON,
    STRIPE,
    YOOKASSA,
    Add,
    Mark,
    delivered,
    due,
    event,
    state_of,
)


def action(number: int, event_id: EventId, what: Any = "replay") -> Action:
    return Action(
        action_id=UUID(int=number),
        event_id=event_id,
        what=what,
        who="operator",
        why="after the fix",
        at=NOON + number * HOUR,
    )


async def test_a_replay_begins_anew_and_is_written_down(
    events: Events, add: Add, mark: Mark
) -> None:
    done, parked, waits = [await add(event(key)) for key in "123"]
    await mark(done)
    await events.parked(parked, "odd", at=NOON)
    await events.postponed(waits, "HTTP 502", attempts=7, due_at=NOON + 99 * HOUR)
    for event_id in (done, parked, waits):
        assert await events.replayed(action(event_id, event_id)) is True
    assert await due(events, now=NOON + 3 * HOUR) == ["1", "2", "3"]
    found = await events.find(waits)
    assert found is not None
    assert (found.summary.attempts, found.actions) == (0, (action(waits, waits),))
    assert await events.replayed(action(9, NOBODY)) is False


async def test_a_replay_that_is_told_again_happened_once(
    events: Events, add: Add, mark: Mark
) -> None:
    event_id = await add(event("1"))
    assert await events.replayed(action(1, event_id)) is True
    await mark(event_id)
    assert await events.replayed(action(1, event_id)) is True
    assert (await state_of(events, event_id))[0] is EventState.PROCESSED
    assert await events.replayed(action(2, event_id)) is True
    found = await events.find(event_id)
    assert found is not None
    assert found.actions == (action(1, event_id), action(2, event_id))
    assert found.summary.state is EventState.PENDING


async def test_an_operator_puts_aside_what_is_pending(events: Events, add: Add, mark: Mark) -> None:
    event_id, done = await add(event("1")), await add(event("2"))
    await mark(done)
    for _ in range(2):
        assert await events.put_aside(action(1, event_id, "park")) is True
    assert await events.put_aside(action(2, event_id, "park")) is False
    assert await events.put_aside(action(3, done, "park")) is False
    assert await events.put_aside(action(4, NOBODY, "park")) is False
    found = await events.find(event_id)
    assert found is not None
    assert found.actions == (action(1, event_id, "park"),)
    assert await state_of(events, event_id) == (
        EventState.PARKED,
        "by operator: after the fix",
        NOON + HOUR,
    )


async def test_an_event_nobody_has_is_not_found(events: Events) -> None:
    assert await events.find(NOBODY) is None


async def test_events_are_listed_by_what_they_are_newest_first(
    events: Events, add: Add, mark: Mark
) -> None:
    first = await add(event("1", "pi_1"), at=NOON)
    second = await add(event("2", kind="invoice.paid"), at=NOON + HOUR)
    third = await add(event("3", source=YOOKASSA), at=NOON + 2 * HOUR)
    await mark(second)

    async def listed(chosen: Chosen, **page: Any) -> list[EventId]:
        return [s.event_id for s in await events.listing(chosen, **({"limit": 9} | page))]

    assert await listed(Chosen()) == [third, second, first]
    assert await listed(Chosen(), limit=2) == [third, second]
    assert await listed(Chosen(), before=second) == [first]
    assert await listed(Chosen(source=STRIPE)) == [second, first]
    assert await listed(Chosen(kind="invoice.paid")) == [second]
    assert await listed(Chosen(state=EventState.PENDING)) == [third, first]
    assert await listed(Chosen(state=EventState.PENDING), before=third) == [first]
    for state in (EventState.PARKED, EventState.IGNORED):
        assert await listed(Chosen(state=state)) == []
    assert await listed(Chosen(received_from=NOON + HOUR)) == [third, second]
    assert await listed(Chosen(received_before=NOON + HOUR)) == [first]
    assert await listed(Chosen(event_ids=(first, third))) == [third, first]
    assert await listed(Chosen(event_ids=(first, second), state=EventState.PROCESSED)) == [second]
    found = await events.find(second)
    assert found is not None
    assert await events.listing(Chosen(event_ids=(second,)), limit=1) == (found.summary,)
    await events.ignored({first: "unknown type"}, at=NOON)
    await events.parked(third, "odd", at=NOON)
    assert await listed(Chosen(state=EventState.IGNORED)) == [first]
    assert await listed(Chosen(state=EventState.PARKED)) == [third]


# Forgetting


async def test_only_what_is_old_and_finished_is_forgotten(
    events: Events, add: Add, mark: Mark
) -> None:
    done, ignored, parked, pending, other = [
        await add(event(key, source=YOOKASSA if key == "5" else STRIPE)) for key in "12345"
    ]
    await events.replayed(action(1, done))
    await mark(done)
    await mark(other)
    await events.ignored({ignored: "unknown type"}, at=NOON + HOUR)
    await events.parked(parked, "odd", at=NOON)
    assert await events.prune(STRIPE, settled_before=NOON, limit=9) == 0
    assert await events.prune(STRIPE, settled_before=NOON + HOUR, limit=9) == 1
    assert await events.find(done) is None
    assert await events.prune(STRIPE, settled_before=NOON + 99 * HOUR, limit=9) == 1
    left = [s.event_id for s in await events.listing(Chosen(), limit=9)]
    assert left == [other, pending, parked]
    again = await delivered(events, event("1"), 77)
    assert again.duplicate is False
    assert again.event_id > other


async def test_no_more_is_forgotten_at_once_than_was_asked_for(
    events: Events, add: Add, mark: Mark
) -> None:
    for number in range(5):
        await mark(await add(event(str(number))))
    for forgotten in (2, 2, 1, 0):
        assert await events.prune(STRIPE, settled_before=NOON + HOUR, limit=2) == forgotten
