"""The two kinds of connection as supervised actors: one writer that batches, readers beside it.

Whatever has queued up while the last batch was being committed is the next batch: one
transaction, one flush to disk. A lost connection is found again and the batch is done anew,
which is why every write must be safe to repeat (a unique key, `on conflict do nothing`); the
callers notice a server's restart only as a pause.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors

from adapters.postgres.migrate import migrate
from adapters.postgres.session import Connection, Role, connect, literal
from runtime import Asks, ReplyLater, ThreadingActor, Unavailable, message
from actors.kernel.failures import Conflict

WRITER_BATCH_MAX = 256
DATABASE_PATIENCE_SECONDS = 30.0
"""How long a batch waits for a server that is away before its callers hear `Unavailable`."""
RECONNECT_FIRST_SECONDS = 0.05
RECONNECT_LAST_SECONDS = 2.0

Rows = list[dict[str, Any]]

_RACES = (errors.UniqueViolation, errors.SerializationFailure, errors.DeadlockDetected)
_AWAY = (
    errors.DiskFull,
    errors.OutOfMemory,
    errors.TooManyConnections,
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.ReadOnlySqlTransaction,
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with named parameters (`%(name)s`)."""

    sql: str
    params: Mapping[str, object] = field(default_factory=dict)


@message
class Execute(Asks[list[Rows]]):
    """Carry out all of these or none; answered with the rows of each when they are durable."""

    statements: tuple[Statement, ...]


@dataclass(slots=True)
class Statistics:
    """Counts since the process started; written by one thread, read by any."""

    batches: int = 0
    operations: int = 0
    failed: int = 0
    reconnects: int = 0
    seconds: float = 0.0
    connected: bool = False
    trouble: str = ""


class Lost(Exception):  # noqa: N818 - a verdict
    """The connection is gone; what was under way must be done again."""


class DatabaseActor(ThreadingActor):
    """One connection and the thread that waits for it."""

    def __init__(self, *, conninfo: str, role: Role, statistics: Statistics) -> None:
        super().__init__()
        self._conninfo = conninfo
        self._role: Role = role
        self._statistics = statistics
        self._connection: Connection | None = None
        self._waiting: list[tuple[tuple[Statement, ...], ReplyLater]] = []

    def on_start(self) -> None:
        try:
            self._connection = connect(self._conninfo, self._role)
            if self._role == "writer":
                for name in migrate(self._connection):
                    self.log.info("database.migrated", migration=name)
        except psycopg.OperationalError as error:
            self._statistics.trouble = _reason(error)
            raise Unavailable(f"the database does not answer: {_reason(error)}") from error
        self._statistics.connected, self._statistics.trouble = True, ""

    def on_receive(self, message: Execute) -> None:
        self._waiting.append((message.statements, self.reply_later()))
        if len(self._waiting) < WRITER_BATCH_MAX and not self.actor_inbox.empty():
            return  # more is queued: it can share the commit
        self._flush()

    def on_stop(self) -> None:
        self._flush()
        self._close()

    def on_failure(self, *_exc_info: object) -> None:
        self._close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        started = time.monotonic()
        results = self._persist([statements for statements, _ in waiting])
        for (_, reply), result in zip(waiting, results, strict=True):
            if isinstance(result, Exception):
                self._statistics.failed += 1
                reply.set_exception(result)
            else:
                reply.set(result)
        self._statistics.batches += 1
        self._statistics.operations += len(waiting)
        self._statistics.seconds += time.monotonic() - started

    def _persist(
        self, operations: Sequence[tuple[Statement, ...]]
    ) -> Sequence[list[Rows] | Exception]:
        """Carry out a batch, over as many connections as it takes."""
        deadline = time.monotonic() + DATABASE_PATIENCE_SECONDS
        delay = RECONNECT_FIRST_SECONDS
        while True:
            try:
                return run_batch(self._connected(), operations)
            except (Lost, psycopg.OperationalError) as error:
                reason = _reason(error)
            self._close()
            self._statistics.trouble = reason
            if time.monotonic() + delay > deadline or self.actor_stopped.is_set():
                away = Unavailable(f"the database does not answer: {reason}")
                return [away] * len(operations)
            self.log.warning("database.away", reason=reason, role=self._role)
            time.sleep(delay)
            delay = min(delay * 2, RECONNECT_LAST_SECONDS)

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._conninfo, self._role)
            self._statistics.reconnects += 1
            self._statistics.connected, self._statistics.trouble = True, ""
            self.log.info("database.back", role=self._role)
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._statistics.connected = False
        if connection is not None:
            connection.close()


def run_batch(
    connection: Connection, operations: Sequence[tuple[Statement, ...]]
) -> Sequence[list[Rows] | Exception]:
    """Carry out operations in one transaction; a guilty one is found and fails alone.

    Raises `Lost` when the connection broke: nobody can know whether the commit arrived.
    """
    try:
        if len(operations) == 1 and len(operations[0]) == 1:
            return [[_execute(connection, operations[0][0])]]  # autocommit: one round trip
        try:
            return _together(connection, operations)
        except psycopg.Error as error:
            if _is_lost(connection, error):
                raise
            return _one_by_one(connection, operations)
    except psycopg.Error as error:
        if _is_lost(connection, error):
            raise Lost(_reason(error)) from error
        return [translate(error)] * len(operations)


def _together(
    connection: Connection, operations: Sequence[tuple[Statement, ...]]
) -> list[list[Rows] | Exception]:
    first = operations[0][0].sql
    if all(len(op) == 1 and op[0].sql == first for op in operations):
        return _repeated(connection, first, [op[0].params for op in operations])
    with connection.pipeline(), connection.transaction():
        cursors = [
            [connection.execute(literal(s.sql), s.params or None) for s in op] for op in operations
        ]
    return [[_rows(cursor) for cursor in op] for op in cursors]


def _repeated(
    connection: Connection, sql: str, params: Sequence[Mapping[str, object]]
) -> list[list[Rows] | Exception]:
    """A run of the same statement: prepared once, sent in one go."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(literal(sql), params, returning=True)
        results: list[list[Rows] | Exception] = [[_rows(each)] for each in cursor.results()]
    return results


def _one_by_one(
    connection: Connection, operations: Sequence[tuple[Statement, ...]]
) -> list[list[Rows] | Exception]:
    """The same, each behind a savepoint of its own: exact blame for one more transaction."""
    results: list[list[Rows] | Exception] = []
    with connection.transaction():
        for operation in operations:
            try:
                with connection.transaction():
                    results.append([_execute(connection, statement) for statement in operation])
            except psycopg.Error as error:
                if _is_lost(connection, error):
                    raise
                results.append(translate(error))
    return results


def _execute(connection: Connection, statement: Statement) -> Rows:
    return _rows(connection.execute(literal(statement.sql), statement.params or None))


def _rows(cursor: psycopg.Cursor[dict[str, Any]]) -> Rows:
    return cursor.fetchall() if cursor.description else []


def _is_lost(connection: Connection, error: psycopg.Error) -> bool:
    return connection.closed or connection.broken or isinstance(error, psycopg.InterfaceError)


def translate(error: psycopg.Error) -> Exception:
    """What a caller is told: lost races and outages in the ports' words, bugs as they are."""
    if isinstance(error, _RACES):
        return Conflict(_reason(error))
    if isinstance(error, _AWAY):
        return Unavailable(f"the database cannot do it now: {_reason(error)}")
    return error


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


Outcome = Callable[[], None]
