"""Updates that Telegram pushes to the webhook: stored, told, and only then answered."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
import trio

from actors.gateway import messages as gateway
from actors.gateway.backlog import TOLD_MAX
from actors.gateway.line import WEBHOOK_AGAIN_SECONDS
from actors.gateway.messages import UpdateParked
from actors.gateway.ports import Webhook, WebhookRefused
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from runtime import ask
from runtime.testing import running
from tests.actors.gateway.world import (
    ASKED,
    FEW,
    GROUP,
    POISON,
    World,
    mark_handled,
    text,
)

WEBHOOK = Webhook("https://shop.example.org/webhooks/telegram", "canary")


@pytest.fixture
def world() -> World:
    return World(webhook=WEBHOOK)


def take(update_id: object, update: Mapping[str, object]) -> gateway.Take:
    return gateway.Take(body=json.dumps({"update_id": update_id, **update}).encode())


async def test_a_pushed_update_is_stored_and_told(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        assert await ask(ref, take(5, text("hi"))) is True
        assert world.heard == [(7, "hi")]
        assert [u.update_id for u in await world.inbox.unhandled()] == [5]
        assert world.updates.polls == []


async def test_an_update_that_is_pushed_again_is_told_once(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        answers = [await ask(ref, take(5, text("hi"))) for _ in range(3)]
        mark_handled(world.inbox, UpdateId(5))
        answers.append(await ask(ref, take(5, text("hi"))))
        assert answers == [True, False, False, False]
        assert world.heard == [(7, "hi")]


async def test_poison_and_what_is_no_update_are_acknowledged_and_stop_nobody(
    world: World,
) -> None:
    async with running() as system:
        ref = world.start(system)
        assert await ask(ref, take(1, POISON)) is True
        assert await ask(ref, take(2, GROUP)) is True
        odd = (b"", b"{}", b"[1]", b'{"update_id": true}', b"\xff", b"[" * 100_000)
        for body in odd:
            assert await ask(ref, gateway.Take(body=body)) is False
        assert await ask(ref, take(3, text("hi"))) is True
        parked = await world.parked.expect(UpdateParked)
        assert parked.update_id == 1
        assert world.heard == [(7, "hi")]


async def test_a_text_keeps_every_character_on_its_way(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        body = '{"update_id": 1, "message": {"message_id": 1, "text": "Їжак 😀", "chat": '
        body += '{"id": 7, "type": "private"}, "from": {"id": 7, "first_name": "Ада"}}}'
        await ask(ref, gateway.Take(body=body.encode()))
        (stored,) = await world.inbox.unhandled()
        assert stored.body.isascii()
        assert world.heard == [(7, "Їжак 😀")]


async def test_the_webhook_is_asked_for_until_it_is_set_and_again_later(world: World) -> None:
    world.updates.webhook_script.extend([Unavailable("HTTP 502"), WebhookRefused("no https")])
    async with running() as system:
        world.start(system)
        await system.settle()
        assert world.status == "warn"
        await trio.sleep(1.1)
        assert world.status == "fail"
        assert world.report.output == (
            "TELEGRAM_WEBHOOK_URL was refused by Telegram, correct it: no https"
        )
        await trio.sleep(61)
        assert world.status == "pass"
        assert world.updates.webhooks == [WEBHOOK] * 3
        await trio.sleep(WEBHOOK_AGAIN_SECONDS)
        assert len(world.updates.webhooks) == 4


async def test_while_sessions_are_behind_updates_are_stored_and_then_telegram_keeps_them(
    world: World,
) -> None:
    world.stored_max = FEW
    async with running() as system:
        ref = world.start(system)
        await ask(ref, take(1, text("first")))
        for number in range(2, FEW + 2):
            await ask(ref, take(number, text("x", chat_id=number)))
        assert len(world.heard) == TOLD_MAX
        await trio.sleep(1)
        with pytest.raises(Unavailable, match="sessions are behind"):
            await ask(ref, take(50_000, text("too much")))
        assert world.status == "warn"
        assert ref.is_alive()
        assert await ask(ref, take(60_000, ASKED)) is True
        assert len(world.pre_checkout.told) == 1, "a payment waits for nobody"
        assert await ask(ref, take(60_000, ASKED)) is False
        mark_handled(world.inbox, *(UpdateId(n) for n in range(1, FEW)))
        await trio.sleep(1.5)
        assert await ask(ref, take(50_000, text("now"))) is True
        assert world.heard[-1] == (7, "now")
        await trio.sleep(WEBHOOK_AGAIN_SECONDS)
        assert world.status == "pass"


async def test_what_was_stored_before_a_restart_is_told_first(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await ask(ref, take(1, text("old")))
    async with running() as system:
        ref = world.start(system)
        await ask(ref, take(2, text("new")))
        assert [words for _, words in world.heard] == ["old", "old", "new"]
