"""The two kinds of connection as supervised actors: one writer that batches, readers beside it.

Whatever has queued up while the last batch was being committed is the next batch: one
transaction, one flush to disk. A lost connection is found again and the batch is done anew,
which is why every write must be safe to repeat (a unique key, `on conflict do nothing`); the
callers notice a server's restart only as a pause.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from actors.kernel.failures import Unavailable
from adapters.postgres.batch import (
    Lost,
    Operation,
    Rows,
    Statement,
    is_lost,
    is_outage,
    reason_of,
    run_batch,
)
from adapters.postgres.migrate import migrate, require_current
from adapters.postgres.session import LOCK_PATIENCE_SECONDS, Connection, Role, connect
from runtime import Asks, ReplyLater, ThreadingActor, message

__all__ = ["DatabaseActor", "Execute", "Rows", "Statement", "Statistics"]

BATCH_OPERATIONS_MAX = 256
DATABASE_PATIENCE_SECONDS = 30.0
STOPPING_PATIENCE_SECONDS = 3.0
"""The same once the actor was asked to stop: less than its supervisor's."""
LOSSES_TOGETHER_MAX = 3
"""Connections that a batch may cost before its operations are carried out one by one."""
LOSSES_ALONE_MAX = 5
RECONNECT_FIRST_SECONDS = 0.02
RECONNECT_LAST_SECONDS = 0.25


@message
class Execute(Asks[list[Rows]]):
    """Carry out all of these or none; answered with the rows of each when they are durable."""

    statements: Operation


@message
class _Flush:
    """Carry out what has been collected."""


def _own_name() -> str:
    return f"{os.getpid()}@{socket.gethostname()[:20]} {secrets.token_hex(4)}"


@dataclass(slots=True)
class Statistics:
    """What outlives an incarnation: counts, and which incarnation it is that still counts.

    Written by the connection's thread, read by any.
    """

    batches: int = 0
    operations: int = 0
    failed: int = 0
    reconnects: int = 0
    seconds: float = 0.0
    connected: bool = False
    away_since: float | None = None
    """Monotonic seconds; None while connected, and before the first attempt."""
    asked_since: float | None = None
    """Monotonic seconds; since when a batch is under way, None while there is none."""
    trouble: str = ""
    incarnation: int = 0
    owner: str = field(default_factory=_own_name)
    """By this the server tells our connections from another process's."""

    @property
    def batch_seconds(self) -> float:
        """How long a batch took on average."""
        return self.seconds / self.batches if self.batches else 0.0


class DatabaseActor(ThreadingActor):
    """One connection and the thread that waits for it.

    `patience_seconds` is how long a batch waits for a server that is away before its callers
    hear `Unavailable`.
    """

    def __init__(
        self,
        *,
        conninfo: str,
        role: Role,
        statistics: Statistics,
        patience_seconds: float = DATABASE_PATIENCE_SECONDS,
    ) -> None:
        super().__init__()
        self._conninfo = conninfo
        self._role: Role = role
        self._statistics = statistics
        self._patience_seconds = patience_seconds
        statistics.incarnation += 1
        self._incarnation = statistics.incarnation
        statistics.asked_since = None
        self._connection: Connection | None = None
        self._waiting: list[tuple[Operation, ReplyLater]] = []

    def on_start(self) -> None:
        try:
            self._start(self._connect())
        except (psycopg.Error, Unavailable, Lost) as error:
            connection = self._connection
            self._close()
            if isinstance(error, Unavailable):
                raise
            away = isinstance(error, psycopg.OperationalError) or is_outage(error)
            if away or (connection is not None and is_lost(connection, error)):
                self._is_away(reason_of(error))
                raise Unavailable(f"the database does not answer: {reason_of(error)}") from error
            raise

    def _start(self, connection: Connection) -> None:
        if self._role == "reader":
            require_current(connection)
            return
        for name in migrate(connection):
            self.log.info("database.migrated", migration=name)

    def on_receive(self, message: Execute | _Flush) -> None:
        if isinstance(message, _Flush):
            self._flush()
            return
        self._waiting.append((message.statements, self.reply_later()))
        if len(self._waiting) >= BATCH_OPERATIONS_MAX or self.actor_inbox.empty():
            self._flush()
        elif len(self._waiting) == 1 and not self.actor_stopped.is_set():
            # More is queued and can share the commit; should it expire unheard, this remains.
            # (After the last message `on_stop` comes anyway.)
            self.actor_ref.tell(_Flush())

    def on_stop(self) -> None:
        self._flush()
        self._close()

    def on_failure(self, *_exc_info: object) -> None:
        self._close()

    # Batches

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        started = time.monotonic()
        self._note_asked(started)
        try:
            results = self._persist([operation for operation, _ in waiting], started)
        except BaseException as error:
            # Whoever waited is not to blame for what happened to this actor.
            for _, reply in waiting:
                reply.set_exception(Unavailable(f"the writer failed: {reason_of(error)}"))
            raise
        finally:
            self._note_asked(None)
        for (_, reply), result in zip(waiting, results, strict=True):
            if isinstance(result, Exception):
                self._statistics.failed += 1
                reply.set_exception(result)
            else:
                reply.set(result)
        self._statistics.batches += 1
        self._statistics.operations += len(waiting)
        self._statistics.seconds += time.monotonic() - started

    def _note_asked(self, since: float | None) -> None:
        if not self._superseded:
            self._statistics.asked_since = since

    def _persist(
        self, operations: Sequence[Operation], since: float
    ) -> Sequence[list[Rows] | Exception]:
        """Carry out a batch that was begun at `since`, over as many connections as it takes."""
        delay = RECONNECT_FIRST_SECONDS
        losses = 0
        while True:
            try:
                return run_batch(self._connection or self._reconnect(since), operations)
            except Lost as error:
                reason = reason_of(error)
                losses += 1
            except psycopg.OperationalError as error:
                reason = reason_of(error)
            self._close()
            self._is_away(reason)
            if losses == LOSSES_TOGETHER_MAX and len(operations) > 1:
                # One of them may be the death of every session that touches it.
                return [self._persist_alone(operation, since) for operation in operations]
            if losses == LOSSES_ALONE_MAX or time.monotonic() + delay > self._deadline(since):
                return [Unavailable(f"the database does not answer: {reason}") for _ in operations]
            time.sleep(delay)
            delay = min(delay * 2, RECONNECT_LAST_SECONDS)

    def _persist_alone(self, operation: Operation, since: float) -> list[Rows] | Exception:
        if time.monotonic() > self._deadline(since):
            return Unavailable(f"the database does not answer: {self._statistics.trouble}")
        return self._persist([operation], since)[0]

    def _deadline(self, since: float) -> float:
        if self._superseded:
            return since
        if self.actor_stopped.is_set():
            return since + min(STOPPING_PATIENCE_SECONDS, self._patience_seconds)
        return since + self._patience_seconds

    # The connection

    @property
    def _superseded(self) -> bool:
        """Killed in the middle of a batch, and another incarnation has taken over."""
        return self._incarnation != self._statistics.incarnation

    def _connect(self) -> Connection:
        self._give_way()
        connection = connect(
            self._conninfo,
            self._role,
            owner=self._statistics.owner,
            lock_patience_seconds=min(LOCK_PATIENCE_SECONDS, self._patience_seconds),
        )
        self._connection = connection
        # A writer has the lock by now: who succeeds it from here on takes the lock from it first.
        self._give_way()
        seen = self._statistics
        seen.connected, seen.away_since, seen.trouble = True, None, ""
        return connection

    def _give_way(self) -> None:
        """Raise `Lost` in the thread of a killed incarnation: it would write after its time."""
        if self._superseded:
            raise Lost("another incarnation has taken over")

    def _is_away(self, reason: str) -> None:
        seen = self._statistics
        if self._superseded:
            return
        if seen.away_since is None:
            seen.away_since = time.monotonic()
            self.log.warning("database.away", reason=reason, role=self._role)
        seen.trouble = reason

    def _reconnect(self, since: float) -> Connection:
        connection = self._connect()
        self._statistics.reconnects += 1
        seconds = round(time.monotonic() - since, 3)
        self.log.info("database.back", role=self._role, seconds=seconds)
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if not self._superseded:
            self._statistics.connected = False
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
