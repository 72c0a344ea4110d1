"""An administrator sends a broadcast while everything fails; and one to a few, in calm.

What Telegram shows is the truth here: nobody has the message twice, nobody has it who is not said
to, and whoever has no known outcome was under way when something broke.
"""

from __future__ import annotations

from collections import Counter

import trio

from actors.broadcasts.messages import COMMAND
from actors.broadcasts.model import FINAL, Outcome, State
from actors.kernel.ids import BroadcastId, ChatId
from actors.sessions.model import Session
from actors.sessions.model import State as Stand
from adapters.memory.sessions import MemorySessions
from adapters.memory.tables import BroadcastRow
from adapters.sandbox.telegram_user import CannotDo, TelegramUser
from config.scenarios import SCENARIOS
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import check, check_rest, check_the_end
from config.scenarios.weather import (
    bad_weather,
    database_is_away,
    database_is_slow,
    strike,
    telegram_floods,
    telegram_is_broken,
    telegram_is_cut_off,
    telegram_stumbles,
    the_bot_dies,
    the_bot_is_restarted,
)
from runtime.testing.simulation import PropertyError, Simulation

ADMIN = 1
FIRST = 1_000
TEXT = "News for everybody"
BLOCKED_EVERY = 10
"""So many recipients, and the next has blocked the bot, unnoticed as yet."""
STORMY_SECONDS = 300.0
LOST_ANSWERS = 0.01
PRESSES_EVERY_SECONDS = 5.0
FINISHED_SECONDS = 2 * 3_600.0
"""After the healing it is over within this time."""
REST_SECONDS = 120.0
WEATHER = (
    the_bot_dies,
    the_bot_dies,
    the_bot_is_restarted,
    telegram_floods,
    telegram_stumbles,
    telegram_is_broken,
    telegram_is_cut_off,
    database_is_away,
    database_is_slow,
)
ACTORS = ("root/delivery/broadcaster", "root/delivery/dispatcher")


class SendingShop(SimulatedShop):
    """A shop with administrators, and people who have talked to it before."""

    def __init__(self, sim: Simulation, *, people: int) -> None:
        super().__init__(sim)
        self.people = tuple(ChatId(number) for number in range(FIRST, FIRST + people))
        self.telegram.pages = frozenset({TEXT})
        self.telegram.offices[ADMIN] = lambda _: ""
        self.admin = self.telegram.user(ADMIN, "Admin")
        for number in (ADMIN, *self.people):
            self.telegram.user(number).chat.started = True
        for chat_id in self.people[::BLOCKED_EVERY]:
            self.telegram.user(chat_id).chat.blocked = True

    def environment(self) -> dict[str, str]:
        return super().environment() | {"ADMIN_CHAT_ID": str(ADMIN)}

    async def acquaint(self) -> None:
        """Everybody has a conversation, which wants nothing of anybody."""
        sessions = MemorySessions(self.database.connect())
        for chat_id in self.people:
            await sessions.save(Session(chat_id=chat_id, state=Stand.CANCELLED))

    @property
    def row(self) -> BroadcastRow | None:
        """The broadcast as it is stored, once it is."""
        return self.tables.broadcasts.get(BroadcastId(1))

    @property
    def finished(self) -> bool:
        """It is over, for better or worse."""
        return self.row is not None and self.row.broadcast.state is State.FINISHED

    async def send(self) -> None:
        """The administrator writes it, sees it, and confirms it until it starts."""
        self.admin.commands(f"/{COMMAND} {TEXT}")
        while self.row is None or self.row.broadcast.started_at is None:
            await trio.sleep(PRESSES_EVERY_SECONDS)
            press(self.admin, "Confirm")

    def judge(self, *, calm: bool) -> None:
        """Compare what is stored with what Telegram shows."""
        row = self.row
        if row is None or set(row.recipients) != set(self.people):
            raise PropertyError("not everybody was written down")
        faults = [fault for chat_id in self.people if (fault := self._fault(row, chat_id, calm))]
        counts, outcomes = row.broadcast.counts, Counter(r.outcome for r in row.recipients.values())
        if any(getattr(counts, outcome.value) != outcomes[outcome] for outcome in FINAL):
            faults.append(f"counted are {counts}, there are {outcomes}")
        if faults:
            raise PropertyError("\n".join(faults[:5]))
        if outcomes[Outcome.UNKNOWN]:
            self.sim.sometimes("an outcome stayed unknown")

    def _fault(self, row: BroadcastRow, chat_id: ChatId, calm: bool) -> str:  # noqa: FBT001 - private
        user = self.telegram.user(chat_id)
        outcome, shown = row.recipients[chat_id].outcome, len(user.screen().messages)
        fits = {
            Outcome.SENT: shown == 1,
            Outcome.BLOCKED: shown == 0 and user.chat.blocked,
            Outcome.UNKNOWN: shown <= 1 and not calm,
        }.get(outcome, False)
        return "" if fits else f"chat {chat_id} is {outcome} and has {shown} messages"


def press(user: TelegramUser, label: str) -> None:
    """He presses a button, if he sees it."""
    try:
        user.presses(label)
    except CannotDo:
        return


async def broadcast(sim: Simulation) -> None:
    """Five minutes of bad weather; `people` and `seconds` between faults can be set."""
    known = SCENARIOS["broadcast"]
    shop = SendingShop(sim, people=known.size("people", sim))
    await shop.acquaint()
    shop.lost_answers = LOST_ANSWERS
    async with shop.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shop.send)
            nursery.start_soon(_actors_fail, shop, 2.0 * known.size("seconds", sim))
            with trio.move_on_after(STORMY_SECONDS):
                await bad_weather(shop, WEATHER, mean_seconds=known.size("seconds", sim))
            shop.lost_answers = 0.0
            shop.heal()
            await sim.eventually("it is over", lambda: shop.finished, within=FINISHED_SECONDS)
            nursery.cancel_scope.cancel()
        await trio.sleep(REST_SECONDS)
        shop.judge(calm=False)
        await check(shop, ())
        await check_rest(shop)
    check_the_end(shop)


async def notice(sim: Simulation) -> None:
    """To a dozen people, undisturbed, but for the crashes of the plan: for `sim crash notice`."""
    shop = SendingShop(sim, people=12)
    await shop.acquaint()
    async with shop.open():
        await shop.send()
        await sim.eventually("it is over", lambda: shop.finished, within=FINISHED_SECONDS)
        await trio.sleep(REST_SECONDS)
        shop.judge(calm=not sim.plan.crashes)
        await check(shop, ())
    check_the_end(shop)


async def _actors_fail(shop: SendingShop, mean_seconds: float) -> None:
    luck = shop.sim.luck("actors")
    with trio.move_on_after(STORMY_SECONDS):
        while True:
            await trio.sleep(luck.expovariate(1 / mean_seconds))
            strike(shop, luck.choice(ACTORS))
