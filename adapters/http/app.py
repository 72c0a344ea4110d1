"""The ASGI application: routes from whoever has some, behind one set of limits."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.http.access import Operators
from adapters.http.broadcasts import BROADCASTS
from adapters.http.limits import (
    AUDIENCE_MAX_BYTES,
    WEBHOOK_BODY_MAX_BYTES,
    RequestLimits,
    SecurityHeaders,
)
from adapters.http.problems import failed, refused
from adapters.http.webhooks import WEBHOOKS

_LARGER = dict.fromkeys(WEBHOOKS, WEBHOOK_BODY_MAX_BYTES) | {BROADCASTS: AUDIENCE_MAX_BYTES}


def application(routes: Sequence[BaseRoute], operators: Operators | None = None) -> ASGIApp:
    """Serve `routes`; what matches none of them is a problem document, and nothing redirects. The
    largest bodies are read from `operators` only.
    """
    app = Starlette(routes=routes, exception_handlers={HTTPException: refused, Exception: failed})
    # A redirect would repeat the Host header, which the client has chosen.
    app.router.redirect_slashes = False
    guarded = {} if operators is None else {BROADCASTS: operators.refusal}
    return SecurityHeaders(RequestLimits(_Shortcut(app, routes), larger=_LARGER, guarded=guarded))


class _Shortcut:
    """Straight to those endpoints that speak ASGI themselves, with their method and their plain
    path; Starlette's layers cost more than all that is done for them, and add nothing.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._straight: dict[tuple[str, str], ASGIApp] = {
            (route.path, method): route.app
            for route in routes
            if isinstance(route, Route)
            and route.app is route.endpoint
            and not route.param_convertors
            for method in route.methods or ()
        }

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        key = (scope.get("path", ""), scope.get("method", ""))
        return self._straight.get(key, self._app)(scope, receive, send)
