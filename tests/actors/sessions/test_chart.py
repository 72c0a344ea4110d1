"""docs/flow.md is the declared flow; `python -m tests.actors.sessions.test_chart` writes it."""

from __future__ import annotations

from pathlib import Path

from actors.sessions.chart import CHART, as_timeouts
from actors.sessions.flow import FLOW
from actors.sessions.model import State

DOCUMENT = Path(__file__).parents[3] / "docs" / "flow.md"


def document() -> str:
    return f"""# The flow of a conversation

Made from `actors/sessions/flow.py`; `python -m tests.actors.sessions.test_chart` writes it anew,
and a test keeps it equal.

```mermaid
{CHART.mermaid(FLOW)}```

## Every row

From top to bottom, the first row that applies is taken. *form* is `language`, `name`, `contact`,
`summary` and `changing`. "Does" in bold is done outside, after the session was saved: **register**
creates the row in the record table, **track** tells the payment tracker whose payment to look for,
and whether he waits or has cancelled; **relay** passes the message on to the webhook, which answers
it ([relay.md](relay.md); *relay open*: `MAKE_WEBHOOK_URL` is set). "Says" is a note above the
panel, or the bubble of a pressed button. Where "Goes to" is empty the state stays. A button carries
the step it belongs to: one of an older panel, or the second press of a double one, is a
`stale_button` whatever it says.

{CHART.table(FLOW)}
## Time-outs

`timed_out` happens after this long. Whatever the user does in the form begins the time anew; in
`saving` the attempt is repeated, after a failure with a pause of 5 s doubling to 5 min. Every other
state lasts for ever. Times are saved with the session, so they pass while the process is down.

{as_timeouts()}"""


def test_the_document_shows_the_flow_that_is_declared() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_the_table_has_a_line_for_every_row() -> None:
    lines = CHART.table(FLOW).splitlines()
    assert len(lines) == 2 + len(FLOW)
    assert {line.count("|") for line in lines} == {7}


def test_the_graph_reaches_every_state() -> None:
    reached = {
        line.split(" --> ")[1].split(":")[0] for line in CHART.mermaid(FLOW).splitlines()[1:]
    }
    assert reached == set(State)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
