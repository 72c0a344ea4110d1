"""`/_control/...`: a sandbox in another process, moved over HTTP.

`Controlled(sandbox, control)` serves both: what begins with `/_control/` goes to `control`,
everything else to the sandbox. What can be asked is said in `telegram_control` and
`nocodb_control`, and by the index: `/_control` alone answers their page as plain text.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from adapters.sandbox.server import App, Request, Response

PREFIX = "/_control/"
INDEX_PATHS = frozenset({PREFIX, PREFIX.rstrip("/")})

Control = Callable[[list[str], dict[str, Any]], Awaitable[object]]
"""Carries out one request (the parts of its path, its fields) and returns what is answered.

Raises KeyError, TypeError, ValueError or a Refused when the request does not fit.
"""


class Refused(Exception):  # noqa: N818 - a verdict
    """The control request cannot be carried out; `status` says why to machines."""

    def __init__(self, text: str, *, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Controlled:
    """An app with a control beside it; `index` tells people what can be asked of it."""

    def __init__(self, app: App, control: Control, *, index: str) -> None:
        self._app, self._control, self._index = app, control, index
        self.head_bytes_max = app.head_bytes_max

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock of the app."""
        return self._app.now

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        if request.path in INDEX_PATHS:
            plain = {"content-type": "text/plain; charset=utf-8"}
            return Response(status=200, body=self._index.encode(), headers=plain)
        if not request.path.startswith(PREFIX):
            return await self._app(request)
        parts = request.path.removeprefix(PREFIX).split("/")
        try:
            fields = json.loads(request.body) if request.body else request.parameters
            return Response.of(await self._control(parts, dict(fields)))
        except Refused as error:
            return Response.of({"error": str(error)}, error.status)
        except (KeyError, RecursionError, TypeError, ValueError) as error:
            return Response.of({"error": f"{type(error).__name__}: {error}"}, 400)
