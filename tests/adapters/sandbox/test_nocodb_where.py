"""The filter language, row by row as real NocoDB servers answered it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.nocodb_errors import Refused
from adapters.sandbox.nocodb_table import Row, Storage, standard_columns
from adapters.sandbox.nocodb_where import compile_where

COLUMNS = {column.title: column for column in standard_columns()}
BOTH: tuple[Storage, ...] = ("sqlite", "postgres")


def row(row_id: int, name: str | None, *, paid: bool, updated: datetime | None) -> Row:
    unset = dict.fromkeys(COLUMNS)
    return unset | {"Id": row_id, "Name": name, "Paid": paid, "UpdatedAt": updated, "ChatId": 7}


ROWS = [
    row(1, "Ann", paid=False, updated=None),
    row(2, "Bo", paid=True, updated=datetime(2026, 11, 21, 0, 17, 25, tzinfo=UTC)),
    row(3, "ann lee", paid=True, updated=datetime(2026, 11, 21, 0, 17, 26, tzinfo=UTC)),
    row(4, None, paid=False, updated=datetime(2026, 11, 21, 1, 0, 0, tzinfo=UTC)),
]


def found(where: str, storage: Storage) -> list[int]:
    test = compile_where(where, COLUMNS, storage)
    return [row["Id"] for row in ROWS if test(row)]


def refused(where: str, storage: Storage) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        found(where, storage)
    return caught.value.status, caught.value.detail or caught.value.message


@pytest.mark.parametrize("storage", BOTH)
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("", [1, 2, 3, 4]),
        ("(Id,in,1,2,3)", [1, 2, 3]),
        ("(Id,in,3,99,1)", [1, 3]),
        ("(Id,in,2,2,2)", [2]),
        ("(Id,eq,2)", [2]),
        ("(Id,neq,2)", [1, 3, 4]),
        ("(Id,gt,2)", [3, 4]),
        ("(Id,ge,2)~and(Id,lt,4)", [2, 3]),
        ("(Id,gte,2)~and(Id,lte,3)", [2, 3]),
        ("(Id,le,1)", [1]),
        ("(Paid,eq,1)", [2, 3]),
        ("(Paid,checked)", [2, 3]),
        ("(Paid,notchecked)", [1, 4]),
        ("(Paid,is,true)", [2, 3]),
        ("(Paid,is,false)", [1, 4]),
        ("(Paid,isnot,true)", [1, 4]),
        ("(Name,is,null)", [4]),
        ("(Name,is,notnull)", [1, 2, 3]),
        ("(Name,null)", [4]),
        ("(Name,notblank)", [1, 2, 3]),
        ("(Name,eq,Ann)", [1]),
        ("(Name,neq,Ann)", [2, 3, 4]),
        ("(Name,in,Ann,Bo)", [1, 2]),
        ("(Name,like,ann)", [1, 3]),
        ("(Name,like,%lee)", [3]),
        ("(Name,nlike,ann)", [2, 4]),
        ("(ChatId,eq,7)", [1, 2, 3, 4]),
        ("(UpdatedAt,is,null)", [1]),
        ("(UpdatedAt,gt,exactDate,2026-11-21 00:17:25)", [3, 4]),
        ("(UpdatedAt,gt,exactDate,2026-11-21T00:17:25Z)", [3, 4]),
        ("(UpdatedAt,gt,exactDate,2026-11-21T02:17:25.999+02:00)", [3, 4]),
        ("(UpdatedAt,ge,exactDate,2026-11-21 00:17:25)", [2, 3, 4]),
        ("(UpdatedAt,le,exactDate,2026-11-21 00:17:25)", [2]),
        ("(UpdatedAt,eq,exactDate,2026-11-21 01:00:00)", [4]),
        ("(Paid,checked)~and(UpdatedAt,gt,exactDate,2026-11-21 00:17:25)", [3]),
        ("(Id,eq,1)~or(Id,eq,2)", [1, 2]),
        ("(Id,eq,1)~or(Id,gt,2)~and(Paid,checked)", [1, 3]),
        ("((Id,eq,1)~or(Id,gt,2))~and(Paid,checked)", [3]),
        ("~not(Paid,checked)", [1, 4]),
        ("~not((Id,eq,1)~or(Id,eq,2))~and(Paid,checked)", [3]),
        ("(Id,gt,1)~and~not(Paid,checked)", [4]),
        ("(~not(Id,eq,1))", [2, 3, 4]),
    ],
)
def test_both_databases_agree(where: str, ids: list[int], storage: Storage) -> None:
    assert found(where, storage) == ids


@pytest.mark.parametrize(
    ("where", "on_sqlite"),
    [
        ("(Id,in,1,abc)", [1]),
        ("(Id,in,)", []),
        ("(Id,in)", []),
        ("(Id,eq,abc)", []),
        ("(Paid,eq,maybe)", []),
    ],
)
def test_a_value_that_does_not_fit_is_ignored_by_sqlite_and_refused_by_postgres(
    where: str, on_sqlite: list[int]
) -> None:
    assert found(where, "sqlite") == on_sqlite
    if where != "(Id,in)":
        assert refused(where, "postgres") == (400, "22P02")


def test_a_number_beyond_int4_is_refused_by_postgres() -> None:
    assert found("(Id,in,1,99999999999)", "sqlite") == [1]
    assert refused("(Id,in,1,99999999999)", "postgres") == (400, "22003")
    assert found("(ChatId,eq,99999999999)", "postgres") == []


def test_a_ticked_box_is_not_true_on_sqlite() -> None:
    assert found("(Paid,eq,true)", "sqlite") == []
    assert found("(Paid,neq,true)", "sqlite") == [1, 2, 3, 4]
    assert found("(Paid,eq,true)", "postgres") == [2, 3]
    assert found("(Paid,eq,f)", "postgres") == [1, 4]


@pytest.mark.parametrize("storage", BOTH)
@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("(Nope,eq,1)", "Column alias 'Nope' not found."),
        ("(Id,zzz,1)", "zzz is not supported."),
        ("(UpdatedAt,gt,2026-11-21)", "'2026-11-21' is not supported."),
        ("(UpdatedAt,gt)", "'' is not supported."),
        ("(UpdatedAt,in,exactDate,2026-11-21)", "in is not supported."),
        ("(UpdatedAt,gt,exactDate,yesterday)", "'yesterday' is not a date."),
        ("(Name,is,great)", "'great' is not supported for 'is'"),
        ("(Id)", "Invalid filter format."),
        ("(Id,eq,1", "Invalid filter format."),
        ("Id,eq,1", "Invalid filter format."),
        ("(Id,eq,1)(Id,eq,2)", "Invalid filter format."),
        ("(Id,eq,1)~xor(Id,eq,2)", "Invalid filter format."),
        ("(Id,eq,1)~and", "Invalid filter format."),
        ("((Id,eq,1)", "Invalid filter format."),
        ("(" * 5_000, "Invalid filter format."),
        ("~not" * 5_000, "Invalid filter format."),
    ],
)
def test_what_is_no_filter_is_refused(where: str, message: str, storage: Storage) -> None:
    assert refused(where, storage) == (422, message)


@given(st.text(alphabet="()~,andornotIdPie1x ", max_size=60), st.sampled_from(BOTH))
def test_any_text_is_a_filter_or_refused(where: str, storage: Storage) -> None:
    try:
        found(where, storage)
    except Refused:
        return


@given(st.sets(st.integers(1, 6)), st.sets(st.integers(1, 6)), st.booleans())
def test_filters_combine_as_sets_do(one: set[int], two: set[int], both: bool) -> None:
    def named(ids: set[int]) -> str:
        return f"(Id,in,{','.join(map(str, sorted(ids)))})"

    joined = f"{named(one)}{'~and' if both else '~or'}{named(two)}"
    expected = (one & two) if both else (one | two)
    known = {row["Id"] for row in ROWS}
    assert set(found(joined, "sqlite")) == expected & known
    assert set(found(f"~not({joined})", "sqlite")) == known - expected
