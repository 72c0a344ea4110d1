"""Pages, single records and writes, as real NocoDB servers answer them (data API v2)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.nocodb_errors import Flavour
from tests.adapters.sandbox.calls import NOON, ask_nocodb

COLUMN_NAMES = st.sampled_from(["Id", "Name", "ChatId", "Paid", "CreatedAt", "Nope"])


def with_rows(count: int, flavour: Flavour = "0.301") -> NocodbSandbox:
    nocodb = NocodbSandbox(flavour=flavour, booleans="sqlite", now=lambda: NOON)
    for number in range(1, count + 1):
        nocodb.insert(Name=f"o{number}", ChatId=100 - number)
    return nocodb


async def test_a_row_looks_like_the_real_one() -> None:
    _, answer = await ask_nocodb(with_rows(1))

    assert answer["list"] == [
        {
            "Id": 1,
            "CreatedAt": "2026-11-21 12:00:00+00:00",
            "UpdatedAt": None,
            "Name": "o1",
            "Contact": None,
            "ChatId": 99,
            "Language": None,
            "Paid": 0,
        }
    ]
    assert answer["pageInfo"] == {
        "totalRows": 1,
        "page": 1,
        "pageSize": 25,
        "isFirstPage": True,
        "isLastPage": True,
    }


async def test_the_example_of_the_contract() -> None:
    nocodb = with_rows(4)
    nocodb.tick(2)

    where = {"where": "(Id,in,1,2,3)", "fields": "Id,Paid", "limit": "2"}
    assert await ask_nocodb(nocodb, **where) == (
        200,
        {
            "list": [{"Id": 1, "Paid": 0}, {"Id": 2, "Paid": 1}],
            "pageInfo": {
                "totalRows": 3,
                "page": 1,
                "pageSize": 2,
                "isFirstPage": True,
                "isLastPage": False,
            },
        },
    )


@pytest.mark.parametrize(
    ("limit", "size"),
    [("", 25), ("7", 7), ("1000", 1000), ("5000", 1000), ("0", 25), ("-3", 25), ("many", 25)],
)
async def test_a_page_has_the_size_that_the_server_chooses(limit: str, size: int) -> None:
    _, answer = await ask_nocodb(with_rows(1100), limit=limit, fields="Id")
    assert len(answer["list"]) == answer["pageInfo"]["pageSize"] == size


async def test_the_cloud_has_smaller_pages() -> None:
    nocodb = NocodbSandbox(rows_per_page_max=100)
    for _ in range(120):
        nocodb.insert()
    assert len((await ask_nocodb(nocodb, limit="1000"))[1]["list"]) == 100


async def test_pages_follow_one_another_to_the_last() -> None:
    nocodb = with_rows(5)
    ids, offset, last = [], 0, False
    while not last:
        _, answer = await ask_nocodb(nocodb, limit="2", offset=str(offset), sort="-Id")
        ids += [row["Id"] for row in answer["list"]]
        last, offset = answer["pageInfo"]["isLastPage"], offset + 2
    assert ids == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("flavour", "code"),
    [("0.262", "INVALID_OFFSET_VALUE"), ("0.301", "ERR_INVALID_OFFSET_VALUE")],
)
async def test_an_offset_beyond_the_end_is_refused(flavour: Flavour, code: str) -> None:
    nocodb = with_rows(3, flavour)

    status, answer = await ask_nocodb(nocodb, offset="4")

    assert (status, answer["error"]) == (422, code)
    assert (await ask_nocodb(nocodb, offset="x"))[0] == 200
    assert (await ask_nocodb(nocodb, where="(Id,eq,99)", offset="0"))[0] == 200


async def test_rows_are_sorted_by_several_columns_nothing_first() -> None:
    nocodb = with_rows(4)
    nocodb.tick(4)
    nocodb.tick(2)

    _, answer = await ask_nocodb(nocodb, sort="UpdatedAt,-Id", fields="Id")
    assert [row["Id"] for row in answer["list"]] == [3, 1, 4, 2]
    _, answer = await ask_nocodb(nocodb, sort="ChatId", fields="Id")
    assert [row["Id"] for row in answer["list"]] == [4, 3, 2, 1]


@pytest.mark.parametrize(
    ("flavour", "code"), [("0.262", "FIELD_NOT_FOUND"), ("0.301", "ERR_FIELD_NOT_FOUND")]
)
@pytest.mark.parametrize("parameter", ["fields", "sort"])
async def test_an_unknown_field_is_not_found(flavour: Flavour, code: str, parameter: str) -> None:
    status, answer = await ask_nocodb(with_rows(1, flavour), **{parameter: "Id,Nope"})
    assert (status, answer["error"]) == (404, code)


async def test_other_parameters_are_ignored() -> None:
    assert (await ask_nocodb(with_rows(1), viewId="vw1", nonsense="x"))[0] == 200


async def test_records_can_be_counted_and_read_one_by_one() -> None:
    nocodb = with_rows(3)

    assert await ask_nocodb(nocodb, path="/count") == (200, {"count": 3})
    assert await ask_nocodb(nocodb, path="/count", where="(Id,gt,1)") == (200, {"count": 2})
    assert await ask_nocodb(nocodb, path="/2", fields="Id,Name") == (200, {"Id": 2, "Name": "o2"})
    for missing in ("99", "x", "-1", "²", "9" * 5000):
        status, answer = await ask_nocodb(nocodb, path=f"/{missing}")
        assert (status, answer["error"]) == (404, "ERR_RECORD_NOT_FOUND")


async def test_one_or_many_are_created_changed_and_deleted() -> None:
    nocodb = with_rows(0)

    assert await ask_nocodb(nocodb, "POST", body={"Name": "a", "Nope": 1}) == (200, {"Id": 1})
    assert await ask_nocodb(nocodb, "POST", body=[{}, {}]) == (200, [{"Id": 2}, {"Id": 3}])
    assert await ask_nocodb(nocodb, "PATCH", body={"Id": 1, "Paid": True}) == (200, {"Id": 1})
    many = [{"Id": 1, "Name": "b"}, {"Id": "3", "Name": "c"}]
    assert await ask_nocodb(nocodb, "PATCH", body=many) == (200, [{"Id": 1}, {"Id": 3}])
    assert await ask_nocodb(nocodb, "DELETE", body={"Id": 2}) == (200, [{"Id": 2}])
    assert await ask_nocodb(nocodb, "DELETE", body=[{"Id": 3}]) == (200, [{"Id": 3}])
    assert await ask_nocodb(nocodb, "POST", body=[]) == (200, [])

    (row,) = nocodb.rows
    assert (row["Name"], row["Paid"], row["UpdatedAt"]) == ("b", True, NOON)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("body", [{"Id": 99}, {"Name": "x"}, {"Id": None}, [{"Id": 1}, {"Id": 99}]])
async def test_a_missing_row_is_not_found_and_nothing_changes(method: str, body: object) -> None:
    nocodb = with_rows(1)
    before = [dict(row) for row in nocodb.rows]

    status, answer = await ask_nocodb(nocodb, method, body=body)

    assert (status, answer["error"]) == (404, "ERR_RECORD_NOT_FOUND")
    assert nocodb.rows == before


@pytest.mark.parametrize(("flavour", "status", "most"), [("0.262", 200, 101), ("0.301", 422, 100)])
async def test_the_newer_version_takes_a_hundred_rows_at_most(
    flavour: Flavour, status: int, most: int
) -> None:
    nocodb = with_rows(0, flavour)

    assert (await ask_nocodb(nocodb, "POST", body=[{}] * 100))[0] == 200
    got, answer = await ask_nocodb(nocodb, "POST", body=[{}] * 101)

    assert got == status
    assert len(nocodb.rows) == 100 + (most if status == 200 else 0)
    if status == 422:
        assert answer == {
            "error": "ERR_MAX_PAYLOAD_LIMIT_EXCEEDED",
            "message": "Maximum 100 entities are allowed per request",
        }


@pytest.mark.parametrize(
    ("body", "status"),
    [("text", 400), ([1], 400), (5, 400), ({"ChatId": "many"}, 422), ({"ChatId": 1e400}, 422)],
)
async def test_a_body_that_is_no_record_is_refused(body: object, status: int) -> None:
    nocodb = with_rows(0)
    assert (await ask_nocodb(nocodb, "POST", body=body))[0] == status
    assert nocodb.rows == []


@given(
    st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    st.dictionaries(
        st.sampled_from(["where", "fields", "sort", "limit", "offset"]), st.text(max_size=15)
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda value: st.lists(value) | st.dictionaries(COLUMN_NAMES, value),
        max_leaves=6,
    ),
)
async def test_any_request_is_answered_or_refused(
    method: str, query: dict[str, str], body: object
) -> None:
    status, answer = await ask_nocodb(with_rows(2), method, body=body, **query)

    assert status in {200, 400, 404, 422}
    assert status == 200 or "msg" in answer or "message" in answer
