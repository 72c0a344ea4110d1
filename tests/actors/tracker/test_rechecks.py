"""Rows that are said to have changed are read soon, by a question that was asked afterwards."""

from __future__ import annotations

import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, EventId, RecordId
from actors.tracker import messages as tracker
from actors.tracker.actor import RECHECK_SECONDS, PaymentTracker
from actors.tracker.model import Refused, Throttled
from actors.tracker.rechecks import Rechecks
from actors.tracker.roster import Roster
from runtime import ActorRef
from runtime.testing import Probe
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop


def recheck(*record_ids: int, event_id: int = 1) -> tracker.Recheck:
    ids = tuple(RecordId(record_id) for record_id in record_ids)
    return tracker.Recheck(record_ids=ids, event_id=EventId(event_id))


def ids(*record_ids: int) -> frozenset[RecordId]:
    return frozenset(RecordId(record_id) for record_id in record_ids)


def roster_of(*record_ids: int) -> Roster:
    roster = Roster()
    for record_id in record_ids:
        roster.add(RecordId(record_id), ChatId(record_id))
    return roster


# --- What is left to read --------------------------------------------------------------------


def test_a_row_that_nobody_waits_for_is_not_read() -> None:
    rechecks = Rechecks(roster_of(1))
    assert not rechecks.add(recheck(2, 3))
    assert not rechecks
    assert rechecks.add(recheck(2, 1))
    assert rechecks.wishes[0].left == {1}


def test_its_rows_come_first() -> None:
    roster = roster_of(*range(1, 20))
    roster.take(3)
    Rechecks(roster).add(recheck(9, 7))
    assert roster.take(2) == (7, 9)


def test_only_an_answer_to_a_later_question_counts() -> None:
    rechecks = Rechecks(roster_of(1, 2))
    early, late = recheck(1, 2, event_id=1), recheck(2, event_id=2)
    rechecks.add(early)
    assert rechecks.read(ids(1, 2)) == []
    rechecks.asking()
    rechecks.add(late)
    assert rechecks.read(ids(2)) == []
    rechecks.asking()
    assert rechecks.read(ids(1)) == [early]
    assert rechecks.read(ids(2)) == [late]
    assert not rechecks


def test_who_was_found_paid_needs_no_reading() -> None:
    roster = roster_of(1, 2)
    rechecks = Rechecks(roster)
    told = recheck(1, 2)
    rechecks.add(told)
    roster.remove(RecordId(1), ChatId(1))
    assert rechecks.read() == []
    roster.remove(RecordId(2), ChatId(2))
    assert rechecks.read() == [told]


# --- The tracker -----------------------------------------------------------------------------


async def told_to(ref: ActorRef[PaymentTracker], *record_ids: int) -> Probe:
    notify = Probe()
    event_id = EventId(record_ids[0])
    rows = tuple(RecordId(record_id) for record_id in record_ids)
    ref.tell(tracker.Recheck(record_ids=rows, event_id=event_id, notify=notify))
    await trio.sleep(0.01)
    return notify


async def test_a_touched_row_is_read_long_before_the_next_look() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1.5 * INTERVAL)
        shop.table.tick(RecordId(1))
        notify = await told_to(ref, 1)
        assert notify.told == []
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert shop.told_ids == [1]
        assert notify.told == [tracker.Settled(event_id=EventId(1))]


async def test_many_touched_rows_are_one_look() -> None:
    shop = Shop(chunk_rows=50)
    async with shop.open() as (_, ref):
        for record_id in range(1, 31):
            await shop.register(ref, record_id)
        await trio.sleep(1.5 * INTERVAL)
        before = len(shop.table.questions)
        probes = [await told_to(ref, record_id) for record_id in range(1, 31)]
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert len(shop.table.questions) == before + 2  # what changed, and the rows
        assert all(len(probe.told) == 1 for probe in probes)
        assert shop.told_ids == []


async def test_more_rows_than_fit_into_a_question_are_read_by_the_next_ones() -> None:
    shop = Shop(chunk_rows=10)
    async with shop.open() as (_, ref):
        for record_id in range(1, 101):
            await shop.register(ref, record_id)
        await trio.sleep(1.5 * INTERVAL)
        notify = await told_to(ref, *range(1, 26))
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert notify.told == []
        await trio.sleep(4 * RECHECK_SECONDS)
        assert notify.told == [tracker.Settled(event_id=EventId(1))]


async def test_a_row_that_was_left_out_of_the_answer_has_not_been_read() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        for record_id in (1, 2):
            await shop.register(ref, record_id)
        await trio.sleep(1.5 * INTERVAL)
        shop.table._page_rows = 1  # from now on the server sends less than it is asked for
        notify = await told_to(ref, 1, 2)
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert notify.told == []
        await trio.sleep(RECHECK_SECONDS)
        assert notify.told == [tracker.Settled(event_id=EventId(1))]


async def test_a_row_that_nobody_waits_for_is_settled_at_once() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1.5 * INTERVAL)
        asked = len(shop.table.questions)
        notify = await told_to(ref, 77)
        assert notify.told == [tracker.Settled(event_id=EventId(77))]
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert len(shop.table.questions) == asked


async def test_one_that_comes_while_a_question_is_under_way_is_read_after_it() -> None:
    shop = Shop(latency_seconds=3.0)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1.0)  # the first chunk is being asked
        shop.table.tick(RecordId(1))
        notify = await told_to(ref, 1)
        await trio.sleep(3.0)
        assert (notify.told, shop.told_ids) == ([], [])
        await trio.sleep(RECHECK_SECONDS + 6.0)
        assert len(notify.told) == 1
        assert shop.told_ids == [1]
        assert len(shop.table.questions) <= 4


async def test_touched_rows_do_not_hurry_a_table_that_wants_to_be_left_alone() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1.5 * INTERVAL)
        shop.table.outcomes.append(Throttled(retry_after_seconds=120.0))
        await trio.sleep(INTERVAL)
        asked = len(shop.table.questions)
        notify = await told_to(ref, 1)
        await trio.sleep(100)
        assert (len(shop.table.questions), notify.told) == (asked, [])
        await trio.sleep(60)
        assert len(notify.told) == 1


async def test_an_answer_that_failed_settles_nothing() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1.5 * INTERVAL)
        refusal = Refused(reason="token", detail="who are you?")
        shop.table.outcomes.extend([Unavailable("down"), Unavailable("down"), refusal, None])
        notify = await told_to(ref, 1)
        await trio.sleep(RECHECK_SECONDS + 0.1)
        assert notify.told == []
        await trio.sleep(HOUR)
        assert len(notify.told) == 1


async def test_a_stream_of_touched_rows_starves_nobody() -> None:
    shop = Shop(chunk_rows=4)
    async with shop.open() as (_, ref):
        for record_id in range(1, 41):
            await shop.register(ref, record_id)
        await trio.sleep(1.5 * INTERVAL)
        shop.table.questions.clear()
        for _ in range(60):
            await told_to(ref, 1, 2, 3, 4)
            await trio.sleep(0.5)
        read = {
            each for asked in shop.table.questions if isinstance(asked, tuple) for each in asked
        }
        assert len(read) > 20
        assert len(shop.table.questions) <= 62  # two questions a look, one look a second
