"""The document says what is served: no route too many, none too few."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import trio
from starlette.routing import Route

from actors.broadcasts.actor import Broadcaster
from actors.ingress.actor import WebhookIngress
from actors.ingress.desk import EventDesk
from actors.ingress.model import SourceName
from actors.kernel.ids import ChatId
from actors.payments.refunding import RefundClerk
from actors.payments.tokens import KEY_LENGTH_MIN, SuccessTokens
from actors.relay.courier import Courier
from adapters.http.access import Operators, Writers
from adapters.http.app import application
from adapters.http.broadcasts import broadcast_routes
from adapters.http.events import event_routes
from adapters.http.notes import note_routes
from adapters.http.openapi import document, openapi_routes
from adapters.http.operator import operator_routes
from adapters.http.orders import order_routes
from adapters.http.relay import relay_routes
from adapters.http.success import success_routes
from adapters.http.webhooks import webhook_routes
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.notes import MemoryNotes
from adapters.memory.orders import MemoryOrders
from adapters.memory.refunds import MemoryRefunds
from adapters.memory.relay import MemoryOutbox
from runtime.testing import Probe, TestSystem, running
from tests.actors.ingress.provider import Provider, SlowEvents
from tests.adapters.http.operations import IDENTITY, Watched


def routes_of(system: TestSystem) -> list[Any]:
    """All of a process that sells through Stripe."""
    events, sources = SlowEvents(), {SourceName.STRIPE: Provider()}
    ingress = system.spawn(
        lambda: WebhookIngress(sources=sources, events=events, processor=Probe())
    )
    desk = system.spawn(lambda: EventDesk(sources=sources, events=events, processor=Probe()))
    orders, refunds = MemoryOrders(), MemoryRefunds()
    clerk = system.spawn(
        lambda: RefundClerk(orders=orders, refunds=refunds, tills={}, tracker=Probe())
    )
    operators = Operators(token=None, loopback=True)
    broadcasts = MemoryBroadcasts()
    broadcaster = system.spawn(
        lambda: Broadcaster(
            store=broadcasts, dispatcher=Probe(), pause=trio.sleep, admin_chat_id=ChatId(1)
        )
    )
    return [
        *operator_routes(Watched(system).views(), operators),
        *webhook_routes(ingress),
        *event_routes(events, desk, operators),
        *order_routes(
            orders,
            refunds,
            operators,
            purchases=lambda _chat_id: desk,
            clerk=clerk,
        ),
        *success_routes(
            orders=orders,
            tokens=SuccessTokens([b"k" * KEY_LENGTH_MIN]),
            now=system.world.now,
        ),
        *broadcast_routes(broadcasts, broadcaster, operators),
        *note_routes(
            system.spawn(lambda: Courier(notes=MemoryNotes(), dispatcher=Probe())),
            Writers(operators=operators),
        ),
        *relay_routes(MemoryOutbox(), None, operators),
        *openapi_routes(IDENTITY),
    ]


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with running() as system:
        app = application(routes_of(system))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield http


async def test_every_route_is_described_and_everything_described_is_a_route() -> None:
    async with running() as system:
        served = {
            (route.path, method.lower())
            for route in routes_of(system)
            if isinstance(route, Route)
            for method in route.methods or ()
            if method != "HEAD"
        }
    described = {
        (path, method) for path, item in document(IDENTITY)["paths"].items() for method in item
    }
    assert described == served


def test_one_route_alone_takes_the_token_of_a_scenario() -> None:
    taken = {
        (path, method)
        for path, item in document(IDENTITY)["paths"].items()
        for method, told in item.items()
        if {"messagesToken": []} in told.get("security", [])
    }
    assert taken == {("/v1/admin/messages", "post")}
    assert set(document(IDENTITY)["components"]["securitySchemes"]) == {
        "operatorToken",
        "messagesToken",
    }


async def test_the_document_is_served_to_everybody() -> None:
    async with client() as http:
        told = (await http.get("/openapi.json")).json()
    assert told == document(IDENTITY)
    assert (told["openapi"], told["info"]["version"]) == ("3.1.0", IDENTITY.version)


BODIES = [b"", b"{}", b"[", b'{"why": "x"}', b"\xff", b"[" * 500, b"x" * 70_000, b"1e999", b"null"]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "application/json; a=\xff"])
async def test_whatever_is_sent_the_answer_is_one_that_is_described(kind: str) -> None:
    responses = {
        path: {method: set(told["responses"]) for method, told in item.items()}
        for path, item in document(IDENTITY)["paths"].items()
    }
    async with client() as http:
        for path, methods in responses.items():
            url = path.replace("{event_id}", "1").replace("{order_id}", "0" * 32)
            url = url.replace("{broadcast_id}", "1")
            for method, statuses in methods.items():
                for body in BODIES:
                    answer = await http.request(
                        method, url, content=body, headers={b"content-type": kind.encode("latin-1")}
                    )
                    assert str(answer.status_code) in statuses, (path, body[:20], answer.text)
                    assert answer.status_code != 500
