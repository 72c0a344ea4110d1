"""Where the demo's story is told: one shop in its simulated world, and step after step of it.

Every step is checked; what a step says on its line has been seen on the simulated Telegram
screen, in the database, in the books or in the supervision tree.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from actors.kernel.ids import ChatId
from adapters.sandbox.telegram_user import CannotDo, TelegramUser
from config.office import Refused
from config.story_world import World
from config.whereabouts import Unreachable
from config.wiring import Shop
from runtime import Unavailable

FIRST_BUYER = ChatId(42)
STEP_SECONDS = 20.0
POLL_SECONDS = 0.05


class StepFailed(Exception):  # noqa: N818 - a verdict on the story
    """What a step expected did not come to pass."""


WRONG = (
    StepFailed,
    CannotDo,
    AssertionError,
    Refused,
    Unavailable,
    Unreachable,
    trio.TooSlowError,
)
"""What says that a step does not hold."""


@dataclass(slots=True)
class Step:
    """One line of the story."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    said: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    """What was measured or counted, for the summary in JSON."""


@dataclass(slots=True)
class Stage:
    """One shop in its world; `tell` gets each step as it ends."""

    shop: Shop
    world: World
    tell: Callable[[Step], None]
    steps: list[Step] = field(default_factory=list)
    restarts: int = 0
    """Of actors, as far as the story has seen them."""
    _next_id: int = FIRST_BUYER

    @asynccontextmanager
    async def step(self, name: str, *, began_before_seconds: float = 0.0) -> AsyncIterator[Step]:
        """One step. Raises `StepFailed` once it has told why it did not hold."""
        step = Step(name)
        self.steps.append(step)
        began = trio.current_time() - began_before_seconds
        try:
            yield step
            step.ok = True
        except WRONG as failure:
            step.said = str(failure) or type(failure).__name__
            raise StepFailed(step.said) from failure
        finally:
            step.seconds = trio.current_time() - began
            if step.ok or step.said:  # otherwise somebody broke it off
                self.tell(step)

    async def newcomer(self, first_name: str) -> TelegramUser:
        """Somebody whom the shop has never met: a kept database knows those of earlier demos."""
        store = self.shop.store
        while True:
            chat_id = ChatId(self._next_id)
            self._next_id += 1
            known = await store.sessions.load(chat_id) is not None
            if not known and not await store.orders.recent(chat_id, limit=1):
                return self.world.telegram.user(chat_id, first_name, language_code="en")

    async def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Look again and again. Raises `trio.TooSlowError`."""
        with trio.fail_after(STEP_SECONDS):
            while not await holds():  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(POLL_SECONDS)

    async def is_idle(self) -> bool:
        """Nothing that Telegram told is left to be handled."""
        return await self.shop.unhandled() == 0
