"""The two questions, asked of every kind of NocoDB there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.ids import RecordId
from actors.tracker.model import Page, Place, Refused, Throttled, TooLong
from adapters.nocodb.client import NocoClient
from adapters.nocodb.paid_records import (
    CLOUD_CHUNK_ROWS,
    NocoPaidRecords,
    chat_id_from,
    paid_from,
)
from adapters.sandbox.nocodb import NocodbSandbox
from tests.adapters.nocodb.conftest import Connect, OddNocodb

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LONG_AGO = Place(after=NOON - timedelta(days=9_000))


def ids(*numbers: int) -> tuple[RecordId, ...]:
    return tuple(map(RecordId, numbers))


def filled(nocodb: NocodbSandbox, rows: int) -> None:
    for number in range(1, rows + 1):
        nocodb.insert(Name=f"user {number}", ChatId=number)


async def test_rows_tell_who_has_paid(nocodb: NocodbSandbox, connect: Connect) -> None:
    filled(nocodb, 4)
    nocodb.tick(2)
    async with connect(nocodb) as client:
        answer = await NocoPaidRecords(client=client).read(ids(1, 2, 9))
    assert isinstance(answer, Page)
    assert {row.record_id: row.paid for row in answer.rows} == {1: False, 2: True}
    assert (answer.size, answer.last) == (2, True)
    assert answer.server_time is not None


async def test_changes_are_the_paid_rows_since_then_oldest_first(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    moments = [NOON]
    nocodb.table._now = lambda: moments[-1]
    filled(nocodb, 5)
    for seconds, record_id in enumerate((4, 1, 3)):
        moments.append(NOON + timedelta(seconds=seconds))
        nocodb.tick(record_id)
    nocodb.tick(1, paid=False)
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        everything = await records.changed(LONG_AGO)
        some = await records.changed(Place(after=NOON + timedelta(seconds=1, milliseconds=9)))
        rest = await records.changed(Place(after=LONG_AGO.after, skip=1))
    assert isinstance(everything, Page)
    assert [row.record_id for row in everything.rows] == [4, 3]
    assert everything.rows[1].updated_at == NOON + timedelta(seconds=2)
    assert everything.last
    assert isinstance(some, Page)
    assert [row.record_id for row in some.rows] == [3]
    assert isinstance(rest, Page)
    assert [row.record_id for row in rest.rows] == [3]


async def test_a_chunk_is_one_question_that_every_server_accepts(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    filled(nocodb, 700)
    for record_id in range(1, 701, 7):
        nocodb.tick(record_id)
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        answer = await records.read(ids(*range(1, records.chunk_rows + 1)))
    assert isinstance(answer, Page)
    assert (answer.size, answer.last) == (500, True)
    assert sum(bool(row.paid) for row in answer.rows) == 72
    assert nocodb.calls.total() == 1


async def test_nobody_to_ask_about_is_no_question(nocodb: NocodbSandbox, connect: Connect) -> None:
    async with connect(nocodb) as client:
        answer = await NocoPaidRecords(client=client).read(())
    assert answer == Page(rows=(), size=0, last=True)
    assert nocodb.calls.total() == 0


async def test_a_server_with_smaller_pages_teaches_the_chunk(connect: Connect) -> None:
    nocodb = NocodbSandbox(rows_per_page_max=100)
    filled(nocodb, 300)
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        answer = await records.read(ids(*range(1, 301)))
        assert isinstance(answer, Page)
        assert (answer.size, answer.last) == (100, False)
        assert records.chunk_rows == 100


async def test_a_question_too_long_halves_the_chunk_for_good(connect: Connect) -> None:
    nocodb = NocodbSandbox()
    nocodb.head_bytes_max = 3_000
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        asked = ids(*range(1_000_000, 1_000_500))
        assert await records.read(asked) == TooLong()
        assert isinstance(await records.read(asked[: records.chunk_rows]), Page)
        assert records.chunk_rows == 250


async def test_a_proxy_that_refuses_even_one_id_ends_the_halving(connect: Connect) -> None:
    nocodb = NocodbSandbox()
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        for _ in range(12):
            nocodb.fail_next(1, 414, html=True)
            answer = await records.read(ids(*range(1, records.chunk_rows + 1)))
        assert records.chunk_rows == 1
        assert isinstance(answer, Refused)
        nocodb.fail_next(1, 431)
        refused = await records.changed(LONG_AGO)
        assert isinstance(refused, Refused)
        assert refused.reason == "question"


async def test_a_missing_column_is_named(nocodb: NocodbSandbox, connect: Connect) -> None:
    filled(nocodb, 1)
    nocodb.rename_column("Paid", "Оплачено")
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        for answer in (await records.read(ids(1)), await records.changed(LONG_AGO)):
            assert isinstance(answer, Refused)
            assert answer.reason == "paid"
            assert answer.detail.startswith("NocoDB table msandboxrecords has no column 'Paid': ")
        found = await NocoPaidRecords(client=client, paid_column="Оплачено").read(ids(1))
    assert isinstance(found, Page)


async def test_a_server_that_leaves_the_column_out_is_not_believed(connect: Connect) -> None:
    body = {"list": [{"Id": 1}], "pageInfo": {"isLastPage": True}}
    async with connect(OddNocodb(body)) as client:
        answer = await NocoPaidRecords(client=client).read(ids(1))
    assert isinstance(answer, Refused)
    assert answer.reason == "paid"


async def test_without_updated_at_only_the_changes_are_refused(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    filled(nocodb, 1)
    nocodb.rename_column("UpdatedAt", "Changed")
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        answer = await records.changed(LONG_AGO)
        assert isinstance(answer, Refused)
        assert answer.reason == "updated"
        assert isinstance(await records.read(ids(1)), Page)


async def test_without_the_chat_column_rows_are_read_without_it(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    filled(nocodb, 1)
    nocodb.tick(1)
    nocodb.rename_column("ChatId", "Chat")
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        for question in (partial(records.changed, LONG_AGO), partial(records.read, ids(1))):
            records._chat_column_again_at = 0.0
            answer = await question()
            assert isinstance(answer, Refused)
            assert (answer.reason, "no column 'ChatId'" in answer.detail) == ("chat", True)
            again = await question()
            assert isinstance(again, Page)
            assert again.nameless == answer.detail
            assert [(row.record_id, row.paid, row.chat_id) for row in again.rows] == [
                (1, True, None)
            ]
        found = await NocoPaidRecords(client=client, chat_id_column="Chat").read(ids(1))
    assert isinstance(found, Page)
    assert [row.chat_id for row in found.rows] == [1]


@pytest.mark.parametrize(
    ("value", "chat_id"),
    [
        (5_000_000_001, 5_000_000_001),
        (-1_001_234, -1_001_234),
        ("5000000001", 5_000_000_001),
        (" 5000000001.0 ", 5_000_000_001),
        ("-7.00", -7),
        (5_000_000_001.0, 5_000_000_001),
        (1.5, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        ("1.5", None),
        ("\u0665", None),
        ("9" * 5_000, None),
        (2**63, None),
        ("", None),
        ("Anna", None),
        (True, None),
        (0, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_chat_is_a_whole_number_however_it_is_written(value: object, chat_id: int | None) -> None:
    assert chat_id_from(value) == chat_id


async def test_a_wrong_token_and_a_wrong_table_say_what_to_do(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    async with connect(nocodb, token="wrong") as client:
        answer = await NocoPaidRecords(client=client).read(ids(1))
    assert isinstance(answer, Refused)
    assert answer.reason == "token"
    assert "NOCODB_TOKEN" in answer.detail
    async with connect(nocodb, table_id="mwrong") as client:
        answer = await NocoPaidRecords(client=client).read(ids(1))
    assert isinstance(answer, Refused)
    assert answer.reason == "table"
    assert "NOCODB_TABLE_ID" in answer.detail


async def test_an_id_that_the_database_cannot_hold_refuses_the_question(connect: Connect) -> None:
    async with connect(NocodbSandbox(booleans="postgres")) as client:
        answer = await NocoPaidRecords(client=client).read(ids(1, 99_999_999_999))
    assert isinstance(answer, Refused)
    assert answer.reason == "question"


async def test_a_page_beyond_the_end_refuses_the_question(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    async with connect(nocodb) as client:
        answer = await NocoPaidRecords(client=client).changed(Place(after=NOON, skip=50))
    assert isinstance(answer, Refused)
    assert answer.reason == "question"


async def test_every_request_is_counted_once(connect: Connect) -> None:
    nocodb = NocodbSandbox()
    async with connect(nocodb) as client:
        records = NocoPaidRecords(client=client)
        await records.read(ids(1))
        nocodb.fail_next(1, 400)
        await records.read(ids(1))
        nocodb.fail_next(1, 502, html=True)
        nocodb.drop_next(1)
        nocodb.hang_next(1, 5)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await records.read(ids(1))
        nocodb.fail_next(1, 429, retry_after=40)
        assert await records.read(ids(1)) == Throttled(retry_after_seconds=40)
        assert isinstance(await records.read(ids(1)), Throttled)  # without asking
    counted = records.requests
    assert (counted.total, counted.ok, counted.failed, counted.throttled) == (6, 1, 4, 1)
    assert counted.latency_seconds > 0
    assert nocodb.calls.total() == 6


@pytest.mark.parametrize(
    "body",
    [
        [],
        "list",
        {"list": []},
        {"list": {}, "pageInfo": {"isLastPage": True}},
        {"list": [1], "pageInfo": {"isLastPage": True}},
        {"list": [], "pageInfo": {"isLastPage": "yes"}},
        {"records": [{"id": 1, "fields": {"Paid": True}}]},
    ],
)
async def test_json_of_another_shape_is_unavailable(body: object, connect: Connect) -> None:
    async with connect(OddNocodb(body)) as client:
        with pytest.raises(Unavailable, match="does not understand"):
            await NocoPaidRecords(client=client).read(ids(1))


async def test_rows_that_make_no_sense_say_nothing(connect: Connect) -> None:
    rows: list[dict[str, object]] = [
        {"Id": 1, "Paid": "yes", "UpdatedAt": "yesterday"},
        {"Id": "2", "Paid": 1},
        {"Id": True, "Paid": 1},
        {"Id": -3, "Paid": 1},
        {"Id": 2**70, "Paid": 1},
        {"Paid": 1},
        {"Id": 4},
        {"Id": 5, "Paid": 1, "UpdatedAt": "2026-11-21 00:06:02+00:00"},
        {"Id": 6, "Paid": True, "UpdatedAt": "0001-01-01 00:00:00+14:00"},
        {"Id": 7, "Paid": 1, "UpdatedAt": "2026-11-21T02:06:02+02:00"},
        {"Id": 8, "Paid": 1, "UpdatedAt": "2026-11-21 00:06:02"},
    ]
    body = {"list": rows, "pageInfo": {"isLastPage": True}}
    async with connect(OddNocodb(body)) as client:
        answer = await NocoPaidRecords(client=client).read(ids(1))
    assert isinstance(answer, Page)
    assert answer.size == len(rows)
    stamp = datetime(2026, 11, 21, 0, 6, 2, tzinfo=UTC)
    assert [(row.record_id, row.paid, row.updated_at) for row in answer.rows] == [
        (1, None, None),
        (4, None, None),
        (5, True, stamp),
        (6, True, None),
        (7, True, stamp),
        (8, True, stamp),
    ]


@pytest.mark.parametrize(
    ("value", "paid"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (None, False),
        (2, None),
        (-1, None),
        (1.0, None),
        ("true", None),
        ("", None),
        ([True], None),
        ({}, None),
    ],
)
def test_only_a_checkbox_tells_who_has_paid(value: object, *, paid: bool | None) -> None:
    assert paid_from(value) is paid


def test_the_cloud_gets_smaller_chunks() -> None:
    client = NocoClient(url="https://app.nocodb.com", token="t", table_id="m")
    assert NocoPaidRecords(client=client).chunk_rows == CLOUD_CHUNK_ROWS
