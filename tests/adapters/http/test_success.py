"""The page to which a payer comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser

import httpx
import pytest

from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId
from actors.kernel.language import Language
from actors.payments.orders import ALIVE, Order, State
from actors.payments.tokens import SuccessTokens
from adapters.http.app import application
from adapters.http.success import AWAY, BACK, NO_ORDER, success_routes
from adapters.memory.orders import MemoryOrders
from tests.actors.payments.orders import NOON, charge, order, usd

TOKENS = SuccessTokens([b"k" * 32])
EXPIRES = NOON + timedelta(days=1)
NASTY = "<script>alert('x')</script>\"&"


class Store(MemoryOrders):
    away = False

    async def load(self, order_id: OrderId) -> Order | None:
        if self.away:
            raise Unavailable("away")
        return await super().load(order_id)


@asynccontextmanager
async def browsing(
    kept: Order | None = None, *, now: datetime = NOON
) -> AsyncIterator[tuple[httpx.AsyncClient, Store]]:
    store = Store()
    if kept is not None:
        await store.save(kept)
    app = application(success_routes(orders=store, tokens=TOKENS, now=lambda: now))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http, store


def url(kept: Order = order()) -> str:  # noqa: B008 - frozen
    return f"/payments/success?token={TOKENS.issue(kept.order_id, expires_at=EXPIRES)}"


class Page(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.language: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.language = dict(attrs)["lang"]


async def test_the_page_shows_how_the_order_stands_now() -> None:
    waiting = order()
    async with browsing(waiting) as (http, store):
        answer = await http.get(url())
        assert answer.status_code == 200
        assert "To pay: <b>10.00 USD</b>" in answer.text
        assert BACK.en not in answer.text
        paid = replace(
            waiting,
            version=2,
            state=State.GRANTED,
            charges=(charge(),),
            sold=usd("10"),
            paid_at=NOON,
        )
        await store.save(paid)
        answer = await http.get(url())
        assert "Paid and delivered" in answer.text
        assert BACK.en in answer.text
        assert "Order 01234567" in answer.text


async def test_coming_back_is_no_proof_of_a_payment() -> None:
    async with browsing(order()) as (http, store):
        await http.get(url())
        kept = await store.load(order().order_id)
        assert kept is not None
        assert kept.state is State.WAITING
        assert kept.version == 1


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("state", State)
async def test_it_speaks_the_language_of_the_order(state: State, language: Language) -> None:
    kept = order(state, charge(), language=language, sold=usd("10"), paid_at=NOON)
    async with browsing(kept) as (http, _):
        answer = await http.get(url(), headers={"accept-language": "de"})
    page = Page(answer.text)
    assert page.language == language
    frame = ["html", "head", "meta", "meta", "title", "style", "body", "h1", "p"]
    assert page.tags[: len(frame)] == frame
    assert set(page.tags[len(frame) :]) == {"b"}
    assert ("refresh" in answer.headers) is (state in ALIVE)


async def test_nothing_from_outside_becomes_markup() -> None:
    kept = order(title=NASTY, description=NASTY, goods=NASTY)
    async with browsing(kept) as (http, _):
        answer = await http.get(url())
    assert "script" not in Page(answer.text).tags
    assert "&lt;script&gt;" in answer.text


async def test_what_was_bought_is_not_on_the_page() -> None:
    kept = order(State.GRANTED, charge(), goods="SECRET", sold=usd("10"), paid_at=NOON)
    async with browsing(kept) as (http, _):
        answer = await http.get(url())
    assert "SECRET" not in answer.text
    assert kept.order_id not in answer.text
    assert str(charge().payment_id) not in answer.text


async def test_the_browser_may_do_nothing_with_it() -> None:
    async with browsing(order()) as (http, _):
        answer = await http.get(url())
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?token=",
        "?token=forged",
        f"?token={'A' * 76}",
        "?token=%00%ff",
        url()[17:] + "&token=b",
    ],
)
async def test_what_is_no_token_shows_nobodys_order(query: str) -> None:
    async with browsing(order()) as (http, _):
        answer = await http.get(
            f"/payments/success{query}", headers={"accept-language": "uk-UA,en"}
        )
    assert answer.status_code == 404
    assert NO_ORDER.uk in answer.text
    assert "Ticket" not in answer.text


async def test_an_expired_token_and_an_order_that_is_gone_look_the_same() -> None:
    async with browsing(order(), now=EXPIRES) as (http, _):
        expired = await http.get(url())
    async with browsing() as (http, _):
        gone = await http.get(url())
    assert (expired.status_code, expired.text) == (gone.status_code, gone.text)


async def test_a_store_that_is_away_is_said_and_tried_again() -> None:
    async with browsing(order()) as (http, store):
        store.away = True
        answer = await http.get(url())
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "10"
    assert AWAY.en in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_it_is_only_read(method: str) -> None:
    async with browsing(order()) as (http, _):
        assert (await http.request(method, url())).status_code == 405
        assert (await http.head(url())).status_code == 200
