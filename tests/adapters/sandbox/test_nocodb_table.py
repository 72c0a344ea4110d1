"""The rows behind the API."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.sandbox.nocodb_table import Kind, Table, shown, standard_columns
from tests.adapters.sandbox.calls import NOON


def a_table() -> Table:
    return Table(standard_columns(), lambda: NOON + timedelta(milliseconds=700))


def test_a_new_row_has_an_id_a_time_and_an_empty_box() -> None:
    table = a_table()

    assert table.insert([{"Name": "Ann", "Nonsense": 1, "Id": 99, "CreatedAt": "x"}, {}]) == [1, 2]
    assert table.rows[1] == {
        "Id": 1,
        "CreatedAt": NOON,
        "UpdatedAt": None,
        "Name": "Ann",
        "Contact": None,
        "ChatId": None,
        "Language": None,
        "Paid": False,
    }


def test_a_change_is_dated_even_if_it_changes_nothing() -> None:
    table = a_table()
    table.insert([{}])

    table.update({1: {}})

    assert table.rows[1]["UpdatedAt"] == NOON


def test_an_id_never_comes_back() -> None:
    table = a_table()
    table.insert([{}])
    table.delete(1)

    assert table.insert([{}]) == [2]
    with pytest.raises(KeyError):
        table.delete(1)


def test_a_column_may_be_renamed_with_its_values() -> None:
    table = a_table()
    table.insert([{"Paid": True}])

    table.rename("Paid", "Оплачено")
    table.rename("UpdatedAt", "Changed")
    table.update({1: {"Paid": False}})

    assert list(table.columns) == list(table.rows[1])
    assert (table.rows[1]["Оплачено"], table.rows[1]["Changed"]) == (True, NOON)
    assert table.title(Kind.CHECKBOX) == "Оплачено"
    with pytest.raises(KeyError):
        table.rename("Paid", "x")


@pytest.mark.parametrize(
    ("title", "given", "stored"),
    [
        ("Paid", True, True),
        ("Paid", 1, True),
        ("Paid", "true", True),
        ("Paid", 0, False),
        ("Paid", "nonsense", False),
        ("Paid", None, False),
        ("ChatId", "-100123", -100123),
        ("ChatId", 7, 7),
        ("Name", 7, "7"),
        ("Name", None, None),
    ],
)
def test_values_are_stored_as_the_column_holds_them(
    title: str, given: object, stored: object
) -> None:
    table = a_table()
    table.insert([{title: given}])
    assert table.rows[1][title] == stored


@pytest.mark.parametrize("given", ["many", True, 1.5, float("nan"), [], "9" * 5000])
def test_what_is_no_number_is_refused_and_nothing_is_stored(given: object) -> None:
    table = a_table()
    with pytest.raises(ValueError, match="Invalid value"):
        table.insert([{}, {"ChatId": given}])
    assert table.rows == {}


def test_boxes_look_different_on_each_database() -> None:
    assert [shown(value, "sqlite") for value in (True, False, None, 5)] == [1, 0, None, 5]
    assert [shown(value, "postgres") for value in (True, False)] == [True, False]
    assert shown(NOON, "sqlite") == "2026-11-21 12:00:00+00:00"
