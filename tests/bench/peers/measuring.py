"""Seconds and bytes, as every peer measures them."""

from __future__ import annotations

import gc
import resource
import time
from pathlib import Path
from typing import Self


class Stopwatch:
    """`seconds` that the block took."""

    seconds = 0.0

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began


def resident_bytes() -> int:
    """Resident memory of this process, after a full collection."""
    gc.collect()
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    # No /proc (macOS): the peak, in bytes there; a case only ever grows.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
