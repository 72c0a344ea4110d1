"""What the inbox can hold, and how texts from outside are made fit for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.ingress.model import (
    LINE_MAX_CHARACTERS,
    NAME_MAX_CHARACTERS,
    Event,
    SourceName,
    is_keepable,
    line,
)

GOOD = Event(
    source=SourceName.STRIPE,
    key="evt_1NG8Du2eZvKYlo2CUI79vXWy",
    kind="payment_intent.succeeded",
    subject="pi_1",
    body=b"{}",
    headers={},
)


def test_what_providers_send_can_be_kept() -> None:
    assert is_keepable(GOOD)
    assert is_keepable(replace(GOOD, subject=""))
    assert is_keepable(replace(GOOD, key="5077125051:finished:Їжак"))


@pytest.mark.parametrize("field", ["key", "kind", "subject"])
@pytest.mark.parametrize(
    "odd",
    ["NUL \0", "half \ud83d", "two\nlines", " evt_1", "evt_1 ", "x" * (NAME_MAX_CHARACTERS + 1)],
)
def test_a_name_that_is_none_cannot_be_kept(field: str, odd: str) -> None:
    changed: dict[str, Any] = {field: odd}
    assert not is_keepable(replace(GOOD, **changed))


def test_without_a_key_nothing_can_be_kept() -> None:
    assert not is_keepable(replace(GOOD, key=""))


@given(st.text(st.characters(codec=None)))
def test_a_line_is_one_line_that_the_inbox_takes(text: str) -> None:
    told = line(text)
    assert len(told) <= LINE_MAX_CHARACTERS
    assert "\0" not in told
    assert len(told.splitlines()) <= 1
    told.encode()
    assert line(told) == told
