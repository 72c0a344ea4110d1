"""docs/broadcasts.md shows the declared life; `python -m tests.actors.broadcasts.test_chart` writes
those parts of it.
"""

from __future__ import annotations

import re
from pathlib import Path

from actors.broadcasts.chart import CHART
from actors.broadcasts.life import LIFE
from actors.broadcasts.model import State

DOCUMENT = Path(__file__).parents[3] / "docs" / "broadcasts.md"
GRAPH = re.compile(r"(?<=```mermaid\n)stateDiagram-v2\n.*?(?=```)", re.DOTALL)
TABLE = re.compile(r"\| State \| Event \|.*?(?=\n\n)\n", re.DOTALL)


def document(written: str) -> str:
    """What is written, with the parts that are made from the declaration."""
    graph, table = CHART.mermaid(LIFE), CHART.table(LIFE)
    return TABLE.sub(lambda _: table, GRAPH.sub(lambda _: graph, written))


def test_the_document_shows_the_life_that_is_declared() -> None:
    written = DOCUMENT.read_text(encoding="utf-8")
    assert (len(GRAPH.findall(written)), len(TABLE.findall(written))) == (1, 1)
    assert written == document(written)


def test_the_table_has_a_line_for_every_row() -> None:
    lines = CHART.table(LIFE).splitlines()
    assert len(lines) == 2 + len(LIFE)
    assert {line.count("|") for line in lines} == {7}


def test_the_graph_reaches_every_state() -> None:
    reached = {
        line.split(" --> ")[1].split(":")[0] for line in CHART.mermaid(LIFE).splitlines()[1:]
    }
    assert reached == set(State)


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
