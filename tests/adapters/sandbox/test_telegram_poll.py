"""Long polling as Client.cpp does it: waiting, confirming, and who may wait."""

from __future__ import annotations

import pytest
import trio

from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_poll import OTHER_POLL, WEBHOOK_ACTIVE, WEBHOOK_SET
from tests.adapters.sandbox.calls import Bot

HOOK = "https://shop.example/hook"


async def test_a_poll_answers_as_soon_as_something_arrives() -> None:
    telegram = TelegramSandbox()
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def later() -> None:
            await trio.sleep(10)
            telegram.user(7).says("hello")

        (update,) = await Bot(telegram)("getUpdates", timeout=30)

    assert update["message"]["text"] == "hello"
    assert trio.current_time() == pytest.approx(10, abs=0.1)


@pytest.mark.parametrize(("asked", "waited"), [(30, 30), (50, 50), (1000, 50), (-5, 0), ("x", 0)])
async def test_a_poll_without_updates_waits_as_told_and_fifty_seconds_at_most(
    asked: object, waited: float
) -> None:
    began = trio.current_time()

    assert await Bot(TelegramSandbox())("getUpdates", timeout=asked) == []
    assert trio.current_time() - began == pytest.approx(waited, abs=0.1)


@pytest.mark.parametrize(("limit", "got"), [(1, 1), (100, 100), (1000, 100), (0, 1), ("x", 100)])
async def test_a_poll_gets_as_many_as_it_wants_and_a_hundred_at_most(
    limit: object, got: int
) -> None:
    telegram = TelegramSandbox()
    for number in range(120):
        telegram.user(7).says(str(number))

    updates = await Bot(telegram)("getUpdates", limit=limit)

    assert [update["message"]["text"] for update in updates] == [str(n) for n in range(got)]


async def test_what_is_not_confirmed_is_delivered_again() -> None:
    telegram, bot = _with_updates(3)

    first = await bot("getUpdates")
    await trio.sleep(5)
    assert await bot("getUpdates", offset=first[0]["update_id"]) == first
    await trio.sleep(5)
    assert await bot("getUpdates", offset=first[1]["update_id"]) == first[1:]
    await trio.sleep(5)
    assert await bot("getUpdates") == first[1:]
    assert len(telegram.world.updates) == 2


async def test_a_negative_offset_keeps_only_the_newest() -> None:
    _, bot = _with_updates(3)

    newest = await bot("getUpdates", offset=-1)

    assert [update["message"]["text"] for update in newest] == ["2"]
    await trio.sleep(5)
    assert await bot("getUpdates") == newest


async def test_an_offset_of_another_server_confirms_nothing() -> None:
    _, bot = _with_updates(2)

    assert len(await bot("getUpdates", offset=2_000_000_000)) == 2


async def test_the_older_of_two_polls_is_ended() -> None:
    telegram = TelegramSandbox()
    bot = Bot(telegram)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def older() -> None:
            assert await bot.refused("getUpdates", timeout=50) == (409, OTHER_POLL)
            assert trio.current_time() < 11
            telegram.user(7).says("hello")

        await trio.sleep(10)
        assert len(await bot("getUpdates", timeout=50)) == 1


async def test_conflicts_in_quick_succession_are_held_back() -> None:
    bot = Bot(TelegramSandbox())
    ended: list[float] = []

    async def poll() -> None:
        await bot.refused("getUpdates", timeout=50)
        ended.append(trio.current_time())

    async with trio.open_nursery() as nursery:
        for moment in (1, 2, 3):
            nursery.start_soon(poll)
            await trio.sleep_until(moment)
        assert await bot("getUpdates", timeout=3) == []

    assert ended == pytest.approx([1, 2 + 3, 3 + 3], abs=0.1)


async def test_a_poll_with_something_to_deliver_disturbs_nobody() -> None:
    telegram = TelegramSandbox()
    bot = Bot(telegram)
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def waiting() -> None:
            assert await bot("getUpdates", timeout=20) == []

        await trio.sleep(10)
        assert await bot("getUpdates", offset=1, timeout=0) == []


async def test_repeating_an_offset_at_once_is_slowed_down() -> None:
    _, bot = _with_updates(3)

    assert len(await bot("getUpdates", offset=0)) == 3
    assert len(await bot("getUpdates", offset=0)) == 1


async def test_repeating_an_offset_without_updates_waits_three_seconds() -> None:
    bot = Bot(TelegramSandbox())

    await bot("getUpdates", timeout=0)
    assert trio.current_time() == pytest.approx(0, abs=0.1)
    await bot("getUpdates", timeout=0)
    assert trio.current_time() == pytest.approx(3, abs=0.1)


async def test_with_a_webhook_nobody_polls() -> None:
    bot = Bot(TelegramSandbox())
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def waiting() -> None:
            assert await bot.refused("getUpdates", timeout=50) == (409, WEBHOOK_SET)

        await trio.sleep(1)
        assert await bot("setWebhook", url=HOOK)
    assert await bot.refused("getUpdates") == (409, WEBHOOK_ACTIVE)

    await bot("deleteWebhook")
    await bot("getUpdates")


async def test_allowed_updates_are_remembered_until_they_are_named_again() -> None:
    telegram = TelegramSandbox()
    bot = Bot(telegram)
    await bot("getUpdates", allowed_updates=["callback_query"])

    telegram.user(7).says("unheard")
    await bot("getUpdates", offset=1, allowed_updates="not a list")
    telegram.user(7).says("unheard too")
    assert await bot("getUpdates", offset=2) == []

    await bot("getUpdates", offset=3, allowed_updates=[])
    telegram.user(7).says("heard")
    assert len(await bot("getUpdates", offset=4)) == 1


def _with_updates(count: int) -> tuple[TelegramSandbox, Bot]:
    telegram = TelegramSandbox()
    for number in range(count):
        telegram.user(7).says(str(number))
    return telegram, Bot(telegram)
