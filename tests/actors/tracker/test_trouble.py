"""The tracker and a table in trouble: each outcome is visible, and loses nobody."""

from __future__ import annotations

from collections.abc import Collection

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import RecordId
from actors.tracker.actor import RESTORE_SECONDS
from actors.tracker.condition import REFUSED_SECONDS
from actors.tracker.looks import CHANGES_OFF_SECONDS
from actors.tracker.model import Answer, Place, Refused, Throttled, TooLong
from adapters.memory.tracker import MemoryPaidRecords
from tests.actors.tracker.shop import HOUR, INTERVAL, Shop

OUTCOMES: list[tuple[Answer | Exception, str]] = [
    (Unavailable("NocoDB at host answered 502"), "warn"),
    (Unavailable("NocoDB at host answered 503", retry_after_seconds=90), "warn"),
    (Throttled(retry_after_seconds=30), "warn"),
    (Refused(reason="token", detail="look at NOCODB_TOKEN"), "fail"),
    (Refused(reason="table", detail="look at NOCODB_TABLE_ID"), "fail"),
    (Refused(reason="paid", detail="no column 'Paid'"), "fail"),
    (Refused(reason="question", detail="answered 400"), "warn"),
    (TooLong(), "pass"),
]


@pytest.mark.parametrize(("outcome", "status"), OUTCOMES)
@pytest.mark.parametrize("times", [1, 7])
async def test_no_answer_loses_anybody(
    outcome: Answer | Exception, status: str, times: int
) -> None:
    shop = Shop()
    for record_id in range(1, 4):
        await shop.wait(record_id)
    shop.table.tick(RecordId(2))
    shop.table.outcomes.extend([outcome] * times)
    async with shop.open() as (system, _):
        await trio.sleep(1)
        assert shop.told_ids == []
        assert shop.report.status == status
        assert bool(shop.report.output) == (status != "pass")
        await trio.sleep(HOUR)
        assert shop.told_ids == [2]
        assert shop.report.status == "pass"
        assert shop.figure("waiting_users") == 2
        assert system.dead_letters == []
        assert not [each for each in system.incidents if type(each).__name__ == "ActorFailed"]


async def test_after_a_429_the_table_is_left_alone() -> None:
    shop = Shop()
    await shop.wait(1)
    async with shop.open():
        await trio.sleep(1)
        shop.table.outcomes.append(Throttled(retry_after_seconds=200))
        await trio.sleep(INTERVAL)
        asked = len(shop.table.questions)
        await trio.sleep(199)
        assert len(shop.table.questions) == asked
        await trio.sleep(55)
        assert len(shop.table.questions) > asked
        assert shop.figure("requests_throttled_total") == 1


async def test_a_person_is_asked_for_help_once_a_minute() -> None:
    shop = Shop()
    await shop.wait(1)
    shop.table.outcomes.extend([Refused(reason="paid", detail="no column 'Paid'")] * 1_000)
    async with shop.open():
        await trio.sleep(HOUR)
        assert shop.report.status == "fail"
        assert shop.report.output == "no column 'Paid'"
        assert HOUR / REFUSED_SECONDS / 1.3 < len(shop.table.questions) <= HOUR / REFUSED_SECONDS


async def test_an_outage_is_asked_about_ever_more_rarely_and_reported() -> None:
    shop = Shop()
    await shop.wait(1)
    shop.table.outcomes.extend([Unavailable("NocoDB at host answered 502")] * 1_000)
    async with shop.open():
        await trio.sleep(HOUR)
        assert shop.report.status == "fail"
        assert "502" in shop.report.output
        assert 20 < len(shop.table.questions) < 40
        assert shop.figure("requests_failed_total") == len(shop.table.questions)


@pytest.mark.parametrize("reason", ["updated", "question"])
async def test_a_table_that_cannot_tell_its_changes_is_reconciled(reason: str) -> None:
    shop = Shop()
    await shop.wait(1)
    async with shop.open():
        await trio.sleep(1)
        refused = Refused(reason=reason, detail="no column 'UpdatedAt'")  # type: ignore[arg-type]
        shop.table.outcomes.append(refused)
        await trio.sleep(INTERVAL)
        assert (shop.report.status, "UpdatedAt" in shop.report.output) == ("warn", True)
        shop.table.tick(RecordId(1))
        asked = len(shop.table.questions)
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
        assert not isinstance(shop.table.questions[asked], Place)
        await shop.wait(2)
        await trio.sleep(CHANGES_OFF_SECONDS + 2 * RESTORE_SECONDS)
        assert any(isinstance(each, Place) for each in shop.table.questions[asked:])
        assert shop.report.status == "pass"


async def test_changes_that_take_too_long_do_not_stop_the_reconciliation() -> None:
    shop = Shop()
    await shop.wait(1)
    async with shop.open():
        await trio.sleep(1)
        shop.table.outcomes.extend([Unavailable("NocoDB at host did not answer"), None] * 50)
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
        assert shop.report.status == "warn"


async def test_one_id_that_the_table_refuses_does_not_hold_up_the_others() -> None:
    class Picky(MemoryPaidRecords):
        async def read(self, record_ids: Collection[RecordId]) -> Answer:
            if RecordId(13) in record_ids:
                self.outcomes.appendleft(Refused(reason="question", detail="answered 400"))
            return await super().read(record_ids)

    shop = Shop()
    shop.table = Picky(now=shop.world.now, chunk_rows=32)
    for record_id in range(1, 33):
        await shop.wait(record_id)
        shop.table._rows[RecordId(record_id)].paid = True  # without a change that tells it
    async with shop.open():
        await trio.sleep(HOUR)
        assert sorted(shop.told_ids) == [n for n in range(1, 33) if n != 13]
        assert shop.report.status == "warn"
        assert "record 13" in shop.report.output


async def test_a_chunk_without_an_answer_is_asked_again_first() -> None:
    shop = Shop(chunk_rows=10)
    for record_id in range(1, 41):
        await shop.wait(record_id)
    shop.table.outcomes.append(Unavailable("NocoDB at host answered 502"))
    async with shop.open():
        await trio.sleep(INTERVAL * 2)
    first, second = shop.table.questions[:2]
    assert first == tuple(range(1, 11))
    assert second == (*range(1, 9), 11, 12)  # a quarter belongs to the pass, whatever happens


async def test_what_a_clipped_page_left_out_is_next() -> None:
    shop = Shop(chunk_rows=20, page_rows=10)
    for record_id in range(1, 61):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(INTERVAL * 3 - 1)
    chunks = [asked for asked in shop.table.questions if not isinstance(asked, Place)]
    assert chunks[0] == tuple(range(1, 21))
    assert set(chunks[1]) & set(range(11, 21)) == set(range(11, 19))
    assert set(chunks[2]) >= {19, 20}


async def test_smaller_pages_than_asked_for_leave_nobody_out() -> None:
    shop = Shop(chunk_rows=50, page_rows=10)
    for record_id in range(1, 41):
        await shop.wait(record_id)
        shop.table._rows[RecordId(record_id)].paid = True
    async with shop.open():
        await trio.sleep(INTERVAL * 4 + 1)
        assert sorted(shop.told_ids) == list(range(1, 41))
        assert shop.figure("missing_records") == 0


async def test_a_deleted_row_is_reported_and_the_watch_stays() -> None:
    shop = Shop()
    for record_id in (1, 2):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(1)
        shop.table.delete(RecordId(1))
        await trio.sleep(INTERVAL * 2)
        assert (shop.report.status, shop.figure("missing_records")) == ("warn", 1)
        assert shop.figure("waiting_users") == 2
        shop.table.insert(RecordId(1))
        shop.table.tick(RecordId(1))
        await trio.sleep(INTERVAL)
        assert shop.told_ids == [1]
        assert shop.report.status == "pass"


@pytest.mark.parametrize("jump", [-86_400.0 * 400, -3_600.0, 3_600.0, 86_400.0 * 400])
@pytest.mark.parametrize("whose", ["ours", "the server's"])
async def test_a_clock_that_jumps_delays_nobody(jump: float, whose: str) -> None:
    shop = Shop()
    for record_id in range(1, 41):
        await shop.wait(record_id)
    async with shop.open():
        await trio.sleep(61)
        for record_id in range(1, 21):
            shop.table.tick(RecordId(record_id))
        await trio.sleep(61)
        if whose == "ours":
            shop.world.shift(jump)
            shop.server_skew_seconds -= jump
        else:
            shop.server_skew_seconds += jump
        await trio.sleep(61)
        for record_id in range(21, 41):
            shop.table.tick(RecordId(record_id))
        await trio.sleep(INTERVAL + 1)
        assert sorted(shop.told_ids) == list(range(1, 41))
