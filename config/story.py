"""The demo's story: a registration is paid end to end, while parts fall and rise again.

Every step is checked; what a step says on its line has been seen on the simulated
Telegram screen, in the record table or in the supervision tree.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trio

from actors.kernel.ids import ChatId
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import CannotDo, TelegramUser
from config.wiring import Shop
from runtime import ActorRestarting, ActorStarted, State, Unavailable

FIRST_BUYER = ChatId(42)
NAME = "Ada <Lovelace>"
STARTS = "everything starts"
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
    """Tells the story of one shop on one sandbox; `tell` gets each step as it ends.

    `started_seconds` is how long the start took, which the story was not there to see.
    """

    shop: Shop
    telegram: TelegramSandbox
    nocodb: NocodbSandbox
    tell: Callable[[Step], None]
    started_seconds: float
    steps: list[Step] = field(default_factory=list)
    restarts: int = 0
    ok: bool = False
    """It was told to its end, and every step of it held."""
    failed: bool = False
    """A step did not hold. Neither is true of a story that somebody broke off."""
    _buyer_id: ChatId = FIRST_BUYER

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
            self.failed = True
        else:
            self.ok = True

    async def _tree_is_up(self) -> None:
        async with self._step(STARTS, began_before_seconds=self.started_seconds) as step:
            root = self.shop.system.snapshot()
            waiting = [node.path for node in root.children if node.state != State.RUNNING.value]
            if waiting:
                raise StepFailed(f"not running: {', '.join(waiting)}")
            await self._make_room()
            step.said = f"{len(self.shop.system.cells())} actors are up, under supervision"

    async def _make_room(self) -> None:
        """A kept database knows the buyers of earlier demos, this sandbox does not.

        The story takes a buyer of its own, and those who still wait get their rows back.
        """
        await self._until(self._is_idle)
        while await self.shop.store.sessions.load(self._buyer_id) is not None:
            self._buyer_id = ChatId(self._buyer_id + 1)
        waiting = {int(w.record_id): w.chat_id for w in await self.shop.store.watches.waiting()}
        for record_id in range(1, max(waiting, default=0) + 1):
            self.nocodb.insert(ChatId=waiting.get(record_id))
            if record_id not in waiting:
                self.nocodb.delete(record_id)

    async def _buyer_registers(self) -> None:
        buyer = self._buyer
        async with self._step("a buyer writes /start") as step:
            buyer.commands("/start")
            await buyer.sees("Which language", within=STEP_SECONDS)
            step.said = "he is greeted in the language of his phone"
        async with self._step("he gives his name") as step:
            buyer.presses("English")
            await buyer.sees("What is your name", within=STEP_SECONDS)
            buyer.says(NAME)
            await buyer.sees("Which phone number", within=STEP_SECONDS)
            step.said = f"he calls himself {NAME}; that is kept as he typed it, and is no markup"

    async def _session_falls(self) -> None:
        buyer, path = self._buyer, f"root/sessions/{self._buyer_id}"
        async with self._step("his session crashes in the middle of it") as step:
            started = _Paths()
            self.shop.system.events.subscribe(ActorStarted, started)
            self.shop.system.region("root/sessions").ref(self._buyer_id).kill(
                RuntimeError("pulled the plug for the demo")
            )
            buyer.shares_contact("+447911123456")
            await buyer.sees("Please check", within=STEP_SECONDS)
            if path not in started.seen:
                raise StepFailed("the session was not restarted")
            self.restarts += 1
            step.said = "a fresh one took over where it stood; nothing was asked twice"

    async def _buyer_confirms(self) -> None:
        buyer = self._buyer
        async with self._step("he presses Save") as step:
            buyer.presses("Save")
            await buyer.sees("Waiting for your payment", within=STEP_SECONDS)
            row = self._row()
            if row["Name"] != NAME or row["Paid"]:
                raise StepFailed(f"the record is {row}")
            step.said = f"record {row['Id']} stands in NocoDB, not paid yet"

    async def _database_falls(self) -> None:
        async with self._step("PostgreSQL is killed, and he asks /status") as step:
            server = self.shop.server
            if server is None or (before := server.pid) is None:
                raise StepFailed("there is no embedded server")
            panel = await self._buyer.sees("Waiting for your payment")
            os.kill(before, signal.SIGKILL)
            self._buyer.commands("/status")

            async def is_back() -> bool:
                return server.pid not in (None, before) and await self._is_idle()

            async def is_answered() -> bool:
                shown = self._buyer.screen().find("Waiting for your payment")
                return shown is not None and shown.message_id != panel.message_id

            await self._until(is_back)
            await self._until(is_answered)
            step.said = "its supervisor started it again; his question was kept, and answered"

    async def _payment_arrives(self) -> None:
        async with self._step("an operator ticks Paid") as step:
            asked = self._lists()
            self.nocodb.tick(self._row()["Id"])
            await self._buyer.sees("Payment received", within=STEP_SECONDS)
            questions = self._lists() - asked
            step.said = f"he is told; questions to NocoDB meanwhile, for all buyers: {questions}"

    async def _nothing_is_told_twice(self) -> None:
        async with self._step("he is told once") as step:
            await trio.sleep(QUIET_INTERVALS * self.shop.interval_seconds)
            told = [m for m in self._buyer.screen().shown if "Payment received" in m.text]
            fates = self.shop.system.fates()
            if len(told) != 1:
                raise StepFailed(f"told {len(told)} times")
            if fates.lost:
                raise StepFailed(f"messages without a fate: {fates}")
            step.said = f"{fates.sent} messages between actors, each with exactly one fate"

    @property
    def _buyer(self) -> TelegramUser:
        return self.telegram.user(self._buyer_id, "Ada", language_code="en")

    def _row(self) -> Mapping[str, Any]:
        rows = [row for row in self.nocodb.rows if str(row["ChatId"]) == str(self._buyer_id)]
        if len(rows) != 1:
            raise StepFailed(f"{len(rows)} records of the buyer")
        return rows[0]

    def _lists(self) -> int:
        return self.nocodb.calls["list"]

    async def _is_idle(self) -> bool:
        return await self.shop.unhandled() == 0

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Look again and again. Raises `trio.TooSlowError`."""
        with trio.fail_after(STEP_SECONDS):
            while not await holds():  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def _step(self, name: str, *, began_before_seconds: float = 0.0) -> AsyncIterator[Step]:
        step = Step(name)
        self.steps.append(step)
        began = trio.current_time() - began_before_seconds
        try:
            yield step
            step.ok = True
        except (StepFailed, CannotDo, AssertionError, Unavailable, trio.TooSlowError) as failure:
            step.said = str(failure) or type(failure).__name__
            raise StepFailed(step.said) from failure
        finally:
            step.seconds = trio.current_time() - began
            if step.ok or step.said:  # otherwise somebody broke it off
                self.tell(step)


class _Counter:
    """Counts restarts as the supervisors announce them."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def tell(self, event: ActorRestarting, /) -> None:
        """One more."""
        del event
        self._story.restarts += 1


class _Paths:
    """Who was started."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def tell(self, event: ActorStarted, /) -> None:
        """Remember the path."""
        self.seen.add(event.path)
