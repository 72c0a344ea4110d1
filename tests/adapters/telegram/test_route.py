"""What an URL says, and how the way to a server is made: proved by TLS, also behind a proxy."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from adapters.telegram.route import NoWay, Origin, open_stream, place_of, proxy_for, tls_for

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Of localhost, with its key; good for tests only, and for a hundred years."""
API = "https://api.telegram.org"

Talk = Callable[[trio.abc.Stream], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """A server on localhost whose side of a connection is `talk`; gives its port."""
    listeners = await trio.open_tcp_listeners(0, host="localhost")
    async with trio.open_nursery() as nursery:

        async def handle(stream: trio.SocketStream) -> None:
            try:
                await talk(stream)
            except trio.BrokenResourceError:
                await stream.aclose()  # the client did not like us

        nursery.start_soon(trio.serve_listeners, handle, listeners)
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


def secured(talk: Talk) -> Talk:
    """The same, spoken in TLS."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(CERTIFICATE)

    async def handle(stream: trio.abc.Stream) -> None:
        await talk(trio.SSLStream(stream, tls, server_side=True, https_compatible=True))

    return handle


async def greets(stream: trio.abc.Stream) -> None:
    await stream.send_all(b"hello")


async def silent(stream: trio.abc.Stream) -> None:
    await trio.sleep_forever()


class Proxy:
    """Passes on, to wherever it is told, what comes after its `answer`."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> None:
        self.answer, self.asked = answer, ""

    async def __call__(self, stream: trio.abc.Stream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += await stream.receive_some()
        self.asked = head.decode()
        await stream.send_all(self.answer)
        there = await trio.open_tcp_stream("localhost", int(self.asked.split()[1].split(":")[1]))
        async with trio.open_nursery() as both:
            both.start_soon(_pass_on, stream, there)
            both.start_soon(_pass_on, there, stream)


async def _pass_on(source: trio.abc.Stream, sink: trio.abc.Stream) -> None:
    async for data in source:
        await sink.send_all(data)


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=CERTIFICATE)


async def heard(origin: Origin, *, tls: ssl.SSLContext, proxy: str | None = None) -> bytes:
    stream, _ = await open_stream(origin, tls=tls, proxy=proxy, within_seconds=5)
    async with stream:
        return bytes(await stream.receive_some())


# What an URL says


@pytest.mark.parametrize(
    ("url", "origin", "authority", "target"),
    [
        ("https://h/bot1:a/getMe", Origin("https", "h", 443), "h", "/bot1:a/getMe"),
        ("http://h:8081/x?y=1 2", Origin("http", "h", 8081), "h:8081", "/x?y=1%202"),
        ("http://[::1]:80/x", Origin("http", "::1", 80), "[::1]", "/x"),
        ("http://h", Origin("http", "h", 80), "h", "/"),
        ("http://h/a b/%20/ü", Origin("http", "h", 80), "h", "/a%20b/%20/%C3%BC"),
        ("http://бот.test/x", Origin("http", "xn--90a0am.test", 80), "xn--90a0am.test", "/x"),
    ],
)  # fmt: skip
def test_whom_to_ask_and_for_what(url: str, origin: Origin, authority: str, target: str) -> None:
    place = place_of(url)
    assert (place.origin, place.authority, place.target) == (origin, authority, target)
    assert not place.authorization


def test_a_name_and_a_password_become_a_header_and_are_shown_nowhere_else() -> None:
    place = place_of("http://ann:s%40fe@h:81/x")
    assert place.authorization == "Basic YW5uOnNAZmU="
    assert (place.authority, place.origin.host) == ("h:81", "h")


@pytest.mark.parametrize(
    "url", ["localhost/x", "ftp://h/x", "http://", "http://h:port/", "http://[/"]
)
def test_what_is_no_url_of_ours_is_no_way(url: str) -> None:
    with pytest.raises(NoWay):
        place_of(url)


# Proxies


@pytest.mark.parametrize(
    ("settings", "proxy"),
    [
        ({}, None),
        ({"http": "http://p:1"}, None),
        ({"https": "http://p:1"}, "http://p:1"),
        ({"https": "p:1"}, "http://p:1"),
        ({"all": "https://p:1"}, "https://p:1"),
        ({"https": "http://p:1", "no": "telegram.org"}, None),
        ({"https": "http://p:1", "no": "elsewhere.org"}, "http://p:1"),
        ({"https": "http://p:1", "no": "*"}, None),
        ({"https": "http://p:1", "no": "x, api.telegram.org:443"}, None),
        ({"https": "http://p:1", "no": "api.telegram.org:8443"}, "http://p:1"),
        ({"https": "HTTP://p"}, "HTTP://p"),
    ],
)
def test_the_environments_proxy_leads_to_telegram(
    settings: dict[str, str], proxy: str | None
) -> None:
    assert proxy_for(API, settings) == proxy


def test_no_proxy_leads_to_a_server_of_ones_own() -> None:
    settings = {"http": "http://p:1", "https": "http://p:1", "all": "http://p:1"}
    assert proxy_for("http://127.0.0.1:8081", settings) is None


def test_a_kind_of_proxy_that_cannot_be_used_is_named() -> None:
    with pytest.raises(NoWay, match="socks5"):
        proxy_for(API, {"all": "socks5://p:1"})


@pytest.mark.parametrize("proxy", ["http://p:bad", "p:99999", "http://", "http://[", "//:1"])
def test_what_is_no_address_of_a_proxy_is_refused_before_anything_is_sent(proxy: str) -> None:
    with pytest.raises(NoWay, match="not an address of a proxy"):
        proxy_for(API, {"https": proxy})


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_behind_a_proxy_tls_proves_the_server_itself(scheme: str) -> None:
    proxy = Proxy()
    talk = proxy if scheme == "http" else secured(proxy)
    async with listening(secured(greets)) as port, listening(talk) as way:
        origin = Origin("https", "localhost", port)
        url = f"{scheme}://ann:secret@localhost:{way}"
        assert await heard(origin, tls=trusting(), proxy=url) == b"hello"
    lines = proxy.asked.splitlines()
    assert lines[0] == f"CONNECT localhost:{port} HTTP/1.1"
    assert "proxy-authorization: basic yw5uonnly3jlda==" in proxy.asked.lower()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy answers 407"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the proxy does not speak HTTP"),
    ],
)
async def test_a_proxy_that_refuses_is_no_way(answer: bytes, why: str) -> None:
    async with listening(greets) as port, listening(Proxy(answer)) as way:
        with pytest.raises(NoWay, match=why):
            await heard(
                Origin("https", "localhost", port),
                tls=trusting(),
                proxy=f"http://localhost:{way}",
            )


# TLS


async def test_a_server_proves_itself() -> None:
    async with listening(secured(greets)) as port:
        assert await heard(Origin("https", "localhost", port), tls=trusting()) == b"hello"


async def test_a_server_that_cannot_prove_itself_is_no_way() -> None:
    async with listening(secured(greets)) as port:
        with pytest.raises(NoWay, match="CERTIFICATE_VERIFY_FAILED"):
            await heard(Origin("https", "localhost", port), tls=tls_for(API))


async def test_somebody_elses_certificate_is_no_way() -> None:
    async with listening(secured(greets)) as port:
        with pytest.raises(NoWay, match="CERTIFICATE_VERIFY_FAILED"):
            await heard(Origin("https", "127.0.0.1", port), tls=trusting())


async def test_a_server_that_never_shakes_hands_is_no_way() -> None:
    async with listening(silent) as port:
        with pytest.raises(NoWay, match="in time"):
            await open_stream(
                Origin("https", "localhost", port), tls=trusting(), proxy=None, within_seconds=1
            )


def test_without_tls_nobody_is_trusted() -> None:
    assert tls_for("http://localhost").get_ca_certs() == []
    assert tls_for("http://localhost").verify_mode is ssl.CERT_REQUIRED


def test_with_tls_certificates_are_checked() -> None:
    tls = tls_for(API)
    assert tls.verify_mode is ssl.CERT_REQUIRED
    assert tls.check_hostname
    assert tls.get_ca_certs()
