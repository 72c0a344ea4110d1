"""`/openapi.json`: every route of the process, for people and for machines that try them all.

Written by hand, in the words of the routes; a test compares it with what is served.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.ingress.model import EventState, SourceName
from actors.operations.model import Identity
from adapters.http.broadcasts_described import broadcast_paths
from adapters.http.described import BUSY as _BUSY
from adapters.http.described import LIMIT as _LIMIT
from adapters.http.described import PROBLEM as _PROBLEM
from adapters.http.described import WHY as _WHY
from adapters.http.described import Json
from adapters.http.described import content as _content
from adapters.http.described import guarded as _guarded
from adapters.http.described import json as _json
from adapters.http.described import limited as _limited
from adapters.http.described import plain as _get
from adapters.http.described import posting as _posting
from adapters.http.described import problem as _problem
from adapters.http.described import query as _query
from adapters.http.events import EVENT_ID_MAX, KIND
from adapters.http.orders import ORDER_ID, ORDER_NAME, ORDERS, PAYMENT_ID
from adapters.http.relay_described import relay_paths
from adapters.http.success import PATH as SUCCESS_PATH
from adapters.http.webhooks import WEBHOOKS

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
        **_orders(),
        **broadcast_paths(),
        **relay_paths(),
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
            "securitySchemes": {
                "operatorToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "OPERATOR_TOKEN: everything",
                },
                "messagesToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "MESSAGES_TOKEN: to write to users, and nothing else",
                },
            },
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
                **dict.fromkeys(("400", "403", "413", "415"), _PROBLEM),
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
        f"{one}/replay": _posting("Try it again, now.", found, _WHY, parameters=at),
        f"{one}/park": _posting("Put it aside.", {**found, "409": _PROBLEM}, _WHY, parameters=at),
    }


def _orders() -> Json:
    known: Json = {"type": "string", "pattern": f"^{ORDER_ID.pattern}$"}
    named: Json = {"type": "string", "pattern": f"^{ORDER_NAME.pattern}$"}
    order_id = {"name": "order_id", "in": "path", "required": True, "schema": named}
    errors = {"400": _PROBLEM, "401": _PROBLEM, "403": _PROBLEM, "503": _BUSY}
    found = {"200": _json({"type": "object"}), **errors, "404": _PROBLEM}
    listed = {
        "type": "object",
        "properties": {"orders": {"type": "array"}, "next": {"type": ["string", "null"]}},
        "required": ["orders", "next"],
    }
    state = {"type": "object", "properties": {"state": {"type": "string"}}, "required": ["state"]}
    done = {**found, "200": _json(state), "409": _PROBLEM}
    charge = {"type": "string", "pattern": f"^{PAYMENT_ID.pattern}$"}
    refund = {
        **_WHY,
        "properties": {
            **_WHY["properties"],
            "payment_id": charge | {"description": "which charge; the only one by default"},
            "total": {
                "type": "string",
                "description": "how much of it is to have gone back in all; all by default",
            },
        },
        "additionalProperties": False,
    }
    one = f"{ORDERS}/{{order_id}}"
    at = [order_id]
    pages = [
        _query("after", known, "the page behind this order"),
        _query("limit", _LIMIT, "how many"),
    ]
    return {
        ORDERS: _guarded(
            "Orders that a person has to look at, the oldest first.",
            {"200": _json(listed), **errors},
            parameters=pages,
        ),
        one: _guarded(
            "One order, with its charges, refunds and what operators did.", found, parameters=at
        ),
        f"{one}/accept": _posting("It counts as paid.", done, _WHY, parameters=at),
        f"{one}/dismiss": _posting("Nobody has to look at it any more.", done, _WHY, parameters=at),
        f"{one}/refund": _posting("Give money back.", done, refund, parameters=at),
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
        _query("limit", _LIMIT, "how many"),
    ]
