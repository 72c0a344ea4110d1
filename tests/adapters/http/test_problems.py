"""Errors as problem documents."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from adapters.http.problems import failed, problem, refused


def told(response: Response) -> Any:
    return json.loads(bytes(response.body))


REQUEST = Request({"type": "http", "method": "GET", "path": "/", "headers": []})


def test_a_problem_has_a_title_a_status_and_perhaps_a_detail() -> None:
    plain = problem(HTTPStatus.NOT_FOUND)
    assert plain.media_type == "application/problem+json"
    assert told(plain) == {"type": "about:blank", "title": "Not Found", "status": 404}
    detailed = problem(HTTPStatus.BAD_REQUEST, "write ?all=1", headers={"retry-after": "1"})
    assert told(detailed)["detail"] == "write ?all=1"
    assert detailed.headers["retry-after"] == "1"


async def test_a_refusal_keeps_its_headers() -> None:
    answer = await refused(REQUEST, HTTPException(405, headers={"Allow": "GET, HEAD"}))
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert "detail" not in told(answer)


async def test_a_refusal_with_a_reason_says_it() -> None:
    answer = await refused(REQUEST, HTTPException(409, "somebody was faster"))
    assert told(answer)["detail"] == "somebody was faster"


async def test_a_failure_says_nothing_about_itself() -> None:
    for answer in (
        await failed(REQUEST, KeyError("secret")),
        await refused(REQUEST, KeyError("secret")),
    ):
        assert answer.status_code == 500
        assert b"secret" not in answer.body
