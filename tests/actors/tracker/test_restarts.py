"""The tracker and its memory: restarts, lost messages, a database that is away."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.ids import RecordId
from actors.tracker.actor import RESTORE_SECONDS
from actors.tracker.model import Page
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop


async def test_what_a_session_did_not_record_is_told_again_after_a_restart() -> None:
    shop = Shop(deaf=1)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL + 1)
        assert shop.told_ids == [1]
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1, 1]
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1, 1]


async def test_what_was_seen_once_needs_the_table_no_more() -> None:
    shop = Shop(deaf=1)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL + 1)
    shop.table.tick(RecordId(1), paid=False)
    async with shop.open():
        await trio.sleep(1)
        assert shop.told_ids == [1, 1]


async def test_a_session_that_takes_its_time_is_not_told_twice() -> None:
    shop = Shop(deaf=1)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(INTERVAL * 1.5)
        shop.table.tick(RecordId(1))  # told 20 s before the store is read again
        await trio.sleep(INTERVAL * 2)
        assert shop.told_ids == [1]
        await shop.record(1)
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


async def test_it_is_stored_before_it_is_told() -> None:
    shop = Shop()
    shop.watches.marks_away = 1_000
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        shop.table.tick(RecordId(1))
        await trio.sleep(HOUR)
        assert shop.told_ids == []
        shop.watches.marks_away = 0
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


async def test_the_first_look_at_changes_reaches_back_a_little() -> None:
    shop = Shop(chunk_rows=10)
    for record_id in range(1, 1_001):
        await shop.wait(record_id)
    shop.table.tick(RecordId(1_000))
    await trio.sleep(60)
    async with shop.open():
        await trio.sleep(INTERVAL + 1)
    assert shop.told_ids == [1_000]


async def test_what_a_session_crashed_on_is_told_again_after_a_while() -> None:
    shop = Shop(deaf=1)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL + 1)
        await shop.register(ref, 1)  # the session is back, and says that it waits
        shop.table.tick(RecordId(1))
        await trio.sleep(HOUR)
        (_, first), (_, second) = shop.told
        assert RESTORE_SECONDS <= second - first <= 2 * RESTORE_SECONDS


async def test_somebody_who_waits_again_for_a_cleared_box_is_not_told_too_soon() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        shop.table.tick(RecordId(1))
        await trio.sleep(HOUR)
        assert shop.told_ids == [1]
        shop.table.tick(RecordId(1), paid=False)
        await shop.register(ref, 1)
        await trio.sleep(HOUR)
    async with shop.open():
        await trio.sleep(HOUR)
        assert shop.told_ids == [1]
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL + 1)
        assert shop.told_ids == [1, 1]


async def test_a_track_that_got_lost_heals() -> None:
    shop = Shop()
    async with shop.open():
        await trio.sleep(5)
        await shop.wait(1)
        shop.table.tick(RecordId(1))
        await trio.sleep(RESTORE_SECONDS + 2 * INTERVAL)
        assert shop.told_ids == [1]


async def test_changes_made_while_the_process_was_down_are_read_at_once() -> None:
    shop = Shop(chunk_rows=10)
    for record_id in range(1, 1_001):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(61)
        shop.table.tick(RecordId(999))
        await trio.sleep(61)
    await trio.sleep(HOUR)
    shop.table.tick(RecordId(1_000))
    await trio.sleep(HOUR)
    async with shop.open():
        await trio.sleep(1)
    assert shop.told_ids == [999, 1_000]


@pytest.mark.parametrize("lose_answers", [False, True])
@pytest.mark.parametrize("away", [1, 3])
async def test_a_store_that_is_away_loses_nobody(away: int, *, lose_answers: bool) -> None:
    shop = Shop()
    shop.watches.lose_answers = lose_answers
    async with shop.open() as (system, ref):
        await shop.register(ref, 1)
        await shop.register(ref, 2)
        await trio.sleep(61)
        shop.table.tick(RecordId(2))
        shop.watches.away = away
        await trio.sleep(HOUR)
        assert shop.told_ids == [2]
        assert shop.figure("waiting_users") == 1
        assert system.dead_letters == []


async def test_a_store_that_is_away_at_the_start_is_waited_for() -> None:
    shop = Shop()
    await shop.wait(1)
    shop.table.tick(RecordId(1))
    shop.watches.away = 3
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


async def test_a_bug_in_the_adapter_restarts_the_tracker_and_loses_nobody() -> None:
    shop = Shop()
    for record_id in (1, 2):
        await shop.wait(record_id)
    shop.table.tick(RecordId(2))
    shop.table.outcomes.append(ZeroDivisionError("a bug"))
    async with shop.open() as (system, _):
        await trio.sleep(HOUR)
        assert shop.told_ids == [2]
        assert [each for each in system.incidents if type(each).__name__ == "ActorFailed"]


async def test_an_answer_of_rubbish_changes_nothing() -> None:
    shop = Shop()
    await shop.wait(1)
    shop.table.outcomes.append(Page(rows=(), size=7, last=False))
    async with shop.open():
        await trio.sleep(1)
        assert shop.told_ids == []
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
