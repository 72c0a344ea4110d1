"""Which siblings fall together, as OTP's `supervisor` has it."""

from __future__ import annotations

import pytest

from runtime.strategy import Restart, fallen, restarts

CHILDREN = ("a", "b", "c", "d")


def test_one_for_one_restarts_the_failed_child_alone() -> None:
    assert fallen("one_for_one", CHILDREN, "b") == ("b",)


def test_one_for_all_restarts_everybody_in_starting_order() -> None:
    assert fallen("one_for_all", CHILDREN, "c") == CHILDREN


def test_rest_for_one_restarts_the_failed_child_and_those_started_after_it() -> None:
    assert fallen("rest_for_one", CHILDREN, "b") == ("b", "c", "d")
    assert fallen("rest_for_one", CHILDREN, "a") == CHILDREN
    assert fallen("rest_for_one", CHILDREN, "d") == ("d",)


@pytest.mark.parametrize(
    ("restart", "after_failure", "after_exit"),
    [("permanent", True, True), ("transient", True, False), ("temporary", False, False)],
)
def test_who_is_restarted_after_what(
    restart: Restart, *, after_failure: bool, after_exit: bool
) -> None:
    assert restarts(restart, failure=True) is after_failure
    assert restarts(restart, failure=False) is after_exit
