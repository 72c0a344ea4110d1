"""Whose payment a row tells: ids come back and rows have twins, the chat in the row decides."""

from __future__ import annotations

import trio

from actors.kernel.ids import ChatId, RecordId
from actors.tracker import messages as tracker
from actors.tracker.actor import JITTER, RESTORE_SECONDS
from actors.tracker.model import Place, Refused
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop


async def test_an_id_given_away_again_pays_for_its_new_owner_only() -> None:
    shop = Shop(deaf=1)  # which is told again, and not the old owner either
    async with shop.open() as (_, ref):
        await shop.wait(3, 500)
        ref.tell(tracker.Track(record_id=RecordId(3), chat_id=ChatId(500)))
        await trio.sleep(INTERVAL + 1)
        shop.table.delete(RecordId(3))
        await shop.wait(3, 501)
        ref.tell(tracker.Track(record_id=RecordId(3), chat_id=ChatId(501)))
        await trio.sleep(INTERVAL * 2)
        assert shop.told == []
        assert (shop.figure("waiting_users"), shop.figure("missing_records")) == (2, 1)
        shop.table.tick(RecordId(3))
        await trio.sleep(INTERVAL + 1)
        assert shop.told_chats == [501]
        await trio.sleep(HOUR)
        assert shop.told_chats == [501, 501]
        assert (shop.figure("waiting_users"), shop.figure("missing_records")) == (1, 1)
    async with shop.open():
        await trio.sleep(HOUR)
        assert shop.told_chats == [501, 501]


async def test_a_tick_on_the_row_that_the_session_does_not_hold_counts() -> None:
    shop = Shop()
    async with shop.open():
        await shop.wait(3, 500)
        shop.table.insert(RecordId(4), ChatId(500))  # a request that arrived late
        await trio.sleep(RESTORE_SECONDS + INTERVAL * 2)
        asked = len(shop.table.questions)
        shop.table.tick(RecordId(4))
        await trio.sleep(INTERVAL)
        assert [record_id for record_id, _ in shop.told] == [3]
        assert shop.told_chats == [500]
        assert len(shop.table.questions) - asked <= 2
        shop.table.tick(RecordId(3))
        await trio.sleep(HOUR)
        assert shop.told_chats == [500]


async def test_a_row_that_names_nobody_is_matched_by_its_id_and_reported() -> None:
    shop = Shop()
    await shop.wait(3, 500)
    shop.table.insert(RecordId(3))
    async with shop.open():
        await trio.sleep(1)
        assert (shop.report.status, "names no chat" in shop.report.output) == ("warn", True)
        shop.table.tick(RecordId(3))
        await trio.sleep(INTERVAL)
        assert shop.told_chats == [500]
        assert shop.report.status == "pass"


async def test_a_table_without_the_chats_is_asked_on_without_them() -> None:
    shop = Shop()
    await shop.wait(3, 500)
    refused = Refused(reason="chat", detail="no column 'ChatId'")
    shop.table.outcomes.append(refused)
    async with shop.open():
        await trio.sleep(1)
        assert (shop.report.status, shop.report.output) == ("warn", "no column 'ChatId'")
        await trio.sleep(INTERVAL * (1 + JITTER))
        assert shop.report.status == "pass"
        shop.table.outcomes.append(refused)  # to what changed: the rows are read all the same
        shop.table.tick(RecordId(3))
        await trio.sleep(INTERVAL)
        assert isinstance(shop.table.questions[-2], Place)
        assert shop.told_chats == [500]
