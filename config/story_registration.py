"""The first chapter: a registration is paid end to end, while parts fall and rise again."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import trio

from actors.kernel.ids import ChatId
from adapters.sandbox.telegram_user import TelegramUser
from config.story_stage import STEP_SECONDS, Stage, StepFailed
from runtime import ActorStarted

NAME = "Ada <Lovelace>"
QUIET_INTERVALS = 2
"""How many intervals the story watches for a second telling of the same payment."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What happens to one `buyer`."""

    stage: Stage
    buyer: TelegramUser

    async def tell(self) -> None:
        """The whole chapter. Raises `StepFailed`."""
        await self._buyer_registers()
        await self._session_falls()
        await self._buyer_confirms()
        await self._database_falls()
        await self._payment_arrives()
        await self._nothing_is_told_twice()

    async def _buyer_registers(self) -> None:
        buyer = self.buyer
        async with self.stage.step("a buyer writes /start") as step:
            buyer.commands("/start")
            await buyer.sees("Which language", within=STEP_SECONDS)
            step.said = "he is greeted in the language of his phone"
        async with self.stage.step("he gives his name") as step:
            buyer.presses("English")
            await buyer.sees("What is your name", within=STEP_SECONDS)
            buyer.says(NAME)
            await buyer.sees("Which phone number", within=STEP_SECONDS)
            step.said = f"he calls himself {NAME}; that is kept as he typed it, and is no markup"

    async def _session_falls(self) -> None:
        buyer, system = self.buyer, self.stage.shop.system
        async with self.stage.step("his session crashes in the middle of it") as step:
            started = _Paths()
            system.events.subscribe(ActorStarted, started)
            session = system.region("root/sessions").ref(ChatId(buyer.id))
            session.kill(RuntimeError("pulled the plug for the demo"))
            buyer.shares_contact("+447911123456")
            await buyer.sees("Please check", within=STEP_SECONDS)
            if f"root/sessions/{buyer.id}" not in started.seen:
                raise StepFailed("the session was not restarted")
            self.stage.restarts += 1
            step.said = "a fresh one took over where it stood; nothing was asked twice"

    async def _buyer_confirms(self) -> None:
        async with self.stage.step("he presses Save") as step:
            self.buyer.presses("Save")
            await self.buyer.sees("Waiting for your payment", within=STEP_SECONDS)
            row = self._row()
            if row["Name"] != NAME or row["Paid"]:
                raise StepFailed(f"the record is {row}")
            step.said = f"record {row['Id']} stands in NocoDB, not paid yet"

    async def _database_falls(self) -> None:
        async with self.stage.step("PostgreSQL is killed, and he asks /status") as step:
            server = self.stage.shop.server
            if server is None or (before := server.pid) is None:
                raise StepFailed("there is no embedded server")
            panel = await self.buyer.sees("Waiting for your payment")
            os.kill(before, signal.SIGKILL)
            self.buyer.commands("/status")

            async def is_back() -> bool:
                return server.pid not in (None, before) and await self.stage.is_idle()

            async def is_answered() -> bool:
                shown = self.buyer.screen().find("Waiting for your payment")
                return shown is not None and shown.message_id != panel.message_id

            await self.stage.until(is_back)
            await self.stage.until(is_answered)
            step.said = "its supervisor started it again; his question was kept, and answered"

    async def _payment_arrives(self) -> None:
        nocodb = self.stage.world.nocodb
        async with self.stage.step("an operator ticks Paid") as step:
            asked = nocodb.calls["list"]
            nocodb.tick(self._row()["Id"])
            await self.buyer.sees("Payment received", within=STEP_SECONDS)
            questions = nocodb.calls["list"] - asked
            step.said = f"he is told; questions to NocoDB meanwhile, for all buyers: {questions}"

    async def _nothing_is_told_twice(self) -> None:
        shop = self.stage.shop
        async with self.stage.step("he is told once") as step:
            await trio.sleep(QUIET_INTERVALS * shop.interval_seconds)
            told = [m for m in self.buyer.screen().shown if "Payment received" in m.text]
            fates = shop.system.fates()
            if len(told) != 1:
                raise StepFailed(f"told {len(told)} times")
            if fates.lost:
                raise StepFailed(f"messages without a fate: {fates}")
            step.said = f"{fates.sent} messages between actors, each with exactly one fate"

    def _row(self) -> Mapping[str, Any]:
        all_rows = self.stage.world.nocodb.rows
        rows = [row for row in all_rows if str(row["ChatId"]) == str(self.buyer.id)]
        if len(rows) != 1:
            raise StepFailed(f"{len(rows)} records of the buyer")
        return rows[0]


class _Paths:
    """Who was started."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def tell(self, event: ActorStarted, /) -> None:
        """Remember the path."""
        self.seen.add(event.path)
