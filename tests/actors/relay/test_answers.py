"""What the webhook answers reaches the user when it is meant for him, and as he can read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.relay.answers import CUT, PART_UNITS, PARTS_MAX, heard, parts
from actors.relay.model import Accepted

JSON, PLAIN = "application/json; charset=utf-8", "text/plain"


@pytest.mark.parametrize(
    ("kind", "body", "outcome"),
    [
        (PLAIN, b"Accepted", Accepted(later=True)),
        (PLAIN, b" Accepted\n", Accepted(later=True)),
        ("", b"", Accepted()),
        (JSON, b"  ", Accepted()),
        (PLAIN, b"accepted, thank you", Accepted(texts=("accepted, thank you",))),
        ("", "Привіт <b>".encode(), Accepted(texts=("Привіт <b>",))),
        (JSON, b'{"text": "Hi\\n there ", "x": [1]}', Accepted(texts=("Hi\n there",))),
        (PLAIN, b'{"text": "Hi"}', Accepted(texts=("Hi",))),
        (JSON, b'{"text": ""}', Accepted()),
        (JSON, b"{}", Accepted()),
        (PLAIN, b"a\x00b\x07c\x7fd", Accepted(texts=("abcd",))),
        (JSON, b'{"text": "a\\ud800"}', Accepted(texts=("a\ufffd",))),
    ],
)
def test_what_an_answer_means(kind: str, body: bytes, outcome: Accepted) -> None:
    assert heard(kind, body) == outcome


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (JSON, b"[1]"),
        (JSON, b'{"text": "\xff"}'),
        (PLAIN, b"\xd0"),
        (JSON, b"{"),
        (JSON, b"Hello"),
        (JSON, b'{"text": 5}'),
        (JSON, b'{"text": "a", "text": "b"}'),
        ("text/html", b"<html>proxy</html>"),
        ("application/xml", b"<a/>"),
    ],
)
def test_what_is_not_understood_is_for_nobody_and_says_why(kind: str, body: bytes) -> None:
    told = heard(kind, body)
    assert told.texts == ()
    assert told.fault
    assert not told.later


def test_a_long_answer_is_several_messages_and_too_long_a_one_is_cut() -> None:
    text = "\n".join(f"line {number} " + "x" * 90 for number in range(90))
    told = heard(PLAIN, text.encode())
    assert 1 < len(told.texts) <= PARTS_MAX
    assert "\n".join(told.texts) == text
    assert told.fault == ""
    endless = heard(PLAIN, b"y" * (PART_UNITS * PARTS_MAX + 1))
    assert len(endless.texts) == PARTS_MAX
    assert endless.fault == CUT


@given(st.text(max_size=200), st.integers(1, 120))
def test_no_part_is_too_long_or_empty_and_only_blanks_are_lost(text: str, times: int) -> None:
    whole = text * times
    found = parts(whole)
    assert all(
        part and len(part.encode("utf-16-le", "surrogatepass")) // 2 <= PART_UNITS for part in found
    )
    assert "".join("".join(found).split()) == "".join(whole.split())


@given(st.binary(max_size=300), st.sampled_from([JSON, PLAIN, "", "text/html", "\xff"]))
def test_nothing_that_comes_breaks_it(body: bytes, kind: str) -> None:
    told = heard(kind, body)
    assert all("\0" not in text for text in told.texts)
