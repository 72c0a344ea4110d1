"""The published table says what was found, by whom, and how the sound twins did."""

from __future__ import annotations

from runtime.testing.planted.hunt import Hits, Hunt, Hunted
from runtime.testing.planted.markdown import as_table


def _hits(**figures: object) -> Hits:
    return Hits(**{"seeds": 10, "hits": 0, "runs": 10, "broken": 0, "endangered": 1} | figures)  # type: ignore[arg-type]


def test_a_line_for_each_bug_and_a_column_for_each_scheduler() -> None:
    hunt = Hunt(
        (
            Hunted("race", "runs", "program", {"walk": _hits(hits=3), "pct:2": _hits()}),
            Hunted(
                "crash",
                "falls",
                "runtime",
                {"walk": _hits(), "kills": _hits(hits=1, runs=30, broken=7)},
            ),
        )
    )

    assert as_table(hunt).splitlines() == [
        "| bug | the mistake | walk | pct:2 | kills | sound twin |",
        "| --- | --- | --: | --: | --: | --- |",
        "| race | runs | 3/10 | - |  | holds |",
        "| crash * | falls | - |  | 1/10 (7 of 30 runs) | holds |",
    ]


def test_a_twin_that_fails_or_was_never_in_danger_is_shown() -> None:
    hunt = Hunt(
        (
            Hunted("a", "w", "program", {"walk": _hits(cried_wolf=(2,))}),
            Hunted("b", "w", "program", {"walk": _hits(endangered=0)}),
        )
    )

    assert [line.split(" | ")[-1] for line in as_table(hunt).splitlines()[2:]] == [
        "fails |",
        "never in danger |",
    ]
