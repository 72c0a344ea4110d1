"""The demo's story: a registration and three purchases are paid, while parts fall and rise again.

Its chapters are `story_registration`, `story_purchases`, `story_relay` and `story_broadcast`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from adapters.sandbox.telegram_user import TelegramUser
from config.story_broadcast import Announcement
from config.story_purchases import Purchases
from config.story_registration import Registration
from config.story_relay import Conversation
from config.story_stage import Stage, Step, StepFailed
from config.story_world import World
from config.wiring import Shop
from runtime import ActorRestarting, State

STARTS = "everything starts"


@dataclass(slots=True)
class Story:
    """Tells the story of one shop in one world; `tell` gets each step as it ends.

    `started_seconds` is how long the start took, which the story was not there to see.
    """

    shop: Shop
    world: World
    tell: Callable[[Step], None]
    started_seconds: float
    ok: bool = False
    """It was told to its end, and every step of it held."""
    failed: bool = False
    """A step did not hold. Neither is true of a story that somebody broke off."""
    _stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        self._stage = Stage(self.shop, self.world, self.tell)

    @property
    def steps(self) -> list[Step]:
        """Those that have begun."""
        return self._stage.steps

    @property
    def restarts(self) -> int:
        """Of actors."""
        return self._stage.restarts

    async def run(self) -> None:
        """The whole story, up to its first failed step."""
        self.shop.system.events.subscribe(ActorRestarting, _Counter(self._stage))
        try:
            buyer = await self._tree_is_up()
            await Registration(self._stage, buyer).tell()
            await Purchases(self._stage, buyer).tell()
            await Conversation(self._stage, buyer).tell()
            await Announcement(self._stage, buyer).tell()
        except StepFailed:
            self.failed = True
        else:
            self.ok = True

    async def _tree_is_up(self) -> TelegramUser:
        """The first buyer may come."""
        async with self._stage.step(STARTS, began_before_seconds=self.started_seconds) as step:
            root = self.shop.system.snapshot()
            waiting = [node.path for node in root.children if node.state != State.RUNNING.value]
            if waiting:
                raise StepFailed(f"not running: {', '.join(waiting)}")
            await self._stage.until(self._stage.is_idle)
            await self._make_room()
            step.said = f"{len(self.shop.system.cells())} actors are up, under supervision"
            return await self._stage.newcomer("Ada")

    async def _make_room(self) -> None:
        """A kept database knows buyers who still wait; this world's table gets their rows back."""
        nocodb = self.world.nocodb
        waiting = {int(w.record_id): w.chat_id for w in await self.shop.store.watches.waiting()}
        for record_id in range(1, max(waiting, default=0) + 1):
            nocodb.insert(ChatId=waiting.get(record_id))
            if record_id not in waiting:
                nocodb.delete(record_id)


class _Counter:
    """Counts restarts as the supervisors announce them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def tell(self, event: ActorRestarting, /) -> None:
        """One more."""
        del event
        self._stage.restarts += 1
