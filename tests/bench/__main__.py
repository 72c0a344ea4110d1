"""`python -m tests.bench [NAME] [--json]`: one benchmark, or all of them.

A benchmark is a module of this folder with `run() -> dict`: `bench` (its name), `unit` (by
case) and `results` (by case, then by system). Tables and JSON, one object a line, go to
stdout, progress to stderr.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from tests.bench import endurance

NAMES = ("runtime", "tracker", "edge", "ingress", "broadcast", "relay")
BASELINE = "pykka"
"""Whose figures ours are divided by, where it was measured too."""


def main(arguments: list[str]) -> None:
    """Run what was asked for, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("name", nargs="?", choices=NAMES, help="all of them if left out")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--minutes", type=int, help="of `ingress`: a steady load for so long")
    parser.add_argument("--rate", type=int, default=100, help="webhooks a second of that load")
    parser.add_argument("--sessions", type=int, default=1_000, help="people who write meanwhile")
    chosen = parser.parse_args(arguments)
    if chosen.minutes and chosen.name != "ingress":
        parser.error("--minutes is for `ingress`")
    for name in [chosen.name] if chosen.name else NAMES:
        result: dict[str, Any] = (
            endurance.run(minutes=chosen.minutes, per_second=chosen.rate, people=chosen.sessions)
            if chosen.minutes
            else importlib.import_module(f"tests.bench.{name}").run()
        )
        print(json.dumps(result) if chosen.json else _table(result), flush=True)


def _table(result: dict[str, Any]) -> str:
    """The figures of every case, and how they compare with the baseline, where there is one."""
    lines = [f"{result['bench']}"]
    for case, by_system in result["results"].items():
        shown = [f"{system} {_figure(value)}" for system, value in by_system.items()]
        ours, theirs = by_system.get("factorage"), by_system.get(BASELINE)
        if ours and theirs:
            shown.append(f"({ours / theirs:.2f} times {BASELINE})")
        lines.append(f"  {case:<28}{'   '.join(shown)}")
        lines.append(f"  {'':<28}{result['unit'].get(case, '')}")
    return "\n".join(lines)


def _figure(value: float | Sequence[float] | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, Sequence):
        return " ".join(map(_figure, value))
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


if __name__ == "__main__":
    main(sys.argv[1:])
