"""`where=`: NocoDB's filter language, read and applied as sqlite or PostgreSQL would.

    (Paid,checked)~and(UpdatedAt,gt,exactDate,2026-11-21 00:17:25)
    ~not((Id,in,1,2,3)~or(Name,like,Ann))

`~and` binds tighter than `~or`, as it does in the SQL that NocoDB builds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from adapters.sandbox.nocodb_errors import Refused, database_failed
from adapters.sandbox.nocodb_table import Column, Kind, Row, Storage

Test = Callable[[Row], bool]

INT4_MAX = 2**31 - 1
INT8_MAX = 2**63 - 1
DEPTH_MAX = 100
"""Parentheses inside parentheses; deeper is no filter but an attack."""

ORDERINGS = {"gt": gt, "ge": ge, "gte": ge, "lt": lt, "le": le, "lte": le}
COMPARISONS = {"eq": eq, "neq": ne} | ORDERINGS
OPERATORS = frozenset(COMPARISONS) | {
    *("in", "is", "isnot", "like", "nlike", "checked", "notchecked"),
    *("null", "notnull", "blank", "notblank"),
}
_POSTGRES_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_POSTGRES_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


def compile_where(where: str, columns: dict[str, Column], storage: Storage) -> Test:
    """A test for rows; an empty filter accepts all. Raises Refused."""
    if not where:
        return lambda _row: True
    return _Parser(where, columns, storage).parse()


class _Parser:
    """Recursive descent over the text; `_at` is the next character."""

    def __init__(self, where: str, columns: dict[str, Column], storage: Storage) -> None:
        self._where, self._columns, self._storage = where, columns, storage
        self._at = self._depth = 0

    def parse(self) -> Test:
        test = self._any_of()
        if self._at != len(self._where):
            raise self._broken()
        return test

    def _any_of(self) -> Test:
        tests = [self._all_of()]
        while self._skip("~or"):
            tests.append(self._all_of())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._skip("~and"):
            tests.append(self._one())
        if len(tests) == 1:
            return tests[0]
        if len(tests) == 2:  # noqa: PLR2004 - what is mostly asked, of every row of the table
            one, other = tests
            return lambda row: one(row) and other(row)
        return lambda row: all(test(row) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise self._broken()
        try:
            if self._skip("~not"):
                test = self._one()
                return lambda row: not test(row)
            if not self._skip("("):
                raise self._broken()
            if self._where.startswith(("(", "~not"), self._at):
                group = self._any_of()
                if not self._skip(")"):
                    raise self._broken()
                return group
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Test:
        close = self._where.find(")", self._at)
        if close < 0:
            raise self._broken()
        title, *rest = self._where[self._at : close].split(",")
        self._at = close + 1
        if not rest:
            raise self._broken()
        column = self._columns.get(title.strip())
        if column is None:
            raise Refused(422, f"Column alias '{title.strip()}' not found.")
        operator = rest[0].strip()
        if operator not in OPERATORS:
            raise Refused(422, f"{operator} is not supported.")
        return _comparison(column, operator, rest[1:], self._storage)

    def _skip(self, token: str) -> bool:
        if not self._where.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _broken(self) -> Refused:
        return Refused(422, "Invalid filter format.")


def _comparison(column: Column, operator: str, values: list[str], storage: Storage) -> Test:
    title = column.title
    match operator:
        case "checked":
            return lambda row: row[title] is True
        case "notchecked":
            return lambda row: not row[title]
        case "null" | "blank":
            return lambda row: row[title] in (None, "")
        case "notnull" | "notblank":
            return lambda row: row[title] not in (None, "")
        case "is" | "isnot":
            return _is(column, values, wanted=operator == "is")
        case "like" | "nlike":
            return _like(column, ",".join(values), wanted=operator == "like")
        case _:
            pass
    if column.kind in {Kind.CREATED, Kind.UPDATED}:
        return _compare_times(column, operator, values)
    if operator == "in":
        known = {_literal(column, value, storage) for value in values} - {None}
        return lambda row: row[title] in known
    literal = _literal(column, ",".join(values), storage)
    if operator == "neq":
        return lambda row: row[title] is None or row[title] != literal
    compare = COMPARISONS[operator]
    return lambda row: None not in (row[title], literal) and bool(compare(row[title], literal))


def _is(column: Column, values: list[str], *, wanted: bool) -> Test:
    title, name = column.title, ",".join(values).strip().lower()
    if name in {"null", "empty", "blank"}:
        return lambda row: (row[title] in (None, "")) is wanted
    if name in {"notnull", "notempty", "notblank"}:
        return lambda row: (row[title] not in (None, "")) is wanted
    if column.kind is Kind.CHECKBOX and name in {"true", "false"}:
        return lambda row: (row[title] is (name == "true")) is wanted
    raise Refused(422, f"'{name}' is not supported for 'is'")


def _like(column: Column, pattern: str, *, wanted: bool) -> Test:
    """Contains, or with `%` as it stands; upper and lower case are the same."""
    pieces = (pattern if "%" in pattern else f"%{pattern}%").split("%")
    found = re.compile(".*".join(map(re.escape, pieces)), re.IGNORECASE | re.DOTALL)
    return lambda row: bool(found.fullmatch(str(row[column.title] or ""))) is wanted


def _literal(column: Column, text: str, storage: Storage) -> Any:  # noqa: ANN401 - by column
    """A value as the database reads it; None is a value that no row can have.

    PostgreSQL refuses what does not fit the column, sqlite compares it in vain. So
    `(Paid,eq,true)` finds nothing on sqlite, where a ticked box is the number 1.
    """
    text = text.strip()
    match column.kind:
        case Kind.CHECKBOX if storage == "sqlite":
            return {"0": False, "1": True}.get(text)
        case Kind.CHECKBOX:
            if text.lower() in _POSTGRES_TRUE | _POSTGRES_FALSE:
                return text.lower() in _POSTGRES_TRUE
            raise database_failed("22P02")
        case Kind.ID | Kind.NUMBER:
            return _whole_number(column, text, storage)
        case _:
            return text


def _whole_number(column: Column, text: str, storage: Storage) -> int | None:
    if not re.fullmatch(r"[+-]?\d{1,100}", text):
        if storage == "postgres":
            raise database_failed("22P02")
        return None
    number = int(text)
    largest = INT4_MAX if column.kind is Kind.ID else INT8_MAX
    if storage == "postgres" and not -largest - 1 <= number <= largest:
        raise database_failed("22003")
    return number


def _compare_times(column: Column, operator: str, values: list[str]) -> Test:
    """`exactDate` is the one way to name a moment here; seconds are what is compared."""
    if operator not in COMPARISONS:
        raise Refused(422, f"{operator} is not supported.")
    how, *rest = values or [""]
    if how.strip() != "exactDate":
        raise Refused(422, f"'{how.strip()}' is not supported.")
    moment = _moment(",".join(rest).strip())
    compare, title = COMPARISONS[operator], column.title
    return lambda row: row[title] is not None and bool(compare(row[title], moment))


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(422, f"'{text}' is not a date.") from error
    aware = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return aware.replace(microsecond=0)
