"""What was published is not published again too soon."""

from __future__ import annotations

from actors.tracker.repeats import Repeats


def test_what_was_published_is_due_again_after_a_while() -> None:
    repeats: Repeats[str] = Repeats(60.0)
    assert repeats.due("a", 0.0)
    repeats.published("a", 0.0)
    assert not repeats.due("a", 59.0)
    assert repeats.due("a", 60.0)
    assert repeats.due("b", 59.0)


def test_it_is_known_until_it_is_old_and_nobody_needs_it() -> None:
    repeats: Repeats[str] = Repeats(60.0)
    repeats.published("a", 0.0)
    repeats.published("b", 0.0)
    repeats.forget(59.0)
    assert "a" in repeats
    repeats.forget(60.0, but={"b"})
    assert ("a" in repeats, "b" in repeats, len(repeats)) == (False, True, 1)
    repeats.forget(60.0)
    assert not repeats
