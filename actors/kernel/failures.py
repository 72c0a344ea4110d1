"""The only two errors a port may raise; anything else is a bug and crashes the actor.

```
Exception
├── runtime.Unavailable   the dependency does not answer: try later
│   └── KeyRefused        it does not take our credentials: a person has to correct them
└── Conflict              somebody else was faster: read again
```
"""

from __future__ import annotations

from runtime import Unavailable

__all__ = ["Conflict", "KeyRefused", "Unavailable"]


class KeyRefused(Unavailable):
    """The dependency does not take our credentials. Asking later helps if it was its mistake."""


class Conflict(Exception):  # noqa: N818 - a verdict, like Unavailable
    """The write lost a race; nothing was changed."""
