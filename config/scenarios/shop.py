"""The whole shop on a simulated network: the bot, Telegram and NocoDB, each on its own machine.

The bot is the production process: its settings, wiring, tree, HTTP clients and HTTP server.
Different are the database, which is in memory on a disk that outlives the bot, and the outside
world, which is the sandbox. Everything that can fail between them does, as the seed says.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from actors.kernel.failures import Unavailable
from adapters.memory.database import ConnectionLost, Line, MemoryConnection, MemoryDatabase
from adapters.memory.gateway import MemoryInbox
from adapters.sandbox.nocodb import TABLE_ID, TOKEN
from adapters.sandbox.server import App, serve
from config.scenarios.copies import PATIENCE_SECONDS
from config.scenarios.witness import WitnessedNocodb, WitnessedTables, WitnessedTelegram
from config.settings import load_settings
from config.store import MemoryStore
from config.wiring import Shop, running_shop
from runtime import ActorSystem, DeadLetter
from runtime.testing.node import Boot, Life
from runtime.testing.simulation import PropertyError, Simulation

BOT, TELEGRAM, NOCODB = "bot", "telegram", "nocodb"
BOT_TOKEN = "123456789:SimulatedSimulatedSimulatedSimulat"  # noqa: S105 - the sandbox's own
PORT = 80
INTERVAL_SECONDS = 20.0
"""Between two questions about payments, as in production."""
EVERYWHERE = "0.0.0.0"  # noqa: S104 - of a machine that does not exist
DATABASE_SECONDS = 0.002
OPERATOR_TOKEN = "simulated-simulated-simulated"  # noqa: S105 - the operators' of this world
STOP_SECONDS_MAX = 30.0
"""An orderly stop is over after this, whatever else is broken."""
WRITES_WITHIN_SECONDS = 5.0
"""So long a database that is about to go away waits for a session to write."""
RESTART_SECONDS = 2.0
"""How long the machine's service supervisor takes to start a bot that has died."""


class SimulatedShop:
    """What outlives the bot, and the bot's present life."""

    def __init__(self, sim: Simulation) -> None:
        self.sim = sim
        self.wrongs: list[str] = []
        """What the outside world has seen that must never happen."""
        sim.always("the outside world sees nothing wrong", lambda: "; ".join(self.wrongs))
        self.database = MemoryDatabase(now=sim.now)
        self.database.tables = self.tables = WitnessedTables(now=sim.now)
        self.telegram = WitnessedTelegram(
            token=BOT_TOKEN,
            now=sim.now,
            tables=self.tables,
            has_paid=self._has_paid,
            wrong=self.wrong,
        )
        self.telegram.rate_limit(on=True)
        self.telegram.doubtful = self._doubtful
        self.nocodb = WitnessedNocodb(
            now=sim.now, interval_seconds=INTERVAL_SECONDS, wrong=self.wrong
        )
        self.database_away = False
        self.database_seconds = DATABASE_SECONDS
        """How long a request to the database, or its answer, is under way at most."""
        self._leaving: trio.Event | None = None
        self.lost_answers = 0.0
        """How probable it is that a commit happens and nobody hears of it."""
        self.refusals = 0.0
        """How probable it is that the database says: not now."""
        self.strikes = 0
        """How many sessions are to fail while they wait for the database."""
        self.bot = sim.node(BOT, self._live, restart_seconds=RESTART_SECONDS)
        self.present: Shop | None = None
        """The shop of the bot's newest start that came up."""
        self.ran_ahead = False
        """The bot's clock was far ahead: forms may have run out of time."""
        self.stalled_at = float("-inf")
        """When everything stood still last: whoever waited then may have lost his patience."""
        self.disturbed_at = float("-inf")
        """When the bot, an actor of it or its way to Telegram was last disturbed."""
        self.starts = 0
        """Of the bot, after crashes and after orderly stops."""
        self.started_at = 0.0
        self.inbox = MemoryInbox(self.database.connect())
        """What the database holds, to look at from outside."""
        self.make_store: Callable[[MemoryConnection], MemoryStore] = MemoryStore
        """For each life of the bot; a test has one with a mistake in it."""
        self._stop = trio.Event()
        self._closing = False

    def strict(self) -> None:
        """From here on nobody dies and no answer gets lost: more can be asked of the bot."""
        self.telegram.strict = self.nocodb.strict = True

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Everything is switched on; on leaving, the bot is shut down in order, then the rest."""
        async with trio.open_nursery() as machines:
            for name, boot in self.machines().items():
                machines.start_soon(self.sim.node(name, boot).run)
            async with trio.open_nursery() as bot:
                bot.start_soon(self.bot.run)
                yield
                self._closing = True
                self._stop.set()
            machines.cancel_scope.cancel()

    def machines(self) -> dict[str, Boot]:
        """Those of others; they never die."""
        return {
            TELEGRAM: partial(serving, self.telegram, TELEGRAM),
            NOCODB: partial(serving, self.nocodb, NOCODB),
        }

    def environment(self) -> dict[str, str]:
        """What the bot is configured by."""
        return {
            "BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": f"http://{TELEGRAM}:{PORT}",
            "NOCODB_URL": f"http://{NOCODB}:{PORT}",
            "NOCODB_TOKEN": TOKEN,
            "NOCODB_TABLE_ID": TABLE_ID,
            "TRACKER_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "HTTP_BIND": f"{EVERYWHERE}:{PORT}",
            "OPERATOR_TOKEN": OPERATOR_TOKEN,
        }

    def heal(self) -> None:
        """End everything that goes wrong, also what is only planned."""
        self.sim.heal()
        self.disturbed()
        self.telegram.forget_faults()
        self.nocodb.forget_faults()
        self.database_away = False
        self.database_seconds = DATABASE_SECONDS
        self.strikes = 0

    async def still(self) -> None:
        """Wait until nothing that others have sent is on its way to the bot."""
        await trio.lowlevel.checkpoint()

    def excused(self) -> frozenset[str]:
        """Components that have a reason to be unwell at the end."""
        return frozenset()

    def disturbed(self) -> None:
        """An answer of Telegram may get lost now, or what it said be forgotten."""
        self.disturbed_at = trio.current_time()

    def _doubtful(self, since: float) -> bool:
        struck = any(crash.victim != BOT for crash in self.sim.plan.crashes)
        return struck or self.disturbed_at >= since - PATIENCE_SECONDS

    def restart(self) -> None:
        """The bot is told to stop, as by SIGTERM, and is started again."""
        self._stop.set()

    async def lose_database(self) -> None:
        """The database goes away: at the moment when a session writes, if one does soon."""
        self.sim.sometimes("database away")
        self._leaving = left = trio.Event()
        try:
            with trio.move_on_after(WRITES_WITHIN_SECONDS):
                await left.wait()
        finally:
            self._leaving = None  # also when the weather ends meanwhile
        self.database_away = True

    def leave(self) -> None:
        """Something is on its way to the database: it is too late, if that was ordered."""
        if self._leaving is not None and self._busy():
            self._leaving.set()
            self.database_away = True

    def strike(self) -> None:
        """A defect shows in a session that waits for the database, if that was ordered."""
        if self.strikes and self.present is not None and (busy := self._busy()):
            self.strikes -= 1
            self.sim.sometimes("a session failed")
            session = self.present.system.region("root/sessions").ref(min(busy, key=str))
            session.kill(RuntimeError("struck by lightning"))

    def _busy(self) -> list[object]:
        """Whose sessions are at work, which is: wait for the database."""
        if self.present is None:
            return []
        cells = self.present.system.region("root/sessions").cells()
        return [cell.key for cell in cells if cell.current is not None]

    async def _live(self, life: Life) -> None:
        """One life of the bot: it is started again whenever it has been stopped, until the end."""
        while not self._closing:
            await self._run_once(life)
            if not self._closing:
                self._stop = trio.Event()
                await trio.sleep(RESTART_SECONDS)

    async def _run_once(self, life: Life) -> None:
        """From a start of the bot to its orderly stop."""
        self.starts += 1
        self.started_at = trio.current_time()
        self.disturbed()
        stopping = trio.current_time()
        connection = self.database.connect(_DatabaseLine(self, life))
        make_system = partial(
            ActorSystem, world=life.world, threads="inline", dispatch=life.dispatch
        )
        async with running_shop(
            load_settings(self.environment()),
            make_store=lambda _: self.make_store(connection),
            make_system=make_system,
        ) as shop:
            self.present = shop
            undertaker = _Undertaker(self)
            shop.system.events.subscribe(DeadLetter, undertaker)
            await self._stop.wait()
            shop.system.events.unsubscribe(undertaker)
            stopping = trio.current_time()
        took = trio.current_time() - stopping
        fates = shop.system.fates()
        self.sim.note(f"the bot has shut down after {took:.1f} s: {fates}")
        if fates.lost or fates.queued:
            raise PropertyError(f"messages without a fate: {fates}")
        if took > STOP_SECONDS_MAX:
            raise PropertyError(f"the bot took {took:.1f} s to stop")

    def wrong(self, what: str) -> None:
        """Something has happened that must never happen."""
        self.sim.note(f"wrong: {what}")
        self.wrongs.append(what)

    def _has_paid(self, chat_id: int) -> bool:
        rows = self.nocodb.table.rows.values()
        return any(row["Paid"] and str(row["ChatId"]) == str(chat_id) for row in rows)


class _Undertaker:
    """Hears what nobody will handle, while nobody has asked the bot to stop.

    A message may die with the handler that failed on it, never because of what came before it.
    """

    def __init__(self, shop: SimulatedShop) -> None:
        self._shop = shop

    def tell(self, letter: DeadLetter, /) -> None:
        """As the event stream does."""
        if letter.reason not in {"failed", "killed"}:
            kind = type(letter.message).__name__
            self._shop.wrong(f"{kind} for {letter.recipient} was {letter.reason}")


class _DatabaseLine(Line):
    """The way from one life of the bot to the database, and back."""

    def __init__(self, shop: SimulatedShop, life: Life) -> None:
        self._shop, self._life = shop, life
        self._luck = shop.sim.luck(f"database {life.number}")

    def check(self) -> None:
        self._life.check()

    async def sent(self) -> None:
        await trio.sleep(self._luck.random() * self._shop.database_seconds)
        self._shop.leave()
        if self._shop.database_away:
            raise ConnectionLost("the database is away")
        if self._shop.sim.chance("transaction refused", self._shop.refusals):
            raise Unavailable("could not serialize access")

    async def acknowledged(self) -> None:
        await trio.sleep(self._luck.random() * self._shop.database_seconds)
        self._shop.strike()
        if self._shop.database_away:
            raise ConnectionLost("the database went away")
        if self._shop.sim.chance("lost acknowledgement", self._shop.lost_answers):
            raise ConnectionLost("the acknowledgement was lost")


async def serving(app: App, name: str, life: Life) -> None:
    """A machine that serves `app` for ever."""
    async with serve(app, host=name, port=PORT):
        del life  # these machines never die
        await trio.sleep_forever()
