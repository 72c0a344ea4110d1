"""The Make sandbox can be moved over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.sandbox.make import PATH, MakeSandbox
from adapters.sandbox.make_control import SWITCHES, controlled
from adapters.sandbox.server import Request


async def ask(make: MakeSandbox, verb: str, **fields: object) -> tuple[int, Any]:
    body = json.dumps(fields).encode() if fields else b""
    response = await controlled(make)(Request(method="POST", path=f"/_control/{verb}", body=body))
    assert response is not None
    return response.status, json.loads(response.body)


async def test_events_are_taken_beside_the_control() -> None:
    make = MakeSandbox()
    await controlled(make)(Request(method="POST", path=PATH, body=b'{"a": 1}'))
    assert await ask(make, "received") == (200, [{"a": 1}])
    assert await ask(make, "counters") == (200, {"calls": {"200": 1}, "received": 1})


async def test_the_scenario_is_switched_off() -> None:
    make = MakeSandbox()
    assert await ask(make, "listen", on=False) == (200, True)
    response = await controlled(make)(Request(method="POST", path=PATH, body=b"{}"))
    assert response is not None
    assert response.status == 410


@pytest.mark.parametrize("verb", sorted(SWITCHES))
async def test_every_switch_is_there_and_says_what_does_not_fit(verb: str) -> None:
    status, told = await ask(MakeSandbox(), verb, nonsense=1)
    assert status == 400
    assert "error" in told


async def test_what_there_is_not() -> None:
    assert (await ask(MakeSandbox(), "explode"))[0] == 404
