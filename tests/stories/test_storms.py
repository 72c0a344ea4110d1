"""Many buyers while parts fall: actors, processes, and all that they talk to. Nobody is lost."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from runtime import ActorFailed, State
from tests.stories.memory_shop import INTERVAL_SECONDS, MemoryShop
from tests.stories.phone import SUCCESS, Phone

CROWD = 40
ARRIVE_SECONDS = 60.0
DAY_SECONDS = 86_400.0

SINGLES = ("root/tracker", "root/gateway", "root/delivery/dispatcher", "root/delivery/alarms")

Storm = Callable[[MemoryShop, random.Random], Awaitable[None]]


async def sessions_fall(shop: MemoryShop, luck: random.Random) -> None:
    """A session that is at rest falls, about once a second."""
    region = shop.system.region("root/sessions")
    for _ in range(120):
        await trio.sleep(luck.uniform(0.1, 2.0))
        awake = [cell for cell in region.cells() if cell.state is State.RUNNING]
        if awake:
            victim = luck.choice(awake)
            region.ref(ChatId(int(victim.name))).kill(RuntimeError("struck by the storm"))


async def actors_fall(shop: MemoryShop, luck: random.Random) -> None:
    """Everybody else falls now and then, within his budget."""
    for _ in range(12):
        await trio.sleep(luck.uniform(5.0, 25.0))
        shop.system.ref(luck.choice(SINGLES)).kill(RuntimeError("struck by the storm"))


async def nocodb_is_away(shop: MemoryShop, luck: random.Random) -> None:
    """No record can be written and no question is answered, for a while, again and again."""
    for _ in range(4):
        await trio.sleep(luck.uniform(5.0, 30.0))
        shop.records.away = True
        shop.paid_records.outcomes.extend([Unavailable("NocoDB is away")] * luck.randrange(1, 8))
        await trio.sleep(luck.uniform(5.0, 60.0))
        shop.records.away = False


async def telegram_is_away(shop: MemoryShop, luck: random.Random) -> None:
    """Neither polls nor sends go through, for a while, again and again."""
    for _ in range(4):
        await trio.sleep(luck.uniform(5.0, 30.0))
        shop.messenger.away = True
        shop.updates.script.extend([Unavailable("Telegram is away")] * luck.randrange(1, 6))
        await trio.sleep(luck.uniform(5.0, 60.0))
        shop.messenger.away = False


async def the_database_is_away(shop: MemoryShop, luck: random.Random) -> None:
    """Away for a while, sometimes longer than anybody waits for it; and answers get lost."""
    shop.line.lost_answers = 0.1
    for _ in range(4):
        await trio.sleep(luck.uniform(5.0, 30.0))
        shop.line.away = True
        await trio.sleep(luck.uniform(0.1, 60.0))
        shop.line.away = False
    shop.line.lost_answers = 0.0


STORMS = (sessions_fall, actors_fall, nocodb_is_away, telegram_is_away, the_database_is_away)


async def all_at_once(shop: MemoryShop, luck: random.Random) -> None:
    """The lot."""
    async with trio.open_nursery() as nursery:
        for storm in STORMS:
            nursery.start_soon(storm, shop, random.Random(luck.random()))


@pytest.mark.parametrize("seed", range(1))
@pytest.mark.parametrize("storm", [*STORMS, all_at_once])
async def test_in_a_storm_everybody_pays_and_is_told_once(storm: Storm, seed: int) -> None:
    shop, luck = MemoryShop(seed=seed), random.Random(seed)
    people = [Phone(shop, number) for number in range(1, CROWD + 1)]

    async with shop.process() as system:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(storm, shop, luck)
            await _everybody_pays(people, luck)
        await trio.sleep(5 * INTERVAL_SECONDS)

    await _check(shop, people)
    if storm is sessions_fall:
        fallen = [event for event in system.incidents if isinstance(event, ActorFailed)]
        assert len(fallen) > 50, "the storm struck hardly anybody"


@pytest.mark.parametrize("seed", range(2))
async def test_processes_that_die_lose_nobody(seed: int) -> None:
    shop, luck = MemoryShop(seed=seed), random.Random(seed)
    people = [Phone(shop, number) for number in range(1, CROWD + 1)]

    done = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_everybody_pays, people, luck, done)
        for _ in range(40):
            await shop.dies_after(luck.uniform(0.01, 8.0))
        async with shop.process():
            await done.wait()
            await trio.sleep(5 * INTERVAL_SECONDS)

    await _check(shop, people)


@pytest.mark.parametrize("seed", range(1))
async def test_processes_that_are_stopped_in_order_lose_nobody(seed: int) -> None:
    shop, luck = MemoryShop(seed=seed), random.Random(seed)
    people = [Phone(shop, number) for number in range(1, CROWD + 1)]

    done = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_everybody_pays, people, luck, done)
        for _ in range(15):
            async with shop.process():
                await trio.sleep(luck.uniform(0.01, 12.0))
        async with shop.process():
            await done.wait()
            await trio.sleep(5 * INTERVAL_SECONDS)

    await _check(shop, people)


async def test_after_a_restart_a_payment_of_the_night_is_told_in_the_morning() -> None:
    shop = MemoryShop(seed=1)
    anna = Phone(shop, 1)
    async with shop.process():
        await anna.register()

    shop.records.tick(anna.chat_id)
    await trio.sleep(DAY_SECONDS)
    async with shop.process():
        await anna.sees(SUCCESS)
        await trio.sleep(5 * INTERVAL_SECONDS)

    assert anna.faults() == []
    assert shop.messenger.told(anna.chat_id, SUCCESS) == 1


async def _everybody_pays(
    people: list[Phone], luck: random.Random, done: trio.Event | None = None
) -> None:
    async def comes(person: Phone, after_seconds: float) -> None:
        await trio.sleep(after_seconds)
        await person.register_and_pay()

    with trio.fail_after(DAY_SECONDS):
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(comes, person, luck.uniform(0, ARRIVE_SECONDS))
    if done is not None:
        done.set()


async def _check(shop: MemoryShop, people: list[Phone]) -> None:
    assert [fault for person in people for fault in person.faults()] == []
    counts = await shop.store.inbox.counts()
    assert (counts.unhandled, counts.parked) == (0, 0)
