"""What simulated programs log: nothing, unless somebody has said where it should go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog


class Mute(structlog.BoundLoggerBase):
    """A bound logger that says nothing at any level, and remembers nothing that is bound to it."""

    def bind(self, *_: object, **__: object) -> Mute:
        """Stay as it is: there is nothing to remember, nor to forget."""
        return self

    new = unbind = try_unbind = bind

    def say(self, *_: object, **__: object) -> None:
        """Nothing."""

    debug = info = warning = warn = error = critical = fatal = exception = log = say


@contextmanager
def muted() -> Iterator[None]:
    """Keep structlog's own default from printing what thousands of runs say.

    Whoever has configured structlog wants to hear it, and does.
    """
    if structlog.is_configured():
        yield
        return
    structlog.configure(wrapper_class=Mute)
    try:
        yield
    finally:
        structlog.reset_defaults()
