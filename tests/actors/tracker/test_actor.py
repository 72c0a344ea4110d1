"""The tracker's everyday, in virtual time: who is told, and what is asked for it."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.ids import ChatId, RecordId
from actors.tracker import messages as tracker
from actors.tracker.model import Place
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop


async def test_restored_users_are_told_without_any_request_of_their_own() -> None:
    shop = Shop()
    for record_id in range(1, 301):
        await shop.wait(record_id)
    shop.table.tick(RecordId(55))
    async with shop.open():
        await trio.sleep(1)
        assert shop.told_ids == [55]
        assert shop.table.questions == [tuple(range(1, 301))]


async def test_a_paid_user_is_told_once_and_never_again_also_after_a_restart() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        for record_id in (1, 2):
            await shop.register(ref, record_id)
        await trio.sleep(65)
        shop.table.tick(RecordId(1))
        await trio.sleep(HOUR)
        assert shop.told_ids == [1]
        assert shop.figure("waiting_users") == 1
        assert shop.report.status == "pass"
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


async def test_a_change_is_seen_within_an_interval_whoever_waits() -> None:
    shop = Shop()
    for record_id in range(1, 5_001):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(70.5)
        for record_id in range(17, 5_001, 50):
            shop.table.tick(RecordId(record_id))
        ticked, asked = trio.current_time(), len(shop.table.questions)
        await trio.sleep(INTERVAL)
        assert sorted(shop.told_ids) == list(range(17, 5_001, 50))
        assert all(at - ticked <= INTERVAL for _, at in shop.told)
        assert len(shop.table.questions) - asked == 2


async def test_two_requests_an_interval_and_a_pass_over_everybody() -> None:
    shop = Shop()
    for record_id in range(1, 2_501):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(INTERVAL * 11 - 1)  # 11 looks, at 0, 20, 40, ...
    chunks = [asked for asked in shop.table.questions if not isinstance(asked, Place)]
    assert len(chunks) == 11
    assert len(shop.table.questions) - len(chunks) == 10  # the first look only sets the place
    assert {record_id for chunk in chunks[:5] for record_id in chunk} == set(range(1, 2_501))
    assert chunks[5:10] == chunks[:5]


async def test_nobody_waits_nothing_is_asked() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await trio.sleep(HOUR - 1)
        assert shop.table.questions == []
        assert shop.report.status == "pass"
        await shop.register(ref, 1)
        await trio.sleep(INTERVAL)
        assert len(shop.table.questions) == 1
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        asked = len(shop.table.questions)
        await trio.sleep(HOUR)
        assert len(shop.table.questions) == asked


async def test_told_twice_it_tracks_once() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        for record_id in (1, 1):
            await shop.register(ref, record_id)
        shop.table.tick(RecordId(1))
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


async def test_whoever_comes_next_is_asked_about_at_the_next_look() -> None:
    shop = Shop(chunk_rows=5)
    for record_id in range(1, 101):
        await shop.wait(record_id)
    async with shop.open() as (_, ref):
        await trio.sleep(INTERVAL * 2 + 1)
        await shop.register(ref, 500)
        await trio.sleep(INTERVAL)
        assert 500 in shop.table.questions[-1]  # type: ignore[operator]


async def test_paid_before_he_was_tracked_is_no_different() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(HOUR)
        await shop.wait(2)
        shop.table.tick(RecordId(2))
        await trio.sleep(INTERVAL + 1)  # the change has been read, and meant nobody
        ref.tell(tracker.Track(record_id=RecordId(2), chat_id=ChatId(20)))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [2]


async def test_it_listens_while_a_question_is_on_its_way() -> None:
    shop = Shop(latency_seconds=9.0)
    await shop.wait(1)
    shop.table.tick(RecordId(1))
    async with shop.open() as (system, ref):
        await trio.sleep(1)
        await shop.wait(2, 10)  # the same chat, by a later record
        ref.tell(tracker.Track(record_id=RecordId(2), chat_id=ChatId(10)))
        await system.settle()
        assert shop.told_ids == []
        await trio.sleep(HOUR)
    assert shop.told_ids == [2]


async def test_a_bulk_change_is_read_page_after_page() -> None:
    shop = Shop(page_rows=100, chunk_rows=100)
    for record_id in range(1, 3_001):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(61)
        for record_id in range(1, 3_001):
            shop.table.tick(RecordId(record_id))  # all of them in one second
        await trio.sleep(INTERVAL * 3)
        assert sorted(shop.told_ids) == list(range(1, 3_001))


@pytest.mark.parametrize("inclusive", [False, True])
async def test_the_same_changes_are_not_read_for_ever(*, inclusive: bool) -> None:
    shop = Shop(inclusive=inclusive)
    for record_id in range(1, 2_002):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(61)
        for record_id in range(1, 2_001):
            shop.table.tick(RecordId(record_id))
        await trio.sleep(INTERVAL * 4)
        asked = len(shop.table.questions)
        await trio.sleep(INTERVAL * 5)
        assert len(shop.table.questions) - asked == 10
