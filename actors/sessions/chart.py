"""The flow of a conversation as people read it, made from its declaration."""

from __future__ import annotations

from actors.kernel.transitions import Chart, line
from actors.sessions.flow import ANY, BUTTONS, FORM, INSIDE, TIMEOUT_SECONDS, USER
from actors.sessions.model import State

CHART = Chart(
    start=State.NEW,
    states=((ANY, "any"), (FORM, "form")),
    events=(
        (USER, "whatever the user does"),
        (INSIDE, "whatever happens inside"),
        (BUTTONS, "any other button"),
    ),
)


def as_timeouts() -> str:
    """How long the states last that do not last for ever, as a Markdown table."""
    lines = [line(("State", "Seconds")), line(("---", "---"))]
    lines += [line((f"`{state}`", str(seconds))) for state, seconds in TIMEOUT_SECONDS.items()]
    return "\n".join(lines) + "\n"
