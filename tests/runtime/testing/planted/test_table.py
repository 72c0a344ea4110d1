"""The table holds what was promised, each bug with all that it takes to be published."""

from __future__ import annotations

from collections import Counter

from runtime.testing.planted.table import BUGS

PROMISED = {
    "lost update",
    "stale reply",
    "laggard",
    "send then record",
    "record then send",
    "forgotten dedupe",
    "dead timer",
    "lost in passivation",
    "restart loses queue",
    "budget never resets",
    "unshielded clean-up",
    "undetected ask cycle",
}


def test_every_name_stands_for_one_bug() -> None:
    assert [name for name, count in Counter(bug.name for bug in BUGS).items() if count > 1] == []


def test_what_was_promised_is_planted() -> None:
    assert {bug.name for bug in BUGS} >= PROMISED


def test_both_programs_and_runtimes_are_wrong() -> None:
    assert {bug.kind for bug in BUGS} == {"program", "runtime"}


def test_a_mistake_fits_into_a_cell_of_the_table() -> None:
    assert [bug.what for bug in BUGS if "|" in bug.what or "\n" in bug.what] == []
