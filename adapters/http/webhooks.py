"""The routes of providers: bytes in, a verdict out.

| answer of the ingress       | status                                              |
|-----------------------------|-----------------------------------------------------|
| stored, or stored before    | 200                                                 |
| signature, stale, malformed | 400                                                 |
| a wrong address             | 403                                                 |
| not JSON                    | 415                                                 |
| busy, away, unconfigured    | 503 with `Retry-After`: a provider delivers again   |

Size (413), time (408) and headers (431) are `adapters.http.limits`; 404 and 405 the routing's.
Nothing of a body and no header's value is ever quoted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, assert_never

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.ingress import messages as ingress
from actors.ingress.model import Delivery, SourceName
from adapters.http.access import Endpoint
from adapters.http.peer import Network, peer_of
from adapters.http.problems import problem
from runtime import ActorDeadError, ActorRef, MailboxFullError, Timeout, Unavailable, ask

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
    "media": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unconfigured": HTTPStatus.SERVICE_UNAVAILABLE,
}


def webhook_routes(
    ingress: ActorRef[Any], *, trusted_proxies: Sequence[Network] = ()
) -> list[BaseRoute]:
    """Return the routes; `ingress` is asked `Deliver` for every request."""
    return [
        Route(path, _taking(source, ingress, trusted_proxies), methods=["POST"])
        for path, source in WEBHOOKS.items()
    ]


def _taking(source: SourceName, ref: ActorRef[Any], trusted_proxies: Sequence[Network]) -> Endpoint:
    async def take(request: Request) -> Response:
        twice = [name for name in HEADERS if len(request.headers.getlist(name)) > 1]
        if twice:
            # Two readers could take different ones for the proof.
            return problem(HTTPStatus.BAD_REQUEST, f"{twice[0]} is there more than once")
        if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
            detail = "a delivery is signed, and read, as it is sent: do not compress it"
            return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
        delivery = Delivery(
            source=source,
            headers={name: request.headers[name] for name in HEADERS if name in request.headers},
            body=await request.body(),
            peer=peer_of(request, trusted_proxies),
        )
        question = ingress.Deliver(delivery=delivery)
        try:
            answer = await ask(ref, question, timeout=ANSWER_SECONDS)
        except (ActorDeadError, MailboxFullError, Timeout, Unavailable):
            answer = ingress.Busy(retry_after_seconds=AWAY_RETRY_SECONDS, detail="try again")
        return _respond(answer)

    return take


def _respond(answer: ingress.Answer) -> Response:
    match answer:
        case ingress.Stored():
            return JSONResponse({"status": "duplicate" if answer.duplicate else "stored"})
        case ingress.Refused():
            unconfigured = answer.reason == "unconfigured"
            wait = {"retry-after": str(UNCONFIGURED_RETRY_SECONDS)} if unconfigured else {}
            return problem(_STATUS[answer.reason], answer.detail, headers=wait)
        case ingress.Busy():
            wait = {"retry-after": str(answer.retry_after_seconds)}
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, answer.detail, headers=wait)
        case _:
            assert_never(answer)
