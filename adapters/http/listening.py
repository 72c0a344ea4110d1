"""Where the server listens: the address as people write it, and the sockets behind it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
from dataclasses import dataclass

import trio

BACKLOG = 512
"""Connections that the kernel keeps for us until we accept them."""
ACCEPT_MAX = 64
"""So many are accepted in one step: a few milliseconds, in which nobody else is served."""


class CannotListen(Exception):  # noqa: N818 - a sentence for the operator
    """The port cannot be opened; the text says which, why, and what to set."""


@dataclass(frozen=True, slots=True)
class Bind:
    """A host and a port to listen on; port 0 lets the kernel choose one. `str()` is `host:port`."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False  # a name may lead anywhere

    def url(self, port: int) -> str:
        """The URL that reaches `port` here from this machine; a wildcard is reached on loopback."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{Bind(host, port)}"


async def listen(bind: Bind) -> list[trio.SocketListener]:
    """Open `bind` on every address that its host has. Raises `CannotListen`.

    A host may have several addresses (`localhost` is 127.0.0.1 and ::1); with port 0 the
    kernel would give each a port of its own, so that then only the first one is kept.
    """
    try:
        listeners = await trio.open_tcp_listeners(bind.port, host=bind.host, backlog=BACKLOG)
    except socket.gaierror as error:
        raise CannotListen(
            f"cannot listen on {bind}: the host is unknown ({error.strerror}); "
            "set HTTP_BIND to an address of this machine"
        ) from error
    except OSError as error:
        raise CannotListen(
            f"cannot listen on {bind}: {_reason(error)}; set HTTP_BIND to another host:port"
        ) from error
    if bind.port == 0:
        for spare in listeners[1:]:
            await spare.aclose()
        del listeners[1:]
    return listeners


async def ensure_free(bind: Bind) -> None:
    """Raise `CannotListen` if `bind` cannot be opened now.

    For a start-up that would rather say so at once than let a supervisor try again.
    """
    for listener in await listen(bind):
        await listener.aclose()


def _reason(error: OSError) -> str:
    # trio says "unable to bind any of ..." around the kernel's own words; those are the reason.
    cause = error if error.errno is not None else error.__cause__
    if isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    if isinstance(cause, OSError) and cause.errno is not None:
        return os.strerror(cause.errno).lower()
    return str(error).lower()


class Door:
    """Where clients come in: all that stand there are let in at once.

    One at a time, each would wait for a step of everybody who came before him and has something to
    do: behind a crowd of four hundred that took seconds. The listener is the door's from here on.
    """

    def __init__(self, listener: trio.SocketListener) -> None:
        self._listener = listener
        self._kernels: socket.socket | None = None
        """The same socket without trio; None where the network is a virtual one."""
        with contextlib.suppress(OSError):
            self._kernels = socket.socket(fileno=os.dup(listener.socket.fileno()))
            self._kernels.settimeout(0)

    async def accept(self) -> list[trio.SocketStream]:
        """Wait for somebody; then those who have come by now, at most `ACCEPT_MAX`.

        Raises `OSError` as the kernel has it, and `trio.ClosedResourceError` once it is closed.
        """
        streams = [await self._listener.accept()]
        with contextlib.suppress(OSError):  # nobody more, or whatever it is comes up again
            while self._kernels is not None and len(streams) < ACCEPT_MAX:
                client, _ = self._kernels.accept()
                streams.append(trio.SocketStream(trio.socket.from_stdlib_socket(client)))
        return streams

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.socket.close()
        if self._kernels is not None:
            self._kernels.close()


def port_of(listener: trio.SocketListener) -> int:
    """The port that a listener has really got."""
    return int(listener.socket.getsockname()[1])
