"""The operators' way to provider events: `/v1/admin/events...` and `/v1/admin/prune`.

Looking asks the inbox; doing asks the desk, which writes down who did it and why.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.ingress import messages as ingress
from actors.ingress.model import (
    Chosen,
    EventState,
    Fact,
    Found,
    Nothing,
    PaymentSeen,
    RecordsTouched,
    SourceName,
    SubscriptionSeen,
    Summary,
    Unusable,
)
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from adapters.http.access import Endpoint, Operators
from adapters.http.asking import (
    NUMBER_MAX,
    PAGE_DEFAULT,
    PAGE_MAX,
    Refusal,
    answering,
    is_number,
    number,
    read,
    why,
)
from adapters.http.problems import problem
from runtime import ActorRef, ask

EVENT_IDS_MAX = 500
EVENT_ID_MAX = NUMBER_MAX
KIND = re.compile(r"[!-~]{1,100}")
ANSWER_SECONDS = 30.0
"""A dry run may ask the provider."""

_FILTERS = frozenset(
    {"id", "source", "kind", "state", "received_from", "received_before", "before", "limit"}
)


def event_routes(events: Events, desk: ActorRef[Any], operators: Operators) -> list[BaseRoute]:
    """Return the routes; `desk` is asked the questions of `ingress.Work`."""
    pages = _Pages(events, desk, operators)

    def route(path: str, page: Endpoint, method: str) -> Route:
        return Route(path, operators.only(answering(page)), methods=[method])

    one = "/v1/admin/events/{event_id}"
    return [
        route("/v1/admin/events", pages.listing, "GET"),
        route("/v1/admin/prune", pages.prune, "POST"),
        route(one, pages.show, "GET"),
        route(f"{one}/dry-run", pages.dry_run, "POST"),
        route(f"{one}/replay", pages.replay, "POST"),
        route(f"{one}/park", pages.park, "POST"),
    ]


class _Pages:
    def __init__(self, events: Events, desk: ActorRef[Any], operators: Operators) -> None:
        self._events, self._desk, self._operators = events, desk, operators

    async def listing(self, request: Request) -> Response:
        query = request.query_params
        limit = number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        before = number(query, "before", EVENT_ID_MAX)
        found = await self._events.listing(
            _chosen(query), limit=limit, before=None if before is None else EventId(before)
        )
        following = found[-1].event_id if len(found) == limit else None
        return JSONResponse({"events": [_summary(s) for s in found], "next": following})

    async def show(self, request: Request) -> Response:
        event_id = _event_id(request)
        found = None if event_id is None else await self._events.find(event_id)
        return _unknown() if found is None else JSONResponse(_found(found))

    async def dry_run(self, request: Request) -> Response:
        await read(request)
        told = await self._ask(request, lambda event_id: ingress.DryRun(event_id=event_id))
        if told is None:
            return _unknown()
        if told.fact is None:
            return JSONResponse({"fact": None, "failure": told.failure})
        return JSONResponse({"fact": describe(told.fact), "failure": ""})

    async def replay(self, request: Request) -> Response:
        reason, who = why(await read(request)), self._operators.name
        replay = ingress.Replay
        done = await self._ask(request, lambda e: replay(event_id=e, who=who, why=reason))
        return JSONResponse({"replayed": True}) if done else _unknown()

    async def park(self, request: Request) -> Response:
        reason, who = why(await read(request)), self._operators.name
        done = await self._ask(request, lambda e: ingress.Park(event_id=e, who=who, why=reason))
        if done:
            return JSONResponse({"parked": True})
        event_id = _event_id(request)
        if event_id is None or await self._events.find(event_id) is None:
            return _unknown()
        return problem(HTTPStatus.CONFLICT, "only a pending event can be parked")

    async def prune(self, request: Request) -> Response:
        await read(request)
        told = await ask(self._desk, ingress.Prune(), timeout=ANSWER_SECONDS)
        return JSONResponse({"forgotten": {source.value: n for source, n in told.items()}})

    async def _ask(self, request: Request, question: Callable[[EventId], Any]) -> Any:  # noqa: ANN401 - the question's own
        """The desk's answer about the event of this request; None when there can be none."""
        event_id = _event_id(request)
        if event_id is None:
            return None
        answer: Awaitable[Any] = ask(self._desk, question(event_id), timeout=ANSWER_SECONDS)
        return await answer


# What came


def _event_id(request: Request) -> EventId | None:
    text = request.path_params["event_id"]
    return EventId(int(text)) if is_number(text, EVENT_ID_MAX) else None


def _chosen(query: QueryParams) -> Chosen:
    unknown = sorted(set(query) - _FILTERS)
    if unknown:
        raise Refusal(f"events are chosen by {', '.join(sorted(_FILTERS))}")
    ids = query.getlist("id")
    if len(ids) > EVENT_IDS_MAX or not all(is_number(text, EVENT_ID_MAX) for text in ids):
        raise Refusal(
            f"id is the number of one event, such as id=42; at most {EVENT_IDS_MAX} of them"
        )
    kind = query.get("kind")
    if kind is not None and not KIND.fullmatch(kind):
        raise Refusal("kind is a type of event in its source's own words")
    return Chosen(
        event_ids=tuple(EventId(int(text)) for text in ids),
        source=_one_of(query, "source", SourceName),
        kind=kind,
        state=_one_of(query, "state", EventState),
        received_from=_moment(query, "received_from"),
        received_before=_moment(query, "received_before"),
    )


def _one_of(query: QueryParams, name: str, kind: Any) -> Any:  # noqa: ANN401 - an enumeration in, one of it out
    text = query.get(name)
    if text is None:
        return None
    words = [member.value for member in kind]
    if text not in words:
        raise Refusal(f"{name} is one of {', '.join(words)}")
    return kind(text)


def _moment(query: QueryParams, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal(f"{name} is a time with its zone, such as 2026-11-21T12:00:00Z")


# What is told


def _unknown() -> Response:
    return problem(HTTPStatus.NOT_FOUND, "there is no such event")


def _summary(summary: Summary) -> dict[str, object]:
    return {
        "event_id": summary.event_id,
        "source": summary.source.value,
        "key": summary.key,
        "kind": summary.kind,
        "subject": summary.subject,
        "state": summary.state.value,
        "attempts": summary.attempts,
        "outcome": summary.outcome,
        "received_at": summary.received_at.isoformat(),
        "due_at": summary.due_at.isoformat(),
        "settled_at": _iso(summary.settled_at),
    }


def _found(found: Found) -> dict[str, object]:
    event = found.stored.event
    try:
        body: dict[str, object] = {"body": event.body.decode()}
    except UnicodeDecodeError:
        body = {"body_base64": base64.b64encode(event.body).decode()}
    return {
        **_summary(found.summary),
        "at": _iso(event.at),
        "headers": dict(event.headers),
        **body,
        "actions": [
            {"what": a.what, "who": a.who, "why": a.why, "at": a.at.isoformat()}
            for a in found.actions
        ],
    }


def describe(fact: Fact) -> dict[str, object]:
    """What an event means, in words for an operator."""
    match fact:
        case PaymentSeen(report=report):
            return {
                "is": "payment",
                "rail": report.rail.value,
                "payment_id": report.payment_id,
                "order_id": report.order_id,
                "standing": report.standing.value,
                "amount": str(report.amount),
                "refunded": report.refunded and str(report.refunded),
                "disputed": report.disputed and str(report.disputed),
                "reinstated": report.reinstated and str(report.reinstated),
                "fee": report.fee and str(report.fee),
                "live": report.live,
                "parent": report.parent,
                "at": _iso(report.at),
            }
        case RecordsTouched():
            return {"is": "records", "record_ids": list(fact.record_ids)}
        case SubscriptionSeen():
            return {
                "is": "subscription",
                "subscription_id": fact.subscription_id,
                "order_id": fact.order_id,
                "status": fact.status,
                "ends_at_period_end": fact.ends_at_period_end,
                "period_end": _iso(fact.period_end),
                "at": _iso(fact.at),
            }
        case Nothing():
            return {"is": "nothing", "why": fact.why}
        case Unusable():
            return {"is": "unusable", "why": fact.why}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
