"""The operators' way to provider events: `/v1/admin/events...` and `/v1/admin/prune`.

Looking asks the inbox; doing asks the desk, which writes down who did it and why. Who changes
something sends JSON: a page of somebody else's in an operator's browser cannot (it would have to
ask first, and is not answered).
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
    line,
)
from actors.ingress.ports import Events
from actors.kernel.ids import EventId
from actors.kernel.strict_json import MalformedJson, load_object
from adapters.http.access import Endpoint, Operators
from adapters.http.problems import problem
from runtime import ActorDeadError, ActorRef, MailboxFullError, Timeout, Unavailable, ask

PAGE_DEFAULT, PAGE_MAX = 50, 500
EVENT_IDS_MAX = 500
EVENT_ID_MAX = 2**63 - 1
WHY_MAX_CHARACTERS = 300
KIND = re.compile(r"[!-~]{1,100}")
ANSWER_SECONDS = 30.0
"""A dry run may ask the provider."""

_FILTERS = frozenset(
    {"id", "source", "kind", "state", "received_from", "received_before", "before", "limit"}
)


class _Refusal(ValueError):  # noqa: N818 - a verdict
    """The request is not understood; the text says what to write instead."""


def event_routes(events: Events, desk: ActorRef[Any], operators: Operators) -> list[BaseRoute]:
    """Return the routes; `desk` is asked the questions of `ingress.Work`."""
    pages = _Pages(events, desk, operators)

    def route(path: str, page: Endpoint, method: str) -> Route:
        return Route(path, operators.only(_answering(page)), methods=[method])

    one = "/v1/admin/events/{event_id}"
    return [
        route("/v1/admin/events", pages.listing, "GET"),
        route("/v1/admin/prune", pages.prune, "POST"),
        route(one, pages.show, "GET"),
        route(f"{one}/dry-run", pages.dry_run, "POST"),
        route(f"{one}/replay", pages.replay, "POST"),
        route(f"{one}/park", pages.park, "POST"),
    ]


def _answering(page: Endpoint) -> Endpoint:
    """Turn what a page may raise into answers."""

    async def answered(request: Request) -> Response:
        try:
            return await page(request)
        except _Refusal as refusal:
            return problem(HTTPStatus.BAD_REQUEST, str(refusal))
        except (ActorDeadError, MailboxFullError, Timeout, Unavailable):
            wait = {"retry-after": "2"}
            detail = "the inbox does not answer: /health says why"
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=wait)

    return answered


class _Pages:
    def __init__(self, events: Events, desk: ActorRef[Any], operators: Operators) -> None:
        self._events, self._desk, self._operators = events, desk, operators

    async def listing(self, request: Request) -> Response:
        query = request.query_params
        limit = _number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        before = _number(query, "before", EVENT_ID_MAX)
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
        await _read(request)
        told = await self._ask(request, lambda event_id: ingress.DryRun(event_id=event_id))
        if told is None:
            return _unknown()
        if told.fact is None:
            return JSONResponse({"fact": None, "failure": told.failure})
        return JSONResponse({"fact": describe(told.fact), "failure": ""})

    async def replay(self, request: Request) -> Response:
        why, who = await _why(request), self._operators.name
        replay = ingress.Replay
        done = await self._ask(request, lambda e: replay(event_id=e, who=who, why=why))
        return JSONResponse({"replayed": True}) if done else _unknown()

    async def park(self, request: Request) -> Response:
        why, who = await _why(request), self._operators.name
        done = await self._ask(request, lambda e: ingress.Park(event_id=e, who=who, why=why))
        if done:
            return JSONResponse({"parked": True})
        event_id = _event_id(request)
        if event_id is None or await self._events.find(event_id) is None:
            return _unknown()
        return problem(HTTPStatus.CONFLICT, "only a pending event can be parked")

    async def prune(self, request: Request) -> Response:
        await _read(request)
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
    return EventId(int(text)) if _is_number(text, EVENT_ID_MAX) else None


def _is_number(text: str, most: int) -> bool:
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(EVENT_ID_MAX))
    return digits and 1 <= int(text) <= most


def _number(query: QueryParams, name: str, most: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not _is_number(text, most):
        raise _Refusal(f"{name} is a number from 1 to {most}")
    return int(text)


def _chosen(query: QueryParams) -> Chosen:
    unknown = sorted(set(query) - _FILTERS)
    if unknown:
        raise _Refusal(f"events are chosen by {', '.join(sorted(_FILTERS))}")
    ids = query.getlist("id")
    if len(ids) > EVENT_IDS_MAX or not all(_is_number(text, EVENT_ID_MAX) for text in ids):
        raise _Refusal(f"id is the number of an event, at most {EVENT_IDS_MAX} times")
    kind = query.get("kind")
    if kind is not None and not KIND.fullmatch(kind):
        raise _Refusal("kind is a type of event in its source's own words")
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
        raise _Refusal(f"{name} is one of {', '.join(words)}")
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
    raise _Refusal(f"{name} is a time with its zone, such as 2026-11-21T12:00:00Z")


async def _read(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refusal("send JSON, as content-type: application/json")
    try:
        return load_object(await request.body())
    except MalformedJson as malformed:
        raise _Refusal(f"the body is {malformed}") from None


async def _why(request: Request) -> str:
    """The operator's own words for the audit."""
    why = (await _read(request)).get("why")
    if not isinstance(why, str) or not line(why) or len(why) > WHY_MAX_CHARACTERS:
        raise _Refusal(f'say why: {{"why": "..."}}, up to {WHY_MAX_CHARACTERS} characters')
    return line(why)


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
