"""The way to a server: TCP, perhaps through a proxy, and TLS; and what an URL says about it.

A proxy is asked for a tunnel (`CONNECT`), in which TLS proves the server as if there were none.
"""

from __future__ import annotations

import os
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # documented

import certifi
import h11
import trio

_PORTS = {"http": 80, "https": 443}
_READ_BYTES = 4096


class NoWay(Exception):  # noqa: N818 - a verdict
    """There is no connection. The text says why, and holds neither a path nor credentials."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads: all that two URLs must have in common to share it."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Place:
    """What an URL says: whom to ask, and for what."""

    origin: Origin
    authority: str
    """As a `Host` header has it."""
    target: str
    """Path and query, as a request line has them."""
    authorization: str
    """For a server behind basic authentication; empty for others."""


@lru_cache(maxsize=256)
def place_of(url: str) -> Place:
    """Raises `NoWay` for what is no URL of ours."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        origin = Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme])
    except (ValueError, KeyError):
        raise NoWay("the address is none of http or https") from None
    if not host:
        raise NoWay("the address names no host")
    shown = f"[{host}]" if ":" in host else host
    query = f"?{quote(parts.query, safe=_PLAIN)}" if parts.query else ""
    return Place(
        origin,
        authority=shown if origin.port == _PORTS[origin.scheme] else f"{shown}:{origin.port}",
        target=(quote(parts.path, safe=_PLAIN) or "/") + query,
        authorization=_basic(parts),
    )


_PLAIN = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is; `%` too, because whoever wrote one has quoted already."""


def proxy_for(url: str, settings: Mapping[str, str]) -> str | None:
    """The URL of the proxy on the way to `url`, by `urllib.request.getproxies()`; None for none.

    A server reached without TLS is one's own, and stands where no proxy leads. Raises `NoWay` for
    what is no proxy, or a kind of proxy that cannot be used.
    """
    parts = urlsplit(url)
    found = settings.get("https") or settings.get("all")
    if parts.scheme != "https" or not found:
        return None
    origin = place_of(url).origin
    # With its port: whoever is to be left out may be named with or without.
    if proxy_bypass_environment(f"{origin.host}:{origin.port}", dict(settings)):
        return None
    proxy = found if "://" in found else f"http://{found}"
    kind = proxy.partition("://")[0].lower()
    if kind not in _PORTS:
        raise NoWay(f"a proxy of the kind {kind!r} cannot be used")
    try:
        place_of(proxy)
    except NoWay:
        raise NoWay("not an address of a proxy, such as http://proxy.example:3128") from None
    return proxy


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context for `url`; one that trusts nobody when `url` is not https.

    Trusted is what SSL_CERT_FILE or SSL_CERT_DIR names, or else Mozilla's list.
    """
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not folder:
        file = certifi.where()
    tls = ssl.create_default_context(cafile=file or None, capath=None if file else folder)
    tls.set_alpn_protocols(["http/1.1"])
    return tls


async def open_stream(
    origin: Origin, *, tls: ssl.SSLContext, proxy: str | None, within_seconds: float
) -> tuple[trio.abc.Stream, trio.SocketStream]:
    """A stream to `origin`, and the socket beneath it. Raises `NoWay`."""
    try:
        with trio.fail_after(within_seconds):
            first = origin if proxy is None else place_of(proxy).origin
            socket = await trio.open_tcp_stream(first.host, first.port)
            try:
                stream = await _secured(socket, first, tls)
                if proxy is not None:
                    await _tunnel(stream, origin, proxy)
                    stream = await _secured(stream, origin, tls)
            except BaseException:
                await trio.aclose_forcefully(socket)
                raise
            return stream, socket
    except trio.TooSlowError:
        raise NoWay("no connection in time") from None
    except (OSError, trio.BrokenResourceError) as error:
        raise NoWay(f"no connection: {_reason(error)}") from None


async def _secured(stream: trio.abc.Stream, origin: Origin, tls: ssl.SSLContext) -> trio.abc.Stream:
    if origin.scheme != "https":
        return stream
    secured = trio.SSLStream(stream, tls, server_hostname=origin.host, https_compatible=True)
    await secured.do_handshake()
    return secured


async def _tunnel(stream: trio.abc.Stream, origin: Origin, proxy: str) -> None:
    """Have the proxy pass on everything from here on, in both directions."""
    there = f"[{origin.host}]" if ":" in origin.host else origin.host
    place, address = place_of(proxy), f"{there}:{origin.port}"
    headers = [("Host", address)]
    if place.authorization:
        headers.append(("Proxy-Authorization", place.authorization))
    http = h11.Connection(h11.CLIENT)
    await stream.send_all(
        (http.send(h11.Request(method="CONNECT", target=address, headers=headers)) or b"")
        + (http.send(h11.EndOfMessage()) or b"")
    )
    try:
        while not isinstance(event := http.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                http.receive_data(bytes(await stream.receive_some(_READ_BYTES)))
    except h11.RemoteProtocolError as error:
        raise NoWay(f"the proxy does not speak HTTP: {error}") from None
    if not 200 <= event.status_code < 300:  # noqa: PLR2004 - HTTP's successes
        raise NoWay(f"the proxy answers {event.status_code}")


def _basic(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    known = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(known.encode()).decode()}"


def _reason(error: BaseException) -> str:
    """What lies behind: trio tells of all addresses that it tried, and of TLS as of a socket."""
    cause = error.__cause__ or error
    if isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return f"{type(cause).__name__}: {cause}".rstrip(": ")
