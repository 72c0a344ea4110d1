"""One NocoDB table: its columns, its rows, and the two ways in which they look from outside."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Literal

Row = dict[str, Any]
"""Values by column title: int, str, bool, datetime or None."""
Storage = Literal["sqlite", "postgres"]
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class Kind(Enum):
    """What a column holds (`uidt` in NocoDB's words)."""

    ID = "ID"
    CREATED = "CreatedTime"
    UPDATED = "LastModifiedTime"
    TEXT = "SingleLineText"
    NUMBER = "Number"
    CHECKBOX = "Checkbox"


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its title."""

    title: str
    kind: Kind

    @property
    def writable(self) -> bool:
        """System columns are set by NocoDB alone; a value for them is ignored."""
        return self.kind not in {Kind.ID, Kind.CREATED, Kind.UPDATED}


def standard_columns() -> list[Column]:
    """The table of registrations that the shop expects."""
    return [
        Column("Id", Kind.ID),
        Column("CreatedAt", Kind.CREATED),
        Column("UpdatedAt", Kind.UPDATED),
        Column("Name", Kind.TEXT),
        Column("Contact", Kind.TEXT),
        Column("ChatId", Kind.NUMBER),
        Column("Language", Kind.TEXT),
        Column("Paid", Kind.CHECKBOX),
    ]


class Table:
    """The rows by id. Times have second resolution, `UpdatedAt` is None until the first change."""

    def __init__(self, columns: Iterable[Column], now: Callable[[], datetime]) -> None:
        self.columns = {column.title: column for column in columns}
        self.rows: dict[int, Row] = {}
        self._now = now
        self._next_id = 1

    def title(self, kind: Kind) -> str:
        """What the first column of this kind is called now; raises StopIteration."""
        return next(column.title for column in self.columns.values() if column.kind is kind)

    def insert(self, many: list[Row]) -> list[int]:
        """New rows, all or none; unknown columns are ignored. Raises ValueError."""
        accepted = [self._accepted(values) for values in many]
        created = self._second()
        ids = []
        for values in accepted:
            row: Row = {title: _unset(column) for title, column in self.columns.items()}
            row |= {self.title(Kind.ID): self._next_id, self.title(Kind.CREATED): created}
            self.rows[self._next_id] = row | values
            ids.append(self._next_id)
            self._next_id += 1
        return ids

    def update(self, changes: dict[int, Row]) -> None:
        """Change rows, all or none; the last write wins. Raises KeyError, ValueError."""
        accepted = {row_id: self._accepted(values) for row_id, values in changes.items()}
        updated = {self.title(Kind.UPDATED): self._second()}
        rows = {row_id: self.rows[row_id] for row_id in changes}
        for row_id, values in accepted.items():
            rows[row_id].update(values | updated)

    def delete(self, row_id: int) -> None:
        """Remove a row for good; its id never comes back. Raises KeyError."""
        del self.rows[row_id]

    def rename(self, old: str, new: str) -> None:
        """Give a column another title; raises KeyError."""
        column = self.columns[old]
        self.columns = {
            new if title == old else title: Column(new, column.kind) if title == old else known
            for title, known in self.columns.items()
        }
        self.rows = {
            row_id: {new if title == old else title: value for title, value in row.items()}
            for row_id, row in self.rows.items()
        }

    def _accepted(self, values: Row) -> Row:
        return {
            title: _stored(self.columns[title], value)
            for title, value in values.items()
            if title in self.columns and self.columns[title].writable
        }

    def _second(self) -> datetime:
        return self._now().astimezone(UTC).replace(microsecond=0)


def shown(value: object, storage: Storage) -> object:
    """A value as JSON: on sqlite a checkbox is 0 or 1, times are `2026-11-21 00:02:43+00:00`."""
    if isinstance(value, bool):
        return value if storage == "postgres" else int(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S+00:00")
    return value


def _unset(column: Column) -> object:
    """A checkbox nobody ever ticked is stored as false."""
    return False if column.kind is Kind.CHECKBOX else None


def _stored(column: Column, value: object) -> object:
    """What the database keeps of a value; raises ValueError when the column cannot hold it."""
    if value is None:
        return _unset(column)
    match column.kind:
        case Kind.CHECKBOX:
            return str(value).lower() in {"true", "1", "yes", "on"}
        case Kind.NUMBER:
            if not _WHOLE.fullmatch(str(value)):
                raise ValueError(f"Invalid value '{value}' for type 'Number'")
            return int(str(value))
        case _:
            return value if isinstance(value, str) else str(value)
