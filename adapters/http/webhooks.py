"""The routes of providers: bytes in, a verdict out.

| answer of the ingress       | status                                              |
|-----------------------------|-----------------------------------------------------|
| stored, or stored before    | 200                                                 |
| signature, stale, malformed | 400                                                 |
| a wrong address             | 403                                                 |
| larger than they ever are   | 413                                                 |
| not JSON                    | 415                                                 |
| busy, away, crashed,        | 503 with `Retry-After`: a provider delivers again   |
| or unconfigured             |                                                     |

The size of any body (413), time (408) and headers (431) are `adapters.http.limits`; 404 and 405 the
routing's. Nothing of a body and no header's value is ever quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, assert_never

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from actors.ingress import messages as ingress
from actors.ingress.model import Delivery, SourceName
from adapters.http.peer import Network, peer_of
from adapters.http.problems import problem
from runtime import ActorRef

WEBHOOKS: Mapping[str, SourceName] = {
    "/webhooks/stripe": SourceName.STRIPE,
    "/webhooks/yookassa": SourceName.YOOKASSA,
    "/v1/payments/webhook": SourceName.YOOKASSA,  # where the old system listened
    "/webhooks/nowpayments": SourceName.NOWPAYMENTS,
    "/webhooks/nocodb": SourceName.NOCODB,
    "/webhooks/telegram": SourceName.TELEGRAM,
}

HEADERS = (
    "content-type",
    "user-agent",
    "stripe-signature",
    "x-nowpayments-sig",
    "x-hook-secret",
    "x-yookassa-signature",  # nobody documents it; kept, should it ever come
    "x-telegram-bot-api-secret-token",
)
"""What of a request reaches the ingress."""

ANSWER_SECONDS = 2.8
"""The ingress itself gives up before; NOWPayments waits for 3 s."""
AWAY_RETRY_SECONDS = 2
UNCONFIGURED_RETRY_SECONDS = 300
"""Until a person has set the credentials."""

_STATUS = {
    "signature": HTTPStatus.BAD_REQUEST,
    "stale": HTTPStatus.BAD_REQUEST,
    "malformed": HTTPStatus.BAD_REQUEST,
    "address": HTTPStatus.FORBIDDEN,
    "size": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "media": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unconfigured": HTTPStatus.SERVICE_UNAVAILABLE,
}


_WANTED = {name.encode(): name for name in HEADERS}

_ACKNOWLEDGED = {
    duplicate: JSONResponse({"status": "duplicate" if duplicate else "stored"})
    for duplicate in (False, True)
}


def webhook_routes(
    ingress: ActorRef[Any], *, trusted_proxies: Sequence[Network] = ()
) -> list[BaseRoute]:
    """Return the routes; `ingress` is asked `Deliver` for every request."""
    return [
        Route(path, _Taking(source, ingress, trusted_proxies), methods=["POST"])
        for path, source in WEBHOOKS.items()
    ]


class _Taking:
    """The route of one source, as bare ASGI: of these requests there are many at once."""

    def __init__(
        self, source: SourceName, ref: ActorRef[Any], trusted_proxies: Sequence[Network]
    ) -> None:
        self._source, self._ref, self._trusted_proxies = source, ref, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one delivery."""
        headers = _wanted(scope)
        answer = headers if isinstance(headers, Response) else None
        if isinstance(headers, dict):
            answer = _respond(await self._deliver(scope, headers, await _whole(receive)))
        assert answer is not None  # noqa: S101 - one or the other
        await answer(scope, receive, send)

    async def _deliver(
        self, scope: Scope, headers: Mapping[str, str], body: bytes
    ) -> ingress.Answer:
        peer = peer_of(HTTPConnection(scope), self._trusted_proxies)
        delivery = Delivery(source=self._source, headers=headers, body=body, peer=peer)
        question = ingress.Deliver(delivery=delivery)
        asked = self._ref.ask(question, timeout=ANSWER_SECONDS)
        # Whatever it failed with, also with a crash over somebody else's delivery: nobody knows of
        # this one that it is stored.
        if await asked.failure() is not None:
            return ingress.Busy(retry_after_seconds=AWAY_RETRY_SECONDS, detail="try again")
        answer: ingress.Answer = await asked
        return answer


def _wanted(scope: Scope) -> dict[str, str] | Response:
    """What of the headers reaches the ingress; or why the request is refused."""
    found: dict[str, str] = {}
    for raw, value in scope["headers"]:
        name = _WANTED.get(raw)
        if name is not None:
            if name in found:
                # Two readers could take different ones for the proof.
                return problem(HTTPStatus.BAD_REQUEST, f"{name} is there more than once")
            found[name] = value.decode("latin-1")
        elif raw == b"content-encoding" and value.strip().lower() != b"identity":
            detail = "a delivery is signed, and read, as it is sent: do not compress it"
            return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    return found


async def _whole(receive: Receive) -> bytes:
    """The body, which has arrived by now (`adapters.http.limits`)."""
    event = await receive()
    body: bytes = event.get("body", b"")
    while event.get("more_body", False):
        event = await receive()
        body += event.get("body", b"")
    return body


def _respond(answer: ingress.Answer) -> Response:
    match answer:
        case ingress.Stored():
            return _ACKNOWLEDGED[answer.duplicate]
        case ingress.Refused():
            unconfigured = answer.reason == "unconfigured"
            wait = {"retry-after": str(UNCONFIGURED_RETRY_SECONDS)} if unconfigured else {}
            return problem(_STATUS[answer.reason], answer.detail, headers=wait)
        case ingress.Busy():
            wait = {"retry-after": str(answer.retry_after_seconds)}
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, answer.detail, headers=wait)
        case _:
            assert_never(answer)
