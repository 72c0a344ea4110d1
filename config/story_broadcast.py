"""The fourth chapter: an operator writes to many, and one of them asks something meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import trio

from actors.broadcasts.model import FINAL
from adapters.sandbox.telegram_state import Message
from adapters.sandbox.telegram_user import TelegramUser
from config.broadcast import BROADCASTS
from config.office import Office, office_at
from config.story_stage import STEP_SECONDS, Stage, StepFailed
from config.story_world import NUMBERS_A_SECOND

OTHERS = NUMBERS_A_SECOND - 1
"""Besides the buyer: with him four seconds at 28 a second."""
TEXT = "{first_name|Dear reader}, the Engine weaves algebraic patterns."
FOR_BUYER = "Ada, the Engine weaves algebraic patterns."
QUESTION = "/status"


@dataclass(slots=True)
class Announcement:
    """What an operator has to say to the `buyer`, who has registered, and to many others."""

    stage: Stage
    buyer: TelegramUser
    _others: list[TelegramUser] = field(default_factory=list)
    _began: float = 0.0

    async def tell(self) -> None:
        """The whole chapter. Raises `StepFailed`."""
        async with office_at(await self.stage.shop.url(), None) as office:
            one = await self._begins(office)
            await self._is_answered(office, one)
            await self._ends(office, one)

    async def _begins(self, office: Office) -> str:
        """The first of them has it; where it is looked at."""
        self._gather()
        chat_ids = [self.buyer.id, *(each.id for each in self._others)]
        async with self.stage.step("an operator writes to many people") as step:
            self._began = trio.current_time()
            asked = {"text": TEXT, "audience": {"chat_ids": chat_ids}, "why": "the demo"}
            created = await office.post_once(BROADCASTS, asked)
            await self.buyer.sees(FOR_BUYER, within=STEP_SECONDS)
            if self.stage.world.office().find("the Engine weaves") is None:
                raise StepFailed("the administrators were not shown it first")
            step.said = f"{created['reachable']} of them; the administrators were shown it first"
            step.figures = {"recipients": created["reachable"]}
        return f"{BROADCASTS}/{created['broadcast_id']}"

    async def _is_answered(self, office: Office, one: str) -> None:
        async with self.stage.step(f"meanwhile one of them asks {QUESTION}") as step:
            began = trio.current_time()
            await self._sees_answer(self.buyer.commands(QUESTION))
            answer_seconds = trio.current_time() - began
            seen = await office.get(one)
            if seen["state"] != "running" or not seen["pending"]:
                raise StepFailed(f"when he was answered the broadcast was {seen['state']}")
            step.said = (
                f"he has his answer {answer_seconds * 1000:.0f} ms later, while "
                f"{seen['pending']} of {seen['total']} still wait for the message"
            )
            step.figures = {"answer_seconds": answer_seconds, "pending": seen["pending"]}

    async def _ends(self, office: Office, one: str) -> None:
        async with self.stage.step("everybody has one outcome") as step:
            seen = await self._finished(office, one)
            seconds = trio.current_time() - self._began
            counts = {outcome.value: seen[outcome.value] for outcome in FINAL}
            told = {"total": 1 + len(self._others), "sent": len(self._others), "blocked": 1}
            if any(seen[name] != told.get(name, 0) for name in ("total", *counts)):
                raise StepFailed(f"it ended with {counts}")
            self._each_has_it_once()
            limits = self.stage.world.telegram.limits
            if violations := limits.violations + limits.too_early:
                raise StepFailed(f"Telegram's limits were broken {violations} times")
            step.said = (
                f"{seen['sent']} have it, once; {seen['blocked']} has deleted his account; "
                f"{seconds:.1f} s, and Telegram's limits were broken {violations} times"
            )
            step.figures = {**counts, "limit_violations": violations, "seconds": seconds}

    def _gather(self) -> None:
        """People who have written to the bot at some time; a kept database knows none of them."""
        world = self.stage.world
        first = int(world.telegram.now().timestamp()) * NUMBERS_A_SECOND
        for number in range(OTHERS):
            user = world.telegram.user(first + number, f"Reader {number}")
            user.chat.started = True
            self._others.append(user)
        self._others[-1].deactivates()

    async def _sees_answer(self, asked: Message) -> None:
        """Whatever the bot says after it was asked; he has the operator's message already."""
        chat = self.buyer.chat
        with trio.fail_after(STEP_SECONDS):
            while self.buyer.screen().shown[-1].message_id < asked.message_id:
                await chat.changed.wait()

    async def _finished(self, office: Office, one: str) -> dict[str, Any]:
        seen: dict[str, Any] = {}

        async def is_over() -> bool:
            seen.update(await office.get(one))
            return bool(seen["state"] == "finished")

        await self.stage.until(is_over)
        return seen

    def _each_has_it_once(self) -> None:
        for user in (self.buyer, *self._others[:-1]):
            texts = [message.text for message in user.screen().shown]
            if len([text for text in texts if "the Engine weaves" in text]) != 1:
                raise StepFailed(f"{user.account.first_name} sees {texts}")
