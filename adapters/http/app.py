"""The ASGI application: routes from whoever has some, behind one set of limits."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from adapters.http.limits import WEBHOOK_BODY_MAX_BYTES, RequestLimits, SecurityHeaders
from adapters.http.problems import failed, refused
from adapters.http.webhooks import WEBHOOKS

_LARGER = dict.fromkeys(WEBHOOKS, WEBHOOK_BODY_MAX_BYTES)


def application(routes: Sequence[BaseRoute]) -> ASGIApp:
    """Serve `routes`; what matches none of them is a problem document, and nothing redirects."""
    app = Starlette(routes=routes, exception_handlers={HTTPException: refused, Exception: failed})
    # A redirect would repeat the Host header, which the client has chosen.
    app.router.redirect_slashes = False
    return SecurityHeaders(RequestLimits(app, larger=_LARGER))
