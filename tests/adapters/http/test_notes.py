"""What a scenario or an operator writes reaches its user once, and its fate can be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest

from actors.kernel.ids import ChatId
from actors.relay.courier import HELD_MAX, USER_WAITING_MAX
from adapters.http.access import Operators, Writers
from adapters.http.app import application
from adapters.http.notes import MESSAGES, TEXT_UNITS_MAX, note_routes
from tests.actors.relay.world import ANNA, Post

TOKEN, MESSAGES_TOKEN = "t" * 24, "m" * 24
KEY = {"idempotency-key": "k-1"}


@asynccontextmanager
async def office(
    post: Post | None = None, **headers: str
) -> AsyncIterator[tuple[httpx.AsyncClient, Post]]:
    post = post or Post()
    async with post.open():
        operators = Operators(token=TOKEN, loopback=True)
        writers = Writers(operators=operators, tokens=(MESSAGES_TOKEN,))
        app = application(note_routes(post.courier, writers))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1",
            headers={"authorization": f"Bearer {TOKEN}"} | headers,
        ) as http:
            yield http, post


async def test_a_message_is_kept_answered_and_followed() -> None:
    async with office() as (http, post):
        answer = await http.post(MESSAGES, json={"user_id": 1, "text": "Hi <you>"}, headers=KEY)
        assert answer.status_code == 202
        told = answer.json()
        assert (told["user_id"], told["state"], told["telegram_message_id"]) == (1, "pending", None)
        (say,) = post.says()
        assert (say.chat_id, say.text) == (1, "Hi &lt;you&gt;")
        post.deliver(say)
        await post.rest(0.1)
        one = (await http.get(f"{MESSAGES}/{told['message_id']}")).json()
        assert (one["state"], one["telegram_message_id"]) == ("sent", 77)


async def test_the_same_key_is_the_same_message() -> None:
    async with office() as (http, post):
        body = {"user_id": 1, "text": "Hi"}
        answers = [await http.post(MESSAGES, json=body, headers=KEY) for _ in range(3)]
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["message_id"] for answer in answers}) == 1
        assert len(post.says()) == 1
        other = await http.post(MESSAGES, json=body | {"text": "Ho"}, headers=KEY)
        assert other.status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"user_id": 1},
        {"text": "Hi"},
        {"user_id": "1", "text": "Hi"},
        {"user_id": True, "text": "Hi"},
        {"user_id": 0, "text": "Hi"},
        {"user_id": -100, "text": "Hi"},
        {"user_id": 2**60, "text": "Hi"},
        {"user_id": 1, "text": ""},
        {"user_id": 1, "text": " \n"},
        {"user_id": 1, "text": 5},
        {"user_id": 1, "text": "a\0b"},
        {"user_id": 1, "text": "\U0001f600" * (TEXT_UNITS_MAX // 2 + 1)},
        {"user_id": 1, "text": "Hi", "html": True},
    ],
)
async def test_what_is_not_understood_is_refused(body: dict[str, object]) -> None:
    async with office() as (http, post):
        assert (await http.post(MESSAGES, json=body, headers=KEY)).status_code == 400
        assert post.says() == []


@pytest.mark.parametrize("key", ["", "a b", "x" * 201])
async def test_without_a_key_nothing_is_sent(key: str) -> None:
    async with office() as (http, post):
        headers = {"idempotency-key": key} if key else {}
        answer = await http.post(MESSAGES, json={"user_id": 1, "text": "Hi"}, headers=headers)
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["detail"]
        assert post.says() == []


async def test_half_a_character_and_json_that_is_none_are_refused() -> None:
    async with office() as (http, _):
        kind = KEY | {"content-type": "application/json"}
        for body in (b'{"user_id": 1, "text": "\\ud800"}', b'{"user_id": 1, "user_id": 2}', b"{"):
            assert (await http.post(MESSAGES, content=body, headers=kind)).status_code == 400


async def test_a_scenario_writes_by_a_token_that_is_good_for_nothing_else() -> None:
    async with office(authorization=f"Bearer {MESSAGES_TOKEN}") as (http, post):
        answer = await http.post(MESSAGES, json={"user_id": 1, "text": "Hi"}, headers=KEY)
        assert answer.status_code == 202
        assert len(post.says()) == 1
        assert (await http.get(f"{MESSAGES}/{answer.json()['message_id']}")).status_code == 401


async def test_who_writes_more_than_a_user_can_be_told_comes_back_later() -> None:
    async with office() as (http, post):
        for number in range(USER_WAITING_MAX):
            await post.notes.keep(
                UUID(int=number),
                key=str(number),
                chat_id=ANNA,
                text="x",
                at=post.clock,
                waiting_max=USER_WAITING_MAX,
            )
        body = {"user_id": int(ANNA), "text": "Hi"}
        answer = await http.post(MESSAGES, json=body, headers=KEY)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        assert f"{USER_WAITING_MAX} messages wait for this user" in answer.json()["detail"]
        other = await http.post(MESSAGES, json=body | {"user_id": 2}, headers=KEY)
        assert other.status_code == 202


async def test_who_writes_more_than_telegram_takes_comes_back_later() -> None:
    post = Post()
    for number in range(HELD_MAX):
        await post.notes.keep(
            UUID(int=number),
            key=str(number),
            chat_id=ChatId(number + 1),
            text="x",
            at=post.clock,
            waiting_max=1,
        )
    async with office(post) as (http, _):
        body = {"user_id": HELD_MAX + 1, "text": "Hi"}
        answer = await http.post(MESSAGES, json=body, headers=KEY)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert f"{HELD_MAX} messages wait for users" in answer.json()["detail"]


async def test_strangers_write_to_nobody() -> None:
    async with office(authorization="Bearer wrong") as (http, post):
        answer = await http.post(MESSAGES, json={"user_id": 1, "text": "Hi"}, headers=KEY)
        assert answer.status_code == 401
        assert (await http.get(f"{MESSAGES}/x")).status_code == 401
        assert post.says() == []


@pytest.mark.parametrize("message_id", ["x", "1", str(UUID(int=5)), UUID(int=5).hex])
async def test_what_there_is_not(message_id: str) -> None:
    async with office() as (http, _):
        assert (await http.get(f"{MESSAGES}/{message_id}")).status_code == 404
