"""Stripe's nested forms."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.stripe_errors import Refused
from adapters.sandbox.stripe_forms import Fields, decoded


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b]=1&a[c][d]=x+y", {"a": {"b": "1", "c": {"d": "x y"}}}),
        ("a[0][b]=1&a[1][b]=2", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("a%5B0%5D=1&a%5B1%5D=2", {"a": ["1", "2"]}),
        ("e[]=a&e[]=b.c", {"e": ["a", "b.c"]}),
        ("a[10]=k&a[9]=j", {"a": ["j", "k"]}),
    ],
)
def test_brackets_nest(text: str, found: dict[str, Any]) -> None:
    assert decoded(text) == found


@pytest.mark.parametrize("text", ["a=1&a[b]=2", "[a]=1", "a[b=1", "a]=1"])
def test_what_does_not_nest_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        decoded(text)


@given(st.text(alphabet="ab[]0=&", max_size=30))
def test_any_form_is_read_or_refused(text: str) -> None:
    try:
        assert isinstance(decoded(text), dict)
    except Refused as refused:
        assert refused.status == 400  # noqa: PT017 - either outcome is right


def test_values_are_read_by_kind_and_named_by_their_path() -> None:
    fields = Fields(decoded("n=5&t=x&items[0][price][n]=-7&m[k]=v&w[]=a"))
    price = fields.items("items")[0].inner("price")

    assert (fields.integer("n"), fields.text("t"), price.integer("n")) == (5, "x", -7)
    assert (fields.text("gone", ""), fields.integer("gone", 3)) == ("", 3)
    assert (fields.texts("m"), fields.words("w"), fields.items("gone")) == ({"k": "v"}, ["a"], [])
    with pytest.raises(Refused, match=r"Missing required param: items\[0\]\[price\]\[unit\]"):
        price.integer("unit")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda f: f.integer("t"),
        lambda f: f.text("m"),
        lambda f: f.inner("t"),
        lambda f: f.items("t"),
        lambda f: f.items("w"),
        lambda f: f.words("t"),
        lambda f: f.words("items"),
        lambda f: f.texts("w"),
        lambda f: f.texts("long"),
        lambda f: f.texts("deep"),
        lambda f: f.only(frozenset({"t"})),
    ],
)
def test_a_value_of_another_kind_is_refused(wrong: Any) -> None:
    text = f"t=x&m[k]=v&w[]=a&items[0][b]=1&long[{'k' * 41}]=v&deep[a][b]=1"
    with pytest.raises(Refused) as told:
        wrong(Fields(decoded(text)))
    assert told.value.param


def test_metadata_have_limits() -> None:
    many = Fields({"m": {str(n) + "k": "v" for n in range(51)}})
    long = Fields({"m": {"k": "v" * 501}})
    for fields in (many, long):
        with pytest.raises(Refused):
            fields.texts("m")
