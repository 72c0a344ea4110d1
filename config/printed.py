"""What commands print: for people aligned columns, by their own clocks; for machines one line of
JSON. Nothing of it is obeyed by a terminal, and nothing is cut off.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import TypeGuard

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from actors.kernel import local_time

Document = Mapping[str, object]

NO_END_COLUMNS = 1_000_000
"""Where no terminal sets the width, a row is a line: whoever reads it by a program counts on it."""
NARROW_COLUMNS = 25
"""Of a time: what is no longer is not broken up while there is room elsewhere."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def json_line(document: object) -> str:
    """The document on one line; letters stay as they are where stdout can say them."""
    text = json.dumps(document, ensure_ascii=False)
    return "".join(c if _is_sayable(c) else json.dumps(c)[1:-1] for c in text)


def plain(text: str) -> str:
    """Whole, on one line, and nothing in it that a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def table(rows: Iterable[Document], columns: Mapping[str, str], zone: tzinfo) -> Table:
    """A row for each, under a header; `columns` maps what is shown to its header. A column in
    which nothing would stand is left out.
    """
    told = [[_said(row.get(name), zone) for name in columns] for row in rows]
    used = [i for i in range(len(columns)) if any(row[i] for row in told)]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    headers = list(columns.values())
    for i in used:
        narrow = all(len(row[i]) <= NARROW_COLUMNS for row in told)
        made.add_column(headers[i], overflow="fold", no_wrap=narrow)
    for row in told:
        made.add_row(*(Text(row[i] or "-") for i in used))
    return made


def facts(document: Document, zone: tzinfo) -> Table:
    """A line for each fact that there is: its name, and what it is, however deep that goes."""
    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in document.items():
        shown = _shown(value, zone)
        if shown is not None:
            made.add_row(Text(f"{_words(name)}:"), shown)
    return made


def put(console: Console, shown: RenderableType) -> None:
    """Print it: as wide as the terminal, or as it is long where there is none."""
    if console.is_terminal:
        console.print(shown)
        return
    wide = Console(file=io.StringIO(), width=NO_END_COLUMNS, force_terminal=False)
    with wide.capture() as captured:
        wide.print(shown)
    for each in captured.get().splitlines():
        console.out(each.rstrip(), highlight=False)


def _shown(value: object, zone: tzinfo) -> RenderableType | None:
    if isinstance(value, Mapping):
        inner = facts(value, zone)
        return inner if inner.row_count else None
    if _is_listing(value):
        names = dict.fromkeys(name for row in value for name in row)
        return table(value, {name: _words(name) for name in names}, zone)
    if isinstance(value, str) and "\n" in value:
        return Text("\n".join(map(plain, value.splitlines())))
    said = _said(value, zone)
    return Text(said) if said else None


def _said(value: object, zone: tzinfo) -> str:
    """One value on one line; "" for what there is none of."""
    match value:
        case None | "":
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.12g}"
        case str() if _MOMENT.fullmatch(value):
            return local_time.told(datetime.fromisoformat(value), zone, seconds=True)
        case Mapping():
            told = {_words(name): _said(each, zone) for name, each in value.items()}
            return ", ".join(f"{name} {said}" for name, said in told.items() if said)
        case list() | tuple():
            return ", ".join(_said(each, zone) for each in value)
        case _:
            return plain(str(value))


def _is_listing(value: object) -> TypeGuard[Sequence[Document]]:
    return (
        isinstance(value, Sequence) and bool(value) and all(isinstance(v, Mapping) for v in value)
    )


def _words(name: str) -> str:
    return plain(name).replace("_", " ")


def _is_sayable(character: str) -> bool:
    if not character.isprintable():
        return False
    if character.isascii():
        return True
    try:
        character.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
