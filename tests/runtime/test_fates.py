"""Every message has exactly one fate, whatever happens around it."""

from __future__ import annotations

import random
from typing import Any

import pytest
import trio

from runtime import (
    Actor,
    ActorDeadError,
    Asks,
    Backoff,
    Budget,
    ChildSpec,
    KeyedSpec,
    SupervisorSpec,
    Unavailable,
    message,
)
from runtime.testing import TestSystem, running

ACTORS = 6
STEPS = 300


@message
class Work:
    sender: int
    number: int
    does: str
    seconds: float = 0.0


@message
class Question(Asks[int]):
    does: str
    seconds: float = 0.0


class Worker(Actor[Any]):
    """Does as it is told: answers, waits, fails, goes out, stops itself, tells another."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._inside = False

    async def on_start(self) -> None:
        await self._maybe_wait()
        if self._world.luck.random() < 0.05:
            raise ValueError("a bad start")

    async def on_stop(self) -> None:
        await self._maybe_wait()

    async def _maybe_wait(self) -> None:
        if self._world.luck.random() < 0.3:
            await trio.sleep(self._world.luck.random() / 10)

    async def on_receive(self, message: Any) -> object:
        assert not self._inside, "two handlers of one actor at once"
        self._inside = True
        try:
            return await self._do(message)
        finally:
            self._inside = False

    async def _do(self, message: Any) -> object:
        does = message.does
        self._world.note(self, message)
        if message.seconds:
            await trio.sleep(message.seconds)
        if does == "fail":
            raise ValueError("told to")
        if does == "out" and self._world.luck.random() < 0.7:
            raise Unavailable("out for a while")
        if does == "stop":
            self.stop()
        if does == "timer":
            self.after(0.05, Work(sender=-1, number=0, does="nothing"), key="t")
        if does == "stash":
            self.stash()
        if does == "unstash":
            self.unstash()
        if does == "pipe":
            self.pipe(trio.sleep, 0.05, then=lambda _: Work(sender=-1, number=0, does="nothing"))
        if does == "pass on":
            self._world.anybody().tell(Work(sender=-1, number=0, does="nothing"))
        if does == "ask":
            await self._world.anybody().ask(Question(does="nothing"), timeout=0.2)
        return 1


class World:
    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.system: TestSystem | None = None
        self.seen: dict[tuple[int, str], list[int]] = {}

    def note(self, actor: Actor[Any], message: Any) -> None:
        if isinstance(message, Work) and message.sender >= 0:
            seen = self.seen.setdefault((message.sender, actor.actor_urn), [])
            seen.append(message.number)

    def anybody(self) -> Any:
        assert self.system is not None
        if self.luck.random() < 0.5:
            return self.system.ref(
                f"root/{self.luck.choice(['one', 'all', 'rest'])}/{self.luck.randrange(ACTORS)}"
            )
        return self.system.region("root/keyed").ref(self.luck.randrange(ACTORS))


def _tree(world: World) -> SupervisorSpec:
    def family(name: str, strategy: Any) -> SupervisorSpec:
        kinds: list[Any] = ["permanent", "transient", "temporary"]
        return SupervisorSpec(
            name=name,
            strategy=strategy,
            children=tuple(
                ChildSpec(
                    name=str(n),
                    factory=lambda: Worker(world),
                    restart=kinds[n % 3],
                    budget=Budget(restarts=10_000),
                    backoff=Backoff(first_seconds=0.01, last_seconds=0.2),
                    shutdown_seconds=0.3,
                )
                for n in range(ACTORS)
            ),
        )

    return SupervisorSpec(
        name="root",
        children=(
            family("one", "one_for_one"),
            family("all", "one_for_all"),
            family("rest", "rest_for_one"),
            KeyedSpec(
                name="keyed",
                factory=lambda _: Worker(world),
                idle_seconds=0.3,
                awake_max=4,
                backoff=Backoff(first_seconds=0.01, last_seconds=0.2),
            ),
        ),
    )


async def _turmoil(world: World, system: TestSystem) -> None:
    luck = world.luck
    deeds = ["nothing"] * 12 + [
        "fail",
        "out",
        "stop",
        "timer",
        "stash",
        "unstash",
        "pipe",
        "pass on",
        "ask",
    ]
    async with trio.open_nursery() as nursery:
        for number in range(STEPS):
            ref = world.anybody()
            does = luck.choice(deeds)
            seconds = luck.choice([0.0, 0.0, 0.0, 0.01, 0.1])
            step = luck.random()
            if step < 0.7:
                try:
                    ref.tell(Work(sender=0, number=number, does=does, seconds=seconds))
                except ActorDeadError:
                    pass
            elif step < 0.9:
                nursery.start_soon(_ask, ref, Question(does=does, seconds=seconds))
            elif step < 0.93:
                ref.kill() if luck.random() < 0.3 else None
            elif step < 0.95:
                ref.stop()
            if luck.random() < 0.3:
                await trio.sleep(luck.random() / 20)


async def _ask(ref: Any, question: Question) -> None:
    try:
        await ref.ask(question, timeout=0.3)
    except Exception as error:  # noqa: BLE001 - any refusal is an answer; hanging would not be
        assert not isinstance(error, AssertionError)


@pytest.mark.parametrize("seed", range(40))
async def test_every_message_has_one_fate_under_turmoil(seed: int) -> None:
    world = World(seed)
    async with running(_tree(world), seed=seed) as system:
        world.system = system
        await _turmoil(world, system)
        fates = system.fates()
        assert fates.lost == 0, fates
        await trio.sleep(30)
        await system.settle()
        fates = system.fates()
        assert fates.lost == 0, fates
        for failed in system.dead_letters:
            assert not isinstance(failed.error, AssertionError), failed
    for numbers in world.seen.values():
        firsts = list(dict.fromkeys(numbers))
        assert len(firsts) > 0
