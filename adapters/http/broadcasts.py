"""The operators' way to broadcasts: `/v1/admin/broadcasts...`.

Looking asks the store, and the broadcaster for the pace; doing asks the broadcaster, which writes
down who did it and why.
"""

from __future__ import annotations

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid5

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.broadcasts import messages as broadcasts
from actors.broadcasts.model import Action, Broadcast, Outcome, Recipient, State
from actors.broadcasts.ports import Broadcasts
from actors.kernel.ids import BroadcastId, ChatId
from adapters.http.access import Endpoint, Operators
from adapters.http.asking import (
    NUMBER_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    Refusal,
    answering,
    idempotency_key,
    is_number,
    number,
    read,
    why,
)
from adapters.http.composing import (
    audience_of,
    buttons_as_json,
    content_of,
    flag,
    known_only,
    moment_of,
    optional_why,
)
from adapters.http.limits import AUDIENCE_MAX_BYTES
from adapters.http.problems import problem
from runtime import ActorRef, ask

BROADCASTS = "/v1/admin/broadcasts"
ANSWER_SECONDS = 30.0
"""A deed is durable before whoever asks is answered."""
_KEYS = UUID("6f2d3c3e-2f0b-4a3f-9a53-0d1c5f6f6a11")
"""The space of names in which an Idempotency-Key is the id of a creation."""
VERBS = ("pause", "resume", "cancel", "delete")

_CREATE = frozenset(
    {"text", "media", "buttons", "audience", "starts_at", "at_least_once", "paid", "hold", "why"}
)


def broadcast_routes(
    store: Broadcasts, broadcaster: ActorRef[Any], operators: Operators
) -> list[BaseRoute]:
    """Return the routes; `broadcaster` is asked the questions of `broadcasts.Question`."""
    pages = _Pages(store, broadcaster, operators)

    def route(path: str, page: Endpoint, *methods: str) -> Route:
        return Route(path, operators.only(answering(page)), methods=methods)

    one = f"{BROADCASTS}/{{broadcast_id}}"
    return [
        route(BROADCASTS, pages.all, "GET", "POST"),
        route(one, pages.show, "GET"),
        route(f"{one}/recipients", pages.recipients, "GET"),
        route(f"{one}/retry-failed", pages.retry, "POST"),
        route(f"{one}/edit", pages.edit, "POST"),
        *[route(f"{one}/{verb}", pages.acting(verb), "POST") for verb in VERBS],
    ]


class _Pages:
    def __init__(self, store: Broadcasts, broadcaster: ActorRef[Any], operators: Operators) -> None:
        self._store, self._broadcaster, self._operators = store, broadcaster, operators

    async def all(self, request: Request) -> Response:
        """One route: a 405 names both methods."""
        page = self.create if request.method == "POST" else self.listing
        return await page(request)

    async def listing(self, request: Request) -> Response:
        query = request.query_params
        if set(query) - {"state", "before", "limit"}:
            raise Refusal("broadcasts are chosen by before, limit, state")
        limit = number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        before = number(query, "before", NUMBER_MAX)
        found = await self._store.listing(
            states=[_one_of(State, "state", text) for text in query.getlist("state")],
            limit=limit,
            before=None if before is None else BroadcastId(before),
        )
        following = found[-1].broadcast_id if len(found) == limit else None
        return JSONResponse({"broadcasts": [summary(each) for each in found], "next": following})

    async def create(self, request: Request) -> Response:
        told = await read(request, max_bytes=AUDIENCE_MAX_BYTES)
        known_only(told, _CREATE)
        starts_at, key = told.get("starts_at"), idempotency_key(request)
        question = broadcasts.Create(
            content=content_of(told),
            audience=audience_of(told.get("audience")),
            starts_at=None if starts_at is None else moment_of(starts_at, "starts_at"),
            repeat=flag(told, "at_least_once"),
            paid=flag(told, "paid"),
            hold=flag(told, "hold"),
            creation_id=uuid5(_KEYS, key) if key else None,
            who=self._operators.name,
            why=optional_why(told),
        )
        return await self._answered(ask(self._broadcaster, question, timeout=ANSWER_SECONDS))

    async def show(self, request: Request) -> Response:
        broadcast_id = _broadcast_id(request)
        if broadcast_id is None:
            return _unknown()
        question = broadcasts.Show(broadcast_id=broadcast_id)
        shown = await ask(self._broadcaster, question, timeout=ANSWER_SECONDS)
        if shown is None:
            return _unknown()
        actions = await self._store.actions(broadcast_id)
        return JSONResponse(whole(shown, actions))

    async def recipients(self, request: Request) -> Response:
        broadcast_id, query = _broadcast_id(request), request.query_params
        if set(query) - {"outcome", "after", "limit"}:
            raise Refusal("recipients are chosen by after, limit, outcome")
        limit = number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        after, outcomes = _after(query.get("after")), query.getlist("outcome")
        chosen = [_one_of(Outcome, "outcome", text) for text in outcomes]
        if broadcast_id is None or await self._store.find(broadcast_id) is None:
            return _unknown()
        found = await self._store.recipients(
            broadcast_id, outcomes=chosen, limit=limit, after=after
        )
        following = found[-1].chat_id if len(found) == limit else None
        return JSONResponse({"recipients": [_recipient(each) for each in found], "next": following})

    def acting(self, verb: Any) -> Endpoint:  # noqa: ANN401 - one of VERBS
        """What does this with a broadcast."""

        async def act(request: Request) -> Response:
            told = await read(request)
            reason = why(told)
            known_only(told, frozenset({"why"}))
            broadcast_id = _broadcast_id(request)
            if broadcast_id is None:
                return _unknown()
            question = broadcasts.Act(
                broadcast_id=broadcast_id, what=verb, who=self._operators.name, why=reason
            )
            return await self._answered(ask(self._broadcaster, question, timeout=ANSWER_SECONDS))

        return act

    async def retry(self, request: Request) -> Response:
        told = await read(request)
        reason, unknown = why(told), flag(told, "unknown")
        known_only(told, frozenset({"why", "unknown"}))
        broadcast_id = _broadcast_id(request)
        if broadcast_id is None:
            return _unknown()
        question = broadcasts.Retry(
            broadcast_id=broadcast_id, unknown=unknown, who=self._operators.name, why=reason
        )
        return await self._answered(ask(self._broadcaster, question, timeout=ANSWER_SECONDS))

    async def edit(self, request: Request) -> Response:
        told = await read(request)
        reason, content = why(told), content_of(told)
        known_only(told, frozenset({"why", "text", "media", "buttons"}))
        broadcast_id = _broadcast_id(request)
        if broadcast_id is None:
            return _unknown()
        question = broadcasts.Edit(
            broadcast_id=broadcast_id, content=content, who=self._operators.name, why=reason
        )
        return await self._answered(ask(self._broadcaster, question, timeout=ANSWER_SECONDS))

    @staticmethod
    async def _answered(asking: Awaitable[broadcasts.Answer | None]) -> Response:
        match await asking:
            case None:
                return _unknown()
            case broadcasts.Refused(detail=detail, conflict=conflict):
                return problem(HTTPStatus.CONFLICT if conflict else HTTPStatus.BAD_REQUEST, detail)
            case broadcasts.Shown() as shown:
                return JSONResponse(told_of(shown))


# What came


def _broadcast_id(request: Request) -> BroadcastId | None:
    text = request.path_params["broadcast_id"]
    return BroadcastId(int(text)) if is_number(text, NUMBER_MAX) else None


def _after(text: str | None) -> ChatId | None:
    if text is None:
        return None
    if not is_number(text.removeprefix("-"), NUMBER_MAX):
        raise Refusal("after is the chat_id of the last recipient of the page before")
    return ChatId(int(text))


def _one_of(kind: Any, name: str, text: str) -> Any:  # noqa: ANN401 - an enumeration in, one of it out
    words = [member.value for member in kind]
    if text not in words:
        raise Refusal(f"{name} is one of {', '.join(words)}")
    return kind(text)


# What is told


def _unknown() -> Response:
    return problem(HTTPStatus.NOT_FOUND, "there is no such broadcast")


def summary(kept: Broadcast) -> dict[str, object]:
    """One broadcast in a list."""
    counts = kept.counts
    return {
        "broadcast_id": kept.broadcast_id,
        "kind": kept.kind.value,
        "of": kept.of,
        "state": kept.state.value,
        "trouble": kept.trouble,
        "text": kept.content.text,
        "total": counts.total,
        "left_out": counts.left_out,
        "pending": counts.pending,
        "sent": counts.sent,
        "blocked": counts.blocked,
        "failed": counts.failed,
        "unknown": counts.unknown,
        "created_at": kept.created_at.isoformat(),
        "starts_at": kept.starts_at.isoformat(),
        "started_at": _iso(kept.started_at),
        "ended_at": _iso(kept.ended_at),
    }


def told_of(shown: broadcasts.Shown) -> dict[str, object]:
    """One broadcast as it is now."""
    reach = shown.reach
    return {
        **summary(shown.broadcast),
        "reachable": None if reach is None else reach.reachable,
        "unreachable": None if reach is None else reach.left_out,
        "per_second": shown.per_second,
        "remaining_seconds": shown.remaining_seconds,
    }


def whole(shown: broadcasts.Shown, actions: tuple[Action, ...]) -> dict[str, object]:
    """The same, with what is sent, to whom, and what was done to it."""
    kept = shown.broadcast
    media, audience = kept.content.media, kept.audience
    return {
        **told_of(shown),
        "media": media and {"kind": media.kind, "file": media.file},
        "buttons": buttons_as_json(kept.content.buttons),
        "audience": {
            "chat_ids": len(audience.chat_ids),
            "languages": [language.value for language in audience.languages],
            "states": list(audience.states),
            "products": list(audience.products),
            "active_since": _iso(audience.active_since),
        },
        "at_least_once": kept.repeat,
        "paid": kept.paid,
        "hold": kept.hold,
        "actions": [
            {"what": a.what, "who": a.who, "why": a.why, "at": a.at.isoformat()} for a in actions
        ],
    }


def _recipient(each: Recipient) -> dict[str, object]:
    return {
        "chat_id": each.chat_id,
        "outcome": each.outcome.value,
        "message_id": each.message_id,
        "detail": each.detail,
    }


def _iso(moment: Any) -> str | None:  # noqa: ANN401 - a time, or None
    return None if moment is None else moment.isoformat()
