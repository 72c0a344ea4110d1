"""Control over HTTP: beside the app, and unafraid of what it is sent."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.sandbox import nocodb_control, telegram_control
from adapters.sandbox.control import Controlled, Refused
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.server import Request
from adapters.sandbox.telegram import TelegramSandbox
from tests.adapters.sandbox.calls import ask_control
from tests.adapters.sandbox.test_server import Echo

INDEX = "POST /_control/a  {text}: його"


async def control(parts: list[str], fields: dict[str, Any]) -> object:
    if parts == ["tea"]:
        raise Refused("no tea", status=418)
    return {"parts": parts, "fields": fields, "length": len(fields["text"])}


async def test_everything_but_control_goes_to_the_app() -> None:
    app = Echo()
    both = Controlled(app, control, index=INDEX)

    response = await both(Request(method="GET", path="/other"))

    assert response is not None
    assert response.status == 200
    assert (both.now(), both.head_bytes_max) == (app.now(), app.head_bytes_max)


async def test_fields_come_from_the_body_or_the_query() -> None:
    both = Controlled(Echo(), control, index=INDEX)

    status, answer = await ask_control(both, "POST", "/_control/a/b", {"text": "ї"})
    assert (status, answer) == (200, {"parts": ["a", "b"], "fields": {"text": "ї"}, "length": 1})
    status, answer = await ask_control(both, "GET", "/_control/a", query="text=xy")
    assert (status, answer["length"]) == (200, 2)


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/_control/tea", {}, 418, "no tea"),
        ("/_control/a", {}, 400, "KeyError: 'text'"),
        ("/_control/a", {"text": 5}, 400, "TypeError"),
        ("/_control/a", [1], 400, "TypeError"),
        ("/_control/a", "text", 400, "ValueError"),
    ],
)
async def test_what_does_not_fit_is_an_answer(
    path: str, body: object, status: int, error: str
) -> None:
    got, answer = await ask_control(Controlled(Echo(), control, index=INDEX), "POST", path, body)
    assert got == status
    assert answer["error"].startswith(error)


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff"])
async def test_garbage_is_an_answer(body: bytes) -> None:
    request = Request(method="POST", path="/_control/a", body=body)
    response = await Controlled(Echo(), control, index=INDEX)(request)
    assert response is not None
    assert response.status == 400


@pytest.mark.parametrize("path", ["/_control", "/_control/"])
async def test_the_index_tells_people_what_can_be_asked(path: str) -> None:
    request = Request(method="GET", path=path)
    response = await Controlled(Echo(), control, index=INDEX)(request)
    assert response is not None
    assert (response.status, response.body.decode()) == (200, INDEX)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("app", "route"),
    [
        (telegram_control.controlled(TelegramSandbox()), "GET  /_control/users/<id>/screen"),
        (nocodb_control.controlled(NocodbSandbox()), "POST /_control/tick"),
    ],
)
async def test_each_sandbox_has_an_index(app: Controlled, route: str) -> None:
    response = await app(Request(method="GET", path="/_control"))
    assert response is not None
    assert route in response.body.decode()
