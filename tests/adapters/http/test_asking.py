"""How strictly operators' requests are read."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from adapters.http.asking import NUMBER_MAX, WHY_MAX_CHARACTERS, Refusal, is_number, number, why


@pytest.mark.parametrize("text", ["1", "9", str(NUMBER_MAX)])
def test_a_plain_number_is_one(text: str) -> None:
    assert is_number(text, NUMBER_MAX)


@pytest.mark.parametrize(
    "text", ["0", "-1", "+1", "1.0", " 1", "1_0", "٣", "", "x", str(NUMBER_MAX + 1), "1" * 5_000]
)
def test_nothing_else_is_a_number(text: str) -> None:
    assert not is_number(text, NUMBER_MAX)
    with pytest.raises(Refusal, match="limit is a number from 1 to 9"):
        number(QueryParams({"limit": text}), "limit", 9)


def test_a_number_that_is_not_there_is_none() -> None:
    assert number(QueryParams(""), "limit", 9) is None
    assert number(QueryParams("limit=9"), "limit", 9) == 9


def test_the_reason_is_one_printable_line() -> None:
    assert why({"why": " the key\nwas\x1b[31m wrong "}) == "the key was [31m wrong"
    for said in (None, "", " \n", 5, "x" * (WHY_MAX_CHARACTERS + 1), ["x"]):
        with pytest.raises(Refusal, match="say why"):
            why({"why": said})
