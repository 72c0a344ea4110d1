"""The database as the stores see it: atomic writes through one writer, reads through two readers.

What a store has to know:

- **A write may be carried out twice.** When the connection breaks during a commit, nobody can
  know whether it arrived, so it is done again. And a caller that heard `Unavailable` does not
  know either, and tells again. Write statements that lead to the same state both times
  (`on conflict do nothing`, `set x = 5`, never `set x = x + 1`), and do not ask the write
  itself what it changed: after a repetition `insert ... on conflict do nothing returning id`
  answers no row. Ask for the state instead, in a second statement of the same write.
- **Writes happen in the order in which they were asked for**, each after the one before: in the
  order in which `write` was called, also by tasks that do not know of each other.
- **A read sees every write that was answered before it was asked.** It may miss one whose caller
  was told `Unavailable`, or was killed: that one may still happen, after the read. Where somebody
  recovers from what may have been his own write, let the writer carry out the question too.
- **PostgreSQL's text has no NUL and no lone surrogates.** Both verbs refuse such parameters with
  `ValueError` before anything is sent. Text from outside is cleaned by the actor that takes it
  in, or kept as `bytea`, or as JSON text that escapes them (and not as `jsonb`).
"""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, LiteralString

import trio

from actors.kernel.failures import Unavailable
from actors.operations.messages import Measurement, Reported, Status
from adapters.postgres.batch import Rows, Statement
from adapters.postgres.writer import DATABASE_PATIENCE_SECONDS, Execute, Statistics
from runtime import ActorDeadError, ActorRef, Future, Timeout

__all__ = ["Database", "Rows", "Statement"]

IN_FLIGHT_MAX = 2_000
"""Writes under way at once, and reads likewise; whoever comes next waits for a place."""
ANSWER_SECONDS = DATABASE_PATIENCE_SECONDS + 10.0
"""The writer itself gives up first; this is for a writer that is being restarted."""
SLOW_SECONDS = 10.0
"""A write that takes longer is worth a warning: a statement may take 5 s (`session.LIMITS`)."""
PARAMETER_LENGTH_MAX = 64 * 1024 * 1024
"""Characters or bytes. PostgreSQL cuts the connection, everybody's, at 1 GiB."""


class Database:
    """Statements in, rows out.

    Both verbs raise `Unavailable` when the database stays away for longer than
    `DATABASE_PATIENCE_SECONDS`, or cannot do it now (its disk is full, a table is locked).
    `writer` and `readers` are looked up when they are needed: they are made with the tree.
    """

    def __init__(
        self, *, writer: Callable[[], ActorRef[Any]], readers: Sequence[Callable[[], ActorRef[Any]]]
    ) -> None:
        self._writer = writer
        self._readers = itertools.cycle(readers)
        self._writes = _Line()
        self._reads = _Line()
        self.statistics = Statistics()

    async def write(self, *statements: Statement) -> list[Rows]:
        """Carry out all of `statements` or none; the rows of each, once they are durable.

        Must be safe to repeat, see above. Raises `Conflict` when a unique key or another
        transaction was faster, and `psycopg.Error` for a statement that is wrong. Cancelled,
        it may still happen.
        """
        if not statements:
            return []
        for statement in statements:
            _check_parameters(statement.params)
        return await self._writes.ask(self._writer(), statements)

    async def read(self, sql: LiteralString, params: Mapping[str, object] | None = None) -> Rows:
        """The rows of one query, which may not change anything."""
        query = Statement(sql, params or {})
        _check_parameters(query.params)
        (rows,) = await self._reads.ask(next(self._readers)(), (query,))
        return rows

    def report(self) -> Reported:
        """How the writer fares, for the observer."""
        seen = self.statistics
        away_seconds = _seconds_since(seen.away_since)
        asked_seconds = _seconds_since(seen.asked_since)
        status: Status
        if seen.connected and asked_seconds < SLOW_SECONDS:
            status, output = "pass", ""
        elif seen.connected:
            # No statement may take so long: its server stands still, and does not say so.
            status = "warn" if asked_seconds < DATABASE_PATIENCE_SECONDS else "fail"
            output = f"PostgreSQL has not answered a write for {asked_seconds:.0f} s, look at it"
        elif away_seconds < DATABASE_PATIENCE_SECONDS:
            status, output = "warn", f"PostgreSQL does not answer, writes wait: {seen.trouble}"
        else:
            status, output = "fail", f"PostgreSQL is away, start or reach it: {seen.trouble}"
        return Reported(
            component="database",
            status=status,
            output=output,
            measurements=(
                Measurement(name="batches_total", value=seen.batches),
                Measurement(name="operations_total", value=seen.operations),
                Measurement(name="failed_total", value=seen.failed),
                Measurement(name="reconnects_total", value=seen.reconnects),
                Measurement(name="batch_seconds", value=seen.batch_seconds),
                Measurement(name="away_seconds", value=away_seconds),
                Measurement(name="unanswered_seconds", value=asked_seconds),
                Measurement(name="in_flight", value=self._writes.under_way),
            ),
        )


def _seconds_since(moment: float | None) -> float:
    return 0.0 if moment is None else time.monotonic() - moment


@dataclass(slots=True, eq=False)
class _Question:
    """What somebody asks, or will ask when it is his turn."""

    ref: ActorRef[Any]
    message: Execute
    context: Context = field(default_factory=copy_context)
    """The asker's: his deadline and correlation travel with the question."""
    sent: trio.Event = field(default_factory=trio.Event)
    answer: Future[list[Rows]] | None = None

    def send(self) -> None:
        self.answer = self.context.run(self.ref.ask, self.message, timeout=ANSWER_SECONDS)
        self.sent.set()


class _Line:
    """So many questions are under way at once; the others wait, and nobody overtakes.

    trio resumes tasks in any order, so that between the call and its question no task may give
    way. Hence no semaphore: whoever leaves sends the next question, for him who waits for it.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._waiting: deque[_Question] = deque()

    async def ask(self, ref: ActorRef[Any], statements: tuple[Statement, ...]) -> list[Rows]:
        await trio.lowlevel.checkpoint_if_cancelled()  # gives way to nobody otherwise
        question = _Question(ref, Execute(statements=statements))
        self._waiting.append(question)
        self._send()
        try:
            while question.answer is None:
                await question.sent.wait()
            return await question.answer
        except (Timeout, ActorDeadError) as error:
            raise Unavailable(f"the database does not answer: {error}") from error
        finally:
            self._leave(question)

    def _send(self) -> None:
        while self._waiting and self.under_way < IN_FLIGHT_MAX:
            self.under_way += 1
            self._waiting.popleft().send()

    def _leave(self, question: _Question) -> None:
        if question.answer is None:
            self._waiting.remove(question)
        else:
            self.under_way -= 1
            self._send()


def _check_parameters(params: Mapping[str, object]) -> None:
    """Refuse here what would cost other people's operations a second attempt."""
    for name, value in params.items():
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, str | bytes) and len(part) > PARAMETER_LENGTH_MAX:
                raise ValueError(f"the parameter {name} is too large: {len(part)}")
            if isinstance(part, str) and not _is_storable(part):
                raise ValueError(f"the parameter {name} holds NUL or half a character")


def _is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True
