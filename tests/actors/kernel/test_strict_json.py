"""What two readers could understand differently is refused."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.strict_json import (
    BYTES_MAX,
    DEPTH_MAX,
    NUMBER_DIGITS_MAX,
    MalformedJson,
    load_object,
    loads,
)


def test_numbers_with_a_point_are_decimals_and_others_are_integers() -> None:
    found = load_object(b'{"a": 165.652609, "b": 5, "c": 1e-7, "d": [0.1]}')
    assert found == {
        "a": Decimal("165.652609"),
        "b": 5,
        "c": Decimal("1e-7"),
        "d": [Decimal("0.1")],
    }
    assert (found["b"], type(found["b"])) == (5, int)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"a":1,"a":1}', "stands twice"),
        (b'{"x":{"a":1,"b":2,"a":3}}', "stands twice"),
        (b'{"a":1e99999999999999999999}', "bounds"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":Infinity}', "Infinity"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 5_000, "nested"),
        (b"[" + b"9" * (NUMBER_DIGITS_MAX + 1) + b"]", "digits"),
        (b"[0." + b"9" * NUMBER_DIGITS_MAX + b"]", "digits"),
        (b'"' + b"a" * BYTES_MAX + b'"', "bytes"),
    ],
)
def test_what_is_not_strictly_json_is_refused_with_the_reason(body: bytes, why: str) -> None:
    with pytest.raises(MalformedJson, match=why):
        loads(body)


def test_only_an_object_is_an_object() -> None:
    with pytest.raises(MalformedJson, match="not an object"):
        load_object(b"[1]")


def test_nesting_is_counted_where_it_nests() -> None:
    deepest = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX
    assert loads(deepest) is not None
    with pytest.raises(MalformedJson, match="nested"):
        loads(b"[" + deepest + b"]")
    many: list[Any] = [{"a": []}] * 1_000
    assert loads(json.dumps(many).encode()) == many
    brackets: Any = {"text": '[{"\\' * 500}
    assert loads(json.dumps(brackets).encode()) == brackets


def test_the_reason_never_quotes_the_input() -> None:
    with pytest.raises(MalformedJson) as refused:
        loads(b'{"card": 4242424242424242, broken')
    assert "4242" not in str(refused.value)
    assert refused.value.__cause__ is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=30,
    )
)
def test_whatever_json_writes_is_read_back(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(MalformedJson):
        loads(body)
