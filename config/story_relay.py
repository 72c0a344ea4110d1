"""The third chapter: a buyer talks to a scenario of Make, which is switched off for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actors.relay import messages as relay
from adapters.sandbox.telegram_user import TelegramUser
from config.story_stage import STEP_SECONDS, Stage, StepFailed
from runtime import ask

QUESTION = ("I have read it twice.", "Can the engine compose music?")
ANSWER = "It might, if sounds were susceptible of such expression & adaptation."
LATER = "And poems?"
LATER_ANSWER = "It has no pretensions to originate anything."


@dataclass(frozen=True, slots=True)
class Conversation:
    """What one `buyer`, who has registered, and Make have to say to each other."""

    stage: Stage
    buyer: TelegramUser

    async def tell(self) -> None:
        """The whole chapter. Raises `StepFailed`."""
        await self._is_answered()
        await self._nobody_listens()

    async def _is_answered(self) -> None:
        make, before = self.stage.world.make, len(self.stage.world.make.received)
        async with self.stage.step("he asks a question, in two messages") as step:
            make.answer_with(ANSWER, seconds=0.5)
            for text in QUESTION:
                self.buyer.says(text)
            await self.buyer.sees(ANSWER, within=STEP_SECONDS)
            texts = [_texts(event) for event in make.received[before:]]
            if texts != [list(QUESTION)]:
                raise StepFailed(f"Make heard {texts}")
            step.said = "they went to Make as one event once he was quiet, and he has its answer"

    async def _nobody_listens(self) -> None:
        shop, make = self.stage.shop, self.stage.world.make
        async with self.stage.step("the scenario at Make is switched off") as step:
            make.listen(on=False)
            make.answer_with(LATER_ANSWER)
            self.buyer.says(LATER)
            await self.stage.until(self._is_paused)
            step.said = "what he writes waits in the database; the administrators' group is told"
        async with self.stage.step("it is switched on again, and an operator says so") as step:
            make.listen()
            await ask(shop.system.ref("root/relay/destination"), relay.Resume(who="demo"))
            await self.buyer.sees(LATER_ANSWER, within=STEP_SECONDS)
            told = [event for event in make.received if LATER in _texts(event)]
            if len(told) != 1:
                raise StepFailed(f"Make heard it {len(told)} times")
            step.said = "it arrived, once, and was answered"

    async def _is_paused(self) -> bool:
        shown = self.stage.world.office().find("Nobody listens")
        counts = await self.stage.shop.store.relay_outbox.counts()
        return shown is not None and counts.pending == 1


def _texts(event: dict[str, Any]) -> list[str]:
    return [message["text"] for message in event["messages"]]
