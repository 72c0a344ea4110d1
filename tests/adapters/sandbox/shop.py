"""A shop that takes webhooks: keeps each request and answers as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import trio

from adapters.sandbox.server import Request, Response
from tests.adapters.sandbox.calls import virtual_now


@dataclass
class Listening:
    """Answers the next of `answers`, then 200, each after `takes_seconds`."""

    answers: list[int] = field(default_factory=list)
    takes_seconds: float = 0.0
    head_bytes_max: int = 16_384
    got: list[Request] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    """When each came, in whole seconds on trio's clock."""

    @property
    def now(self) -> Callable[[], datetime]:
        return virtual_now

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.got]

    async def __call__(self, request: Request) -> Response:
        self.got.append(request)
        self.at.append(round(trio.current_time()))
        status = self.answers.pop(0) if self.answers else 200
        await trio.sleep(self.takes_seconds)
        return Response(status=status)
