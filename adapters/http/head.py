"""What is no request to us although h11 would take it. Pure.

h11 reads leniently, as RFC 9112 lets it: a line feed may stand alone, a header may go on in the
next line, `Transfer-Encoding` wins over `Content-Length`. A proxy in front of us that reads one
of these in another way sees a request end where we do not, and what follows is smuggled past it.
Nobody who speaks to us properly sends any of them, so they are refused, and the connection ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol

import h11

LINES_MAX = 100
"""Of one head; each costs us far more work than it costs its sender."""
VERSIONS = {b"1.0", b"1.1"}


class Head(Protocol):
    """What comes before a body, as `h11.Request` has it: names are in lower case."""

    @property
    def method(self) -> bytes: ...

    @property
    def target(self) -> bytes: ...

    @property
    def http_version(self) -> bytes: ...

    @property
    def headers(self) -> Iterable[tuple[bytes, bytes]]: ...


def flaw_in_text(received: bytes) -> HTTPStatus | None:
    """Why what has been received of a head, and perhaps more after it, is refused; or None."""
    head, _, _ = received.partition(b"\r\n\r\n")
    lines = head.count(b"\n")
    if lines > LINES_MAX:
        return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    if lines != head.count(b"\r\n") or b"\n " in head or b"\n\t" in head:
        return HTTPStatus.BAD_REQUEST
    return None


_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)((?:[/?][^#]*)?)", re.IGNORECASE)


def target_of(head: Head) -> tuple[bytes, bytes, bytes | None]:
    """Path and query of a request, and the authority of a target in absolute form, as a proxy is
    sent it: that one counts, whatever `Host` says (RFC 9112, 3.2.2).
    """
    authority, target = None, head.target
    if not target.startswith(b"/") and (absolute := _ABSOLUTE.fullmatch(target)):
        authority, target = absolute.groups()
    path, _, query = target.partition(b"?")
    return path or b"/", query, authority


def flaw_in_request(head: h11.Request) -> HTTPStatus | None:
    """Why a head that could be read is refused; or None."""
    if head.http_version not in VERSIONS:
        return HTTPStatus.HTTP_VERSION_NOT_SUPPORTED
    if b"://" in head.target[:8] and _ABSOLUTE.fullmatch(head.target) is None:
        return HTTPStatus.BAD_REQUEST  # no host, or a name and a password before it
    names = [name for name, _ in head.headers]
    if b"transfer-encoding" not in names:
        return None
    # RFC 9112, 6.1: both at once, or chunks in HTTP/1.0, are an attack or a fault.
    odd = b"content-length" in names or head.http_version == b"1.0"
    return HTTPStatus.BAD_REQUEST if odd else None
