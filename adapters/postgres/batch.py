"""Many operations in one transaction; a guilty one is found and fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, LiteralString

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from actors.kernel.failures import Conflict, Unavailable
from adapters.postgres.session import Connection

Rows = list[dict[str, Any]]

_RACES = (errors.UniqueViolation, errors.ExclusionViolation)
"""Somebody else has it: doing it again comes to the same."""

_NOT_NOW = (
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.ReadOnlySqlTransaction,
    # One writer meets these only where a person works on the tables: doing it again helps.
    errors.SerializationFailure,
    errors.DeadlockDetected,
)
_NOT_NOW_CLASSES = ("53", "58")
"""SQLSTATEs that begin so: no room, no memory, no files; trouble outside PostgreSQL."""

_GOODBYES = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
    errors.IdleSessionTimeout,
)
"""The last words of a server that closes the connection; libpq may not have seen the end yet."""

FAULTS = (psycopg.Error, ValueError, TypeError, ArithmeticError)
"""How a statement fails; values that cannot be encoded (a lone surrogate) fail in Python."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement with named parameters (`%(name)s`); a plain `%` is written `%%`."""

    sql: LiteralString
    params: Mapping[str, object] = field(default_factory=dict)


Operation = tuple[Statement, ...]
"""Carried out whole or not at all."""


class Lost(Exception):  # noqa: N818 - a verdict
    """The connection is gone; what was under way must be done again."""


def run_batch(
    connection: Connection, operations: Sequence[Operation]
) -> Sequence[list[Rows] | Exception]:
    """Carry out operations in one transaction; the result of each, or why it failed.

    Raises `Lost` when the connection broke: nobody can know whether the commit arrived.
    """
    if len(operations) > 1:
        for attempt in (_together, _one_by_one):
            try:
                return attempt(connection, operations)
            except FAULTS as error:
                _raise_if_lost(connection, error)
    # What fails as late as in the commit (a deferred constraint) has its own commit to fail in.
    return [_alone(connection, operation) for operation in operations]


def _together(connection: Connection, operations: Sequence[Operation]) -> list[Any]:
    """All of them in one flight: one flush on each side, one wait for the disk."""
    with connection.pipeline(), connection.transaction():
        sent = [_send(connection, list(run)) for _, run in groupby(operations, key=_run_key)]
    return [rows for collect in sent for rows in collect()]


def _run_key(operation: Operation) -> str | None:
    return operation[0].sql if len(operation) == 1 else None


def _send(connection: Connection, run: Sequence[Operation]) -> Callable[[], Iterable[list[Rows]]]:
    """Send neighbours of one kind; what is answered collects the rows of each."""
    if len(run) > 1 and len(run[0]) == 1:
        cursor = connection.cursor()
        # Prepared once, and only the parameters travel.
        cursor.executemany(run[0][0].sql, [op[0].params for op in run], returning=True)
        return lambda: _collected(cursor)
    cursors = [[connection.execute(s.sql, s.params) for s in operation] for operation in run]
    return lambda: [[_rows(cursor) for cursor in each] for each in cursors]


def _collected(cursor: psycopg.Cursor[dict[str, Any]]) -> Iterator[list[Rows]]:
    for result in cursor.results():
        yield [_rows(result)]


def _one_by_one(connection: Connection, operations: Sequence[Operation]) -> list[Any]:
    """The same, each behind a savepoint of its own: exact blame for one more transaction."""
    results: list[list[Rows] | Exception] = []
    with connection.transaction():
        for operation in operations:
            try:
                with connection.transaction():
                    results.append([_execute(connection, statement) for statement in operation])
            except FAULTS as error:
                if is_lost(connection, error):
                    raise
                results.append(translate(error))
    return results


def _alone(connection: Connection, operation: Operation) -> list[Rows] | Exception:
    """A transaction of its own; a single statement needs one round trip for it."""
    try:
        if len(operation) == 1:
            return [_execute(connection, operation[0])]
        rows: list[Rows] = _together(connection, [operation])[0]
        return rows
    except FAULTS as error:
        _raise_if_lost(connection, error)
        return translate(error)


def _execute(connection: Connection, statement: Statement) -> Rows:
    return _rows(connection.execute(statement.sql, statement.params))


def _rows(cursor: psycopg.Cursor[dict[str, Any]]) -> Rows:
    return cursor.fetchall() if cursor.description else []


def _raise_if_lost(connection: Connection, error: Exception) -> None:
    """Raise `Lost` when the connection is gone, or not where a failure should leave it."""
    idle = connection.info.transaction_status is TransactionStatus.IDLE
    if is_lost(connection, error) or not idle:
        raise Lost(reason_of(error)) from error


def is_lost(connection: Connection, error: BaseException) -> bool:
    """Whether the connection is gone, rather than the statement at fault."""
    return connection.closed or isinstance(error, _GOODBYES)


def is_outage(error: BaseException) -> bool:
    """Whether the server is in no condition to do what it was asked, whoever asks."""
    if isinstance(error, _NOT_NOW):
        return True
    return isinstance(error, psycopg.Error) and (error.sqlstate or "")[:2] in _NOT_NOW_CLASSES


def translate(error: Exception) -> Exception:
    """What a caller is told: lost races and outages in the ports' words, bugs as they are."""
    if isinstance(error, _RACES):
        return Conflict(reason_of(error))
    if is_outage(error):
        return Unavailable(f"the database cannot do it now: {reason_of(error)}")
    return error


def reason_of(error: BaseException) -> str:
    """The line of an error's text that says why, without the values that PostgreSQL quotes."""
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        return error.diag.message_primary
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and lines[0].startswith("Multiple connection attempts failed"):
        return lines[1]
    return lines[0] if lines else type(error).__name__
