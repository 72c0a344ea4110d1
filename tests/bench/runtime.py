"""`python -m tests.bench runtime`: the runtime beside pykka's threads and a bare asyncio loop.

Every measurement is a process of its own; the peers take turns, so that whatever else the
machine does meets all of them; the median counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median
from typing import Any

from tests.bench.peers import scale

REPEATS = 5
MEASUREMENT_SECONDS_MAX = 120.0

PEERS = {"factorage": "factorage", "pykka": "threads", "asyncio_queue": "asyncio_queue"}
"""The names of the systems, and the modules that drive them."""

ALL = ("factorage", "pykka", "asyncio_queue")
CASES: dict[str, tuple[str, ...]] = {
    "tell": ALL,
    "tell_async": ("factorage",),
    "ask": ALL,
    "ring": ALL,
    "start": ALL,
    "stop": ALL,
    "memory": ("factorage", "pykka"),
    "awake": ("factorage",),
}
"""Each case, and the systems in which it means anything."""

UNITS = {
    "tell": f"messages per second, {scale.TELLS:,} told to one actor",
    "tell_async": "the same, handled by an `async def`",
    "ask": "answers per second, one after the other",
    "ring": f"hops per second, {scale.RING} actors",
    "start": f"actors per second, {scale.ACTORS:,} of them",
    "stop": f"actors per second, {scale.ACTORS:,} of them",
    "memory": "resident bytes per idle keyed actor beyond its own state (pykka: per actor)",
    "awake": f"seconds until {scale.KEYED_ACTORS:,} sleeping keyed actors have answered",
    "awake_bytes": "resident bytes by which that grew the process",
}


def run() -> dict[str, Any]:
    """Every case for every system; about two minutes."""
    measured: dict[tuple[str, str], list[Any]] = {}
    for repeat in range(REPEATS):
        for case, systems in CASES.items():
            for system in systems:
                print(f"{repeat + 1}/{REPEATS} {case} {system}", file=sys.stderr)
                measured.setdefault((case, system), []).append(_measure(system, case))
    results: dict[str, dict[str, float | None]] = {}
    for (case, system), values in measured.items():
        for name, figures in _figures(case, values).items():
            results.setdefault(name, {})[system] = None if None in figures else median(figures)
    return {"bench": "runtime", "unit": UNITS, "results": results}


def _figures(case: str, values: list[Any]) -> dict[str, list[Any]]:
    if case == "awake":
        pairs = [value or (None, None) for value in values]
        return {"awake": [pair[0] for pair in pairs], "awake_bytes": [pair[1] for pair in pairs]}
    return {case: values}


def _measure(system: str, case: str) -> Any:
    """The figure, or None where the machine does not allow it (threads are a scarce thing)."""
    command = [sys.executable, "-m", "tests.bench.peers", PEERS[system], case]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=MEASUREMENT_SECONDS_MAX
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{case} {system}: {error}\n{error.stderr!s}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])
