"""Which request is served next: clients that always have another one ready take turns.

Whoever pipelines requests, or answers each of ours with his next at once on hundreds of
connections, has as many tasks that are ready whenever trio looks, and everybody else waits for all
of them, at each step. So only `BEGIN_MAX` requests begin at a time; the others stand in line, one
line for each address, and the lines take turns. What has begun is never held up.
"""

from __future__ import annotations

import trio

from actors.ingress.pacing import Turns

BEGIN_MAX = 16
"""Requests that begin before all other tasks of the process have had a step: a few milliseconds."""


class RequestTurns:
    """The lines of one server; `serve` has to run for as long as anybody waits in them."""

    def __init__(self) -> None:
        self._begun = 0
        """Since the lines were served last."""
        self._lines: Turns[trio.Event] = Turns()
        self._waiting = trio.Event()

    async def begin(self, host: str) -> None:
        """Wait until a request from this address may begin; nearly always that is now."""
        if self._begun < BEGIN_MAX and not self._lines:
            self._begun += 1
            return
        turn = trio.Event()
        self._lines.put(host, turn, size=1)
        self._waiting.set()
        await turn.wait()

    async def serve(self) -> None:
        """Call up whoever waits, so many in each round of trio's scheduler; never ends."""
        while True:
            await self._waiting.wait()
            self._waiting = trio.Event()
            while self._lines:
                await trio.lowlevel.checkpoint()
                called = self._lines.take(items_max=BEGIN_MAX, size_max=BEGIN_MAX)
                for turn in called:
                    turn.set()
                self._begun = len(called)
            await trio.lowlevel.checkpoint()
            self._begun = 0
