"""Who cancels may have paid all the same: he is told, once, and nobody misses him."""

from __future__ import annotations

import pytest
import trio

from actors.kernel.ids import ChatId, RecordId
from actors.tracker import messages as tracker
from actors.tracker.actor import JITTER, RESTORE_SECONDS
from actors.tracker.condition import BACKOFF_MAX_SECONDS
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop

CANCELLED = tracker.Track(record_id=RecordId(1), chat_id=ChatId(10), cancelled=True)


@pytest.mark.parametrize("told", [True, False])
async def test_who_pays_after_cancelling_is_told_once(*, told: bool) -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(INTERVAL + 1)
        await shop.cancel(1)
        if told:
            ref.tell(CANCELLED)
        await trio.sleep(HOUR)
        assert (shop.told_ids, shop.report.status) == ([], "pass")
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
        await trio.sleep(HOUR)
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1]


@pytest.mark.parametrize("deaf", [0, 2])
async def test_the_process_may_be_restarted_before_he_pays_and_while(deaf: int) -> None:
    shop = Shop(deaf=deaf)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1)
        await shop.cancel(1)
        ref.tell(CANCELLED)
    async with shop.open():
        await trio.sleep(HOUR)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
    async with shop.open():
        await trio.sleep(HOUR)
    assert shop.told_ids == [1] * (1 + deaf)


async def test_a_payment_seen_just_before_he_cancelled_is_told_until_it_is_recorded() -> None:
    shop = Shop(deaf=1)
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
        await shop.cancel(1)  # his session crashed on what it was told
        ref.tell(CANCELLED)
        await trio.sleep(2 * RESTORE_SECONDS + INTERVAL)
    assert shop.told_ids == [1, 1]


async def test_the_figure_counts_who_waits_and_a_deleted_row_of_who_cancelled_is_no_trouble() -> (
    None
):
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await shop.register(ref, 2)
        await trio.sleep(INTERVAL + 1)
        assert shop.figure("waiting_users") == 2
        await shop.cancel(1)
        ref.tell(CANCELLED)
        shop.table.delete(RecordId(1))
        await trio.sleep(INTERVAL)  # the store has not been read again
        assert shop.figure("waiting_users") == 1
        await trio.sleep(HOUR)
        assert (shop.figure("waiting_users"), shop.figure("missing_records")) == (1, 0)
        assert shop.report.output == ""
        await shop.resume(1)
        ref.tell(tracker.Track(record_id=RecordId(1), chat_id=ChatId(10)))
        await trio.sleep(INTERVAL + 1)
        assert (shop.figure("waiting_users"), shop.figure("missing_records")) == (2, 1)
        assert "restore the rows" in shop.report.output


async def test_a_cancellation_that_the_tracker_did_not_hear_of_is_read_from_the_store() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1)
        await shop.cancel(1)
        await trio.sleep(RESTORE_SECONDS + INTERVAL)
        assert shop.figure("waiting_users") == 0


async def test_an_outage_between_the_cancellation_and_the_tick_loses_nobody() -> None:
    shop = Shop()
    async with shop.open() as (_, ref):
        await shop.register(ref, 1)
        await trio.sleep(1)
        await shop.cancel(1)
        ref.tell(CANCELLED)
        shop.watches.away = 3
        await trio.sleep(INTERVAL)
        shop.table.tick(RecordId(1))
        await trio.sleep(BACKOFF_MAX_SECONDS * (1 + JITTER) + RESTORE_SECONDS)
    assert shop.told_ids == [1]
