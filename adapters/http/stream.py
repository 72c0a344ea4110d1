"""The bytes of one client, in as few steps of trio's scheduler as there can be.

`trio.SocketStream` asks the kernel for bytes before it waits for them, and gives way after each
call that succeeds. Here the wait comes first, because a client's next words are nearly never there
yet, and what the kernel takes at once costs no step at all. Whoever writes in a loop has to give
way by himself.
"""

from __future__ import annotations

import os

import trio

READ_BYTES = 16 * 1024

Broken = (trio.BrokenResourceError, trio.ClosedResourceError)
"""What a stream raises when the client is gone, or we have closed."""


class ClientStream:
    """One client's connection; `stream` is closed by whoever serves it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        number = stream.socket.fileno()
        self._kernels = number if _is_open(number) else None
        """The kernel's number of the socket; None where the network is a virtual one."""

    async def receive(self) -> bytes:
        """What comes next, empty at the end. Raises one of `Broken`."""
        if self._kernels is None:
            return bytes(await self._stream.receive_some(READ_BYTES))
        while True:
            await trio.lowlevel.wait_readable(self._kernels)
            try:
                return os.read(self._kernels, READ_BYTES)
            except BlockingIOError:
                continue  # the kernel has thought better of it
            except OSError as error:
                raise trio.BrokenResourceError from error

    def send_now(self, data: bytes) -> int:
        """Send as much as is taken at once, and say how much. Raises one of `Broken`."""
        if self._kernels is None:
            return 0
        try:
            return os.write(self._kernels, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError from error


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
