"""Polling over a real socket: batches, refusals, and garbage."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.actor import TelegramGateway
from actors.gateway.model import Arrival
from actors.gateway.ports import (
    Batch,
    Conflicted,
    Pushing,
    TokenRejected,
    Verified,
    Webhook,
    WebhookRefused,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from adapters.memory.gateway import MemoryInbox
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.telegram.bot import connected
from adapters.telegram.updates import TelegramUpdates, batch
from runtime.testing import Probe, running
from runtime.world import RealWorld
from tests.adapters.telegram.wire import TOKEN, Recorder, bot_of, http, raw, says


@asynccontextmanager
async def polling(sandbox: TelegramSandbox) -> AsyncIterator[TelegramUpdates]:
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        yield TelegramUpdates(bot)


def texts(outcome: object) -> list[str]:
    assert isinstance(outcome, Batch), outcome
    return [json.loads(update.body)["message"]["text"] for update in outcome.updates]


# Batches


async def test_what_is_not_confirmed_comes_again() -> None:
    sandbox = TelegramSandbox()
    ada = sandbox.user(7)
    async with polling(sandbox) as updates:
        for text in ("a", "b"):
            ada.says(text)
        first = await updates.poll(None, patient=True)
        assert texts(first) == ["a", "b"]
        assert isinstance(first, Batch)
        # Asked again at once, Telegram answers with a single update (Client.cpp).
        assert texts(await updates.poll(None, patient=True)) == ["a"]
        ada.says("c")
        assert texts(await updates.poll(first.next_offset, patient=True)) == ["c"]


async def test_a_patient_poll_waits_and_an_impatient_one_does_not() -> None:
    sandbox = TelegramSandbox()
    async with polling(sandbox) as updates, trio.open_nursery() as nursery:
        assert await updates.poll(None, patient=False) == Batch()

        @nursery.start_soon
        async def later() -> None:
            await trio.sleep(0.1)
            sandbox.user(7).says("late")

        assert texts(await updates.poll(5, patient=True)) == ["late"]


async def test_every_poll_names_what_it_wants() -> None:
    recorder = Recorder([])
    async with bot_of(recorder) as bot:
        assert await TelegramUpdates(bot).poll(None, patient=True) == Batch()
        await TelegramUpdates(bot).poll(42, patient=False)
    wanted = '["message", "callback_query", "my_chat_member", "pre_checkout_query"]'
    assert recorder.asked == [
        ("getUpdates", {"limit": "100", "timeout": "30", "allowed_updates": wanted}),
        ("getUpdates", {"offset": "42", "limit": "100", "timeout": "0", "allowed_updates": wanted}),
    ]


async def test_the_webhook_is_set_with_its_secret_and_with_what_it_wants() -> None:
    webhook = Webhook("https://shop.example.org/webhooks/telegram", "canary")
    recorder = Recorder(True)
    async with bot_of(recorder) as bot:
        assert await TelegramUpdates(bot).set_webhook(webhook) == Pushing()
        recorder.result = 1
        with pytest.raises(Unavailable, match="the answer is not true"):
            await TelegramUpdates(bot).set_webhook(webhook)
    wanted = '["message", "callback_query", "my_chat_member", "pre_checkout_query"]'
    told = {"url": webhook.url, "secret_token": "canary", "allowed_updates": wanted}
    assert recorder.asked == [("setWebhook", told)] * 2


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (400, "Bad Request: bad webhook: HTTPS url must be provided", WebhookRefused),
        (401, "Unauthorized", TokenRejected),
        (404, "Not Found", TokenRejected),
        (502, "Bad Gateway", Unavailable),
    ],
)
async def test_a_webhook_that_is_refused_is_a_value_and_an_outage_is_none(
    status: int, text: str, outcome: type[object]
) -> None:
    answer = http(status, {"ok": False, "error_code": status, "description": text})
    async with raw(says(answer)) as url, connected(token=TOKEN, api_url=url) as bot:
        try:
            told: object = await TelegramUpdates(bot).set_webhook(Webhook("http://x.example", "s"))
        except Unavailable as error:
            told = error
    assert isinstance(told, outcome)


def test_a_body_is_ascii_whatever_was_written() -> None:
    (update,) = batch([{"update_id": 3, "message": {"text": "Їжак \x00\ud800 😀"}}]).updates
    assert update.body.isascii()
    assert json.loads(update.body)["message"]["text"] == "Їжак \x00\ud800 😀"


def test_the_next_offset_is_behind_the_whole_batch() -> None:
    assert batch([{"update_id": 8}, {"update_id": 5}]).next_offset == 9
    assert batch([{"update_id": 0}]).next_offset == 1
    assert batch([]) == Batch()


@pytest.mark.parametrize(
    "odd", [None, 7, "x", [], {}, {"update_id": None}, {"update_id": "5"}, {"update_id": True},
            {"update_id": -1}, {"update_id": 1.0}, {"update_id": 2**60}]
)  # fmt: skip
def test_an_entry_without_an_id_costs_only_itself(odd: object) -> None:
    good = {"update_id": 5}
    assert batch([odd, good]) == Batch((Arrival(UpdateId(5), '{"update_id": 5}'),), 6, 1)
    with pytest.raises(Unavailable, match="none of 1 updates has a usable id"):
        batch([odd])


def test_an_id_twice_in_a_batch_is_one_update() -> None:
    assert len(batch([{"update_id": 5, "a": 1}, {"update_id": 5, "b": 2}]).updates) == 1


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                             lambda inner: st.dictionaries(st.just("update_id"), inner)
                             | st.lists(inner)), max_size=5))  # fmt: skip
def test_no_list_makes_it_fail_in_any_other_way(answer: list[Any]) -> None:
    try:
        found = batch(answer)
    except Unavailable:
        return
    assert len(found.updates) + found.unreadable <= len(answer)


# Refusals and garbage


async def test_the_token_is_verified() -> None:
    sandbox = TelegramSandbox()
    async with serve(sandbox) as url:
        async with connected(token=sandbox.token, api_url=url) as bot:
            assert await TelegramUpdates(bot).verify() == Verified("sandbox_shop_bot")
        async with connected(token=TOKEN, api_url=url) as bot:
            updates = TelegramUpdates(bot)
            assert await updates.verify() == TokenRejected("Unauthorized")
            assert await updates.poll(None, patient=True) == TokenRejected("Unauthorized")
        async with connected(token="no token", api_url=url) as bot:
            assert await TelegramUpdates(bot).poll(None, patient=True) == TokenRejected("Not Found")


async def test_of_two_pollers_the_older_one_is_told() -> None:
    sandbox = TelegramSandbox()
    outcomes: list[object] = []
    async with polling(sandbox) as older, polling(sandbox) as newer, trio.open_nursery() as nursery:

        @nursery.start_soon
        async def first() -> None:
            outcomes.append(await older.poll(None, patient=True))

        await trio.sleep(0.2)
        nursery.start_soon(partial(newer.poll, None, patient=True))
        await trio.sleep(0.2)
        nursery.cancel_scope.cancel()
    (outcome,) = outcomes
    assert isinstance(outcome, Conflicted)
    assert outcome.detail.startswith("Conflict: terminated by other getUpdates request")


async def test_a_webhook_keeps_the_updates_for_itself() -> None:
    sandbox = TelegramSandbox()
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        await bot.set_webhook("https://shop.example/hook")
        outcome = await TelegramUpdates(bot).poll(None, patient=True)
    assert isinstance(outcome, Conflicted)
    assert "webhook is active" in outcome.detail


async def test_a_flood_wait_is_handed_on() -> None:
    sandbox = TelegramSandbox()
    sandbox.fail_next(1, 429, "Too Many Requests: retry after 7", retry_after=7)
    async with polling(sandbox) as updates:
        with pytest.raises(Unavailable) as told:
            await updates.poll(None, patient=True)
    assert told.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    "content",
    [
        b"",
        http(200, b"<html>"),
        http(502, b"<html>"),
        http(404, b"<html>"),
        http(401, b"<html>"),
        http(500, {"ok": False, "error_code": 500, "description": "Internal Server Error"}),
        http(403, {"ok": False, "error_code": 403, "description": "odd"}),
        http(200, {"ok": True, "result": {"update_id": 1}}),
        http(200, {"ok": True, "result": True}),
        http(200, {"ok": True, "result": [{}]}),
        http(200, b'{"ok": true, "result": [{"update_id": 1}, {"upd', length=900),
    ],
)
async def test_garbage_is_trouble_for_later(content: bytes) -> None:
    async with raw(says(content)) as url, connected(token=TOKEN, api_url=url) as bot:
        with pytest.raises(Unavailable) as told:
            await TelegramUpdates(bot).poll(None, patient=True)
    assert TOKEN not in told.value.detail


async def test_a_getme_that_is_no_bots_is_trouble_for_later() -> None:
    async with bot_of(Recorder([])) as bot:
        with pytest.raises(Unavailable):
            await TelegramUpdates(bot).verify()


async def test_one_poison_update_does_not_cost_its_neighbours() -> None:
    poison = b'{"update_id": 2, "message": {"text": "\xff \\ud800", "n": %s}}' % (b"9" * 5_000)
    body = b'{"ok": true, "result": [{"update_id": 1}, %s, {"update_id": 3}]}' % poison
    async with raw(says(http(200, body))) as url, connected(token=TOKEN, api_url=url) as bot:
        outcome = await TelegramUpdates(bot).poll(None, patient=True)
    assert isinstance(outcome, Batch)
    assert [update.update_id for update in outcome.updates] == [1, 2, 3]


# With the gateway


class Stumbling:
    """A Bot API server that loses its connections: each second answer goes nowhere."""

    head_bytes_max = 65_536

    def __init__(self, sandbox: TelegramSandbox) -> None:
        self._sandbox, self.now, self._asked = sandbox, sandbox.now, 0

    async def __call__(self, request: Request) -> Response | None:
        response = await self._sandbox(request)
        self._asked += 1
        return response if self._asked % 2 else None


async def test_batches_that_get_lost_on_the_way_are_asked_for_again() -> None:
    sandbox, sessions = TelegramSandbox(), Probe()
    people = [sandbox.user(7), sandbox.user(8)]
    for number in range(150):
        people[number % 2].says(str(number))
    async with (
        serve(Stumbling(sandbox)) as url,
        connected(token=sandbox.token, api_url=url) as bot,
        running(world=RealWorld()) as system,
    ):
        system.spawn(
            lambda: TelegramGateway(
                updates=TelegramUpdates(bot),
                inbox=MemoryInbox(),
                sessions=sessions.keyed,
                purchases=Probe().keyed,
                pre_checkout=Probe(),
            ),
            name="gateway",
        )
        for _ in range(150):
            await sessions.expect(tuple, within=20)
    for first, person in enumerate(people):
        heard = [heard.text for chat_id, heard in sessions.told if chat_id == person.id]
        assert heard == [str(n) for n in range(first, 150, 2)]


async def test_a_process_that_starts_again_hears_nothing_twice() -> None:
    sandbox, sessions, inbox = TelegramSandbox(), Probe(), MemoryInbox()
    ada = sandbox.user(7)
    async with serve(sandbox) as url:
        for number in range(3):
            ada.says(str(number))
            async with (
                connected(token=sandbox.token, api_url=url) as bot,
                running(world=RealWorld()) as system,
            ):
                system.spawn(
                    partial(
                        TelegramGateway,
                        updates=TelegramUpdates(bot),
                        inbox=inbox,
                        sessions=sessions.keyed,
                        purchases=Probe().keyed,
                        pre_checkout=Probe(),
                    ),
                    name="gateway",
                )
                await sessions.expect(tuple, within=10)
                for _, heard in sessions.told:
                    await inbox.finish(heard.update_id, at=datetime.now(UTC))
    assert [heard.text for _, heard in sessions.told] == ["0", "1", "2"]
