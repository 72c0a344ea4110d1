"""The errors of the runtime: pykka's where it has one, and each says who is to blame."""

from __future__ import annotations

import pykka
import pytest

import runtime
from runtime import errors


def test_pykkas_errors_are_pykkas() -> None:
    assert runtime.ActorDeadError is pykka.ActorDeadError
    assert runtime.Timeout is pykka.Timeout


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_public_ordinary_and_drawn_in_the_tree(name: str) -> None:
    error = getattr(errors, name)
    assert getattr(runtime, name) is error
    assert issubclass(error, Exception)
    assert errors.__doc__ is not None
    assert f" {name} " in errors.__doc__ or f".{name} " in errors.__doc__


def test_unavailable_says_what_is_away_and_when_to_come_back() -> None:
    assert str(errors.Unavailable("store")) == "store"
    assert errors.Unavailable("store").retry_after_seconds is None
    later = errors.Unavailable("flood", retry_after_seconds=7.0)
    assert (later.detail, later.retry_after_seconds) == ("flood", 7.0)
