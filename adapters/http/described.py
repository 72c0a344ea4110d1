"""The pieces of which `openapi` describes routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.http.asking import PAGE_DEFAULT, PAGE_MAX, WHY_MAX_CHARACTERS

Json = dict[str, Any]

PROBLEM: Json = {"$ref": "#/components/responses/Problem"}
BUSY: Json = {"$ref": "#/components/responses/Busy"}
OPERATORS: list[Json] = [{"operatorToken": []}, {}]
"""Without a token only on loopback (`adapters.http.access`)."""
WRITERS: list[Json] = [{"messagesToken": []}, *OPERATORS]
WHY: Json = {
    "type": "object",
    "properties": {"why": {"type": "string", "minLength": 1, "maxLength": WHY_MAX_CHARACTERS}},
    "required": ["why"],
}
LIMIT: Json = {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}


def plain(summary: str, answer: Json) -> Json:
    """A page that anybody may look at."""
    return {"get": {"summary": summary, "responses": {"200": answer}}}


def guarded(summary: str, responses: Json, *, parameters: Sequence[Json] = ()) -> Json:
    """A page for operators."""
    return {
        "get": {
            "summary": summary,
            "security": OPERATORS,
            "parameters": list(parameters),
            "responses": responses,
        }
    }


def posting(
    summary: str,
    responses: Json,
    schema: Json,
    *,
    parameters: Sequence[Json] = (),
    security: Sequence[Json] = OPERATORS,
) -> Json:
    """What operators do, by JSON that fits `schema`; with other `security` others do as well."""
    body = schema or {"type": "object"}
    return {
        "post": {
            "summary": summary,
            "security": list(security),
            "parameters": list(parameters),
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": responses,
        }
    }


def limited(told: Json) -> Json:
    """The same, with what every route may be answered (`adapters.http.limits`)."""
    refusals = dict.fromkeys(("408", "413", "431"), PROBLEM)
    return {**told, "responses": {**told["responses"], **refusals}}


def query(name: str, schema: Json, description: str) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "schema": schema, "description": description}


def content(media: Json, description: str) -> Json:
    """An answer with something in it."""
    return {"description": description, "content": media}


def json(schema: Json) -> Json:
    """An answer in JSON."""
    return content({"application/json": {"schema": schema}}, "the answer")


def problem(description: str) -> Json:
    """An answer that says what is wrong."""
    return content({"application/problem+json": {"schema": {"type": "object"}}}, description)
