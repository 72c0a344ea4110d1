"""A database in memory: a disk that outlives the process, and what can go wrong on the way to it.

```
database = MemoryDatabase()                   # the disk
connection = database.connect(line)           # one life of the process
MemorySessions(connection), MemoryInbox(connection), ...
MemoryWriter(connection=connection)           # carries the writes out; not needed without a line
```

To the stores it is what `adapters/postgres/database.py` is: writes are atomic, happen in the
order in which they were asked for, share their commits, and are done again when the connection
broke, because nobody can know then whether the commit arrived; a write whose caller was
cancelled may still happen; a read sees every write that was answered before it was asked, and
a question that goes by `write` every one that was asked for before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import trio

from actors.kernel.failures import Conflict, Unavailable
from actors.operations.messages import Measurement, Reported, Status
from adapters.memory.tables import Tables
from runtime import Actor, message

T = TypeVar("T")

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
PATIENCE_SECONDS = 30.0
"""How long a write or a read waits for a database that is away, before it is `Unavailable`."""
ANSWER_SECONDS = PATIENCE_SECONDS + 10.0
"""The same for a writer that is being restarted."""
RECONNECT_FIRST_SECONDS = 0.02
RECONNECT_LAST_SECONDS = 0.25

REFUSALS = (Conflict, ValueError)
"""What a single write may be refused with; its neighbours do not notice."""


class ConnectionLost(Exception):  # noqa: N818 - a verdict
    """The connection broke, or cannot be made. What was under way is done again."""


class Line:
    """The way to the database and back; override what is to go wrong on it.

    `ConnectionLost` out of `sent` means that nothing happened, out of `acknowledged` that it
    happened and nobody knows: both are tried again. `Unavailable` reaches the caller as it is:
    the server cannot do it now (its disk is full, a transaction could not be serialised).
    """

    def check(self) -> None:
        """Raise whatever ends a client that is dead: it neither reads nor writes any more."""

    async def sent(self) -> None:
        """A request is on its way; what it asks for is done when this returns."""
        await trio.lowlevel.checkpoint()

    async def acknowledged(self) -> None:
        """The answer is on its way; it is known when this returns."""
        await trio.lowlevel.checkpoint()


@dataclass(slots=True, eq=False)
class _Write(Generic[T]):
    """One write that was asked for."""

    operation: Callable[[Tables], T]
    expires_at: float
    done: trio.Event = field(default_factory=trio.Event)
    result: T | Exception | None = None

    def carry_out(self, tables: Tables) -> None:
        try:
            self.result = self.operation(tables)
        except REFUSALS as refusal:
            self.result = refusal

    def answer(self, result: Exception | None = None) -> None:
        self.result = result or self.result
        self.done.set()


class MemoryDatabase:
    """What is committed. `now` is the server's own clock; without one, time began in 2026."""

    def __init__(self, *, now: Callable[[], datetime] | None = None) -> None:
        self.tables = Tables(now=now or _virtual_now)

    def connect(self, line: Line | None = None) -> MemoryConnection:
        """What one life of a process has of it. Without a `line` nothing ever waits or fails."""
        return MemoryConnection(self.tables, line)


class MemoryConnection:
    """Operations in, results out: plain functions of the tables, each atomic.

    An operation either raises `Conflict` or `ValueError` before it changes anything, or changes
    everything. It may be carried out twice.
    """

    def __init__(self, tables: Tables, line: Line | None) -> None:
        self.tables = tables
        """For tests to look at."""
        self._line, self._at_once = line or Line(), line is None
        self._asked: list[_Write[Any]] = []
        self._work = trio.Event()
        self._away_since: float | None = None
        self._trouble = ""
        self._writes = 0

    async def write(self, operation: Callable[[Tables], T]) -> T:
        """Carry it out; answered when it is durable. Cancelled, it may still happen.

        Raises `Unavailable` when the database stays away, or cannot do it now.
        """
        if self._at_once:
            return operation(self.tables)
        self._line.check()
        write = _Write(operation, trio.current_time() + ANSWER_SECONDS)
        self._asked.append(write)
        self._work.set()
        with trio.move_on_at(write.expires_at):
            await write.done.wait()
        self._line.check()
        if not write.done.is_set():
            raise Unavailable("the database does not answer: nobody writes")
        if isinstance(write.result, Exception):
            raise write.result
        return write.result  # type: ignore[return-value]  # None only where T is

    async def read(self, query: Callable[[Tables], T]) -> T:
        """What is committed. Raises `Unavailable` when the database stays away."""
        if self._at_once:
            return query(self.tables)
        return await self._exchange(lambda: query(self.tables))

    async def open(self) -> None:
        """Find the database. Raises `Unavailable` at once when it is away."""
        try:
            await self._try(lambda: None)
        except ConnectionLost as lost:
            self._is_away(lost)
            raise Unavailable(f"the database does not answer: {lost}") from lost

    async def serve(self) -> None:
        """Carry out what is asked, for ever: whatever has queued up is the next commit."""
        while True:
            await self._work.wait()
            self._work = trio.Event()
            asked, self._asked = self._asked, []
            now = trio.current_time()
            await self._commit([write for write in asked if now < write.expires_at])

    async def _commit(self, batch: Sequence[_Write[Any]]) -> None:
        error: Exception | None = Unavailable("the writer failed")
        try:
            await self._exchange(lambda: _carry_out(batch, self.tables))
            error = None
            self._writes += len(batch)
        except Unavailable as unavailable:
            error = unavailable
        finally:
            # Whoever waited is not to blame for what happened to the writer.
            for write in batch:
                write.answer(error)

    def report(self) -> Reported:
        """How the database fares, for the observer."""
        away = self._away_since
        status: Status = "pass"
        away_seconds, output = 0.0, ""
        if away is not None:
            away_seconds = trio.current_time() - away
            status = "warn" if away_seconds < PATIENCE_SECONDS else "fail"
            output = f"the database in memory does not answer: {self._trouble}"
        return Reported(
            component="database",
            status=status,
            output=output,
            measurements=(
                Measurement(name="operations_total", value=self._writes),
                Measurement(name="away_seconds", value=away_seconds),
                Measurement(name="in_flight", value=len(self._asked)),
            ),
        )

    async def _exchange(self, act: Callable[[], T]) -> T:
        """`act` at the other end of the line, over as many connections as it takes."""
        deadline, delay = trio.current_time() + PATIENCE_SECONDS, RECONNECT_FIRST_SECONDS
        while True:
            try:
                return await self._try(act)
            except ConnectionLost as lost:
                self._is_away(lost)
                if trio.current_time() + delay > deadline:
                    raise Unavailable(f"the database does not answer: {lost}") from lost
            await trio.sleep(delay)
            delay = min(delay * 2, RECONNECT_LAST_SECONDS)

    async def _try(self, act: Callable[[], T]) -> T:
        self._line.check()
        await self._line.sent()
        self._line.check()
        result = act()
        await self._line.acknowledged()
        self._line.check()
        self._away_since = None
        return result

    def _is_away(self, lost: ConnectionLost) -> None:
        if self._away_since is None:
            self._away_since = trio.current_time()
        self._trouble = str(lost)


@message
class _Ended:
    """Serving has ended, which it never does by itself."""


class MemoryWriter(Actor[_Ended]):
    """The one that carries writes out, where PostgreSQL's writer stands in the tree.

    Receives  nothing
    Tells     nobody
    Owns      the serving of one connection
    Restarts  safely: whoever waited for the commit under way hears `Unavailable`
    """

    def __init__(self, *, connection: MemoryConnection) -> None:
        super().__init__()
        self._connection = connection

    async def on_start(self) -> None:
        await self._connection.open()
        self.pipe(self._connection.serve, then=lambda _: _Ended())

    def on_receive(self, message: _Ended) -> None:
        """Nobody talks to it."""


def _carry_out(batch: Sequence[_Write[Any]], tables: Tables) -> None:
    for write in batch:
        write.carry_out(tables)


def _virtual_now() -> datetime:
    return EPOCH + timedelta(seconds=trio.current_time())
