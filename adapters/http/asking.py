"""What operators ask and do over HTTP, read strictly, and what goes wrong answered in words.

Who changes something sends JSON: a page of somebody else's in an operator's browser cannot (it
would have to ask first, and is not answered).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from actors.ingress.model import line
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object
from adapters.http.access import Endpoint
from adapters.http.problems import problem
from runtime import ActorDeadError, MailboxFullError, Timeout, Unavailable

PAGE_DEFAULT, PAGE_MAX = 50, 500
NUMBER_MAX = 2**63 - 1
WHY_MAX_CHARACTERS = 300
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


class Refusal(ValueError):  # noqa: N818 - a verdict
    """The request is not understood; the text says what to write instead."""


def answering(page: Endpoint) -> Endpoint:
    """Turn what a page may raise into answers."""

    async def answered(request: Request) -> Response:
        try:
            return await page(request)
        except Refusal as refusal:
            return problem(HTTPStatus.BAD_REQUEST, str(refusal))
        except (ActorDeadError, MailboxFullError, Timeout, Unavailable):
            wait = {"retry-after": "2"}
            detail = "the store does not answer: /health says why"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=wait)

    return answered


def is_number(text: str, most: int) -> bool:
    """Whether it is a plain number from 1 to `most`."""
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(NUMBER_MAX))
    return digits and 1 <= int(text) <= most


def number(query: QueryParams, name: str, most: int) -> int | None:
    """A number of the query; None where it is not there. Raises `Refusal`."""
    text = query.get(name)
    if text is None:
        return None
    if not is_number(text, most):
        raise Refusal(f"{name} is a number from 1 to {most}")
    return int(text)


async def read(request: Request, *, max_bytes: int = BYTES_MAX) -> dict[str, Any]:
    """The JSON object that was sent. Raises `Refusal`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal("send JSON, as content-type: application/json")
    try:
        return load_object(await request.body(), max_bytes=max_bytes)
    except MalformedJson as malformed:
        raise Refusal(f"the body is {malformed}") from None


def idempotency_key(request: Request) -> str:
    """What makes a repetition one deed; empty where it was not sent. Raises `Refusal`."""
    key = request.headers.get("idempotency-key", "")
    if "idempotency-key" in request.headers and not IDEMPOTENCY_KEY.fullmatch(key):
        raise Refusal("an Idempotency-Key has 1 to 200 characters without blanks")
    return key


def why(told: dict[str, Any]) -> str:
    """The operator's own words for the audit. Raises `Refusal`."""
    said = told.get("why")
    if not isinstance(said, str) or not line(said) or len(said) > WHY_MAX_CHARACTERS:
        raise Refusal(f'say why: {{"why": "..."}}, up to {WHY_MAX_CHARACTERS} characters')
    return line(said)
