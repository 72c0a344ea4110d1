"""What people read stands in columns, and what machines read on one line."""

from __future__ import annotations

import io
import json
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, RenderableType

from config.printed import facts, json_line, put, table

KYIV = ZoneInfo("Europe/Kyiv")
EVENT: dict[str, Any] = {
    "event_id": 7,
    "outcome": None,
    "kind": "a kind that is quite long, and not broken up where there is no terminal, however long",
    "received_at": "2026-11-21T17:28:14.008320+00:00",
}
COLUMNS = {"event_id": "event", "outcome": "outcome", "kind": "kind", "received_at": "received"}


def printed(shown: RenderableType, *, terminal: bool = False) -> list[str]:
    out = io.StringIO()
    put(Console(file=out, width=40, force_terminal=terminal, color_system=None), shown)
    return out.getvalue().splitlines()


def test_a_row_is_a_line_below_its_header_and_an_empty_column_is_left_out() -> None:
    rows = [EVENT, {**EVENT, "event_id": 12, "kind": "short"}]
    assert printed(table(rows, COLUMNS, KYIV)) == [
        f"event  {'kind':<{len(EVENT['kind'])}}  received",
        f"7      {EVENT['kind']}  2026-11-21 19:28:14 UTC+2",
        f"12     {'short':<{len(EVENT['kind'])}}  2026-11-21 19:28:14 UTC+2",
    ]


def test_a_hole_in_a_column_is_a_dash() -> None:
    lines = printed(table([EVENT, {**EVENT, "outcome": "odd"}], {"outcome": "outcome"}, UTC))
    assert lines == ["outcome", "-", "odd"]


def test_a_terminal_has_its_width_and_nothing_is_cut_off() -> None:
    shown = table([EVENT], {"kind": "kind", "received_at": "at"}, UTC)
    lines = printed(shown, terminal=True)
    assert max(map(len, lines)) <= 40
    assert set(EVENT["kind"].split()) <= set(" ".join(lines).split())
    assert "2026-11-21 17:28:14 UTC" in lines[1]


def test_facts_say_what_there_is_however_deep_and_nothing_of_what_there_is_not() -> None:
    document: dict[str, object] = {
        "state": "held",
        "parent": None,
        "trouble": "",
        "deeds": [],
        "audience": {"languages": [], "active_since": None},
        "headers": {"signed-at": "1795282093"},
        "live": False,
        "starts_at": "2026-11-21T17:28:14Z",
        "per_second": 28.0,
        "products": ["notes", "vip"],
        "charges": [{"payment_id": "pi_1", "parent": None}, {"payment_id": "pi_2", "parent": 3}],
        "body": "two\nlines",
    }
    assert printed(facts(document, KYIV)) == [
        "state:       held",
        "headers:     signed-at:  1795282093",
        "live:        no",
        "starts at:   2026-11-21 19:28:14 UTC+2",
        "per second:  28",
        "products:    notes, vip",
        "charges:     payment id  parent",
        "             pi_1        -",
        "             pi_2        3",
        "body:        two",
        "             lines",
    ]


def test_nothing_steers_a_terminal_and_nothing_is_markup() -> None:
    odd = "\x1b[31m\x9b[bold]red[/]\r\n\x07:smile:"
    for shown in (facts({"a": odd, "b": {odd: odd}, "c": [{odd: odd}]}, UTC), odd_table(odd)):
        text = "\n".join(printed(shown))
        assert not {"\x1b", "\x9b", "\r", "\x07"} & set(text)
        assert "[bold]red[/]" in text
        assert ":smile:" in text


def odd_table(odd: str) -> RenderableType:
    return table([{"x": odd}], {"x": "x"}, UTC)


def test_a_document_is_one_line_whose_letters_stay_readable() -> None:
    document = {"title": "Заметки о машине", "odd": "\x1b\x9b\n\u2028\ud800", "n": [1, None]}
    line = json_line(document)
    assert json.loads(line) == document
    assert len(line.splitlines()) == 1
    assert "Заметки о машине" in line
    assert line.isprintable()
