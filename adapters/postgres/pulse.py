"""One who asks the database something every few seconds, whether or not anybody else does.

A connection does not say that it has ended to a process that asks it nothing. After a crash of
PostgreSQL another process may hold the writer's lock; the one that had it before, and has nothing
to write, would go on beside it. Asked, it looks for its connection, finds its place taken, and
gives way. And a server that stands still is known as such before the next customer comes.

Receives  private beats
Tells     the writer
Owns      nothing
Restarts  safely
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from adapters.postgres.batch import Rows, Statement
from adapters.postgres.writer import Execute
from runtime import Actor, ActorRef, Future, message

BEAT_SECONDS = 2.0
QUESTION = Execute(statements=(Statement("select 1"),))
FOR_EVER = inf
"""The writer gives up by itself, and says so."""


@message
class _Beat:
    """Ask, unless the last question is still open."""


class Pulse(Actor[_Beat]):
    """`writer` is looked up at each beat: it is made with the tree."""

    def __init__(self, *, writer: Callable[[], ActorRef[Any]]) -> None:
        super().__init__()
        self._writer = writer
        self._asked: Future[list[Rows]] | None = None

    async def on_start(self) -> None:
        self.every(BEAT_SECONDS, _Beat())

    def on_receive(self, message: _Beat) -> None:  # noqa: ARG002 - there is only one
        if self._asked is None or self._asked.done:
            self._asked = self._writer().ask(QUESTION, timeout=FOR_EVER)
