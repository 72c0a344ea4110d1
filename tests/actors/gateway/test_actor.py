"""An update's way to its session, and what the gateway does when Telegram says no."""

from __future__ import annotations

import pytest
import trio

from actors.gateway.messages import UpdateParked
from actors.gateway.model import Arrival
from actors.gateway.ports import Batch, Conflicted, TokenRejected
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from runtime.testing import running
from tests.actors.gateway.world import GROUP, POISON, World, dead, mark_handled, text


@pytest.fixture
def world() -> World:
    return World()


# The way of an update


async def test_updates_reach_the_sessions_of_their_chats_in_order(world: World) -> None:
    async with running() as system:
        world.start(system)
        for number in range(250):
            world.updates.push(text(f"t{number}", chat_id=1 + number % 3))
        await trio.sleep(5)
        assert world.heard == [(1 + n % 3, f"t{n}") for n in range(250)]


async def test_a_batch_is_confirmed_only_by_the_poll_after_it_was_stored(world: World) -> None:
    async with running() as system:
        world.start(system)
        await system.settle()
        world.updates.push(text("a"))
        world.updates.push(text("b"))
        await trio.sleep(1)
        assert [offset for offset, _ in world.updates.polls] == [None, 3]
        assert len(await world.inbox.unhandled()) == 2


async def test_after_an_empty_poll_there_is_nothing_to_confirm(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(45)
        assert [offset for offset, _ in world.updates.polls] == [None, 2, None]


async def test_an_update_that_is_delivered_again_is_told_once(world: World) -> None:
    world.updates.script.extend(
        Batch((Arrival(UpdateId(5), '{"update_id": 5, "message": ' + GOOD + "}"),), 6)
        for _ in range(3)
    )
    async with running() as system:
        world.start(system)
        await trio.sleep(10)
        assert world.heard == [(7, "once")]
        assert world.figure("duplicates_total") == 2


async def test_only_what_is_new_of_a_batch_is_told(world: World) -> None:
    """Telegram delivers again what it has not heard confirmed, with what came since."""
    fifth, sixth = (
        Arrival(UpdateId(number), f'{{"update_id": {number}, "message": {GOOD}}}')
        for number in (5, 6)
    )
    world.updates.script.extend([Batch((fifth,), 6), Batch((fifth, sixth), 7)])
    async with running() as system:
        world.start(system)
        await trio.sleep(10)
        assert world.heard == [(7, "once")] * 2
        assert world.figure("duplicates_total") == 1


GOOD = (
    '{"message_id": 1, "chat": {"id": 7, "type": "private"}, "text": "once",'
    ' "from": {"id": 7, "first_name": "Ada"}}'
)


async def test_an_id_that_comes_again_with_another_body_is_new(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("before"), update_id=1)
        await trio.sleep(1)
        mark_handled(world.inbox, UpdateId(1))
        await trio.sleep(60)
        world.updates.push(text("after the queue began anew"), update_id=1)
        await trio.sleep(1)
        assert world.heard == [(7, "before"), (7, "after the queue began anew")]


async def test_a_poison_update_never_costs_its_batch(world: World) -> None:
    async with running() as system:
        for update in (text("a"), POISON, GROUP, text("b")):
            world.updates.push(update)
        world.start(system)
        parked = await world.parked.expect(UpdateParked)
        await trio.sleep(1)
        assert world.heard == [(7, "a"), (7, "b")]
        assert (parked.update_id, parked.reason[:10]) == (2, "malformed:")
        assert [u.update_id for u in await world.inbox.unhandled()] == [1, 4]
        assert (world.figure("parked_total"), world.figure("ignored_total")) == (1, 1)


async def test_the_gateway_listens_while_it_polls(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"))
        await trio.sleep(10)  # a long poll is under way
        heard = world.sessions.told[0][1]
        system.events.publish(dead(heard, "failed"))
        await world.parked.expect(UpdateParked, within=0.1)


# Telegram says no


async def test_another_poller_is_reported_and_asked_about_slowly(world: World) -> None:
    world.updates.script.extend([Conflicted("terminated by other getUpdates request")] * 4)
    async with running() as system:
        world.start(system)
        await trio.sleep(10)
        assert world.status == "fail"
        assert "another program receives this bot's updates" in world.report.output
        assert len(world.updates.polls) <= 2
        await trio.sleep(90 + 30)
        assert world.status == "pass"


async def test_a_rejected_token_is_reported_and_does_not_crash_in_a_loop(world: World) -> None:
    world.updates.identity = TokenRejected("Unauthorized")
    world.updates.script.extend([TokenRejected("Unauthorized")] * 3)
    async with running() as system:
        world.start(system)
        await trio.sleep(150)
        assert world.status == "fail"
        assert world.report.output == (
            "BOT_TOKEN was rejected by Telegram, correct it: Unauthorized"
        )
        assert len(world.updates.polls) == 3
        assert not [i for i in system.incidents if type(i).__name__ == "ActorFailed"]


async def test_the_wait_between_failures_grows(world: World) -> None:
    world.updates.script.extend([Unavailable("HTTP 502")] * 1_000)
    async with running() as system:
        world.start(system)
        await trio.sleep(1.9)
        assert world.status == "warn"
        await trio.sleep(120)
        assert world.status == "fail"
        assert world.report.output == (
            "Telegram cannot be polled, check network and TELEGRAM_API_URL: HTTP 502"
        )
        assert len(world.updates.polls) <= 14


async def test_the_wait_that_telegram_asks_for_is_obeyed(world: World) -> None:
    world.updates.script.append(Unavailable("HTTP 429", retry_after_seconds=17))
    async with running() as system:
        world.start(system)
        await trio.sleep(16.9)
        assert len(world.updates.polls) == 1
        await trio.sleep(1.2)
        assert len(world.updates.polls) > 1


async def test_after_a_failure_it_asks_from_the_beginning_and_does_not_wait(world: World) -> None:
    async with running() as system:
        world.updates.push(text("a"))
        world.updates.script.extend([await world.updates.poll(None, patient=False)])
        world.updates.script.append(Unavailable("reset"))
        world.start(system)
        await trio.sleep(5)
        assert world.updates.polls[1:5] == [(None, True), (2, True), (None, False), (2, True)]
        assert world.status == "pass"


async def test_a_server_that_does_not_wait_is_asked_twice_a_second(world: World) -> None:
    world.updates.script.extend([Batch()] * 1_000)
    async with running() as system:
        world.start(system)
        await trio.sleep(10)
        assert 15 <= len(world.updates.polls) <= 21


async def test_a_fault_of_ours_is_not_taken_for_trouble_with_telegram(world: World) -> None:
    world.updates.script.append(ZeroDivisionError())
    async with running() as system:
        world.start(system)
        await system.settle()
        assert any(type(i).__name__ == "ActorFailed" for i in system.incidents)


# What operators see


async def test_the_report_carries_the_figures(world: World) -> None:
    async with running() as system:
        world.start(system)
        world.updates.push(text("a"), update_id=41)
        world.updates.push(text("b"))
        await trio.sleep(1)
        assert world.status == "pass"
        assert (world.figure("updates_total"), world.figure("last_update_id")) == (2, 42)


async def test_until_telegram_has_answered_the_report_says_so(world: World) -> None:
    world.updates.identity = Unavailable("no route")
    async with running() as system:
        world.start(system)
        await system.settle()
        assert (world.status, world.report.output) == (
            "warn",
            "waits for the first answer of Telegram",
        )
        await trio.sleep(31)
        assert world.status == "pass"
