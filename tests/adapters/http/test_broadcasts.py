"""What operators do with broadcasts over HTTP, what they see, and what they are refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from actors.broadcasts.model import CAPTION_UNITS_MAX, CHAT_ID_BITS, CHAT_IDS_MAX, State
from actors.kernel.ids import BroadcastId, ChatId
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.broadcasts import BROADCASTS, VERBS, broadcast_routes
from adapters.http.limits import AUDIENCE_MAX_BYTES
from tests.actors.broadcasts.post import EPOCH, Bureau

TOKEN = "a token of twenty-four characters"
AUTH = {"authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def office(
    people: int = 3, **headers: str
) -> AsyncIterator[tuple[httpx.AsyncClient, Bureau]]:
    bureau = Bureau()
    await bureau.people(people)
    async with bureau.open():
        operators = Operators(token=TOKEN, loopback=True)
        app = application(broadcast_routes(bureau.store, bureau.ref, operators))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1",
            headers=AUTH | headers,
        ) as http:
            yield http, bureau


async def begun(http: httpx.AsyncClient, bureau: Bureau, **asked: Any) -> dict[str, Any]:
    answer = await http.post(BROADCASTS, json={"text": "Hello"} | asked)
    assert answer.status_code == 200, answer.text
    await bureau.passes(2)
    told: dict[str, Any] = answer.json()
    return told


async def test_a_broadcast_is_begun_seen_and_stopped() -> None:
    async with office() as (http, bureau):
        told = await begun(http, bureau, why="news")
        assert (told["state"], told["reachable"], told["unreachable"]) == ("checking", 3, 0)
        one = f"{BROADCASTS}/{told['broadcast_id']}"
        await bureau.carry(1)
        shown = (await http.get(one)).json()
        assert (shown["state"], shown["sent"], shown["pending"], shown["total"]) == (
            "running", 1, 2, 3,
        )  # fmt: skip
        answer = await http.post(f"{one}/pause", json={"why": "wrong price"})
        assert (answer.status_code, answer.json()["state"]) == (200, "paused")
        answer = await http.post(f"{one}/pause", json={"why": "again"})
        assert (answer.status_code, answer.json()["detail"]) == (409, "it is not under way")
        assert (await http.post(f"{one}/resume", json={"why": "x"})).json()["state"] == "running"
        assert (await http.post(f"{one}/cancel", json={"why": "x"})).json()["state"] == "cancelled"
        actions = (await http.get(one)).json()["actions"]
        assert [(a["what"], a["who"], a["why"]) for a in actions] == [
            ("create", "operator", "news"),
            ("pause", "operator", "wrong price"),
            ("resume", "operator", "x"),
            ("cancel", "operator", "x"),
        ]


async def test_begun_again_under_the_same_key_it_is_the_same_broadcast() -> None:
    async with office() as (http, bureau):
        asked, key = {"text": "Hello"}, {"idempotency-key": "k-1"}
        bureau.store.forgets = True
        assert (await http.post(BROADCASTS, json=asked, headers=key)).status_code == 503
        bureau.store.forgets = False
        answers = [await http.post(BROADCASTS, json=asked, headers=key) for _ in range(2)]
        assert [(a.status_code, a.json()["broadcast_id"]) for a in answers] == [(200, 1), (200, 1)]
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        told = (await http.post(BROADCASTS, json=asked, headers=key)).json()
        assert (told["broadcast_id"], told["state"], told["sent"]) == (1, "finished", 3)
        await bureau.passes(2)
        assert len(bureau.post.others.told) == 1, "it is shown once"
        assert len((await http.get(BROADCASTS)).json()["broadcasts"]) == 1


async def test_a_key_is_for_one_broadcast() -> None:
    async with office() as (http, bureau):
        key = {"idempotency-key": "k-1"}
        assert (await http.post(BROADCASTS, json={"text": "a"}, headers=key)).status_code == 200
        for other in ({"text": "b"}, {"text": "a", "audience": {"chat_ids": [1]}}):
            answer = await http.post(BROADCASTS, json=other, headers=key)
            assert answer.status_code == 409
            assert "Idempotency-Key" in answer.json()["detail"]
        answer = await http.post(BROADCASTS, json={"text": "a"}, headers={"idempotency-key": "a b"})
        assert answer.status_code == 400
        assert len(await bureau.store.listing(states=(), limit=9)) == 1


async def test_everything_that_can_be_told_of_one_arrives() -> None:
    async with office() as (http, bureau):
        content = {
            "text": "Hi {name|friend}",
            "media": {"kind": "photo", "file": "https://example.org/a.jpg"},
            "buttons": [[{"text": "Go", "url": "https://example.org"}]],
        }
        audience = {"chat_ids": [1, 2, -5], "languages": [], "states": [], "products": []}
        later = (EPOCH + timedelta(hours=3)).isoformat()
        flags = {"at_least_once": True, "paid": True, "hold": True}
        told = await begun(
            http, bureau, **content, audience=audience, starts_at=later, **flags, why="x"
        )
        shown = (await http.get(f"{BROADCASTS}/{told['broadcast_id']}")).json()
        assert {name: shown[name] for name in content} == content
        assert {name: shown[name] for name in flags} == flags
        assert (shown["audience"]["chat_ids"], shown["state"]) == (3, "ready")
        assert shown["starts_at"] == later
        segment = {
            "languages": ["en"], "states": ["new"], "products": ["vip"],
            "active_since": "2025-01-01T00:00:00+00:00",
        }  # fmt: skip
        answer = await http.post(BROADCASTS, json={"text": "x", "audience": segment})
        assert (answer.status_code, answer.json()["detail"]) == (
            400,
            "nobody would get it; no such product is on sale: vip",
        )


async def test_broadcasts_and_recipients_are_listed_page_by_page() -> None:
    async with office(people=5) as (http, bureau):
        ids = [(await begun(http, bureau))["broadcast_id"] for _ in range(3)]
        bureau.post.fates[ChatId(2)] = "refused"
        await bureau.carry()
        await bureau.passes(2)
        page = (await http.get(BROADCASTS, params={"limit": 2})).json()
        assert [each["broadcast_id"] for each in page["broadcasts"]] == [ids[2], ids[1]]
        page = (await http.get(BROADCASTS, params={"before": page["next"]})).json()
        assert ([each["broadcast_id"] for each in page["broadcasts"]], page["next"]) == (
            [ids[0]], None,
        )  # fmt: skip
        finished = (await http.get(BROADCASTS, params={"state": "finished"})).json()
        assert len(finished["broadcasts"]) == 3
        url = f"{BROADCASTS}/{ids[0]}/recipients"
        page = (await http.get(url, params={"limit": 3})).json()
        assert [each["chat_id"] for each in page["recipients"]] == [1, 2, 3]
        page = (await http.get(url, params={"after": page["next"]})).json()
        assert [each["chat_id"] for each in page["recipients"]] == [4, 5]
        (failed,) = (await http.get(url, params={"outcome": "failed"})).json()["recipients"]
        assert failed == {"chat_id": 2, "outcome": "failed", "message_id": None, "detail": "why"}


async def test_what_failed_is_tried_again_and_what_was_sent_is_changed_and_taken_back() -> None:
    async with office() as (http, bureau):
        bureau.post.fates.update({ChatId(1): "refused", ChatId(2): "unknown"})
        one = f"{BROADCASTS}/{(await begun(http, bureau))['broadcast_id']}"
        await bureau.carry()
        await bureau.passes(2)
        bureau.post.fates.clear()
        answer = await http.post(f"{one}/retry-failed", json={"why": "x"})
        assert answer.json()["pending"] == 1
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        answer = await http.post(f"{one}/retry-failed", json={"why": "x"})
        assert (answer.status_code, answer.json()["detail"]) == (409, "nothing of it failed")
        answer = await http.post(f"{one}/retry-failed", json={"why": "x", "unknown": True})
        assert answer.json()["pending"] == 1
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        change = (await http.post(f"{one}/edit", json={"why": "x", "text": "Other"})).json()
        assert (change["kind"], change["of"], change["reachable"]) == ("edit", 1, 3)
        back = (await http.post(f"{one}/delete", json={"why": "x"})).json()
        assert (back["kind"], back["of"], back["state"]) == ("delete", 1, "scheduled")


BAD: list[dict[str, Any]] = [
    {},
    {"text": 1},
    {"text": "x", "other": 1},
    {"text": "x", "media": "photo"},
    {"text": "x", "media": {"kind": "gif", "file": "https://x.org"}},
    {"text": "x", "media": {"kind": "photo", "file": "http://x.org/a"}},
    {"text": "x", "buttons": [{"text": "a", "url": "https://x.org"}]},
    {"text": "x", "buttons": "no"},
    {"text": "x", "buttons": [[{"text": "a"}]]},
    {"text": "x", "buttons": [[{"text": "a", "url": "javascript:alert(1)"}]]},
    {"text": "x", "audience": []},
    {"text": "x", "audience": {"chat_ids": ["1"]}},
    {"text": "x", "audience": {"chat_ids": [True]}},
    {"text": "x", "audience": {"chat_ids": [2**52]}},
    {"text": "x", "audience": {"chat_ids": [0]}},
    {"text": "x", "audience": {"languages": ["de"]}},
    {"text": "x", "audience": {"states": ["gone"]}},
    {"text": "x", "audience": {"products": [""]}},
    {"text": "x", "audience": {"products": ["a"] * 101}},
    {"text": "x", "audience": {"plan": "vip"}},
    {"text": "x", "audience": {"active_since": "yesterday"}},
    {"text": "x", "starts_at": "2026-11-21T12:00:00"},
    {"text": "x", "starts_at": 5},
    {"text": "x", "hold": "yes"},
    {"text": "x", "why": ""},
    {"text": "x\0"},
    {"text": "{nme}"},
    {"text": "x" * 4097},
]


@pytest.mark.parametrize("body", BAD, ids=[str(n) for n in range(len(BAD))])
async def test_what_is_not_understood_is_refused_with_words(body: dict[str, Any]) -> None:
    async with office() as (http, bureau):
        answer = await http.post(BROADCASTS, json=body)
        assert answer.status_code == 400, answer.text
        assert answer.json()["detail"]
        assert await bureau.store.listing(states=(), limit=9) == ()


async def test_what_is_not_there_is_not_found() -> None:
    async with office() as (http, _):
        for number in ("999", "0", "x", "9" * 30):
            one = f"{BROADCASTS}/{number}"
            assert (await http.get(one)).status_code == 404
            assert (await http.get(f"{one}/recipients")).status_code == 404
            for verb in (*VERBS, "retry-failed"):
                assert (await http.post(f"{one}/{verb}", json={"why": "x"})).status_code == 404
            edit = await http.post(f"{one}/edit", json={"why": "x", "text": "x"})
            assert edit.status_code == 404


async def test_a_deed_needs_a_reason_and_json() -> None:
    async with office() as (http, bureau):
        one = f"{BROADCASTS}/{(await begun(http, bureau))['broadcast_id']}"
        for verb in (*VERBS, "retry-failed", "edit"):
            for body in ({}, {"why": " "}, {"why": "x", "other": 1}):
                assert (await http.post(f"{one}/{verb}", json=body)).status_code == 400
            plain = await http.post(f"{one}/{verb}", content=b'{"why": "x"}')
            assert plain.status_code == 400
        kept = await bureau.store.find(BroadcastId(1))
        assert kept is not None
        assert kept.state is State.RUNNING
        for query in ({"state": "gone"}, {"limit": "0"}, {"other": "1"}, {"before": "x"}):
            assert (await http.get(BROADCASTS, params=query)).status_code == 400
        for query in ({"outcome": "gone"}, {"after": "x"}, {"other": "1"}):
            assert (await http.get(f"{one}/recipients", params=query)).status_code == 400


async def test_strangers_learn_nothing() -> None:
    async with office(authorization="Bearer wrong") as (http, bureau):
        assert (await http.get(BROADCASTS)).status_code == 401
        assert (await http.post(BROADCASTS, json={"text": "x"})).status_code == 401
        assert await bureau.store.listing(states=(), limit=9) == ()


async def test_while_the_store_is_away_operators_are_told_to_come_back() -> None:
    async with office() as (http, bureau):
        bureau.store.away = True
        for answer in (
            await http.get(BROADCASTS),
            await http.post(BROADCASTS, json={"text": "x"}),
            await http.post(f"{BROADCASTS}/1/pause", json={"why": "x"}),
        ):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_twenty_thousand_recipients_can_be_listed() -> None:
    async with office() as (http, bureau):
        chat_ids = list(range(7_000_000_000, 7_000_020_000))
        told = await begun(http, bureau, audience={"chat_ids": chat_ids})
        assert told["reachable"] == 20_000
        answer = await http.post(
            BROADCASTS, json={"text": "x", "audience": {"chat_ids": [*chat_ids, 1]}}
        )
        assert (answer.status_code, "at most 20000" in answer.text) == (400, True)


async def test_as_many_recipients_as_may_be_listed_fit_into_a_request() -> None:
    longest = (1 << CHAT_ID_BITS) - 1
    chat_ids = [-(longest - number) for number in range(CHAT_IDS_MAX)]
    text = "\U0001f525" * (CAPTION_UNITS_MAX // 2)
    asked = {"text": text, "audience": {"chat_ids": chat_ids}}
    async with office(0, **{"content-type": "application/json"}) as (http, _):
        answer = await http.post(BROADCASTS, content=json.dumps(asked))
        assert answer.status_code == 200, answer.text
        assert answer.json()["reachable"] == CHAT_IDS_MAX
        asked["audience"] = {"chat_ids": [*chat_ids, 1]}
        answer = await http.post(BROADCASTS, content=json.dumps(asked))
        assert (answer.status_code, str(CHAT_IDS_MAX) in answer.text) == (400, True)
        answer = await http.post(BROADCASTS, content=b" " * (AUDIENCE_MAX_BYTES + 1))
        assert (answer.status_code, str(AUDIENCE_MAX_BYTES) in answer.text) == (413, True)
