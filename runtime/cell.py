"""A cell is what outlives an actor's instances: its identity, its inbox and its fate counts.

References point at cells. A restart puts a fresh instance into the same cell, so that every
reference stays good and what was queued behind a crash is still there. All of this runs on
the trio thread; other threads enter through `ActorSystem.enter`.
"""

from __future__ import annotations

from collections import deque
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING, Any

import pykka
from pykka.messages import _ActorStop

from runtime.address import Address
from runtime.errors import ActorDeadError, MailboxFullError, NoSystemError, Timeout
from runtime.events import DeadLetter, Reason
from runtime.mailbox import DEFAULT_MAILBOX, Mailbox, admit
from runtime.message import Coalesced, Piped, TimerFired
from runtime.state import Signal, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.future import Future, ReplyLater
    from runtime.intensity import Intensity
    from runtime.node import Parent
    from runtime.ref import ActorRef
    from runtime.system import ActorSystem
    from runtime.thread import ActorThread, InlineThread
    from runtime.worker import Worker

Envelope = tuple[Any, "Future[Any] | None", "Cell | None", float | None, str | None, float]
"""(message, reply_to, sender, deadline, correlation, queued at); times are monotonic.

A plain tuple: one is made for every message, and a class would cost more than the rest of
the way from `tell` to the handler.
"""

correlation_id: ContextVar[str | None] = ContextVar("correlation_id", default=None)
"""Set at an edge, it travels with every message that follows from there."""

current_worker: ContextVar[Worker | None] = ContextVar("current_worker", default=None)
"""The worker whose handler runs in this context; None outside actors."""


active_system: ContextVar[ActorSystem | None] = ContextVar("active_system", default=None)
"""The system whose `async with` block this is."""


def current_system() -> ActorSystem:
    """The system of the actor that runs here, or of the surrounding `async with`."""
    worker = current_worker.get()
    system = active_system.get() if worker is None else worker.cell.system
    if system is None:
        msg = "no ActorSystem here: use `async with ActorSystem(...) as system`"
        raise NoSystemError(msg)
    return system


def teller() -> tuple[Cell | None, str | None]:
    """Whose handler tells something here, in whichever thread, and its correlation."""
    worker = current_worker.get()
    if worker is None:
        return None, correlation_id.get()
    current = worker.envelope
    return worker.cell, worker.cell.correlation or (None if current is None else current[4])


class Cell:
    """One actor's identity, queue, counts and current instance."""

    __slots__ = (
        "__weakref__",
        "accepted",
        "actor_class",
        "batch",
        "closing",
        "correlation",
        "current",
        "dead",
        "expired",
        "failed",
        "handled",
        "inbox",
        "incarnation",
        "instance",
        "intensity",
        "key",
        "kill_error",
        "last_active",
        "last_error",
        "latest",
        "name",
        "parent",
        "pipes",
        "plain",
        "policy",
        "replies",
        "scheduled",
        "send_waiters",
        "signals",
        "start_timer",
        "stash",
        "stashing",
        "state",
        "state_waiters",
        "stop_waiters",
        "subscribed",
        "suspended",
        "system",
        "thread",
        "threshold",
        "timers",
        "waits_on",
        "watchers",
        "worker",
    )

    def __init__(self, system: ActorSystem, parent: Parent, name: str, key: object = None) -> None:
        self.system = system
        self.parent = parent
        self.name = name
        self.key = key
        self.policy: Mailbox = DEFAULT_MAILBOX
        self.threshold = DEFAULT_MAILBOX.warn_at
        self.state = State.NEW
        self.instance: pykka.Actor | None = None
        self.actor_class: type[Any] = pykka.Actor
        self.plain: bool | None = None
        """Whether `on_receive` is a plain function; None until somebody wants to know."""
        self.incarnation = 0
        self.inbox: deque[Envelope] | None = None
        self.signals: deque[Signal] | None = None
        self.scheduled = False
        self.closing = False
        self.worker: Worker | None = None
        self.suspended = False
        self.current: Envelope | None = None
        self.correlation: str | None = None
        self.batch: deque[Envelope] | None = None
        self.thread: ActorThread | InlineThread | None = None
        self.waits_on: Cell | None = None
        self.accepted = self.handled = self.dead = self.expired = self.failed = 0
        self.last_active = 0.0
        self.last_error: str | None = None
        self.intensity: Intensity | None = None
        self.latest: dict[object, Envelope] | None = None
        self.stash: deque[Envelope] | None = None
        self.stashing = False
        self.timers: dict[object, tuple[TimerFired, list[Any]]] | None = None
        self.pipes: set[Any] | None = None
        self.replies: dict[ReplyLater, None] | None = None
        self.watchers: dict[ActorRef[Any], None] | None = None
        self.subscribed = False
        self.send_waiters: deque[Callable[[], None]] | None = None
        self.state_waiters: list[Callable[[], None]] | None = None
        self.stop_waiters: list[Callable[[], None]] | None = None
        self.start_timer: list[Any] | None = None
        self.kill_error: Exception | None = None

    # Identity

    @property
    def path(self) -> str:
        """Where the actor is in the tree, for people and for the registry."""
        return f"{self.parent.path}/{self.name}"

    @property
    def urn(self) -> str:
        """Pykka's name for an identity."""
        return f"urn:actor:{self.path}"

    @property
    def address(self) -> Address:
        """The actor's address as a value."""
        if self.key is None:
            return Address(self.path)
        return Address(self.parent.path, self.key)

    @property
    def ref(self) -> ActorRef[Any]:
        """A reference that stays good over restarts (and, for keyed actors, over sleep)."""
        return self.parent.ref_to(self)

    # Messages in

    def accept(
        self, message: object, reply_to: Future[Any] | None = None, deadline: float | None = None
    ) -> bool:
        """Queue a message; False when it was refused, and then its fate is written already."""
        worker = current_worker.get()
        if get_ident() != self.system.thread_id:
            return self._enter(message, reply_to, deadline)
        if worker is None:
            sender, correlation = None, correlation_id.get()
        else:
            sender = worker.cell
            correlation = sender.correlation
            if correlation is None:
                current = sender.current if sender.thread is None else worker.envelope
                correlation = None if current is None else current[4]
        workers = self.system.workers
        # Exact when the actors were at rest, else a turn old at most.
        stamp = workers.look() if workers.leader is None else workers.now
        envelope = (message, reply_to, sender, deadline, correlation, stamp)
        inbox = self.inbox
        if self.closing or inbox is None or len(inbox) >= self.threshold:
            return self._queue(envelope)
        # What `_queue` comes to for nearly every message: one call less on its way.
        self.accepted += 1
        inbox.append(envelope)
        self.last_active = stamp
        if not self.scheduled:
            self.schedule()
        return True

    def _enter(self, message: object, reply_to: Future[Any] | None, deadline: float | None) -> bool:
        sender, correlation = teller()
        told = (message, reply_to, sender, deadline, correlation)
        if not self.system.enter(self.accept_from_thread, *told) and reply_to is not None:
            reply_to.fail(ActorDeadError(f"{self.path} not found"))
        return not self.closing

    def _stamp(self) -> float:
        workers = self.system.workers
        return workers.look() if workers.leader is None else workers.now

    def accept_from_thread(self, *told: Any) -> None:
        """Queue an envelope of another thread; a refusal is a dead letter only."""
        self._queue((*told, self._stamp()))

    def _queue(self, envelope: Envelope) -> bool:
        self.accepted += 1
        if self.closing:
            self.bury(envelope, "stopped")
            if self.state is State.STOPPED:
                self.system.retire(self)
            return False
        inbox = self.inbox
        if inbox is None:
            inbox = self.inbox = self.system.workers.spare_inbox()
        if len(inbox) >= self.threshold:
            admitted = admit(self, envelope)
            if isinstance(admitted, bool):
                return admitted
            envelope = admitted
        inbox.append(envelope)
        self.last_active = envelope[5]
        if not self.scheduled:
            self.schedule()
        return True

    def schedule(self) -> None:
        """Ask for a worker's turn."""
        self.scheduled = True
        self.system.workers.schedule(self)

    def signal(self, signal: Signal) -> None:
        """Ask something of the cell itself; handled before any message."""
        if self.signals is None:
            self.signals = deque()
        self.signals.append(signal)
        if not self.scheduled:
            self.schedule()

    def fire(self, own: object, correlation: str | None = None) -> None:
        """Queue what the actor told itself, a timer or the end of slow work.

        Never refused for want of room, and never a reason to stay awake.
        """
        if self.state is State.STOPPED:
            return
        self.accepted += 1
        if self.inbox is None:
            self.inbox = self.system.workers.spare_inbox()
        self.inbox.append((own, None, self, None, correlation, self._stamp()))
        if not self.scheduled:
            self.schedule()

    def put_back(self, envelope: Envelope) -> None:
        """Put a message that could not be handled yet back in front."""
        if self.inbox is None:
            self.inbox = self.system.workers.spare_inbox()
        self.inbox.appendleft(envelope)

    def take(self) -> Envelope:
        """The envelope whose turn it is; a coalesced place is exchanged for its newest message."""
        assert self.inbox is not None
        envelope = self.inbox.popleft()
        if type(envelope[0]) is Coalesced:
            assert self.latest is not None
            return self.latest.pop(envelope[0].key)
        return envelope

    # Fates

    @property
    def queued(self) -> int:
        """Messages that wait, are set aside or are being handled; counted, not derived."""
        waiting = len(self.inbox or ()) + len(self.stash or ()) + len(self.batch or ())
        return waiting + (self.current is not None)

    def bury(self, envelope: Envelope, reason: Reason, error: BaseException | None = None) -> None:
        """Write the fate `dead`, and tell whoever waits for the answer."""
        message, reply_to, sender, _, correlation, _ = envelope
        self.dead += 1
        if type(message) is _ActorStop:
            self.dead -= 1
            self.handled += 1  # asking the dead to stop is no loss
            if reply_to is not None:
                reply_to.set(None)
            return
        if reply_to is not None:
            reply_to.fail(error if error is not None else self._refusal(reason))
        self.system.dead_letter_box.write(
            DeadLetter(
                message=message,
                recipient=self.path,
                sender=None if sender is None else sender.path,
                reason=reason,
                error=error,
                correlation=correlation,
            )
        )

    def expire(self, envelope: Envelope) -> None:
        """Write the fate `expired`: nobody waits for this any more, so it is not done."""
        self.expired += 1
        reply_to = envelope[1]
        if reply_to is not None:
            reply_to.fail(Timeout(f"{self.path} did not get to the question in time"))

    def _refusal(self, reason: Reason) -> Exception:
        if reason in ("stopped", "killed"):
            return ActorDeadError(f"{self.path} stopped before handling the message")
        return MailboxFullError(f"the mailbox of {self.path} is full ({self.policy.limit})")

    def refuse_caller(self) -> Exception:
        """What a caller outside the actors is told when `accept` answered False."""
        if self.closing:
            return ActorDeadError(f"{self.path} not found")
        return self._refusal("refused")

    def bury_queue(self, reason: Reason) -> None:
        """Write the fate of everything that still waits, the stash included.

        The actor's own timers and slow work end with it: that is no loss to record.
        """
        self.unstash()
        while self.inbox:
            envelope = self.take()
            if type(envelope[0]) in (TimerFired, Piped):
                self.expire(envelope)
            else:
                self.bury(envelope, reason)

    def unstash(self) -> None:
        """Put what was set aside back in front, in its old order."""
        if self.stash:
            if self.inbox is None:
                self.inbox = self.system.workers.spare_inbox()
            self.inbox.extendleft(reversed(self.stash))
        self.stash = None

    # State, and who waits for it

    def become(self, state: State) -> None:
        """Enter `state` and wake whoever waits for a change."""
        self.state = state
        waiters, self.state_waiters = self.state_waiters, None
        for wake in waiters or ():
            wake()

    def call(self, hook: Callable[..., Any], *args: object) -> Any:
        """Call a hook of the instance where its handlers run; what comes back may be awaited."""
        return hook(*args) if self.thread is None else self.thread.call(hook, *args)

    async def until(self, *states: State) -> None:
        """Wait until the cell is in one of `states`, or stopped."""
        while self.state not in states and self.state is not State.STOPPED:
            event = self.system.event()
            if self.state_waiters is None:
                self.state_waiters = []
            self.state_waiters.append(event.set)
            await event.wait()

    def answer(self, future: Future[Any], value: object, error: BaseException | None) -> None:
        """Answer an ask whose handler has returned already."""
        if self.thread is not None and self.thread.holds(future, value, error):
            return
        if error is None:
            future.resolve(value)
        else:
            future.fail(error)
