"""Messages are immutable values, and what wraps them on their way knows when it is stale."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from runtime import Asks, Terminated, message
from runtime.message import Coalesced, Piped, TimerFired


@message
class Charge:
    amount: int
    currency: str = "EUR"


@message
class Find(Asks[int]):
    key: str


def test_a_message_is_frozen_slotted_and_keyword_only() -> None:
    charge = Charge(amount=3)
    with pytest.raises(FrozenInstanceError):
        charge.amount = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        Charge(3)  # type: ignore[call-arg]
    assert not hasattr(charge, "__dict__")


def test_messages_are_equal_by_value_and_hashable() -> None:
    assert Charge(amount=3) == Charge(amount=3, currency="EUR")
    assert len({Charge(amount=3), Charge(amount=3), Charge(amount=4)}) == 2
    assert {Terminated: 1}[Terminated] == 1


def test_a_message_can_be_matched_by_its_fields() -> None:
    match Charge(amount=3):
        case Charge(amount=amount, currency="EUR"):
            assert amount == 3
        case _:
            raise AssertionError


def test_a_question_is_a_message_too() -> None:
    assert Find(key="a") == Find(key="a")
    assert not hasattr(Find(key="a"), "__dict__")


def test_timers_are_told_apart_by_identity() -> None:
    assert TimerFired("key", "tick") != TimerFired("key", "tick")
    assert Coalesced("key") == Coalesced("key")


def test_the_end_of_slow_work_becomes_a_message_or_an_error() -> None:
    error = OSError("gone")
    assert Piped(1, 7, None, str, None).translate() == "7"
    assert Piped(1, None, error, str, repr).translate() == repr(error)
    with pytest.raises(OSError, match="gone"):
        Piped(1, None, error, str, None).translate()
