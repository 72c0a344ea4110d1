"""The application as a whole: routes from anywhere, one set of rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from adapters.http.app import application


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
