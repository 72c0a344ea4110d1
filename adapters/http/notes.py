"""What others write to our users: `POST /v1/admin/messages`, and what became of it.

For a scenario that answers later than its webhook does, and for operators. Kept before it is
answered; the `Idempotency-Key` makes it one message, however often it is sent. Whoever writes more
than can be brought is told to come back.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.kernel.ids import ChatId
from actors.relay import messages as relay
from adapters.http.access import Writers
from adapters.http.asking import Refusal, answering, idempotency_key, read
from adapters.http.composing import known_only
from adapters.http.problems import problem
from runtime import ActorRef, ask

MESSAGES = "/v1/admin/messages"
TEXT_UNITS_MAX = 4_096
"""UTF-16 code units, as Telegram counts."""
USER_ID_MAX = 2**52 - 1
CROWDED_SECONDS = 10
"""When a message that was not kept is worth sending again: ten of his have gone by then."""
_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def note_routes(courier: ActorRef[Any], writers: Writers) -> list[BaseRoute]:
    """Return the routes; `courier` is asked `relay.Write` and `relay.FindNote`. What became of a
    message is for operators.
    """

    async def write(request: Request) -> Response:
        told = await read(request)
        known_only(told, {"user_id", "text"})
        question = relay.Write(key=_key(request), chat_id=_user(told), text=_text(told))
        answer = await ask(courier, question)
        if isinstance(answer, relay.Clash):
            return problem(HTTPStatus.CONFLICT, "this Idempotency-Key was used for another message")
        if isinstance(answer, relay.Crowded):
            return _crowded(answer)
        return JSONResponse(note_as_json(answer.note), HTTPStatus.ACCEPTED)

    async def show(request: Request) -> Response:
        note_id = as_uuid(request.path_params["message_id"])
        note = None if note_id is None else await ask(courier, relay.FindNote(note_id=note_id))
        if note is None:
            return problem(HTTPStatus.NOT_FOUND, "there is no such message")
        return JSONResponse(note_as_json(note))

    return [
        Route(MESSAGES, writers.only(answering(write)), methods=["POST"]),
        Route(
            f"{MESSAGES}/{{message_id}}", writers.operators.only(answering(show)), methods=["GET"]
        ),
    ]


def _crowded(crowded: relay.Crowded) -> Response:
    status, whose = HTTPStatus.TOO_MANY_REQUESTS, "this user"
    if crowded.of_all:
        status, whose = HTTPStatus.SERVICE_UNAVAILABLE, "users"
    return problem(
        status,
        f"{crowded.waiting} messages wait for {whose} already, and no more are kept: send it again",
        headers={"retry-after": str(CROWDED_SECONDS)},
    )


def note_as_json(note: relay.Note) -> dict[str, object]:
    """How a message stands."""
    return {
        "message_id": str(note.note_id),
        "user_id": note.chat_id,
        "state": note.state.value,
        "detail": note.detail,
        "created_at": note.created_at.isoformat(),
        "settled_at": note.settled_at and note.settled_at.isoformat(),
        "telegram_message_id": note.message_id,
    }


def as_uuid(text: str) -> UUID | None:
    """A UUID as we write it; None for anything else."""
    try:
        found = UUID(text)
    except ValueError:
        return None
    return found if str(found) == text.lower() else None


def _key(request: Request) -> str:
    key = idempotency_key(request)
    if not key:
        raise Refusal("send an Idempotency-Key of 1 to 200 characters without blanks")
    return key


def _user(told: dict[str, Any]) -> ChatId:
    user_id = told.get("user_id")
    if isinstance(user_id, bool) or not isinstance(user_id, int):
        raise Refusal("user_id is the id of a Telegram user, a whole number such as 123456789")
    if not 1 <= user_id <= USER_ID_MAX:
        raise Refusal("user_id is the id of one person, above 0: groups cannot be written to")
    return ChatId(user_id)


def _text(told: dict[str, Any]) -> str:
    text = told.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Refusal("text is missing or blank: it is what the user will read")
    if _UNSPEAKABLE.search(text):
        raise Refusal("text is plain: no control characters but new lines and tabs")
    if len(text.encode("utf-16-le")) // 2 > TEXT_UNITS_MAX:
        raise Refusal(f"text has {TEXT_UNITS_MAX} characters at most")
    return text
