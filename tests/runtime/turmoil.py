"""A world in which everything goes wrong at once, from a seed: what `test_fates.py` runs.

Actors wait, fail, lose their dependencies, stop and kill themselves and each other, stash,
pipe, watch, promise answers and forget them. The world notes what was handled in which order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pykka
import trio

from runtime import (
    Actor,
    ActorDeadError,
    ActorRef,
    ActorSystem,
    AskCycleError,
    Asks,
    Backoff,
    Budget,
    ChildSpec,
    KeyedSpec,
    SupervisorSpec,
    ThreadingActor,
    Timeout,
    Unavailable,
    message,
)
from runtime.cell import current_worker
from runtime.child import Spec
from runtime.helping import Helper
from runtime.strategy import Strategy
from runtime.testing.choices import Choices
from runtime.testing.scheduler import Scheduler, scheduler_of

SIBLINGS = 6
KEYS = 6
QUICK = Backoff(first_seconds=0.01, last_seconds=0.2)
ENDLESS = Budget(restarts=10_000)
SCARCE = Budget(restarts=1, within_seconds=60.0)
"""Used up now and then, so that supervisors give up and are restarted by theirs."""
ASK_SECONDS = 0.3

HARMLESS = ("nothing",) * 6
DEEDS = (
    *HARMLESS, "fail", "out", "stop", "kill", "timer", "every", "cancel", "stash", "unstash",
    "pipe", "pass on", "pass on", "ask", "later", "promise", "watch",
)  # fmt: skip
ASKED = (*HARMLESS, "fail", "out", "stop", "kill", "stash", "pass on", "ask", "later", "promise")
"""What actors ask of each other."""
THREAD_DEEDS = (*HARMLESS, "fail", "out", "stop", "kill", "pass on", "ask", "promise", "watch")


@message
class Work:
    """Somebody's `number`-th message, and what it makes its reader do for how long."""

    sender: str
    number: int
    does: str = "nothing"
    seconds: float = 0.0


@message
class Question(Asks[int]):
    """The same, for an answer."""

    does: str
    seconds: float = 0.0


class World:
    """Luck, the actors to choose from, and what they noted."""

    def __init__(self, seed: int) -> None:
        self.luck = random.Random(seed)
        self.handled: dict[tuple[str, str], list[int]] = {}
        self.overlaps: list[str] = []
        self.helped = 0
        """Messages that were handled in the step of whoever asked."""
        self.handed_over = 0
        """Those of them whose handlers had to wait."""
        self.system: ActorSystem
        self.paths: list[str] = []
        self._numbers = 0

    def number(self) -> int:
        """Numbers grow, whoever takes one."""
        self._numbers += 1
        return self._numbers

    def note(self, recipient: str, told: object) -> None:
        """Remember that `recipient` handles this now."""
        if isinstance(told, Work) and told.number:
            self.handled.setdefault((told.sender, recipient), []).append(told.number)

    def anybody(self) -> ActorRef[Any]:
        """An actor of the tree, or of the region."""
        if self.luck.random() < 0.3:
            return self.system.region("root/keyed").ref(self.luck.randrange(KEYS))
        return self.system.ref(self.luck.choice(self.paths))

    def work(self, sender: str, deeds: tuple[str, ...] = HARMLESS) -> Work:
        """Something to do."""
        seconds = self.luck.choice([0.0, 0.0, 0.0, 0.01, 0.1])
        does = self.luck.choice(deeds)
        return Work(sender=sender, number=self.number(), does=does, seconds=seconds)

    def strangers(self) -> Iterator[tuple[tuple[str, str], list[int]]]:
        """Whoever got a sender's messages in another order than they were told."""
        for between, numbers in self.handled.items():
            fresh = list(dict.fromkeys(numbers))  # what was put aside, or tried again, comes twice
            if fresh != sorted(fresh):
                yield between, numbers


class Victim(Actor[Any]):
    """Does as it is told."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self._inside = False
        self._promises: list[Any] = []

    async def on_start(self) -> None:
        await self._maybe_wait()
        if self._world.luck.random() < 0.05:
            raise ValueError("a bad start")

    async def on_stop(self) -> None:
        await self._maybe_wait()

    async def on_failure(self, *_: Any) -> None:
        await self._maybe_wait()

    async def _maybe_wait(self) -> None:
        if self._world.luck.random() < 0.3:
            await trio.sleep(self._world.luck.random() / 10)

    async def on_receive(self, message: Any) -> object:
        if self._inside:
            self._world.overlaps.append(self.actor_urn)
        self._inside = True
        try:
            self._world.note(self.actor_urn, message)
            if isinstance(message, (Work, Question)):
                await trio.sleep(message.seconds) if message.seconds else None
                return await self._do(message.does)
        finally:
            self._inside = False
        return None

    async def _do(self, does: str) -> object:
        world, own = self._world, Work(sender="", number=0)
        match does:
            case "fail":
                raise ValueError("told to")
            case "out":
                if world.luck.random() < 0.7:
                    raise Unavailable("out for a while")
            case "stop":
                self.stop()
            case "kill":
                world.anybody().kill() if world.luck.random() < 0.3 else self.actor_ref.kill()
            case "timer":
                self.after(0.05, own, key="t")
            case "every":
                self.every(0.03, own, key="e")
            case "cancel":
                self.cancel("e")
                self.cancel("t")
            case "stash":
                self.stash()
            case "unstash":
                self.unstash()
            case "pipe":
                self.pipe(trio.sleep, 0.05, then=lambda _: own)
            case "pass on":
                world.anybody().tell(world.work(self.actor_urn))
            case "ask":
                question = Question(does=world.luck.choice(ASKED))
                return await world.anybody().ask(question, timeout=ASK_SECONDS / 2)
            case "later":
                self._promises.append(self.reply_later())
            case "promise":
                self.reply_later().set(7)
            case "watch":
                self.watch(world.anybody())
        return 1


class PlainVictim(Victim):
    """The same with a plain `on_receive`, which answers a coroutine where it has to wait."""

    def on_receive(self, message: Any) -> Any:
        worker = current_worker.get()
        self._world.helped += isinstance(worker, Helper)
        handling = super().on_receive(message)
        if getattr(message, "seconds", 0.0) or getattr(message, "does", "") == "ask":
            self._world.handed_over += isinstance(worker, Helper)
            return handling
        try:
            handling.send(None)
        except StopIteration as finished:
            return finished.value
        raise AssertionError(message)


def either(world: World) -> Victim:
    """Sometimes a coroutine function, sometimes a plain one; another one after a restart."""
    return world.luck.choice([Victim, PlainVictim])(world)


class ThreadedVictim(ThreadingActor):
    """The same in a thread, as far as threads can."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def on_start(self) -> None:
        if self._world.luck.random() < 0.05:
            raise ValueError("a bad start")

    def on_receive(self, message: Any) -> object:
        world = self._world
        world.note(self.actor_urn, message)
        match getattr(message, "does", "nothing"):
            case "fail":
                raise ValueError("told to")
            case "out":
                raise Unavailable("out for a while")
            case "stop":
                self.stop()
            case "kill":
                self._cell.ref.kill()
            case "pass on":
                world.anybody().tell(world.work(self.actor_urn))
            case "ask":
                return world.anybody().ask(Question(does="nothing"), timeout=ASK_SECONDS / 2).get()
            case "promise":
                self.reply_later().set(7)
            case "watch":
                self.watch(world.anybody())
        return 1


def tree(world: World, kind: Callable[[World], pykka.Actor] = Victim) -> SupervisorSpec:
    """Three families, one of them inside another, all of which may give up, and a region."""
    families: list[tuple[str, Strategy]] = [
        ("one", "one_for_one"), ("all", "one_for_all"), ("rest", "rest_for_one"),
    ]  # fmt: skip
    inner = _family(world, kind, "inner", "one_for_all", budget=SCARCE)
    children: list[Spec] = [
        _family(world, kind, name, strategy, budget=ENDLESS, above=[inner] if n == 0 else [])
        for n, (name, strategy) in enumerate(families)
    ]
    keyed = KeyedSpec(
        name="keyed",
        factory=lambda _: kind(world),
        idle_seconds=0.3,
        awake_max=4,
        backoff=QUICK,
        shutdown_seconds=1.0,
    )
    world.paths = [
        f"root/{place}/{n}"
        for place in ("one", "one/inner", "all", "rest")
        for n in range(SIBLINGS)
    ]
    return SupervisorSpec(name="root", children=(*children, keyed))


def _family(
    world: World,
    kind: Callable[[World], pykka.Actor],
    name: str,
    strategy: Strategy,
    *,
    budget: Budget,
    above: list[Spec] | None = None,
) -> SupervisorSpec:
    restarts: list[Any] = ["permanent", "transient", "temporary"]
    children = (
        ChildSpec(
            name=str(n),
            factory=lambda: kind(world),
            restart=restarts[n % 3],
            budget=budget,
            backoff=QUICK,
            shutdown_seconds=0.3,
        )
        for n in range(SIBLINGS)
    )
    return SupervisorSpec(
        name=name,
        strategy=strategy,
        children=(*(above or []), *children),
        budget=ENDLESS,
        backoff=QUICK,
    )


async def stir(world: World, *, steps: int, deeds: tuple[str, ...], calm_seconds: float) -> None:
    """Tell, ask, send, stop and kill at random; back when every ask has had its end."""
    luck = world.luck
    async with trio.open_nursery() as nursery:
        for _ in range(steps):
            ref = world.anybody()
            step = luck.random()
            if step < 0.7:
                _tell(ref, world.work("test", deeds))
            elif step < 0.9:
                question = Question(does=luck.choice(deeds), seconds=luck.choice([0.0, 0.01, 0.1]))
                nursery.start_soon(_ask, ref, question)
            elif step < 0.94:
                nursery.start_soon(_send, ref, Work(sender="", number=0, does=luck.choice(deeds)))
            elif step < 0.95:
                ref.kill()
            elif step < 0.96:
                ref.stop()
            if luck.random() < 0.3:
                await trio.sleep(luck.random() * calm_seconds)


def _tell(ref: ActorRef[Any], work: Work) -> None:
    try:
        ref.tell(work)
    except ActorDeadError:
        return


async def _ask(ref: ActorRef[Any], question: Question) -> None:
    """Any end is an answer, as long as it comes in time."""
    expected = (ActorDeadError, AskCycleError, Timeout, Unavailable, ValueError)
    with trio.fail_after(ASK_SECONDS + 1.0):
        try:
            await ref.ask(question, timeout=ASK_SECONDS)
        except expected:
            return


async def _send(ref: ActorRef[Any], work: Work) -> None:
    try:
        await ref.send(work)
    except ActorDeadError:
        return


def shuffled(seed: int) -> AbstractContextManager[None]:
    """Order the tasks that can run by the member of the portfolio that this seed is given.

    For a test that is not a `@simulation`, which also orders the actors and can be replayed.
    """
    luck = random.Random(f"scheduler:{seed}")
    return Scheduler(scheduler_of(seed), luck=luck, choices=Choices()).installed()
