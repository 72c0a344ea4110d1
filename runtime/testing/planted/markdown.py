"""The table of planted bugs as it is published: what a hunt found, in Markdown."""

from __future__ import annotations

from runtime.testing.planted.hunt import Hits, Hunt, Hunted

NOTHING = "-"


def as_table(hunt: Hunt) -> str:
    """One line for each bug, one column for each scheduler: in how many seeds it was found.

    What was found by crashing says also in how many of the runs.
    """
    columns = list(dict.fromkeys(name for hunted in hunt.bugs for name in hunted.by))
    head = ["bug", "the mistake", *columns, "sound twin"]
    lines = [_line(head), _line(["---", "---", *["--:"] * len(columns), "---"])]
    for hunted in hunt.bugs:
        name = hunted.bug if hunted.kind == "program" else f"{hunted.bug} *"
        cells = [_cell(hunted.by.get(column)) for column in columns]
        lines.append(_line([name, hunted.what, *cells, _twin(hunted)]))
    return "\n".join(lines)


def _cell(hits: Hits | None) -> str:
    if hits is None:
        return ""
    if not hits.hits:
        return NOTHING
    told = f"{hits.hits}/{hits.seeds}"
    return told if hits.runs == hits.seeds else f"{told} ({hits.broken} of {hits.runs} runs)"


def _twin(hunted: Hunted) -> str:
    if hunted.sound:
        return "holds"
    return "fails" if any(hits.cried_wolf for hits in hunted.by.values()) else "never in danger"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
