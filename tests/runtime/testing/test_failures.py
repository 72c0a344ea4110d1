"""Which failures are the same one: by what they say, and plain asserts by where they stand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.testing.clock import Deadlock
from runtime.testing.failures import bare, kinds, members


def _raised(fail: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - of any kind
        fail()
    return caught.value


def _few(number: int) -> None:
    assert number >= 5


def _many(number: int) -> None:
    assert number <= 5


def _deadlock(text: str) -> None:
    raise Deadlock(text)


def test_an_assert_is_known_by_its_place_and_not_by_its_values() -> None:
    three, four = _raised(lambda: _few(3)), _raised(lambda: _few(4))
    assert str(three) != str(four)
    assert kinds(three) == kinds(four)
    assert kinds(three) != kinds(_raised(lambda: _many(6)))


def test_what_says_something_is_known_by_its_first_line() -> None:
    one = kinds(_raised(lambda: _deadlock("nothing can run\n  here")))
    assert one == kinds(_raised(lambda: _deadlock("nothing can run\n  there")))
    assert one != kinds(_raised(lambda: _deadlock("nothing will run")))
    assert kinds(ValueError("x")) != kinds(LookupError("x"))


def test_a_group_is_all_that_it_holds_each_once() -> None:
    one, other = ValueError("x"), LookupError("y")
    group = ExceptionGroup("", [one, ExceptionGroup("", [other, ValueError("x")])])
    assert kinds(group) == ["ValueError: x", "LookupError: y"]
    assert members(group)[0] is group
    assert {one, other} < set(members(group))
    assert members(None) == []


def test_what_nurseries_have_only_wrapped_is_bare() -> None:
    error = ValueError("x")
    assert bare(ExceptionGroup("", [ExceptionGroup("", [error])])) is error
    two = ExceptionGroup("", [error, error])
    assert bare(two) is two


def test_an_assert_that_was_never_raised_has_no_place() -> None:
    assert kinds(AssertionError()) == ["AssertionError at ?"]
