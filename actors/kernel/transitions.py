"""Declared lives: from which state which event leads where, as rows that are read top to bottom.

The first row that names the state and the event, and whose guard holds, is taken; the last rows
of a declaration catch everything, so that there always is one. The same rows are drawn for
people, as a table and as a mermaid graph (docs/flow.md, docs/orders.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, ParamSpec, Self, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)
V = TypeVar("V")
F = TypeVar("F", bound=StrEnum)
N = TypeVar("N", bound=StrEnum)
P = ParamSpec("P")

HEADINGS = ("State", "Event", "Only if", "Goes to", "Does", "Says")


@dataclass(frozen=True, slots=True)
class Transition(Generic[S, E, V, F, N, P]):
    """One row. `to` is None when the state stays; `when` and `does` are told the same things,
    `does` answers the value (`V`) that results; `effect` follows from it, and `says` is said.
    """

    states: tuple[S, ...]
    events: tuple[E, ...]
    to: S | None = None
    when: Callable[P, bool] | None = None
    does: Callable[P, V] | None = None
    effect: F | None = None
    says: N | None = None

    @classmethod
    def of(
        cls,
        states: S | tuple[S, ...],
        events: E | tuple[E, ...],
        to: S | None = None,
        *,
        when: Callable[P, bool] | None = None,
        does: Callable[P, V] | None = None,
        effect: F | None = None,
        says: N | None = None,
    ) -> Self:
        """A row as a declaration writes it: one state, or several."""
        return cls(
            states if isinstance(states, tuple) else (states,),
            events if isinstance(events, tuple) else (events,),
            to,
            when,
            does,
            effect,
            says,
        )


def first(
    rows: Iterable[Transition[S, E, V, F, N, P]],
    state: S,
    event: E,
    *told: P.args,
    **named: P.kwargs,
) -> Transition[S, E, V, F, N, P]:
    """The row that applies; raises `StopIteration` where a declaration has a hole."""
    return next(
        row
        for row in rows
        if state in row.states
        and event in row.events
        and (row.when is None or row.when(*told, **named))
    )


Groups = Sequence[tuple[Sequence[StrEnum], str]]
"""Several that are read as one, and how that is called; the larger ones first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """How the rows of one declaration are drawn, beginning at `start`."""

    start: StrEnum
    states: Groups
    events: Groups

    def table(self, rows: Iterable[Transition[Any, Any, Any, Any, Any, Any]]) -> str:
        """The rows in their order, as a Markdown table."""
        lines = [line(HEADINGS), line("---" for _ in HEADINGS)]
        return "\n".join(lines + [line(self._cells(row)) for row in rows]) + "\n"

    def mermaid(self, rows: Iterable[Transition[Any, Any, Any, Any, Any, Any]]) -> str:
        """The rows that lead to another state, as a mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start}"]
        for row in rows:
            lines += [
                f"    {state} --> {row.to}: {self._label(row)}"
                for state in row.states
                if row.to is not None and row.to is not state
            ]
        return "\n".join(dict.fromkeys(lines)) + "\n"

    def _cells(self, row: Transition[Any, Any, Any, Any, Any, Any]) -> tuple[str, ...]:
        does = [_words(row.does)] if row.does else []
        effects = [f"**{row.effect}**"] if row.effect else []
        return (
            ", ".join(_named(row.states, self.states, "`{}`")),
            ", ".join(_named(row.events, self.events, "`{}`")),
            _words(row.when) if row.when else "",
            f"`{row.to}`" if row.to else "",
            ", ".join(does + effects),
            f"`{row.says}`" if row.says else "",
        )

    def _label(self, row: Transition[Any, Any, Any, Any, Any, Any]) -> str:
        events = ", ".join(_named(row.events, self.events, "{}")).replace("*", "")
        return f"{events} [{_words(row.when)}]" if row.when else events


def line(cells: Iterable[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _named(members: Sequence[StrEnum], groups: Groups, form: str) -> list[str]:
    """The names of all, groups by theirs."""
    left, names = list(members), []
    for group, name in groups:
        if all(member in left for member in group):
            names.append(f"*{name}*")
            left = [member for member in left if member not in group]
    return [*names, *(form.format(member) for member in left)]


def _words(named: Callable[..., object]) -> str:
    return named.__name__.replace("_", " ")
