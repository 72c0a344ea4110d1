"""How much each case does; the same for every peer."""

from __future__ import annotations

TELLS = 200_000
ASKS = 20_000
HOPS = 100_000
RING = 100
"""Actors that pass a number on to the next."""
ACTORS = 10_000
"""Actors that are started, or stopped, at once."""
KEYED_ACTORS = 100_000
WAVE = 1_000
"""Keyed actors that are told at once where only what stays is measured, not the crowd."""
