"""The life of an order as people read it: a table and a graph, both made from the declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from actors.payments.life import ANY, INSIDE, Transition
from actors.payments.orders import ALIVE, ENDED, State
from actors.payments.rules import Event

_GROUPS = ((ANY, "*any*"), (ALIVE, "*alive*"), (ENDED, "*ended*"))

HEADINGS = ("State", "Event", "Only if", "Goes to", "Does", "Says")


def as_table(life: tuple[Transition, ...]) -> str:
    """The rows in their order, as a Markdown table; the first that applies is taken."""
    lines = [_line(HEADINGS), _line("---" for _ in HEADINGS)]
    return "\n".join(lines + [_line(_cells(row)) for row in life]) + "\n"


def as_mermaid(life: tuple[Transition, ...]) -> str:
    """The rows that lead to another state, as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.OPENING}"]
    for row in life:
        lines += [
            f"    {state} --> {row.to}: {_label(row)}"
            for state in row.states
            if row.to is not None and row.to is not state
        ]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def _cells(row: Transition) -> tuple[str, ...]:
    does = [_words(row.does)] if row.does else []
    effects = [f"**{row.effect}**"] if row.effect else []
    return (
        _states(row.states),
        "*anything else*" if row.events == INSIDE else _code(row.events),
        _words(row.when) if row.when else "",
        f"`{row.to}`" if row.to else "",
        ", ".join(does + effects),
        f"`{row.says}`" if row.says else "",
    )


def _states(states: tuple[State, ...]) -> str:
    """The states of a row, groups by their names."""
    left, names = list(states), []
    for group, name in _GROUPS:
        if all(state in left for state in group):
            names.append(name)
            left = [state for state in left if state not in group]
    return ", ".join([*names, *(f"`{state}`" for state in left)])


def _label(row: Transition) -> str:
    events = ", ".join(row.events)
    return f"{events} [{_words(row.when)}]" if row.when else events


def _words(named: Callable[..., object]) -> str:
    return named.__name__.replace("_", " ")


def _code(names: Iterable[Event]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
