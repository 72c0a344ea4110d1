"""A blocking actor's turn: everything that is queued goes to its thread as one batch.

An actor that is flooded pays one crossing of threads for hundreds of messages, and what it
answered reaches trio in one wake-up.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pykka.messages import _ActorStop

from runtime import lifecycle
from runtime.errors import Unavailable
from runtime.thread import EXPIRED, LATER, handle

if TYPE_CHECKING:
    from runtime.cell import Cell

BATCH_MESSAGES_MAX = 256


async def turn(cell: Cell) -> None:
    """Handle what is queued, as one batch in the actor's thread."""
    special = _fill_batch(cell)
    batch = cell.batch
    assert cell.thread is not None
    assert batch is not None
    if batch:
        results, error = await cell.thread.call(handle, cell.thread.worker, tuple(batch))
        for result in results:
            envelope = batch.popleft()
            if result is EXPIRED:
                cell.expire(envelope)
                continue
            cell.handled += 1
            if envelope[1] is not None and result is not LATER:
                envelope[1].resolve(result)
        if error is not None:
            failed = batch.popleft()
            while batch:
                cell.put_back(batch.pop())
            cell.batch = None
            if isinstance(error, Unavailable):
                await lifecycle.suspend(cell, failed, error)
            else:
                await lifecycle.crash(cell, failed, error)
            return
    cell.batch = None
    if special and not cell.signals:
        await lifecycle.stop_in_turn(cell, cell.take())


def _fill_batch(cell: Cell) -> bool:
    """Move messages into the batch; True when a stop stands behind them.

    Timers and slow work are tools of trio's actors: neither ever stands here.
    """
    inbox = cell.inbox
    batch = cell.batch = deque()
    now = cell.system.world.monotonic()
    while inbox and len(batch) < BATCH_MESSAGES_MAX:
        if type(inbox[0][0]) is _ActorStop:
            return True
        envelope = cell.take()
        deadline = envelope[3]
        if deadline is not None and now >= deadline:
            cell.expire(envelope)
        else:
            batch.append(envelope)
    return False
