"""The application as a whole: routes from anywhere, one set of rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.broadcasts import BROADCASTS
from tests.adapters.http.wire import exchange, serving, status_of


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def crash(_request: Request) -> Response:
    raise KeyError("secret")


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = application(
        [
            Route("/hello", hello, methods=["GET"]),
            Route("/crash", crash),
            Route("/post", hello, methods=["POST"]),
        ]
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http


async def test_a_route_is_served() -> None:
    async with client() as http:
        answer = await http.get("/hello")
    assert (answer.status_code, answer.text) == (200, "hello")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_head_is_get_without_a_body() -> None:
    async with client() as http:
        assert (await http.head("/hello")).status_code == 200


async def test_what_is_not_there_is_a_problem() -> None:
    async with client() as http:
        answer = await http.get("/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {"type": "about:blank", "title": "Not Found", "status": 404}


async def test_a_wrong_method_says_which_ones_are_right() -> None:
    async with client() as http:
        wrong = await http.post("/hello")
        assert wrong.status_code == 405
        assert {m.strip() for m in wrong.headers["allow"].split(",")} == {"GET", "HEAD"}
        assert (await http.get("/post")).headers["allow"] == "POST"


async def test_a_crash_is_a_problem_without_a_trace() -> None:
    async with client() as http:
        answer = await http.get("/crash")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_nothing_redirects_to_a_host_of_the_clients_choice() -> None:
    async with client() as http:
        answer = await http.get("/hello/", headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


async def test_every_application_has_the_limits() -> None:
    async with client() as http:
        assert (await http.post("/post", content=b"x" * 70_000)).status_code == 413


async def test_an_endpoint_that_speaks_asgi_has_the_same_rules() -> None:
    class Bare:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["query_string"]:
                raise KeyError("secret")
            await PlainTextResponse("bare")(scope, receive, send)

    app = application([Route("/bare", Bare(), methods=["POST"])])
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        answer = await http.post("/bare")
        assert (answer.status_code, answer.text) == (200, "bare")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (await http.get("/bare")).headers["allow"] == "POST"
        assert (await http.post("/bare/")).status_code == 404
        assert (await http.post("/bare", content=b"x" * 70_000)).status_code == 413
    async with serving(app) as served:
        asked = b"POST /bare?crash HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
        crashed = await exchange(served.port, asked)
    assert status_of(crashed) == 500
    assert b"secret" not in crashed
    assert b"x-content-type-options: nosniff" in crashed
    assert isinstance(served.errors[0], KeyError)


async def test_a_stranger_is_refused_before_his_large_body_is_read() -> None:
    operators = Operators(token="t" * 24, loopback=True)
    app = application([Route(BROADCASTS, hello, methods=["POST"])], operators)
    head = f"POST {BROADCASTS} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n"
    async with serving(app) as served:
        answer = await exchange(served.port, f"{head}\r\nthe first of it".encode())
        assert status_of(answer) == 401
        assert b"connection: close" in answer
        known = f"{head}Connection: close\r\nAuthorization: Bearer {operators.token}\r\n\r\n"
        assert status_of(await exchange(served.port, known.encode() + b" " * 1_000_000)) == 200
