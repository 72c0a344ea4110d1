"""People talk to a scenario of Make through the bot, while everything fails.

Make is on a machine of its own and keeps every event that it took: that, and what the chats show,
is the truth. Each word that somebody said has to be there, in its order, in one event or in copies
of it; each event has to be answered once in the chat of its user.
"""

from __future__ import annotations

import json
from collections import defaultdict
from functools import partial
from typing import Any

import trio

from actors.kernel.ids import ChatId
from adapters.sandbox.make import PATH, MakeSandbox
from config.scenarios.people import Person, Temper
from config.scenarios.shop import PORT, SimulatedShop, serving
from config.scenarios.verdict import check, check_rest, check_the_end, served
from runtime.testing.node import Boot
from runtime.testing.simulation import PropertyError, Simulation

MAKE = "make"
ANSWER = "Noted."
WORDS = 10
"""That each person says."""
PAUSE_SECONDS = 20.0
"""At most, between two of them."""
DISTURBED_SECONDS = 15.0
"""Between two things that go wrong, on average."""
REACHED_SECONDS = 3_600.0
"""After the healing everything has arrived and is answered within this time: an event that failed
often is tried every five minutes, and a webhook that nobody listened to every ten.
"""
CRASH_SHARE = 0.3


class TalkingShop(SimulatedShop):
    """A shop with a relay, and the Make it relays to."""

    def __init__(self, sim: Simulation) -> None:
        super().__init__(sim)
        self.make = MakeSandbox(now=sim.now)
        self.make.answer_with(ANSWER, seconds=2.0)
        self.telegram.pages = frozenset({ANSWER})

    def machines(self) -> dict[str, Boot]:
        return super().machines() | {MAKE: partial(serving, self.make, MAKE)}

    def environment(self) -> dict[str, str]:
        return super().environment() | {
            "MAKE_WEBHOOK_URL": f"http://{MAKE}:{PORT}{PATH}",
            "RELAY_PRIVATE_HOSTS": MAKE,
        }

    def heal(self) -> None:
        super().heal()
        self.make.forget_faults()
        self.make.listen()
        self.make.work_off()

    def events(self) -> dict[str, dict[str, Any]]:
        """Every event that Make took, by its id, in the order of their first arrival."""
        found: dict[str, dict[str, Any]] = {}
        for event in self.make.received:
            known = found.setdefault(event["event_id"], event)
            if json.dumps(known) != json.dumps(event):
                raise PropertyError(f"an event came twice, and not the same: {known}, {event}")
            if known is not event:
                self.sim.sometimes("an event came twice")
        return found


class Talker(Person):
    """Somebody who registers, and then writes what no form awaits."""

    def __init__(self, shop: TalkingShop, number: int) -> None:
        super().__init__(shop, number, Temper(pays_after=1.0))
        self.said: list[str] = []
        self.silent = False
        """He has said what he had to say."""

    @property
    def under_way(self) -> bool:
        return not self.silent

    def _panel_faults(self) -> list[str]:
        """Answers stand below the panel."""
        session = self._shop.tables.sessions.get(ChatId(self.user.id))
        return [f"{self.name}: {session} is not shown"] if session and session.unshown else []

    async def live(self) -> None:
        """Register, pay, and talk."""
        await super().live()
        for number in range(WORDS):
            self.said.append(f"{self.name}: {number}")
            self.user.says(self.said[-1])
            await trio.sleep(self._luck.uniform(0, PAUSE_SECONDS))
        self.silent = True


async def talk(sim: Simulation, people: int = 6, seconds: float = DISTURBED_SECONDS) -> None:
    """Several people talk at once, and something goes wrong all the time."""
    shop = TalkingShop(sim)
    crowd = [Talker(shop, number) for number in range(1, people + 1)]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live)
            with trio.move_on_after(WORDS * PAUSE_SECONDS):
                await _trouble(shop, seconds)
            shop.heal()
            await served(sim, crowd)
        await sim.eventually(
            "everything has arrived", lambda: _arrived(shop, crowd), within=REACHED_SECONDS
        )
        await trio.sleep(120.0)
        _check(shop, crowd)
        await check(shop, crowd)
        await check_rest(shop)
    check_the_end(shop)


async def exchange(sim: Simulation) -> None:
    """One person says two things and is answered; for `sim crash exchange --node bot`."""
    shop = TalkingShop(sim)
    person = Talker(shop, 1)
    async with shop.open():
        await person.live()
        await sim.eventually(
            "everything has arrived", lambda: _arrived(shop, [person]), within=REACHED_SECONDS
        )
        await trio.sleep(120.0)
        _check(shop, [person], crashed=bool(sim.plan.crashes))
        await check(shop, [person])
    check_the_end(shop)


async def _trouble(shop: TalkingShop, seconds: float) -> None:
    luck, make = shop.sim.luck("trouble at Make"), shop.make
    while True:
        await trio.sleep(luck.uniform(0, 2 * seconds))
        match luck.randrange(8):
            case 0:
                shop.sim.sometimes("Make failed")
                make.fail_next(luck.randint(1, 8), luck.choice([500, 502, 503]))
            case 1:
                shop.sim.sometimes("Make asked for a rest")
                make.fail_next(1, 429)
            case 2:
                shop.sim.sometimes("an answer of Make got lost")
                make.drop_next(luck.randint(1, 3))
            case 3:
                shop.sim.sometimes("Make was slow")
                make.hang_next(1, 60.0)
            case 4:
                shop.sim.sometimes("nobody listened")
                make.listen(on=luck.random() < 0.5)  # noqa: PLR2004 - a coin
            case 5:
                shop.sim.sometimes("the queue was full")
                make.work_off(room=luck.choice([0, 10_000]))
            case 6:
                if luck.random() < CRASH_SHARE:
                    shop.bot.crash()
                else:
                    shop.sim.sometimes("the bot restarted")
                    shop.restart()
            case _:
                shop.lost_answers = 0.05
                await trio.sleep(seconds / 2)
                shop.lost_answers = 0.0


def _arrived(shop: TalkingShop, crowd: list[Talker]) -> bool:
    answered: dict[int, int] = defaultdict(int)
    words: set[str] = set()
    for event in shop.events().values():
        answered[event["user_id"]] += 1
        words |= {message["text"] for message in event["messages"]}
    return all(word in words for person in crowd for word in person.said) and all(
        _answers(person) >= answered[person.user.id] for person in crowd
    )


def _answers(person: Talker) -> int:
    return sum(ANSWER in message.text for message in person.user.screen().shown)


def _check(shop: TalkingShop, crowd: list[Talker], *, crashed: bool = True) -> None:
    """Every word once, in its order; every event answered once, but for a kill at that moment."""
    events = list(shop.events().values())
    for person in crowd:
        mine = [event for event in events if event["user_id"] == person.user.id]
        words = [message["text"] for event in mine for message in event["messages"]]
        if words != person.said:
            raise PropertyError(f"{person.name} said {person.said}, Make heard {words}")
        answers = _answers(person)
        if answers < len(mine) or (answers > len(mine) and not crashed):
            raise PropertyError(f"{person.name} has {answers} answers to {len(mine)} events")
