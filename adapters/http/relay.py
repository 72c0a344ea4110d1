"""The operators' way to the relay: `/v1/admin/relay...`.

Looking asks the outbox; doing asks the relay, which writes down who did it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.relay import messages as relay
from actors.relay.model import Summary
from actors.relay.ports import Outbox
from adapters.http.access import Endpoint, Operators
from adapters.http.asking import (
    NUMBER_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    Refusal,
    answering,
    number,
    read,
)
from adapters.http.composing import known_only
from adapters.http.notes import as_uuid
from adapters.http.problems import problem
from runtime import ActorRef, ask

RELAY = "/v1/admin/relay"
ANSWER_SECONDS = 30.0


def relay_routes(
    outbox: Outbox, destination: Callable[[], ActorRef[Any]] | None, operators: Operators
) -> list[BaseRoute]:
    """Return the routes. `destination` finds who is asked `relay.Command`; None without a
    webhook.
    """
    pages = _Pages(outbox, destination, operators)

    def route(path: str, page: Endpoint, method: str) -> Route:
        return Route(path, operators.only(answering(page)), methods=[method])

    return [
        route(f"{RELAY}/events", pages.listing, "GET"),
        route(f"{RELAY}/events/{{event_id}}/replay", pages.replay, "POST"),
        route(f"{RELAY}/replay", pages.replay_all, "POST"),
        route(f"{RELAY}/resume", pages.resume, "POST"),
        route(f"{RELAY}/prune", pages.prune, "POST"),
    ]


class _Pages:
    def __init__(
        self,
        outbox: Outbox,
        destination: Callable[[], ActorRef[Any]] | None,
        operators: Operators,
    ) -> None:
        self._outbox, self._destination, self._operators = outbox, destination, operators

    async def listing(self, request: Request) -> Response:
        query = request.query_params
        if set(query) - {"state", "before", "limit"}:
            raise Refusal("events are chosen by before, limit, state")
        limit = number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        found = await self._outbox.listing(
            _state(query.get("state")), before=number(query, "before", NUMBER_MAX), limit=limit
        )
        following = found[-1].place if len(found) == limit else None
        return JSONResponse({"events": [_summary(each) for each in found], "next": following})

    async def replay(self, request: Request) -> Response:
        known_only(await read(request), ())
        event_id = as_uuid(request.path_params["event_id"])

        async def replay(ref: ActorRef[Any]) -> Response:
            question = relay.Replay(event_id=event_id, who=self._operators.name)
            done = 0 if event_id is None else await ask(ref, question, timeout=ANSWER_SECONDS)
            if not done:
                return problem(HTTPStatus.NOT_FOUND, "there is no parked event of this id")
            return JSONResponse({"replayed": done})

        return await self._with(replay)

    async def replay_all(self, request: Request) -> Response:
        known_only(await read(request), ())

        async def replay(ref: ActorRef[Any]) -> Response:
            question = relay.Replay(event_id=None, who=self._operators.name)
            return JSONResponse({"replayed": await ask(ref, question, timeout=ANSWER_SECONDS)})

        return await self._with(replay)

    async def resume(self, request: Request) -> Response:
        known_only(await read(request), ())

        async def resume(ref: ActorRef[Any]) -> Response:
            question = relay.Resume(who=self._operators.name)
            return JSONResponse({"was_paused": await ask(ref, question, timeout=ANSWER_SECONDS)})

        return await self._with(resume)

    async def prune(self, request: Request) -> Response:
        known_only(await read(request), ())

        async def prune(ref: ActorRef[Any]) -> Response:
            forgotten = await ask(ref, relay.Prune(), timeout=ANSWER_SECONDS)
            return JSONResponse({"forgotten": forgotten})

        return await self._with(prune)

    async def _with(self, act: Callable[[ActorRef[Any]], Awaitable[Response]]) -> Response:
        if self._destination is None:
            return problem(HTTPStatus.CONFLICT, "nothing is relayed: set MAKE_WEBHOOK_URL")
        return await act(self._destination())


def _state(text: str | None) -> relay.EventState | None:
    if text is None:
        return None
    words = [state.value for state in relay.EventState]
    if text not in words:
        raise Refusal(f"state is one of {', '.join(words)}")
    return relay.EventState(text)


def _summary(event: Summary) -> dict[str, object]:
    return {
        "event_id": str(event.event_id),
        "event_type": event.event_type.value,
        "user_id": event.chat_id,
        "state": event.state,
        "detail": event.detail,
        "created_at": event.created_at.isoformat(),
        "settled_at": event.settled_at and event.settled_at.isoformat(),
        "place": event.place,
    }
