"""A load generator that costs little itself: prepared requests over plain sockets and epoll.

Two kinds of load: `burst` sends the next request of a connection as soon as the last one is
answered (closed loop); `steady` sends at a rate, whoever is late (open loop), so that a server
that stalls cannot hide it by slowing its clients down.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

READ_BYTES = 65_536
ANSWER_SECONDS_MAX = 30.0
"""Whoever answers later does not answer."""


@dataclass
class Outcome:
    """What came back. `seconds` is the whole load's, `latencies` each request's, sorted."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)

    @property
    def accepted(self) -> int:
        """Requests that were answered 200."""
        return self.statuses.get(200, 0)

    def latency(self, part: float) -> float:
        """In seconds, of this part of the requests (0.99: only one of a hundred took longer)."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * part))]


class _Client:
    """One connection; answers are told apart by their Content-Length."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.since = 0.0
        self._received = bytearray()

    def send(self, request: bytes, since: float) -> None:
        self.since = since
        self.socket.sendall(request)

    def status(self) -> int | None:
        """Of the answer, once it is complete; 0 when the server has closed."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            return 0
        self._received += data
        head, found, _ = self._received.partition(b"\r\n\r\n")
        if not found or len(self._received) < len(head) + 4 + _length(bytes(head)):
            return None
        self._received.clear()
        return int(head.split(b" ", 2)[1])


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without Content-Length")


def burst(port: int, requests: Sequence[bytes], *, connections: int) -> Outcome:
    """Everything as fast as so many connections get it through."""
    waiting, outcome, poll = deque(requests), Outcome(), select.epoll()
    clients = [_Client(port) for _ in range(connections)]
    by_number = {client.socket.fileno(): client for client in clients}
    begun = time.perf_counter()
    for client in clients:
        poll.register(client.socket.fileno(), select.EPOLLIN)
        client.send(waiting.popleft(), time.perf_counter())
    while len(outcome.latencies) < len(requests):
        ready = poll.poll(ANSWER_SECONDS_MAX)
        if not ready:
            raise TimeoutError(f"{len(outcome.latencies)} of {len(requests)} were answered")
        for number, _ in ready:
            client = by_number[number]
            if _answered(client, outcome) and waiting:
                client.send(waiting.popleft(), time.perf_counter())
    outcome.seconds = time.perf_counter() - begun
    return _end(outcome, clients, poll)


def steady(port: int, requests: Sequence[bytes], *, per_second: float) -> Outcome:
    """One request each 1/`per_second`, over as many connections as that takes."""
    outcome, poll = Outcome(), select.epoll()
    clients: dict[int, _Client] = {}
    idle: list[_Client] = []
    begun, sent = time.perf_counter(), 0
    while len(outcome.latencies) < len(requests):
        now = time.perf_counter() - begun
        while sent < len(requests) and sent / per_second <= now:
            if not idle:
                client = _Client(port)
                clients[client.socket.fileno()] = client
                poll.register(client.socket.fileno(), select.EPOLLIN)
                idle.append(client)
            idle.pop().send(requests[sent], begun + sent / per_second)
            sent += 1
        over = sent == len(requests)
        pause = ANSWER_SECONDS_MAX if over else max(0.0, sent / per_second - now)
        ready = poll.poll(pause)
        if over and not ready:
            raise TimeoutError(f"{len(outcome.latencies)} of {len(requests)} were answered")
        for number, _ in ready:
            client = clients[number]
            if client in idle:  # nobody asked: a server may close what is idle for a while
                idle.remove(client)
                poll.unregister(number)
                clients.pop(number).socket.close()
            elif _answered(client, outcome):
                idle.append(client)
    outcome.seconds = time.perf_counter() - begun
    return _end(outcome, list(clients.values()), poll)


def _answered(client: _Client, outcome: Outcome) -> bool:
    status = client.status()
    if status is None:
        return False
    if status == 0:
        raise ConnectionError("the server closed a connection")
    outcome.latencies.append(time.perf_counter() - client.since)
    outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
    return True


def _end(outcome: Outcome, clients: Sequence[_Client], poll: select.epoll) -> Outcome:
    for client in clients:
        client.socket.close()
    poll.close()
    outcome.latencies.sort()
    return outcome
