"""How the tests of the sandbox ask it: straight through its front door, without a socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import trio

from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.server import App, Request, Response
from adapters.sandbox.telegram import TelegramSandbox

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def virtual_now() -> datetime:
    """A wall clock that moves with trio's."""
    return NOON + timedelta(seconds=trio.current_time())


class Bot:
    """Calls methods of the Bot API with JSON bodies; answers status and body."""

    def __init__(self, telegram: TelegramSandbox) -> None:
        self._telegram = telegram

    async def ask(self, method: str, **parameters: object) -> tuple[int, dict[str, Any]]:
        response = await self._telegram(bot_request(self._telegram, method, parameters))
        assert response is not None
        return response.status, json.loads(response.body)

    async def __call__(self, method: str, **parameters: object) -> Any:
        """The result of a call that has to succeed."""
        status, body = await self.ask(method, **parameters)
        assert (status, body["ok"]) == (200, True), body
        return body["result"]

    async def refused(self, method: str, **parameters: object) -> tuple[int, str]:
        """Status and description of a call that has to fail."""
        status, body = await self.ask(method, **parameters)
        assert (status, False) == (body["error_code"], body["ok"])
        return status, body["description"]


def bot_request(
    telegram: TelegramSandbox, method: str, parameters: Mapping[str, object]
) -> Request:
    return Request(
        method="POST",
        path=f"/bot{telegram.token}/{method}",
        headers={"content-type": "application/json"},
        body=json.dumps(parameters).encode(),
    )


async def ask_nocodb(
    nocodb: NocodbSandbox, method: str = "GET", path: str = "", body: object = None, **query: str
) -> tuple[int, Any]:
    """Status and body of one request to the records of the table."""
    request = Request(
        method=method,
        path=f"/api/v2/tables/{nocodb.table_id}/records{path}",
        query=urlencode(query, quote_via=quote),
        headers={"xc-token": nocodb.token},
        body=b"" if body is None else json.dumps(body).encode(),
    )
    response = await nocodb(request)
    assert response is not None
    return response.status, json.loads(response.body)


async def ask_control(
    app: App, method: str, path: str, body: object = None, query: str = ""
) -> tuple[int, Any]:
    """Status and body of one control request."""
    content = b"" if body is None else json.dumps(body).encode()
    response = await app(Request(method=method, path=path, query=query, body=content))
    assert isinstance(response, Response)
    return response.status, json.loads(response.body)
