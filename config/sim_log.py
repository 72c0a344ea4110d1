"""The log of a simulated program: nobody hears it, or it bears the time of the simulation."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from structlog.typing import EventDict, WrappedLogger

from runtime.testing.log import Mute


def mute(*, for_good: bool = True) -> None:
    """Let the log of this process cost next to nothing: what thousands of runs say nobody reads.

    `for_good`, loggers obey no later configuration; that makes a silent call four times as fast.
    """
    structlog.configure(wrapper_class=Mute, cache_logger_on_first_use=for_good)
    logging.disable(logging.CRITICAL)


@contextmanager
def heard(*, log: bool) -> Iterator[None]:
    """The log of what happens in this block on stderr, in the simulation's time; or none."""
    before, disabled = structlog.get_config(), logging.root.manager.disable
    mute(for_good=False)
    if log:
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                virtual_time,
                structlog.processors.format_exc_info,
                structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
            logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        )
    try:
        yield
    finally:
        structlog.configure(**before)
        logging.disable(disabled)


def virtual_time(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor: in a simulation `time.time` is its own wall clock (`runtime.testing.fence`)."""
    event["timestamp"] = f"{datetime.fromtimestamp(time.time(), UTC):%m-%d %H:%M:%S.%f}"
    return event
