"""Bugs planted on purpose, each with a sound twin: a kit that misses one of them fails.

They are the small mistakes that supervised actors, crashes and lost answers invite, as
programs on the sound runtime and as sound programs on a runtime made wrong. `hunt_all` tells
which scheduler finds each, and in how many seeds; a twin that fails is a cry of wolf, and a
twin that was never in danger proves nothing.
"""

from __future__ import annotations

from runtime.testing.planted.bug import Bug
from runtime.testing.planted.hunt import Hits, Hunt, Hunted, hunt, hunt_all
from runtime.testing.planted.markdown import as_table
from runtime.testing.planted.table import BUGS

__all__ = ["BUGS", "Bug", "Hits", "Hunt", "Hunted", "as_table", "hunt", "hunt_all"]
