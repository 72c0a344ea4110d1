"""What goes wrong around a shop in a day: outages, floods, crashes. Each ends with the healing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

import trio

from config.scenarios.shop import (
    BOT,
    DATABASE_SECONDS,
    NOCODB,
    TELEGRAM,
    SimulatedShop,
)

CLOCK_BACK_SECONDS = 60.0
CLOCK_FORWARD_SECONDS = 120.0
"""More, several times over, and forms that are being filled in run out of time."""

BROKEN_TIMES = 1_000_000
"""More than anybody asks in a minute."""
NEW_RECORD_SECONDS = 120.0
"""So long a death waits for somebody who saves his form."""
KNOWN_SECONDS = 0.05
"""After this the bot has heard of its new record, has stored it and has told its tracker."""
ACTORS = (
    "root/tracker",
    "root/gateway",
    "root/delivery/dispatcher",
    "root/delivery/alarms",
    "root/store/writer",
    "root/observer",
)
"""Those that lightning may strike."""

S = TypeVar("S", bound=SimulatedShop)
Weather = Callable[[SimulatedShop, Random], Awaitable[None]]
"""Something that happens once, and is over when it returns."""


async def nocodb_is_cut_off(shop: SimulatedShop, luck: Random) -> None:
    """Packets between the bot and NocoDB get lost, in both directions or in one."""
    shop.sim.sometimes("NocoDB cut off")
    network = shop.sim.network
    network.cut(BOT, NOCODB, one_way=luck.choice((True, False)))
    await trio.sleep(luck.uniform(1, 600))
    network.heal(BOT, NOCODB)


async def nocodb_is_restarted(shop: SimulatedShop, luck: Random) -> None:
    """Connections are refused for a while."""
    shop.sim.sometimes("NocoDB restarted")
    shop.sim.network.refuse(NOCODB)
    shop.sim.network.reset(NOCODB)
    await trio.sleep(luck.uniform(1, 120))
    shop.sim.network.heal(NOCODB)


async def nocodb_stumbles(shop: SimulatedShop, luck: Random) -> None:
    """A proxy's pages, hangs, and answers that never come although the work was done."""
    shop.sim.sometimes("NocoDB stumbled")
    nocodb, times = shop.nocodb, luck.randrange(1, 6)
    match luck.randrange(4):
        case 0:
            nocodb.fail_next(times, 502, html=True)
        case 1:
            nocodb.fail_next(times, 429, retry_after=luck.randrange(1, 60))
        case 2:
            nocodb.hang_next(times, luck.uniform(1, 40))
        case _:
            nocodb.drop_next(times)
    await trio.lowlevel.checkpoint()


async def nocodb_throttles(shop: SimulatedShop, luck: Random) -> None:
    """NocoDB, or a proxy before it, wants to be left alone."""
    shop.sim.sometimes("NocoDB throttled")
    shop.nocodb.fail_next(1, 429, retry_after=luck.randrange(1, 60))
    await trio.lowlevel.checkpoint()


async def telegram_floods(shop: SimulatedShop, luck: Random) -> None:
    """Telegram has had enough for a while, as it sometimes does without a reason to be seen."""
    shop.sim.sometimes("flood wait")
    wait = luck.randrange(1, 60)
    method = luck.choice(("sendmessage", "editmessagetext", "answercallbackquery"))
    shop.telegram.fail_next(
        1, 429, f"Too Many Requests: retry after {wait}", method=method, retry_after=wait
    )
    await trio.lowlevel.checkpoint()


async def telegram_stumbles(shop: SimulatedShop, luck: Random) -> None:
    """Bad gateways and resets, polls and sends alike."""
    shop.sim.sometimes("Telegram stumbled")
    if luck.choice((True, False)):
        shop.telegram.fail_next(luck.randrange(1, 4), 502, "Bad Gateway", html=True)
    else:
        shop.sim.network.reset(BOT, TELEGRAM)
        shop.disturbed()
    await trio.lowlevel.checkpoint()


async def telegram_is_broken(shop: SimulatedShop, luck: Random) -> None:
    """It is there, and answers everything with a proxy's page."""
    shop.sim.sometimes("Telegram broken")
    shop.telegram.fail_next(BROKEN_TIMES, 502, "Bad Gateway", html=True)
    await trio.sleep(luck.uniform(5, 60))
    shop.telegram.forget_faults()


async def telegram_is_cut_off(shop: SimulatedShop, luck: Random) -> None:
    """Nothing gets through for some minutes."""
    shop.sim.sometimes("Telegram cut off")
    shop.sim.network.cut(BOT, TELEGRAM)
    shop.disturbed()
    await trio.sleep(luck.uniform(1, 300))
    shop.sim.network.heal(BOT, TELEGRAM)
    shop.disturbed()


async def database_is_away(shop: SimulatedShop, luck: Random) -> None:
    """PostgreSQL restarts."""
    await shop.lose_database()
    await trio.sleep(luck.uniform(0.1, 90))
    shop.database_away = False


async def database_is_slow(shop: SimulatedShop, luck: Random) -> None:
    """Somebody else keeps its disk busy: what is told before it is stored, is seen now."""
    shop.sim.sometimes("database slow")
    shop.database_seconds = luck.uniform(0.1, 1.0)
    await trio.sleep(luck.uniform(5, 60))
    shop.database_seconds = DATABASE_SECONDS


async def the_bot_dies(shop: SimulatedShop, luck: Random) -> None:
    """Kill -9."""
    await trio.sleep(luck.random())
    shop.bot.crash()


async def the_bot_dies_at_a_new_record(shop: SimulatedShop, luck: Random) -> None:
    """Kill -9 when NocoDB has a new row, and the bot hardly knows."""
    with trio.move_on_after(NEW_RECORD_SECONDS):
        await shop.nocodb.grown.wait()
        shop.sim.sometimes("killed at a new record")
        await trio.sleep(luck.random() * KNOWN_SECONDS)
        shop.bot.crash()


async def sessions_fail(shop: SimulatedShop, luck: Random) -> None:
    """A defect shows in the midst of some conversations."""
    shop.strikes += luck.randrange(1, 4)
    await trio.lowlevel.checkpoint()


async def the_bot_is_restarted(shop: SimulatedShop, luck: Random) -> None:
    """Somebody installs a new version: it is stopped in order, and started again."""
    await trio.sleep(luck.random())
    shop.sim.sometimes("the bot restarted")
    shop.restart()


async def the_clock_jumps(shop: SimulatedShop, luck: Random) -> None:
    """Somebody corrects the wall clock. Set back, it delays what was to be tried again as much."""
    shop.sim.sometimes("the clock jumped")
    shop.sim.shift(luck.uniform(-CLOCK_BACK_SECONDS, CLOCK_FORWARD_SECONDS))
    await trio.lowlevel.checkpoint()


async def an_actor_fails(shop: SimulatedShop, luck: Random) -> None:
    """A defect strikes one of the actors, once."""
    strike(shop, luck.choice(ACTORS))
    await trio.lowlevel.checkpoint()


def strike(shop: SimulatedShop, path: str) -> None:
    """A defect shows in the actor there, if the bot is up."""
    if shop.present is not None:
        shop.sim.sometimes("an actor failed")
        shop.disturbed()
        shop.present.system.ref(path).kill(RuntimeError("struck by lightning"))


EVERYTHING: tuple[Weather, ...] = (
    nocodb_is_cut_off,
    nocodb_is_restarted,
    nocodb_stumbles,
    telegram_floods,
    telegram_stumbles,
    telegram_is_broken,
    telegram_is_cut_off,
    database_is_away,
    database_is_slow,
    the_bot_dies,
    the_bot_dies_at_a_new_record,
    the_bot_is_restarted,
    an_actor_fails,
    sessions_fail,
    the_clock_jumps,
)


async def bad_weather(
    shop: S, kinds: tuple[Callable[[S, Random], Awaitable[None]], ...], *, mean_seconds: float
) -> None:
    """One thing after the other, `mean_seconds` apart on average; for ever."""
    luck = shop.sim.luck("weather")
    async with trio.open_nursery() as nursery:
        while True:
            await trio.sleep(luck.expovariate(1 / mean_seconds))
            kind = luck.choice(kinds)
            shop.sim.note(f"weather: {kind.__name__}")
            nursery.start_soon(kind, shop, Random(luck.getrandbits(64)))  # noqa: S311 - repeatable
