"""HttpServer: the one port of the process, under supervision like everything else.

Receives  http.FindUrl
Tells     http.Listening and operations.Reported, both on the event stream
Owns      the listening sockets and the connections, each a task of this incarnation
Restarts  safely: connections are cut, the port is opened again; a client asks again

A port that cannot be opened is a failure of the start (`CannotListen`), not an outage to wait
for: somebody has to change `HTTP_BIND` or stop the other program.
"""

from __future__ import annotations

import errno
from collections import Counter
from contextlib import closing
from heapq import nlargest
from typing import assert_never

import trio
from starlette.types import ASGIApp

from actors.operations import messages as operations
from adapters.http import messages as http
from adapters.http.connection import Connection, Deadlines
from adapters.http.listening import Bind, Door, listen, port_of
from adapters.http.turns import RequestTurns
from runtime import Actor, Timers, message

CONNECTIONS_MAX = 512
"""Half of the 1,024 files that a process may usually open. Beyond it, of those that keep us
waiting the oldest ones of the address that takes most make room: neither a crowd that sends
nothing nor one that sends slowly can keep the others out."""
ROOM_PARTS = 32
"""This part of all connections makes room when there is none."""

DRAIN_SECONDS = 3.0
"""For the requests that are being served when the actor stops; less than its spec gives it."""

REPORT_SECONDS = 10.0
"""Within this time it is told that something has happened, and without that, that nothing has
within `operations.HEARTBEAT_SECONDS`."""
ACCEPT_PAUSE_SECONDS = 0.1

_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS}


@message
class _Crashed:
    """A request's handler raised; its client has been answered 500."""

    error: Exception


@message
class _Over:
    """A connection has ended, whoever ended it."""


@message
class _Deaf:
    """A listener has closed without our doing."""


@message
class _Report:
    """Time to say how we are."""


_Message = http.FindUrl | _Crashed | _Over | _Deaf | _Report


class HttpServer(Actor[_Message]):
    """Serves `app` on `bind`; see the head of this file."""

    def __init__(
        self,
        *,
        app: ASGIApp,
        bind: Bind,
        deadlines: Deadlines | None = None,
        connections_max: int = CONNECTIONS_MAX,
    ) -> None:
        super().__init__()
        self._app, self._bind, self._connections_max = app, bind, connections_max
        self._deadlines = deadlines or Deadlines()
        self._doors: list[Door] = []
        self._connections: dict[Connection, None] = {}  # in the order in which they came
        self._turns, self._timers = RequestTurns(), Timers()
        self._empty = trio.Event()
        self._url = ""
        self._newsworthy = False
        self._requests = self._served = self._crashed = self._evicted = self._refused = 0

    async def on_start(self) -> None:
        listeners = await listen(self._bind)
        self._url = self._bind.url(port_of(listeners[0]))
        self._doors = [Door(listener) for listener in listeners]
        for door in self._doors:
            self.pipe(self._accept, door, then=lambda _: _Deaf())
        self.pipe(self._turns.serve, then=lambda _: _Deaf())
        self.pipe(self._timers.serve, then=lambda _: _Deaf())
        self.log.info("http.listening", url=self._url)
        self.publish(http.Listening(url=self._url))
        self._report()

    async def on_receive(self, message: _Message) -> str | None:
        match message:
            case http.FindUrl():
                return self._url
            case _Crashed():
                self._note_crash(message.error)
            case _Over():
                self._served += 1
                self._news()
            case _Deaf():
                raise RuntimeError(f"the listener on {self._bind} has closed")
            case _Report():
                self._report()
            case _:
                assert_never(message)
        return None

    async def on_stop(self) -> None:
        for door in self._doors:
            door.close()
        for connection in list(self._connections):
            connection.drain()
        if self._connections:
            self._empty = trio.Event()
            with trio.move_on_after(DRAIN_SECONDS):
                await self._empty.wait()

    def _note_crash(self, error: Exception) -> None:
        self._served += 1
        self._crashed += 1
        self._news()
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]  # the nurseries around it say nothing
        self.log.error("http.request_failed", exc_info=error)

    def _news(self) -> None:
        if not self._newsworthy:
            self._newsworthy = True
            self.after(REPORT_SECONDS, _Report(), key=_Report)

    def _report(self) -> None:
        self._newsworthy = False
        self.after(operations.HEARTBEAT_SECONDS, _Report(), key=_Report)
        figures = {
            "connections": len(self._connections),
            "connections_served_total": self._served,
            "connections_evicted_total": self._evicted,
            "connections_refused_total": self._refused,
            "requests_total": self._requests,
            "requests_crashed_total": self._crashed,
        }
        self.publish(
            operations.Reported(
                component="http",
                status="pass",
                measurements=tuple(
                    operations.Measurement(name=name, value=value)
                    for name, value in figures.items()
                ),
            )
        )

    # Beside the mailbox: one task for each listener, and one for each connection

    async def _accept(self, door: Door) -> None:
        with closing(door):
            while True:
                try:
                    streams = await door.accept()
                except trio.ClosedResourceError:
                    return  # we are stopping
                except OSError as error:
                    if error.errno not in _NO_ROOM:
                        raise
                    self.log.warning("http.accept_failed", error=str(error))
                    await trio.sleep(ACCEPT_PAUSE_SECONDS)
                else:
                    for stream in streams:
                        self._admit(stream)

    def _admit(self, stream: trio.SocketStream) -> None:
        self._news()
        if len(self._connections) >= self._connections_max and not self._make_room():
            self._refused += 1
            stream.socket.close()
            return
        connection = Connection(
            stream,
            app=self._app,
            deadlines=self._deadlines,
            timers=self._timers,
            note_request=self._count,
            begin=self._turns.begin,
        )
        self._connections[connection] = None
        self.pipe(
            self._serve,
            connection,
            then=lambda _: _Over(),
            failed=lambda error: _Crashed(error=error),
        )

    def _count(self) -> None:
        self._requests += 1
        self._news()

    def _make_room(self) -> bool:
        crowd = Counter(connection.host for connection in self._connections)
        owing = {
            connection: since
            for connection in self._connections
            if (since := connection.owed_since) is not None
        }
        if not owing:
            return False
        # Several at once: whoever is turned out may be back at once, and looking takes a while.
        count = max(1, self._connections_max // ROOM_PARTS)
        for connection in nlargest(count, owing, key=lambda c: (crowd[c.host], -owing[c])):
            connection.cut()
            self._connections.pop(connection, None)
            self._evicted += 1
        return True

    async def _serve(self, connection: Connection) -> None:
        try:
            await connection.serve()
        finally:
            self._connections.pop(connection, None)
            if not self._connections:
                self._empty.set()
