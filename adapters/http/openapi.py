"""`/openapi.json`: every route of the process, for people and for machines that try them all.

Written by hand, in the words of the routes; a test compares it with what is served.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.ingress.model import EventState, SourceName
from actors.operations.model import Identity
from adapters.http.events import EVENT_ID_MAX, KIND, PAGE_DEFAULT, PAGE_MAX, WHY_MAX_CHARACTERS
from adapters.http.success import PATH as SUCCESS_PATH
from adapters.http.webhooks import WEBHOOKS

Json = dict[str, Any]

_PROBLEM: Json = {"$ref": "#/components/responses/Problem"}
_BUSY: Json = {"$ref": "#/components/responses/Busy"}
_OPERATORS: list[Json] = [{"operatorToken": []}, {}]
"""Without a token only on loopback (`adapters.http.access`)."""
_TEXT: Json = {"text/plain": {"schema": {"type": "string"}}}
_PROOFS = {
    SourceName.STRIPE: "stripe-signature",
    SourceName.NOWPAYMENTS: "x-nowpayments-sig",
    SourceName.NOCODB: "x-hook-secret",
    SourceName.TELEGRAM: "x-telegram-bot-api-secret-token",
}


def openapi_routes(identity: Identity) -> list[BaseRoute]:
    """Return the route of the document."""
    told = JSONResponse(document(identity)).body  # once: anybody may ask, as often as he likes

    async def openapi(_request: Request) -> Response:
        return Response(told, media_type=JSONResponse.media_type)

    return [Route("/openapi.json", openapi, methods=["GET"])]


def document(identity: Identity) -> Json:
    """The description, OpenAPI 3.1."""
    paths: Json = {
        "/openapi.json": _get("This document.", _json({"type": "object"})),
        **_watching(),
        **{path: _webhook(path, source) for path, source in WEBHOOKS.items()},
        **_events(),
        SUCCESS_PATH: _success(),
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": identity.service_id,
            "version": identity.version,
            "description": "Supervised actors that sell on Telegram.",
        },
        "paths": {
            path: {method: _limited(told) for method, told in item.items()}
            for path, item in paths.items()
        },
        "components": {
            "securitySchemes": {"operatorToken": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": _problem("Refused; `detail` says what to change."),
                "Busy": _problem("Not now: try again later.")
                | {"headers": {"Retry-After": {"schema": {"type": "string"}}}},
            },
        },
    }


def _watching() -> Json:
    whole = {"200": _content(_TEXT, "yes"), "503": _content(_TEXT, "no")}
    health = {"application/health+json": {"schema": {"type": "object"}}}
    guarded = {"401": _PROBLEM, "403": _PROBLEM}
    every = _query("all", {"enum": ["0", "1"]}, "1 shows the actors of each region")
    healthy = {"200": _content(health, "pass or warn"), "503": _content(health, "fail"), **guarded}
    return {
        "/livez": {"get": {"summary": "Whether the process lives.", "responses": whole}},
        "/readyz": {
            "get": {
                "summary": "Whether new work may come.",
                "parameters": [_query("verbose", {"type": "string"}, "names the checks")],
                "responses": whole,
            }
        },
        "/health": _guarded("How everything is.", healthy),
        "/health/tree": _guarded(
            "The supervision tree.",
            {"200": _json({"type": "object"}), "400": _PROBLEM, **guarded},
            parameters=[every],
        ),
        "/metrics": _guarded("For Prometheus.", {"200": _content(_TEXT, "the figures"), **guarded}),
    }


def _webhook(path: str, source: SourceName) -> Json:
    proof = _PROOFS.get(source)
    parameters = [
        {
            "name": proof,
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "the proof of the delivery",
        }
    ]
    stored = {
        "type": "object",
        "properties": {"status": {"enum": ["stored", "duplicate"]}},
        "required": ["status"],
    }
    return {
        "post": {
            "summary": f"A delivery of {source.value}; acknowledged once it is durable.",
            "operationId": path.strip("/").replace("/", "_"),
            "parameters": parameters if proof else [],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "responses": {
                "200": _json(stored),
                **dict.fromkeys(("400", "403", "415"), _PROBLEM),
                "503": _BUSY,
            },
        }
    }


def _events() -> Json:
    event_id = {
        "name": "event_id",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": EVENT_ID_MAX},
    }
    errors = {"400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "404": _PROBLEM, "503": _BUSY}
    found = {"200": _json({"type": "object"}), **errors}
    listed = {
        "type": "object",
        "properties": {"events": {"type": "array"}, "next": {"type": ["integer", "null"]}},
        "required": ["events", "next"],
    }
    why = {
        "type": "object",
        "properties": {"why": {"type": "string", "minLength": 1, "maxLength": WHY_MAX_CHARACTERS}},
        "required": ["why"],
    }
    one = "/v1/admin/events/{event_id}"
    at = [event_id]
    return {
        "/v1/admin/events": _guarded(
            "Provider events, newest first.",
            {"200": _json(listed), **errors},
            parameters=_filters(),
        ),
        "/v1/admin/prune": _posting("Forget what is old and finished.", found, {}),
        one: _guarded("One event, with its body and what operators did.", found, parameters=at),
        f"{one}/dry-run": _posting("What would it do?", found, {}, parameters=at),
        f"{one}/replay": _posting("Try it again, now.", found, why, parameters=at),
        f"{one}/park": _posting("Put it aside.", {**found, "409": _PROBLEM}, why, parameters=at),
    }


def _success() -> Json:
    page: Json = {"text/html": {"schema": {"type": "string"}}}
    away = {"headers": {"Retry-After": {"schema": {"type": "string"}}}}
    return {
        "get": {
            "summary": "How an order stands, for the browser of who has paid.",
            "parameters": [_query("token", {"type": "string"}, "as it stands in the link")],
            "responses": {
                "200": _content(page, "the order"),
                "404": _content(page, "no link of ours, or one that has expired"),
                "503": _content(page, "not now") | away,
            },
        }
    }


def _filters() -> list[Json]:
    number = {"type": "integer", "minimum": 1, "maximum": EVENT_ID_MAX}
    moment = {"type": "string", "format": "date-time"}
    return [
        _query("id", {"type": "array", "items": number}, "these events"),
        _query("source", {"enum": [source.value for source in SourceName]}, "of this source"),
        _query(
            "kind",
            {"type": "string", "pattern": f"^{KIND.pattern}$"},
            "of this type, in the source's words",
        ),
        _query("state", {"enum": [state.value for state in EventState]}, "that stand so"),
        _query("received_from", moment, "received then or later"),
        _query("received_before", moment, "received before"),
        _query("before", number, "the page before this event"),
        _query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT},
            "how many",
        ),
    ]


# Pieces


def _get(summary: str, answer: Json) -> Json:
    return {"get": {"summary": summary, "responses": {"200": answer}}}


def _guarded(summary: str, responses: Json, *, parameters: Sequence[Json] = ()) -> Json:
    return {
        "get": {
            "summary": summary,
            "security": _OPERATORS,
            "parameters": list(parameters),
            "responses": responses,
        }
    }


def _posting(
    summary: str, responses: Json, schema: Json, *, parameters: Sequence[Json] = ()
) -> Json:
    body = schema or {"type": "object"}
    return {
        "post": {
            "summary": summary,
            "security": _OPERATORS,
            "parameters": list(parameters),
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": responses,
        }
    }


def _limited(told: Json) -> Json:
    """What every route may be answered (`adapters.http.limits`)."""
    refusals = dict.fromkeys(("408", "413", "431"), _PROBLEM)
    return {**told, "responses": {**told["responses"], **refusals}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _content(content: Json, description: str) -> Json:
    return {"description": description, "content": content}


def _json(schema: Json) -> Json:
    return _content({"application/json": {"schema": schema}}, "the answer")


def _problem(description: str) -> Json:
    return _content({"application/problem+json": {"schema": {"type": "object"}}}, description)
