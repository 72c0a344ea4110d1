"""Hypothesis drives a running system: random steps in virtual time, shrunk to the fewest.

```
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from runtime import Actor, ActorRef, Asks, ChildSpec, SupervisorSpec, message
from runtime.testing.stateful import SystemMachine

@message
class Deposit:
    amount: int

@message
class FindBalance(Asks[int]):
    pass

class Account(Actor[Deposit | FindBalance]):
    def __init__(self) -> None:
        super().__init__()
        self._balance = 0

    def on_receive(self, message: Deposit | FindBalance) -> int | None:
        match message:
            case Deposit(amount=amount):
                self._balance += amount
            case FindBalance():
                return self._balance
        return None

class AccountMachine(SystemMachine):
    def __init__(self) -> None:
        super().__init__()
        self.deposited = 0

    def tree(self) -> SupervisorSpec:
        return SupervisorSpec(name="root", children=(ChildSpec(name="account", factory=Account),))

    @rule(amount=st.integers(1, 100))
    def deposit(self, amount: int) -> None:
        self.system.ref("root/account").tell(Deposit(amount=amount))
        self.deposited += amount

    @rule(seconds=st.sampled_from([0.5, 60, 86_400]))
    def wait(self, seconds: float) -> None:
        self.advance(seconds)

    @invariant()
    def the_books_are_right(self) -> None:
        account = self.system.ref("root/account")
        assert self.ask(account, FindBalance()) == self.deposited

TestAccount = AccountMachine.TestCase
```

Rules are plain functions: what they tell is handled when time passes or somebody waits
(`settle`, `advance`, `ask`, `run`), so that several messages may be on their way at once. The
same steps have the same result, which is what Hypothesis needs to shrink a failure and to
replay it. At the end of each example comes `at_end`, the system stops, and every message must
have had its fate. Ports are fakes in virtual time: nothing may wait for a thread or a real
socket. What is different in `TestAccount.settings` is derived: `settings(SETTINGS, ...)`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from contextvars import Context, copy_context
from typing import Any, ClassVar, TypeVar

import outcome
import trio
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine

from runtime.address import ask
from runtime.child import SupervisorSpec
from runtime.dispatch import Dispatch
from runtime.message import Asks
from runtime.ref import ActorRef
from runtime.testing.choices import Choices
from runtime.testing.guest import TICKS_MAX, Guest
from runtime.testing.log import muted
from runtime.testing.scheduler import Scheduler
from runtime.testing.system import TestSystem
from runtime.world import VirtualWorld

T = TypeVar("T")

SETTINGS = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
    report_multiple_bugs=False,
)
"""Those of every machine, unless its `TestCase.settings` are others: examples are systems that
start and stop, so that explaining a failure, or shrinking several, takes minutes.
"""


class SystemMachine(RuleBasedStateMachine):
    """A state machine whose rules act upon `system`, which starts when it is first used."""

    seed: ClassVar[int] = 0
    """Of the world's luck, and of the scheduler's."""
    scheduler: ClassVar[str] = "fifo"
    """In which order tasks and actors go; see `runtime.testing.scheduler`."""
    ticks_max: ClassVar[int] = TICKS_MAX
    """Passes of trio without time passing, after which a step is a `Livelock`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.TestCase.settings = SETTINGS

    def __init__(self) -> None:
        super().__init__()
        self._running: _Running | None = None

    def tree(self) -> SupervisorSpec | None:
        """The supervision tree; none by default."""
        return None

    async def setup(self, system: TestSystem) -> None:
        """Prepare a system that has just started: spawn, ask, fill stores."""

    def at_end(self) -> None:
        """Look at what must hold when all is over; a rule like the others, the last one.

        Not called after a failure. Whatever it raises, the system is stopped afterwards.
        """

    @property
    def system(self) -> TestSystem:
        """The running system."""
        return self._started().system

    def settle(self) -> None:
        """Go on until nothing can without the clock: no time passes."""
        self._started().guest.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass; what comes due meanwhile happens at its own time."""
        self._started().guest.advance(seconds)

    def ask(self, ref: ActorRef[Any], question: Asks[T], *, timeout: float | None = None) -> T:
        """The answer; as much time passes as it needs. Raises as `runtime.ask`."""
        return self.run(lambda: ask(ref, question, timeout=timeout))

    def run(self, async_fn: Callable[..., Awaitable[T]], *args: object) -> T:
        """The result of an async function in the system's trio; time passes as it needs.

        Raises what it raises, and `Deadlock` if it waits for what will never happen.
        """
        running = self._started()
        ended: list[outcome.Outcome[T]] = []

        async def task() -> None:
            ended.append(await outcome.acapture(async_fn, *args))

        trio.lowlevel.spawn_system_task(task, context=running.context.copy())
        running.guest.until(lambda: ended)
        return ended[0].unwrap()

    def teardown(self) -> None:
        """`at_end`; then stop the system, and every message must have had its fate."""
        try:
            if sys.exc_info()[1] is None:
                self.at_end()
        finally:
            running, self._running = self._running, None
            if running is not None:
                failing = sys.exc_info()[1] is not None  # that is the news, whatever happens now
                running.end(orderly=not failing)

    def _started(self) -> _Running:
        running = self._running
        if running is None:
            running = self._running = _Running(self)
            running.guest.until(lambda: running.up)
        return running


class _Running:
    """The system of one example, and the trio in which it runs."""

    left: ClassVar[_Running | None] = None
    """One that nobody has ended yet. There can be no second trio in this thread."""

    def __init__(self, machine: SystemMachine) -> None:
        if _Running.left is not None:  # by a `teardown` which failed before it came to ours
            _Running.left.end(orderly=False)
        name = f"{machine.scheduler}:{machine.seed}"
        luck = random.Random(name)  # noqa: S311 - repeatable on purpose
        scheduler = Scheduler(machine.scheduler, luck=luck, choices=Choices())
        dispatch = Dispatch(
            turn_messages_max=1, lead_turns_max=1, ready=scheduler.ready_queue(_ignore), helps=False
        )
        world = VirtualWorld(seed=machine.seed)
        self.system = TestSystem(machine.tree(), world, dispatch=dispatch)
        self.up = False
        self.context = Context()
        self._machine = machine
        self._stop = trio.Event()
        self._scope = trio.CancelScope()
        self.guest = Guest(self._run, ordered=scheduler.installed, ticks_max=machine.ticks_max)
        self._silence = ExitStack()
        self._silence.enter_context(muted())
        _Running.left = self

    async def _run(self) -> None:
        with self._scope:
            async with self.system:
                self.context = copy_context()
                await self._machine.setup(self.system)
                self.up = True
                await self._stop.wait()

    def end(self, *, orderly: bool) -> None:
        """Stop in good order and look at the fates, or just get out of trio."""
        _Running.left = None
        with self._silence:
            if self.guest.outcome is not None:
                return  # it fell, and whoever stepped it has heard of it
            try:
                if orderly:
                    self._stop.set()
                    self.guest.end().unwrap()
                    self.system.check_fates()
            finally:
                if self.guest.outcome is None:  # there can be no second trio as long as it goes on
                    self._scope.cancel()
                    self.guest.drop()


def _ignore(_event: str, _content: bytes) -> None:
    """Hypothesis tells the steps, nobody needs a trace."""
