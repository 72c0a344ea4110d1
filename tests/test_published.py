"""The table of planted bugs in `docs/determinism.md` is that of a real run, and is complete.

`python -m tests.test_published` hunts them all, with 100 seeds each, and writes it anew.
"""

from __future__ import annotations

import re
import sys

import trio

from config.sim_log import mute
from runtime.testing.planted import BUGS, as_table, hunt_all
from runtime.testing.report import revision
from tests.architecture import ROOT

PAGE = ROOT / "docs" / "determinism.md"
SEEDS = 100
PUBLISHED = re.compile(r"(?<=<!-- planted: begin -->\n).*?(?=<!-- planted: end -->)", re.DOTALL)


def test_the_table_has_every_planted_bug_and_no_other() -> None:
    told = [(cells[0].removesuffix(" *"), cells[1]) for cells in _rows()]
    assert told == [(bug.name, bug.what) for bug in BUGS]


def test_every_bug_was_found_and_every_sound_twin_holds() -> None:
    for name, _, *found, twin in _rows():
        assert any(re.match(r"[1-9]\d*/\d+", cell) for cell in found), name
        assert twin == "holds", name


def _rows() -> list[list[str]]:
    found = PUBLISHED.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, "the page has no place for the table"
    lines = [line for line in found[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def main() -> None:
    """Hunt, and publish."""
    mute()
    found = hunt_all(seeds=SEEDS, progress=lambda done, of, _: _tell(f"{done} of {of}"))
    if found.missed:
        sys.exit(f"missed: {', '.join(found.missed)}")
    python = ".".join(map(str, sys.version_info[:3]))
    head = (
        f"{len(found.bugs)} of {len(found.bugs)} found with {SEEDS} seeds a scheduler, "
        f"trio {trio.__version__}, Python {python}, after revision `{revision()}`:"
    )
    text = PAGE.read_text(encoding="utf-8")
    table = f"{head}\n\n{as_table(found)}\n"
    PAGE.write_text(PUBLISHED.sub(lambda _: table, text), encoding="utf-8")


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
