"""One alarm clock wakes every session whose time has come, page by page."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from actors.sessions import messages as sessions
from actors.sessions.alarms import AGAIN_SECONDS, INTERVAL_SECONDS, PAGE_MAX, SessionAlarms
from actors.sessions.model import Session
from actors.sessions.ports import Alarm
from adapters.memory.sessions import MemorySessions
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
        await fill(store, 1, deadline=system.world.now() + timedelta(seconds=1))
        await trio.sleep(INTERVAL_SECONDS + 1)
        assert woken(probe) == {1: 2}


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


async def test_it_asks_once_per_interval_however_many_sleep() -> None:
    store = Store()
    async with running() as system:
        await fill(store, 2_000, deadline=system.world.now() + timedelta(days=1))
        probe = start(system, store)
        await probe.expect_none(within=100)
    assert store.questions <= 100 / INTERVAL_SECONDS + 2


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
