"""Updates as webhooks: in order for each chat, repeated until they are taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import trio

from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_webhook import SECRET_HEADER
from tests.adapters.sandbox.calls import Bot, virtual_now


@dataclass
class Hook:
    """Answers with the next of `answers`, then 200; remembers texts and when they came."""

    answers: list[Response | None] = field(default_factory=list)
    takes_seconds: float = 0.0
    head_bytes_max: int = 16_384
    now: Callable[[], datetime] = virtual_now
    seen: list[Request] = field(default_factory=list)
    got: list[tuple[str, float]] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        update = json.loads(request.body)
        text = update["message"]["text"] if "message" in update else next(reversed(update))
        self.got.append((text, round(trio.current_time())))
        answer = self.answers.pop(0) if self.answers else Response(status=200)
        await trio.sleep(self.takes_seconds)
        return answer


async def world(url: str, **parameters: object) -> tuple[TelegramSandbox, Bot]:
    sandbox = TelegramSandbox(now=virtual_now, local=True)
    bot = Bot(sandbox)
    await bot("setWebhook", url=url, **parameters)
    return sandbox, bot


async def test_an_update_arrives_with_the_secret_and_is_gone() -> None:
    hook = Hook()
    async with serve(hook) as url:
        sandbox, bot = await world(f"{url}/hook", secret_token="s-1", max_connections=5)
        async with sandbox.webhooks:
            sandbox.user(7).says("hello")
            await trio.sleep(1)
    (request,) = hook.seen
    assert (request.path, request.headers[SECRET_HEADER]) == ("/hook", "s-1")
    assert request.headers["content-type"] == "application/json"
    info = await bot("getWebhookInfo")
    assert (info["pending_update_count"], info["max_connections"]) == (0, 5)
    assert "last_error_message" not in info


async def test_what_waited_before_the_webhook_was_set_arrives_too() -> None:
    hook, sandbox = Hook(), TelegramSandbox(now=virtual_now, local=True)
    sandbox.user(7).says("early")
    async with serve(hook) as url, sandbox.webhooks:
        await trio.sleep(1)
        assert hook.got == []
        await Bot(sandbox)("setWebhook", url=url)
        await trio.sleep(1)
    assert [text for text, _ in hook.got] == ["early"]
    assert SECRET_HEADER not in hook.seen[0].headers


async def test_one_chats_messages_wait_for_each_other_and_for_nobody_else() -> None:
    hook = Hook(takes_seconds=10)
    async with serve(hook) as url:
        sandbox, _ = await world(url)
        async with sandbox.webhooks:
            for text in ("a1", "a2"):
                sandbox.user(7).says(text)
            sandbox.user(8).says("b1")
            sandbox.user(7).starts_paying(await invoice(sandbox))
            await trio.sleep(25)
    assert sorted(hook.got) == [("a1", 0), ("a2", 10), ("b1", 0), ("pre_checkout_query", 0)]


async def invoice(sandbox: TelegramSandbox) -> str:
    prices = [{"label": "x", "amount": 1}]
    text = {"title": "t", "description": "d", "payload": "p"}
    link: str = await Bot(sandbox)("createInvoiceLink", currency="XTR", prices=prices, **text)
    return link


async def test_what_is_not_taken_comes_again_at_once_then_later_and_later() -> None:
    hook = Hook([Response(status=500)] * 9)
    async with serve(hook) as url:
        sandbox, bot = await world(url)
        async with sandbox.webhooks:
            sandbox.user(7).says("a")
            await trio.sleep(1)
            info = await bot("getWebhookInfo")
            await trio.sleep(300)
    assert [at for _, at in hook.got] == [0, 0, 2, 6, 14, 30, 62, 122, 182, 242]
    assert "500" in info["last_error_message"]
    assert info["pending_update_count"] == 1
    assert [status for _, status in sandbox.webhooks.attempts] == [500] * 9 + [200]


@pytest.mark.parametrize(("asked", "waits"), [("30", 30), ("99999", 3600), ("soon", 0)])
async def test_the_bot_may_ask_for_more_time(asked: str, waits: int) -> None:
    hook = Hook([Response(status=429, headers={"retry-after": asked})])
    async with serve(hook) as url:
        sandbox, _ = await world(url)
        async with sandbox.webhooks:
            sandbox.user(7).says("a")
            await trio.sleep(4000)
    assert [at for _, at in hook.got] == [0, waits]


async def test_no_answer_is_no_success() -> None:
    hook = Hook([None, Response(status=302)])
    async with serve(hook) as url:
        sandbox, _ = await world(url)
        async with sandbox.webhooks:
            sandbox.webhooks.lose_answers_next(1)
            sandbox.user(7).says("a")
            await trio.sleep(10)
    assert len(hook.got) == 3


async def test_an_update_that_waits_too_long_expires() -> None:
    hook = Hook([Response(status=500)] * 100)
    async with serve(hook) as url:
        sandbox, _ = await world(url)
        async with sandbox.webhooks:
            sandbox.user(7).starts_paying(await invoice(sandbox))
            await trio.sleep(1000)
    assert max(at for _, at in hook.got) <= 150
    assert len(sandbox.world.updates) == 0


async def test_no_more_connections_than_the_bot_allows() -> None:
    hook = Hook(takes_seconds=10)
    async with serve(hook) as url:
        sandbox, _ = await world(url, max_connections=2)
        async with sandbox.webhooks:
            for number in (1, 2, 3):
                sandbox.user(number).says(str(number))
            await trio.sleep(25)
    assert sorted(at for _, at in hook.got) == [0, 0, 10]


async def test_without_a_webhook_nothing_is_sent_any_more() -> None:
    hook = Hook([Response(status=500)])
    async with serve(hook) as url:
        sandbox, bot = await world(url)
        async with sandbox.webhooks:
            sandbox.user(7).says("a")
            await trio.lowlevel.checkpoint()
            await bot("deleteWebhook")
            sandbox.user(8).says("b")
            await trio.sleep(100)
            polled = await bot("getUpdates")
    assert len(hook.got) <= 1
    assert [update["message"]["text"] for update in polled] == ["a", "b"]


async def test_plain_http_is_for_a_server_of_ones_own() -> None:
    public = Bot(TelegramSandbox(now=virtual_now))
    assert (await public.refused("setWebhook", url="http://127.0.0.1/"))[0] == 400
    await trio.sleep(1)
    assert await public("setWebhook", url="https://shop.example/")


async def test_who_leaves_and_comes_back_sends_what_is_left() -> None:
    hook = Hook(takes_seconds=5)
    async with serve(hook) as url:
        sandbox, _ = await world(url)
        async with sandbox.webhooks:
            sandbox.user(7).says("a")
            await trio.sleep(1)
        async with sandbox.webhooks:
            await trio.sleep(10)
    assert hook.got == [("a", 0), ("a", 1)]
