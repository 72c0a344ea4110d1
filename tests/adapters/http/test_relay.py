"""What operators see of the relay, and what they do about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from actors.relay.model import Accepted, Gone, Refused
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.relay import RELAY, relay_routes
from tests.actors.relay.world import Post

TOKEN = "t" * 24


@asynccontextmanager
async def office(*, relay: bool = True) -> AsyncIterator[tuple[httpx.AsyncClient, Post]]:
    post = Post()
    async with post.open():
        operators = Operators(token=TOKEN, loopback=True)
        find = (lambda: post.relay) if relay else None
        app = application(relay_routes(post.outbox, find, operators))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1",
            headers={"authorization": f"Bearer {TOKEN}"},
        ) as http:
            yield http, post


async def test_events_are_seen_newest_first_and_in_pages() -> None:
    async with office() as (http, post):
        post.webhook.script.append(Refused("HTTP 400: no"))
        ids = [await post.put(), await post.put(), await post.put()]
        await post.rest(3)
        page = (await http.get(f"{RELAY}/events?limit=2")).json()
        rest = (await http.get(f"{RELAY}/events?limit=2&before={page['next']}")).json()
        assert [e["event_id"] for e in page["events"] + rest["events"]] == ids[::-1]
        (parked,) = (await http.get(f"{RELAY}/events?state=parked")).json()["events"]
        assert (parked["event_id"], parked["detail"]) == (ids[0], "HTTP 400: no")
        assert (parked["user_id"], parked["event_type"]) == (1, "message_batch")


async def test_a_parked_event_is_replayed_and_another_is_not() -> None:
    async with office() as (http, post):
        post.webhook.script.append(Refused("no"))
        event_id = await post.put()
        await post.rest(1)
        one = f"{RELAY}/events/{event_id}/replay"
        assert (await http.post(one, json={})).json() == {"replayed": 1}
        await post.rest(1)
        assert post.webhook.ids() == [event_id, event_id]
        assert (await http.post(one, json={})).status_code == 404
        assert (await http.post(f"{RELAY}/events/x/replay", json={})).status_code == 404


async def test_all_are_replayed() -> None:
    async with office() as (http, post):
        post.webhook.answer = lambda _: Refused("no")
        for _ in range(3):
            await post.put()
        await post.rest(3)
        post.webhook.answer = lambda _: Accepted()
        assert (await http.post(f"{RELAY}/replay", json={})).json() == {"replayed": 3}
        await post.rest(3)
        assert post.states() == ["delivered"] * 3


async def test_a_pause_is_ended() -> None:
    async with office() as (http, post):
        post.webhook.script.append(Gone("HTTP 410"))
        await post.put()
        await post.rest(1)
        assert (await http.post(f"{RELAY}/resume", json={})).json() == {"was_paused": True}
        assert (await http.post(f"{RELAY}/resume", json={})).json() == {"was_paused": False}
        await post.rest(1)
        assert post.states() == ["delivered"]


async def test_what_is_old_is_forgotten_on_demand() -> None:
    async with office() as (http, _):
        assert (await http.post(f"{RELAY}/prune", json={})).json() == {"forgotten": 0}


@pytest.mark.parametrize("path", ["replay", "resume", "prune", "events/x/replay"])
async def test_without_a_webhook_there_is_nothing_to_do(path: str) -> None:
    async with office(relay=False) as (http, _):
        answer = await http.post(f"{RELAY}/{path}", json={})
        assert answer.status_code == 409
        assert "MAKE_WEBHOOK_URL" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["state=lost", "limit=0", "before=x", "other=1"])
async def test_what_is_not_understood_is_refused(query: str) -> None:
    async with office() as (http, _):
        assert (await http.get(f"{RELAY}/events?{query}")).status_code == 400
        assert (await http.post(f"{RELAY}/replay", json={"x": 1})).status_code == 400
        assert (await http.post(f"{RELAY}/replay", content=b"")).status_code == 400
