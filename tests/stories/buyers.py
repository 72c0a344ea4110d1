"""Buyers who follow the bot's questions by themselves, and an operator who ticks `Paid`.

A buyer does each thing exactly once: he never repeats what was not answered, so that an update
that is lost anywhere leaves him waiting for ever.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import trio

from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import TelegramUser

ASKED = "Waiting for your payment"
SUCCESS = "Payment received"
SEES_SECONDS = 3_600.0
"""Longer than any test: who is lost is found by the test, with all that is known of him."""


@dataclass
class Buyer:
    """One person, and how far he has come."""

    user: TelegramUser
    nocodb: NocodbSandbox
    comes: trio.Event
    """When he begins."""
    pays: trio.Event
    """When the operator ticks his box, if he has been asked to pay by then."""
    pause_seconds: float
    """How long he thinks before he does anything."""
    did: list[str] = field(default_factory=list)

    async def register_and_pay(self) -> None:
        """From /start to the confirmation."""
        await self.comes.wait()
        self.user.commands("/start")
        self.did.append("/start")
        await self._sees("Which language")
        self.user.presses("English")
        await self._sees("What is your name")
        self.user.says(self.name)
        await self._sees("Which phone number")
        self.user.shares_contact(f"+44791112{self.user.id % 10_000:04d}")
        await self._sees("Please check")
        self.user.presses("Save")
        panel = await self._sees(ASKED)
        await self.pays.wait()
        self.nocodb.tick(_record_id(panel))
        await self._sees(SUCCESS)

    @property
    def name(self) -> str:
        """How he calls himself; nobody else does."""
        return f"Buyer <{self.user.id}>"

    @property
    def is_under_way(self) -> bool:
        """He has begun, and has not been told yet that all is done."""
        return bool(self.did) and self.did[-1] != SUCCESS

    def faults(self) -> list[str]:
        """What is wrong with the end of his story."""
        told = sum(SUCCESS in message.text for message in self.user.screen().shown)
        rows = [r for r in self.nocodb.rows if str(r["ChatId"]) == str(self.user.id)]
        found = []
        if told != 1:
            found.append(f"{self.name} was told {told} times:\n{self.user.screen()}")
        if len(rows) != 1 or rows[0]["Name"] != self.name or not rows[0]["Paid"]:
            found.append(f"{self.name} has the records {rows}")
        return found

    async def _sees(self, text: str) -> str:
        found = await self.user.sees(text, within=SEES_SECONDS)
        self.did.append(text)
        await trio.sleep(self.pause_seconds)
        return found.text


def buyers(
    telegram: TelegramSandbox, nocodb: NocodbSandbox, count: int, *, moments: Sequence[trio.Event]
) -> list[Buyer]:
    """So many people. Every other one comes at the first of the moments and pays at his own; the
    others come at theirs and pay at once. Some are quick, some slow.
    """
    own = [moments[i * len(moments) // count] for i in range(count)]
    return [
        Buyer(
            telegram.user(1_000 + i, f"Buyer {i}", language_code="en"),
            nocodb,
            comes=moments[0] if i % 2 else moment,
            pays=moment if i % 2 else moments[0],
            pause_seconds=0.1 * (i % 4),
        )
        for i, moment in enumerate(own)
    ]


def _record_id(panel: str) -> int:
    found = re.search(r"No\. (\d+)", panel)
    assert found, panel
    return int(found[1])
