"""The database as the stores see it: atomic writes through one writer, reads through two readers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, LiteralString

import trio

from actors.kernel.failures import Unavailable
from actors.operations.messages import Measurement, Reported
from adapters.postgres.writer import DATABASE_PATIENCE_SECONDS, Execute, Rows, Statement, Statistics
from runtime import ActorDeadError, ActorRef, Timeout

__all__ = ["Database", "Statement"]

IN_FLIGHT_MAX = 2_000
"""Operations under way at once; whoever comes next waits for a place."""
ANSWER_SECONDS = DATABASE_PATIENCE_SECONDS + 10.0


class Database:
    """Statements in, rows out. Both verbs raise `Unavailable` when the server stays away.

    `writer` and `readers` are looked up when they are needed: they are made with the tree.
    """

    def __init__(
        self, *, writer: Callable[[], ActorRef[Any]], readers: Sequence[Callable[[], ActorRef[Any]]]
    ) -> None:
        self._writer = writer
        self._readers = itertools.cycle(readers)
        self._places = trio.Semaphore(IN_FLIGHT_MAX)
        self.statistics = Statistics()

    async def write(self, *statements: Statement) -> list[Rows]:
        """Carry out all of `statements` or none; answer the rows of each once they are durable.

        Must be safe to repeat: after a lost connection it is done again. Raises `Conflict`
        when a unique key or another transaction was faster, and `psycopg.Error` for a bug.
        """
        return await self._ask(self._writer(), statements)

    async def read(self, sql: LiteralString, params: Mapping[str, object] | None = None) -> Rows:
        """The rows of a query, as of what is committed."""
        (rows,) = await self._ask(next(self._readers)(), (Statement(sql, params or {}),))
        return rows

    async def _ask(self, ref: ActorRef[Any], statements: tuple[Statement, ...]) -> list[Rows]:
        async with self._places:
            try:
                answer: list[Rows] = await ref.ask(
                    Execute(statements=statements), timeout=ANSWER_SECONDS
                )
            except (Timeout, ActorDeadError) as error:
                raise Unavailable(f"the database does not answer: {error}") from error
        return answer

    def report(self) -> Reported:
        """How the writer fares, for the observer."""
        seen = self.statistics
        mean = seen.seconds / seen.batches if seen.batches else 0.0
        return Reported(
            component="database",
            status="pass" if seen.connected else "fail",
            output="" if seen.connected else f"PostgreSQL is away: {seen.trouble}",
            measurements=(
                Measurement(name="batches_total", value=seen.batches),
                Measurement(name="operations_total", value=seen.operations),
                Measurement(name="failed_total", value=seen.failed),
                Measurement(name="reconnects_total", value=seen.reconnects),
                Measurement(name="batch_mean_seconds", value=mean),
            ),
        )
