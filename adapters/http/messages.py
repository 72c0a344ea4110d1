"""What the HTTP server answers and announces."""

from __future__ import annotations

from runtime import Asks, message


@message
class Listening:
    """Published each time the port is open. `url` reaches it from this machine: `http://127.0.0.1:8080`."""

    url: str


@message
class FindUrl(Asks[str]):
    """The URL under which the server can be reached from this machine."""
