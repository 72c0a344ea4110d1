"""The routes for those who watch: `/livez /readyz /health /health/tree /metrics`.

`/livez` and `/readyz` are for machines that have no token: they tell a status code and the names of
the checks, and no reason. The others are for operators (`adapters.http.access`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from actors.operations import tree
from actors.operations.document import Condition, health_document
from actors.operations.messages import Describe, Reported
from actors.operations.model import Identity, Phase, Readiness
from adapters.http.access import Operators
from adapters.http.metrics import Exposition
from adapters.http.problems import problem
from runtime import ActorDeadError, ActorRef, Fates, Node, Timeout, Unavailable, ask

OBSERVER_SECONDS = 2.0
"""How long a scrape waits for the observer; then it shows what it knows without it."""

HEALTH_MEDIA_TYPE = "application/health+json"
METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """What the routes show, asked anew for each request; none of it is kept.

    `alive` is False once the root supervisor has failed, and looks at nothing outside the
    process; `now` is aware; `observer` is told `operations.Describe`.
    """

    identity: Identity
    alive: Callable[[], bool]
    readiness: Callable[[], Readiness]
    snapshot: Callable[[], Node]
    fates: Callable[[], Fates]
    observer: ActorRef[Any]
    now: Callable[[], datetime]
    uptime_seconds: Callable[[], float]


def operator_routes(views: Views, operators: Operators) -> list[BaseRoute]:
    """Return the routes of this page, to be joined with those of other subjects."""
    pages = _Pages(views)
    return [
        _get("/livez", pages.livez),
        _get("/readyz", pages.readyz),
        _get("/health", operators.only(pages.health)),
        _get("/health/tree", operators.only(pages.tree)),
        _get("/metrics", operators.only(pages.metrics)),
    ]


def _get(path: str, endpoint: Callable[[Request], Awaitable[Response]]) -> Route:
    return Route(path, endpoint, methods=["GET"])  # starlette adds HEAD


class _Pages:
    def __init__(self, views: Views) -> None:
        self._views = views
        self._exposition = Exposition(views.identity)

    async def livez(self, _request: Request) -> Response:
        """That this runs at all shows that the loop ticks."""
        if self._views.alive():
            return PlainTextResponse("ok\n")
        return PlainTextResponse("failed\n", HTTPStatus.SERVICE_UNAVAILABLE)

    async def readyz(self, request: Request) -> Response:
        readiness = self._views.readiness()
        verdict = "ok" if readiness.ready else "not ready"
        lines = [verdict]
        if "verbose" in request.query_params:
            serving = readiness.phase is Phase.SERVING
            lines = [f"[{'+' if serving else '-'}]process {readiness.phase}"]
            lines += [f"[+]{name} ok" for name in readiness.present]
            lines += [f"[-]{name} missing" for name, _ in readiness.missing]
            lines.append(f"readyz check {verdict}")
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return PlainTextResponse("\n".join(lines) + "\n", status)

    async def health(self, _request: Request) -> Response:
        document = health_document(await self._condition())
        failed = document["status"] == "fail"
        return JSONResponse(
            document,
            HTTPStatus.SERVICE_UNAVAILABLE if failed else HTTPStatus.OK,
            media_type=HEALTH_MEDIA_TYPE,
        )

    async def tree(self, request: Request) -> Response:
        asked = request.query_params.getlist("all")
        if asked not in ([], ["0"], ["1"]):
            return problem(HTTPStatus.BAD_REQUEST, "write ?all=1 for the actors of each region")
        described = tree.describe(self._views.snapshot(), everything=asked == ["1"])
        return JSONResponse(described)

    async def metrics(self, _request: Request) -> Response:
        text = self._exposition.render(await self._condition())
        return Response(text, media_type=METRICS_MEDIA_TYPE)

    async def _condition(self) -> Condition:
        views = self._views
        reports = await self._reports()
        return Condition(
            identity=views.identity,
            now=views.now(),
            uptime_seconds=views.uptime_seconds(),
            readiness=views.readiness(),
            tree=views.snapshot(),
            fates=views.fates(),
            reports=reports,
        )

    async def _reports(self) -> tuple[Reported, ...] | None:
        try:
            return await ask(self._views.observer, Describe(), timeout=OBSERVER_SECONDS)
        except (ActorDeadError, Timeout, Unavailable):
            return None  # the page is most wanted when something is broken
