"""What NocoDB's data API does with the records of one table; raises Refused."""

from __future__ import annotations

import json
import math
from typing import Any

from adapters.sandbox.nocodb_errors import Flavour, Refused, not_found
from adapters.sandbox.nocodb_table import Column, Kind, Row, Storage, Table, shown
from adapters.sandbox.nocodb_where import compile_where

ROWS_PER_PAGE = 25
ROWS_PER_PAGE_MAX = 1000
"""On a server of one's own; larger wishes are clipped silently. The cloud has 100."""
ROWS_PER_WRITE_MAX: dict[Flavour, int] = {"0.262": 10_000, "0.301": 100}
OFFSET_MAX = 2**31 - 1


class Records:
    """The table as it is seen from outside."""

    def __init__(
        self, table: Table, *, flavour: Flavour, booleans: Storage, rows_per_page_max: int
    ) -> None:
        self._table, self._flavour, self._booleans = table, flavour, booleans
        self._rows_per_page_max = rows_per_page_max

    def page(self, asked: dict[str, str]) -> Row:
        """`GET .../records`: one page. Unknown parameters, `viewId` among them, are ignored."""
        rows = self._matching(asked)
        for title, descending in reversed(self._sorting(asked.get("sort", ""))):
            rows.sort(key=lambda row: _sort_key(row[title]), reverse=descending)
        limit = _positive(asked.get("limit", ""), ROWS_PER_PAGE, self._rows_per_page_max)
        offset = _positive(asked.get("offset", ""), 0, OFFSET_MAX)
        if offset and offset >= len(rows):  # measured beyond; at the end itself we are strict
            text = f"Offset value '{offset}' is invalid"
            raise Refused(422, text, code="INVALID_OFFSET_VALUE")
        columns = self._fields(asked.get("fields", ""))
        page = offset // limit + 1
        return {
            "list": [self._shown(row, columns) for row in rows[offset : offset + limit]],
            "pageInfo": {
                "totalRows": len(rows),
                "page": page,
                "pageSize": limit,
                "isFirstPage": page == 1,
                "isLastPage": page >= max(1, math.ceil(len(rows) / limit)),
            },
        }

    def count(self, asked: dict[str, str]) -> Row:
        """`GET .../records/count`."""
        return {"count": len(self._matching(asked))}

    def read(self, record_id: str, asked: dict[str, str]) -> Row:
        """`GET .../records/<id>`."""
        row = self._table.rows[self._existing(record_id)]
        return self._shown(row, self._fields(asked.get("fields", "")))

    def write(self, kind: str, body: bytes) -> object:
        """POST (`create`), PATCH (`update`) or DELETE of an object or an array.

        A row that does not exist, or too many of them, and none is changed.
        """
        try:
            given = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "Invalid JSON in the body", code="BAD_JSON") from error
        many = given if isinstance(given, list) else [given]
        if not all(isinstance(values, dict) for values in many):
            raise Refused(400, "Invalid request body", code="INVALID_REQUEST_BODY")
        most = ROWS_PER_WRITE_MAX[self._flavour]
        if len(many) > most:
            text = f"Maximum {most} entities are allowed per request"
            raise Refused(422, text, code="MAX_PAYLOAD_LIMIT_EXCEEDED")
        try:
            ids = self._apply(kind, many)
        except ValueError as error:
            raise Refused(422, str(error), code="INVALID_VALUE_FOR_FIELD") from error
        changed = [{self._table.title(Kind.ID): row_id} for row_id in ids]
        return changed if isinstance(given, list) or kind == "delete" else changed[0]

    def _apply(self, kind: str, many: list[Row]) -> list[int]:
        if kind == "create":
            return self._table.insert(many)
        ids = [self._existing(values.get(self._table.title(Kind.ID))) for values in many]
        if kind == "update":
            self._table.update(dict(zip(ids, many, strict=True)))
        else:
            for row_id in set(ids):
                self._table.delete(row_id)
        return ids

    def _existing(self, named: object) -> int:
        text = str(named)
        if text.isascii() and text.isdecimal() and len(text) <= len(str(OFFSET_MAX)):
            row_id = int(text)
            if row_id in self._table.rows:
                return row_id
        raise not_found("RECORD", named)

    def _matching(self, asked: dict[str, str]) -> list[Row]:
        test = compile_where(asked.get("where", ""), self._table.columns, self._booleans)
        return list(filter(test, self._table.rows.values()))

    def _fields(self, names: str) -> list[Column]:
        if not names:
            return list(self._table.columns.values())
        return [self._column(name.strip()) for name in names.split(",")]

    def _sorting(self, names: str) -> list[tuple[str, bool]]:
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        return [(self._column(n.removeprefix("-")).title, n.startswith("-")) for n in wanted]

    def _column(self, title: str) -> Column:
        if title not in self._table.columns:
            raise not_found("FIELD", title)
        return self._table.columns[title]

    def _shown(self, row: Row, columns: list[Column]) -> Row:
        return {column.title: shown(row[column.title], self._booleans) for column in columns}


def _positive(text: str, default: int, largest: int) -> int:
    """`0`, a negative number and text fall back to the default; too much is clipped."""
    try:
        number = int(text)
    except ValueError:
        return default
    return min(number, largest) if number > 0 else default


def _sort_key(value: object) -> tuple[bool, Any]:
    """Nothing sorts before everything."""
    return (value is not None, 0 if value is None else value)
