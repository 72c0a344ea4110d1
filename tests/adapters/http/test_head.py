"""What two readers could read differently is no request."""

from __future__ import annotations

from http import HTTPStatus

import h11
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.http.app import application
from adapters.http.exchange import CHUNKS_MAX
from adapters.http.head import LINES_MAX, flaw_in_request, flaw_in_text, target_of
from tests.adapters.http.wire import exchange, serving, status_of

START = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"GET",
        START,
        START + b"X: a b\tc\r",
        START + b"\r\n",
        START + b"\r\n" + b"a body\nwith\n lines\r\n\r\n of its own",
        START + b"a: b\r\n" * (LINES_MAX - 2) + b"\r\n",
    ],
)
def test_a_head_that_has_one_meaning_is_read(received: bytes) -> None:
    assert flaw_in_text(received) is None


@pytest.mark.parametrize(
    "received",
    [
        b"POST / HTTP/1.1\n",
        b"POST / HTTP/1.1\nHost: a\n\n",
        START + b"X: a\nTransfer-Encoding: chunked\r\n\r\n",
        START + b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n",
        START + b"X: a\r\n\tb\r\n",
        START + b"\n\r\n\r\n",
    ],
)
def test_a_line_feed_alone_and_a_folded_header_are_refused(received: bytes) -> None:
    assert flaw_in_text(received) is HTTPStatus.BAD_REQUEST


def test_a_head_has_a_bounded_number_of_lines() -> None:
    received = START + b"a:\r\n" * (LINES_MAX + 1)
    assert flaw_in_text(received) is HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


LENGTH, CHUNKS = ("Content-Length", "5"), ("Transfer-Encoding", "chunked")


def request(*headers: tuple[str, str], version: str = "1.1") -> h11.Request:
    every = [("Host", "a"), *headers]
    return h11.Request(method="POST", target="/", headers=every, http_version=version)


@pytest.mark.parametrize("headers", [(), (LENGTH,), (CHUNKS,), (LENGTH, LENGTH)])
def test_a_body_may_end_where_its_length_or_its_chunks_say(
    headers: tuple[tuple[str, str], ...],
) -> None:
    assert flaw_in_request(request(*headers)) is None


@pytest.mark.parametrize("headers", [(LENGTH, CHUNKS), (CHUNKS, LENGTH)])
def test_a_body_that_ends_in_two_places_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    assert flaw_in_request(request(*headers)) is HTTPStatus.BAD_REQUEST


def test_http_1_0_has_no_chunks() -> None:
    assert flaw_in_request(request(CHUNKS, version="1.0")) is HTTPStatus.BAD_REQUEST
    assert flaw_in_request(request(LENGTH, version="1.0")) is None


@pytest.mark.parametrize("version", ["2.0", "0.9", "1.2"])
def test_another_version_is_refused(version: str) -> None:
    assert flaw_in_request(request(version=version)) is HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


# Over a connection


async def echo(request: Request) -> Response:
    return Response(await request.body())


APP = application([Route("/echo", echo, methods=["GET", "POST"])])
INNER = b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
"""A request that a proxy in front of us took for a part of another one's body."""


@pytest.mark.parametrize(
    "outer",
    [
        b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (5 + len(INNER)),
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        b"X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"X: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Content-Length: 5\n\nhello",
        b"a:\r\n" * 1_000 + b"\r\n",
    ],
)
async def test_no_request_is_smuggled_behind_another(outer: bytes) -> None:
    request = b"POST /echo HTTP/1.1\r\nHost: a\r\n" + outer + INNER
    async with serving(APP) as served:
        answer = await exchange(served.port, request)
        assert status_of(answer) in (400, 431)
        assert answer.count(b"HTTP/1.1 ") == 1
    assert served.errors == []


async def test_a_body_in_crumbs_is_refused_before_it_is_whole() -> None:
    """Each chunk costs as much work as a whole body."""
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(APP) as served:
        few = head + b"1\r\nx\r\n" * CHUNKS_MAX + b"0\r\n\r\n"
        assert status_of(await exchange(served.port, few + b"bad\r\n\r\n")) == 200
        crumbs = head + b"1\r\nx\r\n" * (CHUNKS_MAX + 1)
        answer = await exchange(served.port, crumbs + b"0\r\n\r\n" + INNER)
        assert status_of(answer) == 400
        assert answer.count(b"HTTP/1.1 ") == 1


# Targets in absolute form


def head_of(target: str) -> h11.Request:
    return h11.Request(method="GET", target=target, headers=[("Host", "shop.test")])


@pytest.mark.parametrize(
    ("target", "means"),
    [
        ("/a?b=c", (b"/a", b"b=c", None)),
        ("/a?next=http://b/c", (b"/a", b"next=http://b/c", None)),
        ("//b/c", (b"//b/c", b"", None)),
        ("*", (b"*", b"", None)),
        ("http://b/a?c=d", (b"/a", b"c=d", b"b")),
        ("HTTPS://b:8443/a", (b"/a", b"", b"b:8443")),
        ("http://b", (b"/", b"", b"b")),
        ("http://b?c", (b"/", b"c", b"b")),
        ("http://[::1]:80/a//b?c?d", (b"/a//b", b"c?d", b"[::1]:80")),
    ],
)
def test_a_target_may_name_its_host(target: str, means: tuple[bytes, bytes, bytes | None]) -> None:
    head = head_of(target)
    assert target_of(head) == means
    assert flaw_in_request(head) is None


@pytest.mark.parametrize(
    "target", ["http:///a", "http://", "http://me@b/a", "https://me:x@b", "http://b/#a"]
)
def test_a_target_whose_host_is_none_is_refused(target: str) -> None:
    assert flaw_in_request(head_of(target)) is HTTPStatus.BAD_REQUEST


async def test_a_request_in_absolute_form_is_served_and_its_host_is_the_targets() -> None:
    async def say(request: Request) -> Response:
        return Response(f"{request.url.path} of {request.headers.getlist('host')}")

    async with serving(application([Route("/a", say)])) as served:
        asked = b"GET http://shop.test:81/a?b HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n"
        answer = await exchange(served.port, asked)
    assert status_of(answer) == 200
    assert answer.endswith(b"/a of ['shop.test:81']")
