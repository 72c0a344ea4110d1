"""What every inbox of provider events keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import trio

from actors.ingress.model import (
    Added,
    Arrival,
    Backlog,
    EventState,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
)
from actors.ingress.ports import Events
from actors.kernel.ids import OrderId
from tests.adapters.contract.provider_events import (
    HOUR,
    NOBODY,
    NOON,
    ROOM,
    STRIPE,
    YOOKASSA,
    Add,
    Mark,
    delivered,
    due,
    event,
    state_of,
)

# Keeping


async def test_an_event_comes_back_as_it_came(events: Events, add: Add) -> None:
    told = event(
        "evt_1",
        "pi_1",
        kind="invoice.payment_succeeded",
        body=bytes(range(256)) * 1_000,
        headers={"content-type": "application/json", "x-odd": "\x00 \xff \ud800 %s %(x)s ' \\"},
        at=NOON - HOUR,
    )
    event_id = await add(told, at=NOON)
    (stored,) = await events.due(now=NOON, without=(), room=ROOM)
    assert stored == StoredEvent(event_id=event_id, event=told, received_at=NOON)
    found = await events.find(event_id)
    assert found is not None
    assert found.stored == stored
    assert found.actions == ()
    summary = found.summary
    assert (summary.key, summary.kind, summary.subject) == (told.key, told.kind, told.subject)
    assert (summary.state, summary.attempts, summary.outcome) == (EventState.PENDING, 0, "")
    assert (summary.received_at, summary.due_at, summary.settled_at) == (NOON, NOON, None)


async def test_a_delivery_that_comes_again_is_a_duplicate(events: Events) -> None:
    first = await delivered(events, event("evt_1"), 1)
    again = event("evt_1", body=b'{"other": 1}')
    second = await delivered(events, again, 2, NOON + HOUR)
    assert (first.duplicate, second) == (False, Added(event_id=first.event_id, duplicate=True))
    (stored,) = await events.due(now=NOON + HOUR, without=(), room=ROOM)
    assert (stored.event.body, stored.received_at) == (b"{}", NOON)


async def test_a_delivery_that_is_told_again_gets_the_same_answer(events: Events) -> None:
    first = await delivered(events, event("evt_1"), 1)
    assert await delivered(events, event("evt_1"), 1, NOON + HOUR) == first


async def test_many_are_kept_together_and_each_has_its_own_answer(events: Events) -> None:
    known = await delivered(events, event("b", body=b"old"), 1, NOON - HOUR)
    together = [
        Arrival(
            event=event(
                key, f"pi_{key}", source, body=f"{n}".encode(), at=at, headers={"n": f"{n}"}
            ),
            delivery_id=UUID(int=10 + n),
            at=NOON + n * timedelta(seconds=1),
        )
        for n, (key, source, at) in enumerate(
            [
                ("c", STRIPE, NOON - HOUR),
                ("b", STRIPE, None),
                ("a", STRIPE, None),
                ("c", STRIPE, None),  # once more, before anybody has heard of the first
                ("c", YOOKASSA, NOON),
            ]
        )
    ]
    answers = await events.add(together)
    assert [answer.duplicate for answer in answers] == [False, True, False, True, False]
    assert answers[1].event_id == known.event_id
    assert answers[3].event_id == answers[0].event_id
    assert await events.add(together) == answers  # nobody knew whether the commit had arrived
    assert await events.add([]) == ()
    found = await events.due(now=NOON + HOUR, without=(), room=ROOM)
    assert [stored.event for stored in found] == [
        event("b", body=b"old"),
        *(together[n].event for n in (0, 2, 4)),  # in their order
    ]
    assert [stored.received_at for stored in found] == [
        NOON - HOUR,
        *(together[n].at for n in (0, 2, 4)),
    ]


async def test_of_what_comes_together_all_is_kept_or_nothing(events: Events) -> None:
    bad = [event("1"), event("NUL \0"), event("2")]
    arrivals = [Arrival(event=e, delivery_id=UUID(int=n), at=NOON) for n, e in enumerate(bad)]
    with pytest.raises(ValueError, match="NUL"):
        await events.add(arrivals)
    assert await due(events) == []


@pytest.mark.parametrize("ats", [(None, None), (NOON, None), (None, NOON)])
async def test_of_what_comes_together_not_everything_tells_its_time(
    events: Events, ats: tuple[datetime | None, ...]
) -> None:
    together = [
        Arrival(event=event(f"evt_{n}", at=at), delivery_id=UUID(int=n), at=NOON)
        for n, at in enumerate(ats)
    ]
    await events.add(together)
    found = await events.due(now=NOON, without=(), room=ROOM)
    assert [stored.event.at for stored in found] == list(ats)


async def test_a_large_crowd_is_kept_together(events: Events) -> None:
    crowd = [
        Arrival(event=event(f"evt_{n % 700}"), delivery_id=UUID(int=n), at=NOON)
        for n in range(1_000)
    ]
    answers = await events.add(crowd)
    assert [answer.duplicate for answer in answers] == [n >= 700 for n in range(1_000)]
    assert await due(events) == [f"evt_{n}" for n in range(700)]


async def test_sources_have_keys_of_their_own(events: Events, add: Add) -> None:
    assert await add(event("1")) != await add(event("1", source=YOOKASSA))
    assert len(await due(events)) == 2


async def test_many_deliveries_at_once_are_each_kept_once(events: Events) -> None:
    answers: list[Added] = []

    async def deliver(number: int) -> None:
        told = event(f"evt_{number % 40}")
        answers.append(await delivered(events, told, number))

    async with trio.open_nursery() as nursery:
        for number in range(120):
            nursery.start_soon(deliver, number)
    assert sum(not answer.duplicate for answer in answers) == 40
    assert len({answer.event_id for answer in answers}) == 40
    assert len(await due(events)) == 40


async def test_a_text_that_cannot_be_kept_is_refused(events: Events, add: Add) -> None:
    event_id = await add(event("evt_1"))
    for text in ("NUL \0", "half a character \ud83d"):
        for bad in (event(text), event("k", kind=text), event("k", text)):
            with pytest.raises(ValueError, match=r"NUL|half"):
                await add(bad)
        with pytest.raises(ValueError, match=r"NUL|half"):
            await events.parked(event_id, text, at=NOON)
    assert await due(events) == ["evt_1"]


# Whose turn it is


async def test_the_next_event_due_is_the_earliest_pending_one_to_come(
    events: Events, add: Add
) -> None:
    ids = [await add(event(key), at=NOON) for key in ("a", "b", "c")]
    assert await events.next_due(after=NOON) is None
    for event_id, hours in zip(ids, (3, 1, 2), strict=True):
        await events.postponed(event_id, "away", attempts=1, due_at=NOON + hours * HOUR)
    assert await events.next_due(after=NOON) == NOON + HOUR
    assert await events.next_due(after=NOON + HOUR) == NOON + 2 * HOUR
    await events.parked(ids[2], "odd", at=NOON)
    assert await events.next_due(after=NOON + HOUR) == NOON + 3 * HOUR


async def test_events_are_due_in_the_order_of_arrival(events: Events, add: Add) -> None:
    for key in ("b", "a", "c"):
        await add(event(key), at=NOON)
    await add(event("clock set back"), at=NOON - HOUR)
    assert await due(events) == ["b", "a", "c", "clock set back"]
    assert await due(events, room={STRIPE: 2}) == ["b", "a"]


async def test_of_each_source_there_are_due_as_many_as_have_room(events: Events, add: Add) -> None:
    for number in range(5):
        await add(event(f"s{number}", "pi_1" if number < 2 else "", source=STRIPE))
        await add(event(f"y{number}", source=YOOKASSA))
    first = await add(event("n", source=SourceName.NOWPAYMENTS))
    every = {STRIPE: 2, YOOKASSA: 3, SourceName.NOCODB: 9, SourceName.NOWPAYMENTS: 1}
    assert await due(events, room=every) == ["s0", "y0", "y1", "s2", "y2", "n"]
    assert await due(events, room=every, without=(first,)) == ["s0", "y0", "y1", "s2", "y2"]
    assert await due(events, room={STRIPE: 9, YOOKASSA: 0}) == ["s0", "s2", "s3", "s4"]
    assert await due(events, room={}) == []


async def test_of_one_subject_only_the_oldest_has_its_turn(events: Events, add: Add) -> None:
    first = await add(event("1", "pi_1"))
    second = await add(event("2", "pi_1"))
    await add(event("3", "pi_2"))
    await add(event("4", "pi_1", source=YOOKASSA))
    await add(event("5"))
    await add(event("6"))
    assert await due(events) == ["1", "3", "4", "5", "6"]
    assert await due(events, without=(first,)) == ["3", "4", "5", "6"]  # in work: it still leads
    await events.ignored({first: "unknown type"}, at=NOON)
    assert await due(events, without=(second,)) == ["3", "4", "5", "6"]
    assert await due(events) == ["2", "3", "4", "5", "6"]


async def test_what_is_postponed_waits_and_holds_up_its_subject_alone(
    events: Events, add: Add
) -> None:
    first = await add(event("1", "pi_1"))
    await add(event("2", "pi_1"))
    await add(event("3", "pi_2"))
    for _ in range(2):
        await events.postponed(first, "HTTP 502", attempts=1, due_at=NOON + HOUR)
    assert await due(events) == ["3"]
    assert await due(events, now=NOON + HOUR) == ["1", "3"]
    stored = (await events.due(now=NOON + HOUR, without=(), room=ROOM))[0]
    assert (stored.attempts, await state_of(events, first)) == (
        1,
        (EventState.PENDING, "HTTP 502", None),
    )


# Settling


async def test_an_effect_and_its_mark_are_one_write(events: Events, add: Add, mark: Mark) -> None:
    event_id = await add(event("1"))
    for _ in range(2):
        await mark(event_id)
    await mark(NOBODY)
    assert await state_of(events, event_id) == (EventState.PROCESSED, "", NOON)
    assert await due(events) == []
    again = await delivered(events, event("1"), 99)
    assert again == Added(event_id=event_id, duplicate=True)
    assert await due(events) == []


async def test_what_needs_no_transaction_is_marked_alone(events: Events, add: Add) -> None:
    event_id = await add(event("1"))
    for at in (NOON, NOON + HOUR):
        await events.processed(event_id, at=at)
    await events.processed(NOBODY, at=NOON)
    assert await state_of(events, event_id) == (EventState.PROCESSED, "", NOON)


async def test_many_are_ignored_together_each_for_its_reason(
    events: Events, add: Add, mark: Mark
) -> None:
    first, done, second, left = [await add(event(key)) for key in "1234"]
    await mark(done)
    for at in (NOON, NOON + HOUR):
        whys = {first: "unknown type", done: "x", NOBODY: "x", second: "not paid yet"}
        await events.ignored(whys, at=at)
    assert await state_of(events, first) == (EventState.IGNORED, "unknown type", NOON)
    assert await state_of(events, second) == (EventState.IGNORED, "not paid yet", NOON)
    assert await state_of(events, done) == (EventState.PROCESSED, "", NOON)
    await events.ignored({}, at=NOON)
    with pytest.raises(ValueError, match="NUL"):
        await events.ignored({left: "NUL \0"}, at=NOON)
    assert await due(events) == ["4"]


async def test_what_is_settled_stays_so(events: Events, add: Add, mark: Mark) -> None:
    event_id = await add(event("1"))
    await mark(event_id)
    later = NOON + HOUR
    await events.ignored({event_id: "unknown type"}, at=later)
    assert await events.parked(event_id, "odd", at=later) is False
    await events.postponed(event_id, "HTTP 502", attempts=3, due_at=later)
    assert await state_of(events, event_id) == (EventState.PROCESSED, "", NOON)
    assert await events.backlog() == Backlog()


async def test_a_late_effect_is_known_though_the_event_was_parked(
    events: Events, add: Add, mark: Mark
) -> None:
    event_id = await add(event("1"))
    await events.parked(event_id, "no answer", at=NOON - HOUR)
    await mark(event_id)
    assert await state_of(events, event_id) == (EventState.PROCESSED, "", NOON)


async def test_parking_is_for_the_pending(events: Events, add: Add) -> None:
    event_id, ignored = await add(event("1")), await add(event("2"))
    await events.ignored({ignored: "unknown type"}, at=NOON)
    assert await events.parked(event_id, "odd", at=NOON) is True
    assert await events.parked(event_id, "odd", at=NOON + HOUR) is True  # told again
    assert await events.parked(event_id, "another reason", at=NOON) is False
    assert await events.parked(ignored, "odd", at=NOON) is False
    assert await events.parked(NOBODY, "odd", at=NOON) is False
    assert await state_of(events, event_id) == (EventState.PARKED, "odd", NOON)
    assert await state_of(events, ignored) == (EventState.IGNORED, "unknown type", NOON)


async def test_the_backlog_is_what_is_pending_and_parked(events: Events, add: Add) -> None:
    assert await events.backlog() == Backlog()
    old = await add(event("1"), at=NOON)
    await add(event("2"), at=NOON + HOUR)
    ignored = await add(event("3"), at=NOON)
    await events.ignored({ignored: "not paid yet"}, at=NOON)
    assert await events.backlog() == Backlog(pending=2, parked=0, oldest=NOON)
    await events.parked(old, "odd", at=NOON)
    assert await events.backlog() == Backlog(pending=1, parked=1, oldest=NOON + HOUR)


# Subscriptions


SEEN = SubscriptionSeen(
    subscription_id="sub_1",
    order_id=OrderId("0" * 32),
    status="active",
    ends_at_period_end=False,
    period_end=NOON + 700 * HOUR,
    at=NOON,
)


async def test_of_a_subscription_the_newest_news_is_kept(events: Events, add: Add) -> None:
    first, second, third = [await add(event(key)) for key in "123"]
    gone = replace(SEEN, status="canceled", ends_at_period_end=True, at=NOON + HOUR)
    for _ in range(2):
        await events.subscribed(second, gone, at=NOON)
    await events.subscribed(first, SEEN, at=NOON)  # older: it came late
    assert await events.subscription(STRIPE, "sub_1") == gone
    same_second = replace(gone, status="unpaid")
    await events.subscribed(third, same_second, at=NOON)
    await events.subscribed(second, gone, at=NOON)  # a replay
    assert await events.subscription(STRIPE, "sub_1") == same_second
    assert await events.subscription(YOOKASSA, "sub_1") is None
    assert await state_of(events, first) == (EventState.PROCESSED, "", NOON)
    assert await due(events) == []


async def test_a_subscription_of_an_unknown_event_is_not_kept(events: Events) -> None:
    await events.subscribed(NOBODY, SEEN, at=NOON)
    assert await events.subscription(STRIPE, "sub_1") is None
