"""The embedded server as a supervised actor, and the one who reports on the database.

The server is no condition for the connections beside it: they find it again by themselves, and
to stop them while it restarts would turn a pause into errors. Supervise them `one_for_one`.

Receives  private ticks
Tells     operations.Reported, on the event stream
Owns      the server's process
Restarts  safely: the next start recovers from PostgreSQL's own log
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from actors.operations.messages import HEARTBEAT_SECONDS, Reported
from adapters.postgres.embedded import EmbeddedServer
from runtime import Actor, message

LOOK_SECONDS = 0.2
REPORT_SECONDS = 10.0
"""Between two looks at the report; it is published when it says something new, and otherwise once
in `HEARTBEAT_SECONDS`."""


@message
class _Look:
    """See whether the server's process is still there."""


@message
class _Report:
    """Say how the database fares."""


class ServerEnded(Exception):  # noqa: N818 - a verdict
    """The server's process is gone, whoever ended it."""


class EmbeddedPostgres(Actor[_Look]):
    """Starts the server, fails when its process does, stops it in order."""

    def __init__(self, *, server: EmbeddedServer) -> None:
        super().__init__()
        self._server = server

    async def on_start(self) -> None:
        await self._server.start()
        self.every(LOOK_SECONDS, _Look())
        self.log.info("postgres.started", process=self._server.pid)

    def on_receive(self, message: _Look) -> None:  # noqa: ARG002 - there is only one
        status = self._server.exit_status()
        if status is not None:
            raise ServerEnded(f"the PostgreSQL server ended with status {status}")

    async def on_stop(self) -> None:
        await self._server.stop()


class DatabaseReporter(Actor[_Report]):
    """Publishes the database's report; the thread that owns the connection is busy with it."""

    def __init__(self, *, report: Callable[[], Reported]) -> None:
        super().__init__()
        self._report = report
        self._published: Reported | None = None
        self._published_at = -inf

    async def on_start(self) -> None:
        self.actor_ref.tell(_Report())
        self.every(REPORT_SECONDS, _Report())

    def on_receive(self, message: _Report) -> None:  # noqa: ARG002 - there is only one
        report, now = self._report(), self.monotonic()
        # Nearly a heartbeat is one: timers are never early, and may be late.
        due = now - self._published_at > HEARTBEAT_SECONDS - REPORT_SECONDS / 2
        if report != self._published or due:
            self._published, self._published_at = report, now
            self.publish(report)
