"""What stored events mean is done: once, and in order."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio

from actors.ingress import messages as ingress
from actors.ingress.model import (
    Nothing,
    SourceName,
    StoredEvent,
    SubscriptionSeen,
    Unusable,
)
from actors.ingress.pacing import BURST_EVENTS, YIELD_SECONDS
from actors.ingress.processor import (
    LOOK_SECONDS,
    REPORT_SECONDS,
    WORK_SECONDS,
)
from actors.ingress.progress import WORKING_MAX
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from actors.operations.messages import HEARTBEAT_SECONDS
from actors.tracker import messages as tracker
from runtime.testing import running
from tests.actors.ingress.provider import paid
from tests.actors.ingress.shop import TOUCHED, World

GONE = SubscriptionSeen(
    subscription_id="sub_1",
    order_id=None,
    status="canceled",
    ends_at_period_end=False,
    period_end=None,
    at=None,
)


@pytest.fixture
def world() -> World:
    return World()


# What events mean


async def test_a_payment_is_told_to_the_tracker_which_settles_it(world: World) -> None:
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        told = await world.told.expect(tracker.Observed)
        assert (told.report, told.event_id, told.notify) == (paid().report, event_id, ref)
        await system.settle()
        assert world.events.states() == {"evt_1": "processed"}


async def test_in_the_middle_of_a_burst_nothing_is_begun(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        for number in range(10):
            await world.add(f"evt_{number}", subject=f"pi_{number}")
            ref.tell(ingress.Wake(stored=BURST_EVENTS))
            ref.tell(ingress.Wake(stored=1))  # a part that happens to be small
            await trio.sleep(YIELD_SECONDS / 2)
        assert world.told.told == []
        await trio.sleep(YIELD_SECONDS)
        assert set(world.events.states().values()) == {"processed"}


async def test_an_event_of_a_payment_is_pending_until_the_tracker_has_settled(
    world: World,
) -> None:
    world.answers = False
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        await trio.sleep(30)
        assert world.events.states() == {"evt_1": "pending"}
        assert len(world.told.told) == 1
        await world.events.processed(event_id, at=system.world.now())
        ref.tell(tracker.Settled(event_id=event_id))
        await trio.sleep(WORK_SECONDS * 2)
        assert len(world.told.told) == 1


async def test_touched_rows_are_told_and_the_event_is_marked_afterwards(world: World) -> None:
    world.nocodb.facts = {"rows": TOUCHED}
    event_id = await world.add("hook_1", "rows", source=SourceName.NOCODB)
    async with running() as system:
        world.start(system)
        told = await world.told.expect(tracker.Recheck)
        assert (told.record_ids, told.event_id) == (TOUCHED.record_ids, event_id)
        await system.settle()
        assert world.events.states() == {"hook_1": "processed"}


async def test_a_subscription_is_kept_and_published(world: World) -> None:
    world.stripe.facts = {"gone": GONE}
    await world.add("evt_1", "gone")
    async with running() as system:
        world.start(system)
        news = await world.news.expect(ingress.SubscriptionChanged)
        assert (news.source, news.seen) == (SourceName.STRIPE, GONE)
        assert await world.events.subscription(SourceName.STRIPE, "sub_1") == GONE
        assert world.events.states() == {"evt_1": "processed"}


async def test_an_unknown_type_is_kept_and_ignored(world: World) -> None:
    await world.add("evt_1", "customer.created")
    async with running() as system:
        world.start(system)
        await system.settle()
        assert world.events.states() == {"evt_1": "ignored"}
        assert world.events.outcome("evt_1") == "unknown type"


async def test_what_a_person_must_see_is_parked_at_once(world: World) -> None:
    world.stripe.facts = {"test": Unusable(why="test event on a live shop")}
    event_id = await world.add("evt_1", "test")
    async with running() as system:
        world.start(system)
        assert await world.news.expect(ingress.EventParked) == ingress.EventParked(
            event_id=event_id,
            source=SourceName.STRIPE,
            kind="test",
            reason="test event on a live shop",
        )
        assert world.events.states() == {"evt_1": "parked"}


async def test_what_the_tracker_refuses_is_parked(world: World) -> None:
    world.answers = "the currency is not the order's"
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        parked = await world.news.expect(ingress.EventParked)
        assert parked.reason == "the currency is not the order's"
        assert world.events.states() == {"evt_1": "parked"}


# Finding work


async def test_a_new_event_is_worked_on_when_the_ingress_says_so(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        await world.add("evt_1")
        ref.tell(ingress.Wake())
        await system.settle()
        assert world.events.states() == {"evt_1": "processed"}


async def test_an_event_nobody_told_of_is_found_all_the_same(world: World) -> None:
    async with running() as system:
        world.start(system)
        await system.settle()
        await world.add("evt_1")
        await trio.sleep(LOOK_SECONDS + 1)
        assert world.events.states() == {"evt_1": "processed"}


async def test_an_event_that_was_postponed_before_a_crash_is_done_when_it_is_due(
    world: World,
) -> None:
    event_id = await world.add("evt_1")
    due_at = world.events.connection.tables.now() + timedelta(seconds=25)
    await world.events.postponed(event_id, "HTTP 502", attempts=3, due_at=due_at)
    async with running() as system:
        world.start(system)
        await trio.sleep(24.9)
        assert world.stripe.asked == []
        await trio.sleep(0.2)
        assert world.events.states() == {"evt_1": "processed"}


async def test_with_nothing_to_do_the_inbox_is_asked_once_a_minute(world: World) -> None:
    async with running() as system:
        world.start(system)
        await trio.sleep(3_600)
    assert world.events.looks <= 3_600 / LOOK_SECONDS + 1


async def test_a_wake_during_a_look_is_not_forgotten(world: World) -> None:
    world.events.seconds = 0.5
    async with running() as system:
        ref = world.start(system)
        await trio.sleep(0.2)
        world.events.seconds = 0
        ref.tell(ingress.Wake())
        await world.add("evt_1")
        await trio.sleep(0.4)
        assert world.events.states() == {"evt_1": "processed"}


async def test_what_was_in_work_when_the_process_died_is_done_after_it(world: World) -> None:
    world.answers = False
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        await trio.sleep(1)
    world.answers = True
    async with running() as system:
        world.start(system)
        await system.settle()
    assert world.events.states() == {"evt_1": "processed"}
    assert len(world.told.told) == 2


async def test_only_so_many_are_in_work_at_once(world: World) -> None:
    at_once = most = 0

    async def slow(_: StoredEvent) -> Nothing:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await trio.sleep(1)
        at_once -= 1
        return Nothing(why="slow")

    world.stripe.facts = {"slow": slow}
    for number in range(5 * WORKING_MAX):
        await world.add(f"evt_{number}", "slow")
    async with running() as system:
        world.start(system)
        await trio.sleep(5.5)
        assert set(world.events.states().values()) == {"ignored"}
        assert most == WORKING_MAX


async def test_events_on_one_subject_are_done_one_after_the_other(world: World) -> None:
    finished: list[str] = []

    async def slow(stored: StoredEvent) -> Nothing:
        await trio.sleep(3 - int(stored.event.key[0]))
        finished.append(stored.event.key)
        return Nothing(why="slow")

    world.stripe.facts = {"slow": slow}
    for key, subject in (("0a", "pi_1"), ("1a", "pi_1"), ("2a", "pi_1"), ("2b", "pi_2")):
        await world.add(key, "slow", subject)
    async with running() as system:
        world.start(system)
        await trio.sleep(7)
        assert finished == ["2b", "0a", "1a", "2a"]


# What operators see


async def test_the_report_tells_the_backlog_and_the_lag(world: World) -> None:
    world.stripe.facts |= {"away": Unavailable("x"), "test": Unusable(why="test")}
    for key, kind in (("1", "paid"), ("2", "away"), ("3", "test"), ("4", "customer.created")):
        await world.add(key, kind)
    async with running() as system:
        await trio.sleep(90)
        world.start(system)
        await trio.sleep(11)
        told = world.figures()
        ended = [told[f"{e}_total"] for e in ("processed", "ignored", "parked")]
        assert ended == [1, 1, 1]
        assert (told["pending"], told["parked"]) == (1, 1)
        assert told["in_work"] <= 1
        assert told["lag_seconds"] == pytest.approx(90)
        assert told["oldest_pending_seconds"] == pytest.approx(100, abs=1)
        assert told["postponed_total"] >= 2


async def test_with_nothing_new_the_report_is_a_heartbeat(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await trio.sleep(10 * HEARTBEAT_SECONDS + 1)
        assert 10 <= len(world.reports.told) <= 12
        quiet = len(world.reports.told)
        await world.add("evt_1")
        ref.tell(ingress.Wake())
        await trio.sleep(REPORT_SECONDS + 0.1)
        assert len(world.reports.told) == quiet + 1
        assert world.figures()["processed_total"] == 1
        await trio.sleep(3 * HEARTBEAT_SECONDS)
        assert len(world.reports.told) == quiet + 4


async def test_while_something_is_left_to_do_reports_go_on(world: World) -> None:
    world.stripe.facts["paid"] = Unavailable("HTTP 502")
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        await trio.sleep(HEARTBEAT_SECONDS + 1)
        told = world.figures()
        assert told["oldest_pending_seconds"] >= HEARTBEAT_SECONDS - REPORT_SECONDS
        assert world.reports.told[-1].status == "pass"
        await trio.sleep(REPORT_SECONDS)
        assert world.reports.told[-1].status == "warn"


async def test_late_news_of_an_earlier_attempt_changes_nothing(world: World) -> None:
    event_id = await world.add("evt_1", "customer.created")
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        for stranger in (event_id, EventId(999)):
            ref.tell(tracker.Settled(event_id=stranger))
        await system.settle()
        assert world.events.states() == {"evt_1": "ignored"}
        assert not [i for i in system.incidents if type(i).__name__ == "ActorFailed"]


async def test_what_there_is_nothing_to_do_for_is_marked_together(world: World) -> None:
    keys = [f"evt_{number}" for number in range(WORKING_MAX)]
    for key in keys:
        await world.add(key, "customer.created")
    async with running() as system:
        world.start(system)
        await system.settle()
        assert world.events.states() == dict.fromkeys(keys, "ignored")
        assert {world.events.outcome(key) for key in keys} == {"unknown type"}
        assert sum(world.events.ignorings) == WORKING_MAX
        assert len(world.events.ignorings) <= 4
        await trio.sleep(REPORT_SECONDS + 0.1)
        assert world.figures()["ignored_total"] == WORKING_MAX
