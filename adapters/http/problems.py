"""Errors as RFC 9457 problem documents; a client never sees a stack trace or its own input.

The handlers are coroutines, because Starlette gives plain ones a thread each.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse


def problem(
    status: HTTPStatus, detail: str = "", *, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Make the answer for `status`; `detail` is a sentence that tells the client what to change."""
    body: dict[str, object] = {
        "type": "about:blank",  # RFC 9457 4.2.1: the status says it all
        "title": status.phrase,
        "status": int(status),
    }
    if detail:
        body["detail"] = detail
    return JSONResponse(
        body,
        status_code=status,
        headers=dict(headers or {}),
        media_type="application/problem+json",
    )


async def refused(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request that the routing refused: 404, 405 with its `Allow`, and so on."""
    if not isinstance(error, HTTPException):
        return await failed(_request, error)
    status = HTTPStatus(error.status_code)
    detail = error.detail if error.detail != status.phrase else ""
    return problem(status, detail, headers=error.headers)


async def failed(_request: Request, _error: Exception) -> JSONResponse:
    """Answer a request whose handler crashed; the traceback goes to the log, not to the client."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR)
