"""`python -m tests.bench.peers PEER CASE`: one measurement in a process of its own."""

from __future__ import annotations

import importlib
import json
import sys


def main(peer: str, case: str) -> None:
    """Print the figure, as JSON, on the last line."""
    print(json.dumps(importlib.import_module(f"tests.bench.peers.{peer}").run(case)))


if __name__ == "__main__":
    main(*sys.argv[1:])
