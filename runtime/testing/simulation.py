"""One run of a scenario, all of whose time, luck, network and faults come from one seed.

```
async def scenario(sim: Simulation) -> None:
    async with sim.running(tree) as system:
        system.ref("root/till").tell(Charge(amount=5))
        await sim.eventually("the charge is booked", booked, within=60)

run = simulate(scenario, Plan(seed=7))
assert run.failure is None
```

The same plan gives the same run, down to the digest of its trace, in any process.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import outcome
import trio

from runtime.child import SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.system import STOP_SECONDS
from runtime.testing.amounts import amount
from runtime.testing.choices import Choices, Taken
from runtime.testing.clock import PASSES_AT_ONCE_MAX, JumpClock, run, stop_listening
from runtime.testing.failures import bare, members
from runtime.testing.fence import fenced, refuse_within_trio
from runtime.testing.log import muted
from runtime.testing.network import OUTSIDE, Network
from runtime.testing.node import Boot, Crash, Killed, Life, Node, unknown_victim
from runtime.testing.properties import HOLDS, broken, plain, refuse_async
from runtime.testing.properties import PropertyError as PropertyError  # noqa: PLC0414 - what a simulation raises
from runtime.testing.scheduler import Scheduler, check_trio, scheduler_of
from runtime.testing.system import TestSystem
from runtime.testing.trace import EVENTS_KEPT, Trace
from runtime.testing.wall import NodeWorld, WallClock
from runtime.testing.watch import Look, Watch
from runtime.world import VirtualWorld

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The wall clock when a simulation starts."""
POLL_SECONDS = 1.0
"""Virtual seconds between two looks of `eventually`."""

Scenario = Callable[["Simulation"], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a run depends on, besides the code."""

    seed: int
    scheduler: str = ""
    """By name, see `scheduler`; empty for the member of the portfolio that the seed is given."""
    crashes: tuple[Crash, ...] = ()
    """Kills beyond those that the scenario itself arranges."""
    options: Mapping[str, int] = field(default_factory=dict)
    """Sizes of the scenario that differ from its own."""
    choices: Taken | None = None
    """Decisions to be played back instead of being drawn; None draws them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of a plan."""

    plan: Plan
    scheduler: str
    digest: str
    """Of the whole trace: equal digests, equal runs."""
    steps: int
    seconds: float
    """Virtual seconds that passed."""
    failure: BaseException | None
    sometimes: Mapping[str, int]
    """How often that happened which has to happen sometimes."""
    events: tuple[str, ...]
    """The last lines of the trace."""
    choices: Taken
    node_steps: Mapping[str, int]
    """Steps of each node and of each actor over all their lives: where they can be crashed."""
    scenario: Scenario | None = field(default=None, repr=False, compare=False)
    """What was run."""


class Simulation:
    """The world of one run. A scenario takes everything from here that could differ."""

    def __init__(self, plan: Plan, *, keep: int | None = EVENTS_KEPT, marks: bool = False) -> None:
        self.plan = plan
        self.seed = plan.seed
        self.clock = JumpClock()
        self.trace = Trace(self.clock.current_time, keep=keep, marks=marks)
        self._keeps_few = keep is not None
        self.choices = Choices(plan.choices)
        self.scheduler = Scheduler(
            plan.scheduler or scheduler_of(plan.seed),
            luck=self.luck("scheduler"),
            choices=self.choices,
        )
        self.network = Network(luck=self.luck("network"), note=self.note, host_of=self._here)
        self.nodes: dict[str, Node] = {}
        self.reached: Counter[str] = Counter()
        """What `sometimes` was told."""
        self.healed = False
        """No fault happens any more: the time in which everything must come to its end."""
        self._rules: list[tuple[str, Callable[[], bool | str]]] = []
        self._lucks: dict[str, random.Random] = {}
        self._wall = WallClock(EPOCH, self.clock.current_time)
        self._watch = Watch(self.trace.write, plan.crashes, on_crash=self._actor_crashed)
        self._last_words: list[tuple[BaseException, list[str]]] = []

    # Time and luck

    def monotonic(self) -> float:
        """Virtual seconds since the start."""
        return self.clock.current_time()

    def now(self, host: str = "") -> datetime:
        """The wall clock, in UTC: that of a host, or the one that all others have.

        Raises `ValueError` for a name that no host has.
        """
        if host:
            self.network.check_known(host)
        return self._wall.now(host)

    def shift(self, seconds: float, *, host: str = "") -> None:
        """Let the wall clock jump, as NTP or an operator would: everybody's, or that of the systems
        of one node. What libraries take from `time.time` is everybody's. Raises `ValueError` for a
        name that no host has, and for what is no number of seconds.
        """
        if host:
            self.network.check_known(host)
        seconds = amount("seconds", seconds, least=-math.inf)
        self.note(f"the wall clock{host and f' of {host}'} jumps by {seconds} s")
        self._wall.shift(host, seconds)

    def stall(self, seconds: float) -> None:
        """Stand still, as a machine that sleeps: then all that was due meanwhile is due at once.

        Raises `ValueError` for seconds by which time cannot go on.
        """
        seconds = amount("seconds", seconds)
        self.note(f"everything stands still for {seconds} s")
        self.clock.stall(seconds)

    def luck(self, name: str) -> random.Random:
        """A fresh stream of luck: one draw more from it never moves another one."""
        return random.Random(f"{name}:{self.seed}")  # noqa: S311 - repeatable on purpose

    def world(self, name: str, *, host: str = "") -> VirtualWorld:
        """A world for an `ActorSystem`, with luck of its own and the wall clock of `host`."""
        now = partial(self._wall.now, host)
        return NodeWorld(f"world {name}:{self.seed}", now=now, shift=self.shift)

    def option(self, name: str, default: int) -> int:
        """A size of the scenario, unless the plan says otherwise."""
        return self.plan.options.get(name, default)

    def chance(self, name: str, probability: float) -> bool:
        """Whether the fault `name` happens now. Never once healed; shrinking takes it away.

        Raises `ValueError` for a probability that is none.
        """
        probability = amount("probability", probability, most=1.0)
        if self.healed:
            return False
        luck = self._lucks.get(name)
        if luck is None:
            luck = self._lucks[name] = self.luck(f"chance {name}")
        happens = bool(self.choices.take(name, 2, lambda: int(luck.random() < probability)))
        if happens:
            self.note(f"fault: {name}")
            self.reached[name] += 1
        return happens

    # What happens

    def note(self, what: str) -> None:
        """Write a line into the trace; it must not depend on addresses or hashes."""
        self.trace.write(what)

    @property
    def dispatch(self) -> Dispatch:
        """For `ActorSystem(dispatch=)`: one message a turn, and the scheduler says whose."""
        ready = self.scheduler.ready_queue(self.trace.write, self._watch.turn)
        return Dispatch(turn_messages_max=1, lead_turns_max=1, ready=ready, helps=False)

    @asynccontextmanager
    async def running(
        self,
        tree: SupervisorSpec | None = None,
        *,
        name: str = "system",
        stop_seconds: float = STOP_SECONDS,
    ) -> AsyncIterator[TestSystem]:
        """A system in this world; on leaving, every message must have had its fate."""
        system = TestSystem(
            tree, self.world(name), stop_seconds=stop_seconds, dispatch=self.dispatch
        )
        async with system:
            try:
                yield system
            except BaseException as error:
                if isinstance(error, Exception):
                    self._failing(error)
                raise
        system.check_fates()

    def node(self, name: str, boot: Boot, *, restart_seconds: float = 1.0) -> Node:
        """A machine of the network that can be killed; `boot` is run once for every life.

        Raises `ValueError` for a name that another node has, or that is none.
        """
        if name in self.nodes or name == OUTSIDE:
            raise ValueError(f"there is a node {name!r} already")
        crash_at = frozenset(crash.step for crash in self.plan.crashes if crash.victim == name)
        node = Node(
            name,
            boot,
            world=partial(self.world, host=name),
            dispatch=lambda: self.dispatch,
            crash_at=crash_at,
            restart_seconds=restart_seconds,
            enter=self._watch.enter,
            on_crash=self._crashed,
        )
        self.network.host(name)  # known to the others by its name from now on
        self.nodes[name] = node
        return node

    def _crashed(self, node: Node) -> None:
        if node.life is None:
            self.note(f"no crash: {node.name} has not run yet")
            return
        self.note(f"crash: {node.name}, life {node.lives}, step {node.steps}")
        self.reached[f"crash of {node.name}"] += 1
        self.network.host(node.name).kill(lambda: Killed(f"{node.name} is dead"))

    def _actor_crashed(self, crash: Crash) -> None:
        self.note(f"crash: {crash}")
        self.reached[f"crash of {crash.victim}"] += 1

    def host_of(self) -> str:
        """The node whose task runs now."""
        life = self._watch.life_of(trio.lowlevel.current_task())
        return OUTSIDE if life is None else life.node.name

    def _here(self) -> str:
        """As `host_of`, for the network: the dead make no new sockets."""
        life = self.life()
        if life is not None:
            life.check()
        return self.host_of()

    def life(self) -> Life | None:
        """The life whose task runs now; None outside of nodes."""
        return self._watch.life_of(trio.lowlevel.current_task())

    def label(self, task: trio.lowlevel.Task) -> str:
        """A task's name in this run: its number and what it runs."""
        return self._watch.label_of(task)

    # Properties

    def always(self, name: str, check: Callable[[], bool | str]) -> None:
        """`check` must be true after every step from now on; the first time it is not fails.

        It may also answer with a text, which says what is wrong: nothing, if it is empty. It is a
        plain function; `TypeError` for an `async def`.
        """
        refuse_async(name, check)
        self._rules.append((name, check))

    def sometimes(self, name: str) -> None:
        """This has happened. Over all seeds it must have, or the runs prove nothing about it."""
        self.reached[name] += 1

    async def eventually(self, name: str, check: Callable[[], bool], *, within: float) -> None:
        """Wait until `check` is true; raises `PropertyError` after `within` virtual seconds.

        It is a plain function; `TypeError` for an `async def`.
        """
        refuse_async(name, check)
        with trio.move_on_after(within):
            while not plain(name, check()):  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(POLL_SECONDS)
            return
        if not check():
            error = PropertyError(f"not within {within:g} s: {name}")
            self._failing(error)
            raise error

    def heal(self) -> None:
        """End every fault: from here on everything has to come to its end."""
        self.note("heal")
        self.healed = True
        self.network.heal()

    def look(self) -> None:
        """Check what must always be true: after every step, and at last."""
        for name, check in self._rules:
            if self.clock.failure is None:
                # Captured: trio switches an instrument off that raises, and nobody looks any more.
                held = outcome.capture(check)
                if type(held) is outcome.Value and held.value in HOLDS:
                    continue
                error = broken(name, held)
                if error is not None:
                    self._failing(error)
                    self.clock.fail(error)

    def _failing(self, error: BaseException) -> None:
        """`error` is on its way out: what happens from here on is clean-up, of no interest."""
        if self._keeps_few:
            self._last_words.append((error, self.trace.last))
        self.note(f"failure: {type(error).__name__}")

    def _events(self, failure: BaseException | None) -> list[str]:
        """The last events, up to the failure if there is one."""
        errors = members(failure)
        before = (events for error, events in self._last_words if error in errors)
        return next(before, None) or self.trace.last

    async def play(self, scenario: Scenario) -> None:
        """Run `scenario` on this network."""
        stop_listening()
        with self.network.installed():
            await scenario(self)
        self.look()  # what the last step did: after it, nothing could be cancelled any more

    def run(self, scenario: Scenario, *, passes_max: int = PASSES_AT_ONCE_MAX) -> Run:
        """Run `scenario` to its end; a failure is part of the answer.

        `passes_max` is as in `clock.run`.
        """
        refuse_within_trio()
        check_trio()
        wall = lambda: self.now().timestamp()  # noqa: E731 - a clock in a line
        with (
            fenced(
                monotonic=self.monotonic,
                wall=wall,
                luck=self.luck("libraries"),
                on_escape=self.clock.fail,
            ),
            self.scheduler.installed(),
            muted(),
        ):
            watch = [self._watch, Look(self.look)]
            ended = outcome.capture(
                lambda: run(
                    *(self.play, scenario),
                    clock=self.clock,
                    instruments=watch,
                    passes_max=passes_max,
                )
            )
            # Told before the fence opens: garbage that goes later is no part of it.
            failure = bare(ended.error) if isinstance(ended, outcome.Error) else None
            if isinstance(failure, KeyboardInterrupt):
                raise failure
            steps = {name: node.steps for name, node in self.nodes.items()}
            steps.update(self._watch.actor_steps)
            if failure is None:
                failure = unknown_victim(self.plan.crashes, steps)
            return Run(
                plan=self.plan,
                scheduler=self.scheduler.name,
                digest=self.trace.digest,
                steps=self.trace.steps,
                seconds=self.clock.current_time(),
                failure=failure,
                sometimes=dict(self.reached),
                events=tuple(self._events(failure)),
                choices=self.choices.taken,
                node_steps=steps,
                scenario=scenario,
            )


def simulate(
    scenario: Scenario, plan: Plan, *, keep: int | None = EVENTS_KEPT, marks: bool = False
) -> Run:
    """One run of `scenario` as `plan` says; see `Trace` for `keep` and `marks`.

    Raises `RuntimeError` inside of a running trio: a simulation is a run of its own.
    """
    return Simulation(plan, keep=keep, marks=marks).run(scenario)
