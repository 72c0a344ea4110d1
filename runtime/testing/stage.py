"""What stands around an actor in a `Behaviour`: everything is real but the world behind it.

The actor lives in a real cell and is driven by the real loop of the workers; only what leads
out of it (other actors, events, timers, tasks) is written down as an effect instead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

import pykka
import trio

from runtime.cell import Cell, Envelope, current_worker
from runtime.child import START_SECONDS
from runtime.dead_letters import DeadLetters
from runtime.events import ActorSuspended, DeadLetter, EventStream, Reason
from runtime.future import Future
from runtime.message import TimerFired
from runtime.ref import ActorRef
from runtime.system import ActorSystem
from runtime.testing import effects as did
from runtime.testing.hand_loop import HandWorker, HandWorkers, refuse_trio
from runtime.testing.recipients import KitRecipient, Waits
from runtime.timers import Expiries, Handle, Timers
from runtime.world import VirtualWorld

if TYPE_CHECKING:
    from runtime.address import Recipient

Factory = Callable[[], pykka.Actor]


class HandClock(trio.abc.Clock):
    """Moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def start_clock(self) -> None:
        """Nothing to start."""

    def current_time(self) -> float:
        """Seconds since the kit was made."""
        return self.seconds

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """For trio, which never runs on it."""
        return deadline - self.seconds


class Work(NamedTuple):
    """Slow work that the actor began and that is under way."""

    effect: did.Piped
    scope: trio.CancelScope
    work: Callable[[], Awaitable[Any]]
    then: Callable[[Any], Any]
    failed: Callable[[Exception], Any] | None


class Stage(ActorSystem):
    """A system that is never entered: no trio runs, and every effect is written down."""

    def __init__(self, world: VirtualWorld) -> None:
        super().__init__(world=world, threads="inline")
        self.clock = HandClock()
        world.bind(self.clock)
        self.effects = did.Effects()
        self.work: list[Work] = []
        self.thread_id = get_ident()
        self.timers = self.hand = HandTimers(self)
        self.expiries = Expiries(self.timers)
        self.events = _Events(self)
        self.dead_letter_box = _NoDeadLetters(self.events, world)
        self.workers = self._by_hand = HandWorkers(world)

    def note(self, effect: did.Effect) -> None:
        """Write an effect down."""
        self.effects.append(effect)

    def here_or_enter(self, call: Callable[..., object], *args: object) -> bool:
        """There is only one thread here."""
        call(*args)
        return True

    def spawn(self, factory: Factory, *, name: str | None = None, **_spec: Any) -> Any:
        """Only a recipient stands for the new actor."""
        kind = factory.func if isinstance(factory, partial) else factory
        recipient = KitRecipient(self.note, name or f"{kind.__name__}-{self.number()}")
        self.note(did.Spawned(recipient.name))
        return recipient

    def spawn_task(self, task: Callable[..., Awaitable[object]], *args: Any) -> None:
        """Keep the slow work of `Actor.pipe` until somebody finishes it."""
        del task
        _, scope, _, work, then, failed = args
        name = getattr(work.func, "__qualname__", type(work.func).__name__)
        effect = did.Piped(name, work.args)
        self.work.append(Work(effect, scope, work, then, failed))
        self.note(effect)

    def drive(self) -> None:
        """Go on until the actor is at rest. Raises `Waits` when it cannot be."""
        worker = HandWorker(self.note)
        current_worker.set(worker)
        try:
            self._by_hand.drive(worker)
        finally:
            current_worker.set(None)


class HandTimers(Timers):
    """Fired by hand; what the actor sets and takes back is an effect."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def call_at(self, when: float, callback: Callable[[], None]) -> Handle:
        """As always; a repeated timer is no new one."""
        cell, fired = _timer_of(callback)
        if fired is not None and (cell.current is None or cell.current[0] is not fired):
            seconds = round(when - self._stage.clock.seconds, 9)
            every = fired.every_seconds is not None
            self._take_back_cancelling(fired)
            self._stage.note(did.TimerSet(seconds, fired.message, _key_of(fired), every))
        return super().call_at(when, callback)

    def cancel(self, handle: Handle) -> None:
        """As always; that timers end with their incarnation is no effect."""
        cell, fired = _timer_of(handle[2])
        if fired is not None and cell.instance is not None:
            self._stage.note(did.TimerCancelled(fired.message, _key_of(fired)))
        super().cancel(handle)

    def fire_next(self, end: float) -> bool:
        """Move the clock to the next timer that is due by `end`, and fire it."""
        while self._heap and self._heap[0][2] is None:
            self.fire_due(self._heap[0][0])
        if not self._heap or self._heap[0][0] > end:
            return False
        clock = self._stage.clock
        clock.seconds = max(clock.seconds, self._heap[0][0])
        self.fire_due(clock.seconds)
        return True

    def _take_back_cancelling(self, fired: TimerFired) -> None:
        last = self._stage.effects[-1:]
        if _key_of(fired) is None or not last:
            return
        if isinstance(last[0], did.TimerCancelled) and last[0].key == fired.key:
            self._stage.effects.pop()


def _timer_of(callback: Any) -> tuple[Any, TimerFired | None]:
    """The cell and the message, if this callback is a timer of an actor."""
    args = callback.args if isinstance(callback, partial) else ()
    if args and isinstance(args[0], TimerFired):
        fire: Any = callback.func
        return fire.__self__, args[0]
    return None, None


def _key_of(fired: TimerFired) -> object:
    return None if type(fired.key) is object else fired.key


class _Events(EventStream):
    """Nobody listens; what is said and wanted is an effect."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    def wanted(self, event_type: type) -> bool:
        return event_type is ActorSuspended

    def subscribe(self, event_type: type, recipient: Recipient[Any]) -> None:
        del recipient
        self._stage.note(did.Subscribed(event_type))

    def publish(self, event: object) -> None:
        if isinstance(event, ActorSuspended):
            self._stage.note(did.Suspended(event.error))
        else:
            self._stage.note(did.Published(event))


class _NoDeadLetters(DeadLetters):
    """A message that is lost here is lost on purpose: its effects are what counts."""

    def write(self, letter: DeadLetter) -> None:
        del letter


class KitCell(Cell):
    """A real cell which tells what the actor does to itself."""

    __slots__ = ("_stage", "_stashing")

    def __init__(self, stage: Stage, parent: KitParent, name: str, key: object) -> None:
        self._stage = stage
        super().__init__(stage, parent, name, key)

    @property
    def thread(self) -> None:
        """None: a blocking actor is driven as everybody else, its thread would take time."""

    @thread.setter
    def thread(self, thread: object) -> None:
        del thread

    @property
    def stashing(self) -> bool:
        """The current message is being put aside."""
        return self._stashing

    @stashing.setter
    def stashing(self, stashing: bool) -> None:
        self._stashing = stashing
        if stashing:
            assert self.current is not None
            told = self.current[0]
            self._stage.note(did.Stashed(told.message if type(told) is TimerFired else told))

    def unstash(self) -> None:
        """As always; an effect where a handler does it."""
        if self.stash and self.current is not None:
            messages = tuple(envelope[0] for envelope in self.stash)
            self._stage.note(did.Unstashed(messages))
        super().unstash()

    def accept(
        self, message: object, reply_to: Future[Any] | None = None, deadline: float | None = None
    ) -> bool:
        """As always; an effect where the actor tells itself."""
        if current_worker.get() is not None:
            told = did.Told if reply_to is None else did.Asked
            self._stage.note(told(did.SELF, message))
        return super().accept(message, reply_to, deadline)

    def bury(self, envelope: Envelope, reason: Reason, error: BaseException | None = None) -> None:
        """As always; but a handler that needs trio is no failure of the actor."""
        if error is not None:
            try:
                refuse_trio(error)
            except Waits:
                self.current = envelope  # to tell which it was
                raise
        super().bury(envelope, reason, error)


class KitParent:
    """Writes down what a supervisor would have to decide about, and decides nothing."""

    path = "behaviour"

    def __init__(self, stage: Stage, factory: Factory) -> None:
        self._stage = stage
        self._factory = factory

    def factory(self, cell: Cell) -> Factory:
        """The kit's own."""
        del cell
        return self._factory

    def ref_to(self, cell: Cell) -> ActorRef[Any]:
        """A real reference: the actor may hand it on."""
        return ActorRef(cell)

    def start_seconds(self, cell: Cell) -> float:
        """No time passes in a hook."""
        del cell
        return START_SECONDS

    sleep_seconds = retry_delay_seconds = start_seconds

    def start_after(self, cell: Cell, seconds: float) -> None:
        """The test says when: `Behaviour.restart`."""

    def speaks(self, error: BaseException) -> bool:  # noqa: ARG002 - a stage has no log
        """Nothing is logged: failures are effects."""
        return False

    def child_failed(self, cell: Cell, error: BaseException) -> None:
        """`Failed`."""
        del cell
        self._stage.note(did.Failed(error))

    def child_exited(self, cell: Cell) -> bool:
        """Its end is its end."""
        del cell
        return False

    def child_asleep(self, cell: Cell) -> None:
        """It is never put to sleep."""

    def child_finished(self, cell: Cell) -> None:
        """`Stopped`."""
        del cell
        self._stage.note(did.Stopped())
