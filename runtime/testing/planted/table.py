"""Every bug that is planted; `hunt` looks for them, `docs/determinism.md` tells what it found."""

from __future__ import annotations

from runtime.testing.planted.crashing import CRASHING
from runtime.testing.planted.doubts import DOUBTS
from runtime.testing.planted.lives import LIVES
from runtime.testing.planted.mutants import MUTANTS
from runtime.testing.planted.races import RACES

BUGS = (*RACES, *LIVES, *DOUBTS, *CRASHING, *MUTANTS)
