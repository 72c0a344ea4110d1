"""The demo's story: a registration is paid end to end, while parts fall and rise again.

Every step is checked; what a step says on its line has been seen on the simulated
Telegram screen, in the record table or in the supervision tree.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from actors.kernel.ids import ChatId
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import TelegramUser
from config.wiring import Shop
from runtime import ActorRestarting, ActorStarted, State

BUYER = ChatId(42)
STEP_SECONDS = 20.0
POLL_SECONDS = 0.05
QUIET_INTERVALS = 2
"""How many intervals the story watches for a second telling of the same payment."""


class StepFailed(Exception):  # noqa: N818 - a verdict on the story
    """What a step expected did not come to pass."""


@dataclass(slots=True)
class Step:
    """One line of the story."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    said: str = ""


@dataclass(slots=True)
class Story:
    """Tells the story of one shop on one sandbox; `tell` gets each step as it ends."""

    shop: Shop
    telegram: TelegramSandbox
    nocodb: NocodbSandbox
    tell: Callable[[Step], None]
    started_seconds: float
    steps: list[Step] = field(default_factory=list)
    restarts: int = 0

    @property
    def ok(self) -> bool:
        """Every step was there and held."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    async def run(self) -> None:
        """The whole story, up to its first failed step."""
        self.shop.system.events.subscribe(ActorRestarting, _Counter(self))
        try:
            await self._tree_is_up()
            await self._buyer_registers()
            await self._session_falls()
            await self._buyer_confirms()
            await self._database_falls()
            await self._payment_arrives()
            await self._nothing_is_told_twice()
        except StepFailed:
            return

    async def _tree_is_up(self) -> None:
        async with self._step("everything starts") as step:
            root = self.shop.system.snapshot()
            waiting = [node.path for node in root.children if node.state != State.RUNNING.value]
            if waiting:
                raise StepFailed(f"not running: {', '.join(waiting)}")
            step.said = f"{len(self.shop.system.cells())} actors under supervision"
        step.seconds = self.started_seconds

    async def _buyer_registers(self) -> None:
        buyer = self._buyer
        async with self._step("a buyer writes /start") as step:
            buyer.commands("/start")
            await buyer.sees("Which language", within=STEP_SECONDS)
            step.said = "he is greeted in the language of his phone"
        async with self._step("he gives his name") as step:
            buyer.presses("English")
            await buyer.sees("What is your name", within=STEP_SECONDS)
            buyer.says("Ada <Lovelace>")
            await buyer.sees("Which phone number", within=STEP_SECONDS)
            step.said = "his name is kept as he typed it, and is no markup"

    async def _session_falls(self) -> None:
        buyer = self._buyer
        async with self._step("his session crashes, in the middle") as step:
            ref = self.shop.system.region("root/sessions").ref(BUYER)
            started = _Into()
            self.shop.system.events.subscribe(ActorStarted, started)
            ref.kill(RuntimeError("pulled the plug for the demo"))
            buyer.shares_contact("+447911123456")
            await buyer.sees("Please check", within=STEP_SECONDS)
            if f"root/sessions/{BUYER}" not in [event.path for event in started.told]:
                raise StepFailed("the session was not restarted")
            self.restarts += 1
            step.said = "a fresh one took over where it stood, nothing asked twice"

    async def _buyer_confirms(self) -> None:
        buyer = self._buyer
        async with self._step("he presses Save") as step:
            buyer.presses("Save")
            await buyer.sees("Waiting for your payment", within=STEP_SECONDS)
            row = self._row()
            if row["Name"] != "Ada <Lovelace>" or row["Paid"]:
                raise StepFailed(f"the record is {row}")
            step.said = f"record {row['Id']} stands in NocoDB, unpaid"

    async def _database_falls(self) -> None:
        async with self._step("PostgreSQL is killed") as step:
            server = self.shop.server
            if server is None or (before := server.pid) is None:
                raise StepFailed("there is no embedded server")
            os.kill(before, signal.SIGKILL)
            self._buyer.commands("/status")
            with trio.fail_after(STEP_SECONDS):
                while server.pid in (None, before):
                    await trio.sleep(POLL_SECONDS)
                while await self.shop.unhandled():
                    await trio.sleep(POLL_SECONDS)
            step.said = "its supervisor started it again; what the buyer wrote meanwhile was kept"

    async def _payment_arrives(self) -> None:
        async with self._step("an operator ticks Paid") as step:
            asked = self._lists()
            self.nocodb.tick(self._row()["Id"])
            await self._buyer.sees("Payment received", within=STEP_SECONDS)
            step.said = f"one batched question found it ({self._lists() - asked} asked meanwhile)"

    async def _nothing_is_told_twice(self) -> None:
        async with self._step("he is told once") as step:
            interval = self.shop.settings.tracker_interval_seconds
            await trio.sleep(QUIET_INTERVALS * interval)
            told = [m for m in self._buyer.screen().shown if "Payment received" in m.text]
            fates = self.shop.system.fates()
            if len(told) != 1:
                raise StepFailed(f"told {len(told)} times")
            if fates.lost:
                raise StepFailed(f"messages without a fate: {fates}")
            step.said = f"{fates.sent} messages between actors, each with one fate"

    @property
    def _buyer(self) -> TelegramUser:
        return self.telegram.user(BUYER, "Ada", language_code="en")

    def _row(self) -> Mapping[str, Any]:
        rows = [row for row in self.nocodb.rows if row["ChatId"] in (BUYER, str(BUYER))]
        if len(rows) != 1:
            raise StepFailed(f"{len(rows)} records of the buyer")
        return rows[0]

    def _lists(self) -> int:
        return self.nocodb.calls["list"]

    @asynccontextmanager
    async def _step(self, name: str) -> AsyncIterator[Step]:
        step = Step(name)
        self.steps.append(step)
        started = trio.current_time()
        try:
            yield step
            step.ok = True
        except (StepFailed, AssertionError, TimeoutError, trio.TooSlowError) as failure:
            step.said = str(failure) or type(failure).__name__
            raise StepFailed(step.said) from failure
        finally:
            step.seconds = trio.current_time() - started
            self.tell(step)


class _Counter:
    """Counts restarts as the supervisors announce them."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def tell(self, event: object, /) -> None:
        """One more."""
        del event
        self._story.restarts += 1


class _Into:
    """Keeps events."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def tell(self, event: object, /) -> None:
        """Keep it."""
        self.told.append(event)
