"""The life of the process: signals, drain, and the words for what cannot start."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog
import trio

SIGNALS = (signal.SIGINT, signal.SIGTERM)
REFUSED = 2
"""Exit status: the environment or the machine does not allow it; the text says what to do."""
FAILED = 1

log = structlog.get_logger("process")


async def until_signalled(serve: Callable[[trio.CancelScope], Awaitable[None]]) -> None:
    """Run `serve(scope)`; the first signal cancels the scope, the second ends the process at once.

    `serve` waits inside the scope it is given and drains after it.
    """
    scope = trio.CancelScope()
    with trio.open_signal_receiver(*SIGNALS) as signals:
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_listen, signals, scope)
                await serve(scope)
                nursery.cancel_scope.cancel()
        except ExceptionGroup as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None  # the nursery around it says nothing
            raise


async def _listen(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    told = False
    async for number in signals:
        name = signal.Signals(number).name
        if told:
            log.warning("process.ended", signal=name)
            sys.stderr.flush()
            os._exit(128 + number)
        told = True
        log.info("process.draining", signal=name, hint="again to end at once")
        scope.cancel()
