"""A declared life: the first row that applies is taken, and is drawn as it is declared."""

from __future__ import annotations

from enum import StrEnum

import pytest

from actors.kernel.transitions import Chart, Transition, first


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    OFF = "off"


class Push(StrEnum):
    SHORT = "short"
    LONG = "long"
    CUT = "cut"


class Then(StrEnum):
    RING = "ring"


class Say(StrEnum):
    HELLO = "hello"


Row = Transition[Light, Push, int, Then, Say, [int]]


def lucky(number: int) -> bool:
    return number == 7


def count_up(number: int) -> int:
    return number + 1


ROWS = (
    Row.of(Light.RED, Push.SHORT, Light.GREEN, when=lucky, does=count_up, effect=Then.RING),
    Row.of(Light.RED, Push.SHORT, says=Say.HELLO),
    Row.of((Light.GREEN, Light.RED), (Push.LONG, Push.CUT), Light.OFF),
    Row.of(tuple(Light), tuple(Push)),
)
CHART = Chart(
    start=Light.RED,
    states=((tuple(Light), "any"), ((Light.GREEN, Light.RED), "lit")),
    events=((tuple(Push), "anything"),),
)


def test_the_first_row_whose_guard_holds_is_taken() -> None:
    assert first(ROWS, Light.RED, Push.SHORT, 7) is ROWS[0]
    assert first(ROWS, Light.RED, Push.SHORT, 8) is ROWS[1]
    assert first(ROWS, Light.GREEN, Push.CUT, 7) is ROWS[2]
    assert first(ROWS, Light.OFF, Push.SHORT, 7) is ROWS[3]


def test_a_hole_in_a_declaration_is_heard() -> None:
    with pytest.raises(StopIteration):
        first(ROWS[:2], Light.OFF, Push.SHORT, 7)


def test_the_table_shows_each_row_in_its_order_and_groups_by_their_names() -> None:
    assert CHART.table(ROWS).splitlines()[2:] == [
        "| `red` | `short` | lucky | `green` | count up, **ring** |  |",
        "| `red` | `short` |  |  |  | `hello` |",
        "| *lit* | `long`, `cut` |  | `off` |  |  |",
        "| *any* | *anything* |  |  |  |  |",
    ]


def test_the_graph_shows_what_leads_elsewhere() -> None:
    assert CHART.mermaid(ROWS).splitlines() == [
        "stateDiagram-v2",
        "    [*] --> red",
        "    red --> green: short [lucky]",
        "    green --> off: long, cut",
        "    red --> off: long, cut",
    ]
