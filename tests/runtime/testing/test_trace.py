"""A digest tells runs apart, and the last lines tell what happened."""

from __future__ import annotations

from runtime.testing.trace import Trace


def _digest(*lines: tuple[float, str]) -> str:
    now = 0.0
    trace = Trace(lambda: now)
    for now, line in lines:  # noqa: B007 - the clock reads it
        trace.write(line)
    return trace.digest


def test_equal_runs_have_equal_digests_and_others_do_not() -> None:
    one = _digest((0.0, "a"), (1.0, "b"))
    assert one == _digest((0.0, "a"), (1.0, "b"))
    assert one != _digest((0.0, "b"), (1.0, "a")), "the order"
    assert one != _digest((0.0, "a"), (1.0000000001, "b")), "the time"
    assert one != _digest((0.0, "a")), "the end"
    assert one != _digest((0.0, "a 1.0 b")), "where a line ends"


def test_only_the_last_lines_are_kept_and_all_are_counted() -> None:
    trace = Trace(lambda: 2.5, keep=2)
    for line in "abc":
        trace.write(line)
    assert trace.last == ["    2.500000  b", "    2.500000  c"]
    assert trace.steps == 3


def test_whoever_repeats_himself_drives_nobody_out() -> None:
    now = 0.0
    trace = Trace(lambda: now, keep=3)
    for line in "abbbbc":
        trace.write(line)
        now += 1.0

    assert trace.last == ["    1.000000  b", "    4.000000  ... 3 times more", "    5.000000  c"]
    assert trace.steps == 6
    assert trace.digest == _digest(*((float(at), line) for at, line in enumerate("abbbbc")))


def test_where_all_are_kept_each_line_is_a_step() -> None:
    trace = Trace(lambda: 0.0, keep=None)
    for line in "abbb":
        trace.write(line)
    assert len(trace.last) == trace.steps == 4
