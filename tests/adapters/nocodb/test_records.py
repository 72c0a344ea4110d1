"""One row per chat, whatever happens on the way."""

from __future__ import annotations

import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.sessions.model import Registration
from adapters.nocodb.records import Columns, NocoRecords
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.nocodb_table import Column, Kind
from tests.adapters.nocodb.conftest import Connect, OddNocodb

ANNA = Registration(
    chat_id=ChatId(5_000_000_001), name="Анна <b>", contact="+380441234567", language=Language.UK
)


def as_text(nocodb: NocodbSandbox) -> None:
    """The operators made the chat's column one for text."""
    nocodb.table.columns["ChatId"] = Column("ChatId", Kind.TEXT)


async def test_a_registration_becomes_a_row(nocodb: NocodbSandbox, connect: Connect) -> None:
    async with connect(nocodb) as client:
        record_id = await NocoRecords(client=client).create(ANNA)
    (row,) = nocodb.rows
    assert row["Id"] == record_id
    assert (row["Name"], row["Contact"]) == ("Анна <b>", "+380441234567")
    assert (row["ChatId"], row["Language"], row["Paid"]) == (5_000_000_001, "uk", False)


async def test_created_twice_it_is_one_row_and_what_operators_wrote_stays(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    async with connect(nocodb) as client:
        records = NocoRecords(client=client)
        first = await records.create(ANNA)
        nocodb.tick(first)
        changed = Registration(
            chat_id=ANNA.chat_id, name="Anna", contact=ANNA.contact, language=Language.EN
        )
        assert await records.create(changed) == first
    (row,) = nocodb.rows
    assert (row["Name"], row["Language"], row["Paid"]) == ("Anna", "en", True)


async def test_an_attempt_whose_answer_got_lost_is_found_again(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    nocodb.drop_next(1, kind="create")
    async with connect(nocodb) as client:
        records = NocoRecords(client=client)
        with pytest.raises(Unavailable):
            await records.create(ANNA)
        record_id = await records.create(ANNA)
    assert [row["Id"] for row in nocodb.rows] == [record_id]


async def test_of_several_rows_the_lowest_is_the_one(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    nocodb.insert(Name="somebody else", ChatId=7)
    for _ in range(2):
        nocodb.insert(Name="a copy", ChatId=ANNA.chat_id)
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).create(ANNA) == 2
    assert [row["Name"] for row in nocodb.rows] == ["somebody else", "Анна <b>", "a copy"]


@pytest.mark.parametrize("cell", ["5000000001.0", "5000000001"])
async def test_a_row_is_found_however_its_cell_spells_the_chat(
    cell: str, nocodb: NocodbSandbox, connect: Connect
) -> None:
    as_text(nocodb)
    for chat in ("50000000010", "-5000000001.0", "5000000001.5", "Anna", cell):
        nocodb.insert(Name="somebody", ChatId=chat)
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).create(ANNA) == 5
    assert [row["Name"] for row in nocodb.rows] == ["somebody"] * 4 + ["Анна <b>"]
    assert nocodb.rows[4]["ChatId"] == "5000000001"


@pytest.mark.parametrize("status", [400, 422])
async def test_a_filter_that_the_column_does_not_take_is_asked_plainly(
    status: int, connect: Connect
) -> None:
    nocodb = NocodbSandbox()
    nocodb.insert(Name="Anna", ChatId=ANNA.chat_id)
    nocodb.fail_next(1, status, kind="list")
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).create(ANNA) == 1
    assert nocodb.wheres == ["(ChatId,in,5000000001,5000000001.0)", "(ChatId,eq,5000000001)"]


async def test_a_row_deleted_meanwhile_is_created_anew(connect: Connect) -> None:
    nocodb = NocodbSandbox()
    nocodb.insert(Name="gone", ChatId=ANNA.chat_id)
    nocodb.fail_next(
        1, 404, {"error": "ERR_RECORD_NOT_FOUND", "message": "Record '1' not found"}, kind="update"
    )
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).create(ANNA) == 2


async def test_a_server_that_ignores_the_filter_does_not_make_us_overwrite_a_stranger(
    connect: Connect,
) -> None:
    listed = {"list": [{"Id": 1, "ChatId": 7}], "pageInfo": {"isLastPage": True}}
    nocodb = OddNocodb(listed)
    stranger = nocodb.insert(Name="stranger", ChatId=7)
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).create(ANNA) != stranger
    assert nocodb.rows[0]["Name"] == "stranger"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 429, 500])
@pytest.mark.parametrize("kind", ["list", "create"])
async def test_every_refusal_means_later(status: int, kind: str, connect: Connect) -> None:
    nocodb = NocodbSandbox()
    nocodb.fail_next(2 if kind == "list" else 1, status, kind=kind)
    async with connect(nocodb) as client:
        with pytest.raises(Unavailable):
            await NocoRecords(client=client).create(ANNA)
    assert nocodb.rows == []


@pytest.mark.parametrize(
    "body", [{}, {"Id": "1"}, {"Id": True}, {"Id": 0}, [], [{"Id": 1}, {"Id": 2}], "1"]
)
async def test_an_answer_without_an_id_is_not_believed(body: object, connect: Connect) -> None:
    async with connect(OddNocodb(body, method="POST")) as client:
        with pytest.raises(Unavailable, match="without its Id"):
            await NocoRecords(client=client).create(ANNA)


async def test_a_table_with_every_column_misses_none(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).missing_columns() == ()
        nocodb.insert(Name="somebody", ChatId=7)
        assert await NocoRecords(client=client).missing_columns() == ()


async def test_missing_columns_are_all_named_before_the_first_user(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    nocodb.rename_column("Paid", "Оплачено")
    nocodb.rename_column("Contact", "Phone")
    async with connect(nocodb) as client:
        assert await NocoRecords(client=client).missing_columns() == ("Contact", "Paid")
        ours = Columns(contact="Phone", paid="Оплачено")
        assert await NocoRecords(client=client, columns=ours).missing_columns() == ()


async def test_a_table_that_cannot_be_read_says_why(connect: Connect) -> None:
    async with connect(NocodbSandbox(), token="wrong") as client:
        with pytest.raises(Unavailable, match="answered 401"):
            await NocoRecords(client=client).missing_columns()


async def test_a_row_is_found_by_its_chat_or_not_at_all(
    nocodb: NocodbSandbox, connect: Connect
) -> None:
    async with connect(nocodb) as client:
        records = NocoRecords(client=client)
        assert await records.find(ChatId(7)) is None
        nocodb.insert(ChatId="8")
        row = nocodb.insert(ChatId="7")
        nocodb.insert(ChatId="7")
        assert await records.find(ChatId(7)) == row
