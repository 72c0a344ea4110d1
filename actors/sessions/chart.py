"""The flow as people read it: a table and a graph, both made from the declaration."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from actors.sessions.flow import ANY, BUTTONS, FORM, INSIDE, TIMEOUT_SECONDS, USER, Transition
from actors.sessions.model import State

_GROUPS = {ANY: "*any*", FORM: "*form*"}
_EVENTS = {USER: "*whatever the user does*", INSIDE: "*whatever happens inside*"}

HEADINGS = ("State", "Event", "Only if", "Goes to", "Does", "Says")


def as_table(flow: tuple[Transition, ...]) -> str:
    """The rows in their order, as a Markdown table; the first that applies is taken."""
    lines = [_line(HEADINGS), _line("---" for _ in HEADINGS)]
    return "\n".join(lines + [_line(_cells(row)) for row in flow]) + "\n"


def as_mermaid(flow: tuple[Transition, ...]) -> str:
    """The rows that lead to another state, and the time-outs, as a mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.NEW}"]
    for row in flow:
        lines += [
            f"    {state} --> {row.to}: {_label(row)}"
            for state in row.states
            if row.to is not None and row.to is not state
        ]
    return "\n".join(dict.fromkeys(lines)) + "\n"


def as_timeouts() -> str:
    """How long the states last that do not last for ever, as a Markdown table."""
    lines = [_line(("State", "Seconds")), _line(("---", "---"))]
    lines += [_line((f"`{state}`", str(seconds))) for state, seconds in TIMEOUT_SECONDS.items()]
    return "\n".join(lines) + "\n"


def _cells(row: Transition) -> tuple[str, ...]:
    does = [_words(row.does)] if row.does else []
    effects = [f"**{row.effect}**"] if row.effect else []
    return (
        _GROUPS.get(row.states) or _code(row.states),
        _EVENTS.get(row.events) or _code(_short(row.events)),
        _words(row.when) if row.when else "",
        f"`{row.to}`" if row.to else "",
        ", ".join(does + effects),
        f"`{row.note}`" if row.note else "",
    )


def _short(events: tuple[StrEnum, ...]) -> tuple[str, ...]:
    """`any button` instead of every one of them."""
    if set(BUTTONS) <= set(events):
        return (*(event for event in events if event not in BUTTONS), "any other button")
    return events


def _label(row: Transition) -> str:
    events = "anything" if row.events == USER else ", ".join(row.events)
    return f"{events} [{_words(row.when)}]" if row.when else events


def _words(named: Callable[..., object]) -> str:
    return named.__name__.replace("_", " ")


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
