"""One alarm clock wakes every session whose time has come, page by page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from actors.sessions import messages as sessions
from actors.sessions.alarms import (
    AGAIN_SECONDS,
    INTERVAL_SECONDS,
    LOOK_SECONDS,
    PAGE_MAX,
    SessionAlarms,
)
from actors.sessions.model import Session
from actors.sessions.ports import Alarm
from adapters.memory.sessions import MemorySessions
from runtime import VirtualWorld
from runtime.testing import Probe, TestSystem, running


class Store(MemorySessions):
    away = False
    questions = 0

    async def due(
        self, *, now: datetime, limit: int, after: Alarm | None = None
    ) -> tuple[Alarm, ...]:
        self.questions += 1
        if self.away:
            raise Unavailable("the store is away")
        return await super().due(now=now, limit=limit, after=after)


async def fill(store: Store, chats: int, *, deadline: datetime) -> None:
    for chat_id in range(1, chats + 1):
        await store.save(Session(chat_id=ChatId(chat_id), deadline=deadline))


async def say_due(system: TestSystem, store: Store, chat_id: int, *, seconds: float) -> None:
    """As a session does: it saves, and says by when it is due."""
    at = system.world.now() + timedelta(seconds=seconds)
    await store.save(Session(chat_id=ChatId(chat_id), deadline=at))
    system.events.publish(sessions.DueBy(at=at))


def start(system: TestSystem, store: Store) -> Probe:
    probe = Probe()
    system.spawn(lambda: SessionAlarms(store=store, sessions=probe.keyed))
    return probe


def woken(probe: Probe) -> Counter[int]:
    assert all(message == sessions.Due() for _, message in probe.told)
    return Counter(chat_id for chat_id, _ in probe.told)


async def test_nobody_is_woken_before_his_time() -> None:
    store = Store()
    async with running() as system:
        await fill(store, 1, deadline=system.world.now() + timedelta(seconds=60))
        probe = start(system, store)
        await probe.expect_none(within=59)
        assert await probe.expect(tuple, within=1 + INTERVAL_SECONDS) == (1, sessions.Due())


async def test_who_stays_due_is_woken_again_but_not_at_once() -> None:
    store = Store()
    async with running() as system:
        await fill(store, 3, deadline=system.world.now())
        probe = start(system, store)
        await system.settle()
        assert woken(probe) == {1: 1, 2: 1, 3: 1}
        await trio.sleep(AGAIN_SECONDS - 1)
        assert woken(probe) == {1: 1, 2: 1, 3: 1}
        await trio.sleep(INTERVAL_SECONDS + 1)
        assert woken(probe) == {1: 2, 2: 2, 3: 2}


async def test_who_is_due_for_something_else_is_woken_at_once() -> None:
    store = Store()
    async with running() as system:
        await fill(store, 1, deadline=system.world.now())
        probe = start(system, store)
        await system.settle()
        await say_due(system, store, 1, seconds=1)
        await trio.sleep(INTERVAL_SECONDS + 1)
        assert woken(probe) == {1: 2}


async def test_who_says_by_when_he_is_due_is_woken_at_that_moment() -> None:
    store = Store()
    async with running() as system:
        probe = start(system, store)
        await trio.sleep(LOOK_SECONDS / 2)
        await say_due(system, store, 1, seconds=20)
        await say_due(system, store, 2, seconds=10)
        await say_due(system, store, 3, seconds=15)
        await probe.expect_none(within=9.9)
        await trio.sleep(0.2)
        assert woken(probe) == {2: 1}
        await trio.sleep(5)
        assert woken(probe) == {2: 1, 3: 1}
        await trio.sleep(5)
        assert woken(probe) == {1: 1, 2: 1, 3: 1}


async def test_who_did_not_say_so_is_found_within_a_minute() -> None:
    store = Store()
    async with running() as system:
        probe = start(system, store)
        await trio.sleep(1)
        await fill(store, 1, deadline=system.world.now() + timedelta(seconds=1))
        await probe.expect(tuple, within=LOOK_SECONDS)


async def test_when_the_wall_clock_is_set_forward_the_due_are_found_within_a_minute() -> None:
    store, world = Store(), VirtualWorld()
    async with running(world=world) as system:
        await fill(store, 1, deadline=world.now() + timedelta(hours=1))
        probe = start(system, store)
        await probe.expect_none(within=100)
        world.shift(3_600)
        await probe.expect(tuple, within=LOOK_SECONDS)


async def test_many_words_make_few_looks() -> None:
    store = Store()
    async with running() as system:
        probe = start(system, store)
        await trio.sleep(1)
        for chat_id in range(1, 201):
            await say_due(system, store, chat_id, seconds=10)
            await trio.sleep(0.1)
        await trio.sleep(25)
        assert woken(probe) == dict.fromkeys(range(1, 201), 1)
        assert store.questions <= 20 / INTERVAL_SECONDS + 5


async def test_a_crowd_is_woken_page_by_page_and_everybody_once() -> None:
    store = Store()
    crowd = 2 * PAGE_MAX + 10
    async with running() as system:
        await fill(store, crowd, deadline=system.world.now())
        probe = start(system, store)
        await system.settle()
        assert len(probe.told) == PAGE_MAX
        for _ in range(crowd):
            await probe.expect(tuple, within=INTERVAL_SECONDS + 1)
        assert woken(probe) == dict.fromkeys(range(1, crowd + 1), 1)


async def test_views_that_nobody_confirmed_are_shown_after_a_start() -> None:
    store = Store()
    crowd = PAGE_MAX + 10
    for chat_id in range(1, crowd + 1):
        await store.save(Session(chat_id=ChatId(chat_id), view_version=1))
    shown = Session(chat_id=ChatId(9_000), view_version=1, shown_version=1)
    await store.save(shown)
    await store.save(replace(shown, chat_id=ChatId(9_001), shown_version=0, blocked=True))
    async with running() as system:
        probe = start(system, store)
        for _ in range(crowd):
            await probe.expect(tuple, within=INTERVAL_SECONDS + 1)
        await probe.expect_none(within=60)
        assert woken(probe) == dict.fromkeys(range(1, crowd + 1), 1)


async def test_it_asks_once_a_minute_however_many_sleep() -> None:
    store = Store()
    async with running() as system:
        await fill(store, 2_000, deadline=system.world.now() + timedelta(days=1))
        probe = start(system, store)
        await probe.expect_none(within=600)
    assert store.questions <= 600 / LOOK_SECONDS + 2


async def test_an_outage_of_the_store_only_delays() -> None:
    store = Store()
    store.away = True
    async with running() as system:
        await fill(store, 1, deadline=system.world.now())
        probe = start(system, store)
        await probe.expect_none(within=60)
        store.away = False
        await probe.expect(tuple, within=60)
        assert not system.dead_letters
