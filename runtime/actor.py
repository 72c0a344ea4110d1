"""The actor, as whoever writes one sees it: hooks to fill in, and tools that never wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

import pykka
import structlog
import trio

from runtime.cell import correlation_id, current_system, current_worker
from runtime.errors import NoSystemError
from runtime.future import Future, ReplyLater
from runtime.incarnation import InboxView, StoppedFlag, incarnating
from runtime.mailbox import DEFAULT_MAILBOX, STASH_LIMIT, Mailbox
from runtime.message import Piped, TimerFired

if TYPE_CHECKING:
    from runtime.cell import Cell
    from runtime.ref import ActorRef
    from runtime.world import World

M = TypeVar("M")


class Tools:
    """What every actor can use, whichever thread its handlers run in."""

    mailbox: ClassVar[Mailbox] = DEFAULT_MAILBOX
    """How many messages may wait, and what happens to one too many."""

    _cell: Cell

    @property
    def log(self) -> Any:
        """A structlog logger that knows the actor and the correlation id."""
        current = self._envelope()
        correlation = self._cell.correlation or (current[4] if current else None)
        logger = structlog.get_logger("actor").bind(actor=self._cell.path)
        return logger.bind(correlation_id=correlation) if correlation else logger

    @property
    def world(self) -> World:
        """Time, luck and ids; never the machine's own."""
        return self._cell.system.world

    def now(self) -> datetime:
        """The wall clock, aware, in UTC. It may jump: measure with `monotonic`."""
        return self._cell.system.world.now()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._cell.system.world.monotonic()

    @property
    def incarnation(self) -> int:
        """1 for the first; each restart, and each awakening of a keyed actor, adds one."""
        return self._cell.incarnation

    def publish(self, event: object) -> None:
        """Tell everybody who subscribed to this type of event."""
        self._cell.system.here_or_enter(self._cell.system.events.publish, event)

    def subscribe(self, event_type: type) -> None:
        """Get every event of this type as a message, over restarts, until the end."""
        self._cell.subscribed = True
        system = self._cell.system
        system.here_or_enter(system.events.subscribe, event_type, self._cell.ref)

    def watch(self, ref: ActorRef[Any]) -> None:
        """Be told `Terminated` when `ref` stops for good; at once if it has."""
        self._cell.system.here_or_enter(ref.watched_by, self._cell.ref)

    def unwatch(self, ref: ActorRef[Any]) -> None:
        """Not be told after all."""
        self._cell.system.here_or_enter(ref.unwatched_by, self._cell.ref)

    def correlate(self, correlation: str) -> None:
        """What this handler tells from here on belongs to `correlation`: it is an edge.

        The id travels with every message that follows from there, and into every log line.
        """
        self._cell.correlation = correlation

    def reply_later(self) -> ReplyLater:
        """Answer the current ask later: what the handler returns is nobody's answer then."""
        cell = self._cell
        worker = current_worker.get()
        current = self._envelope()
        if worker is None or current is None:
            msg = "there is no message to answer here"
            raise RuntimeError(msg)
        worker.replied_later = True
        later = ReplyLater(cell, current[1])
        if cell.replies is None:
            cell.replies = {}
        cell.replies[later] = None
        return later

    def _envelope(self) -> Any:
        cell = self._cell
        return cell.current if cell.thread is None else cell.thread.worker.envelope

    def _adopt(self) -> None:
        cell = incarnating.get()
        if cell is not None:
            self._cell = cell


class Actor(Tools, pykka.Actor, Generic[M]):
    """An actor whose handlers run on trio, one message at a time.

    Fill in `on_receive` and, as needed, `on_start`, `on_stop` and `on_failure`; each may be a
    plain or an async function. State lives in the instance: a restart makes a fresh one.
    """

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        # pykka's __init__ is skipped on purpose: identity and inbox belong to the cell.
        self._adopt()

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> ActorRef[Self]:
        """Start an actor outside the tree, in the system of this task, as pykka does.

        It is temporary: its first failure is its end. Raises what its constructor raises.
        """
        system = current_system()
        name = f"{cls.__name__}-{system.number()}"
        factory = partial(cls, *args, **kwargs) if args or kwargs else cls
        ref: ActorRef[Self] = system.spawn(factory, name=name, restart="temporary")
        return ref

    # Hooks

    async def on_start(self) -> None:  # type: ignore[override]
        """Recover, before the first message. `Unavailable` here means: try again later."""

    async def on_stop(self) -> None:  # type: ignore[override]
        """Clean up after the last message, also before a keyed actor sleeps.

        Not called when the actor failed or was killed.
        """

    def on_failure(self, *exc_info: Any) -> Any:
        """Look at the failure; the instance is thrown away afterwards."""

    # pykka's attributes, all of them the cell's

    @property
    def actor_ref(self) -> ActorRef[Self]:
        """A reference to this actor that outlives this instance."""
        return self._cell.ref

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        """The actor's URN, made of its address."""
        return self._cell.urn

    @property
    def actor_inbox(self) -> InboxView:  # type: ignore[override]
        """The actor's inbox, to look at."""
        return InboxView(self._cell)

    @property
    def actor_stopped(self) -> StoppedFlag:  # type: ignore[override]
        """Set when the actor has stopped or was asked to."""
        return StoppedFlag(self._cell)

    def stop(self) -> None:
        """Stop after what is queued; a permanent child is then started afresh."""
        self._cell.fire(pykka.messages._ActorStop())  # noqa: SLF001 - pykka's own poison pill

    # Tools

    def after(self, seconds: float, message: M, key: object = None) -> object:
        """Tell myself `message` in `seconds`. Answers the key to cancel it by.

        A timer of the same key is replaced, even if its message waits in the mailbox already.
        Timers end with the incarnation.
        """
        return self._arm(seconds, TimerFired(key, message))

    def every(self, seconds: float, message: M, key: object = None) -> object:
        """Tell myself `message` each `seconds` (fixed delay: counted from the handling)."""
        return self._arm(seconds, TimerFired(key, message, every_seconds=seconds))

    def at(self, when: datetime, message: M, key: object = None) -> object:
        """Tell myself `message` at a wall-clock time, as the clock stands now."""
        seconds = (when - self.now()).total_seconds()
        return self._arm(max(0.0, seconds), TimerFired(key, message))

    def cancel(self, key: object) -> None:
        """Take a timer back, even if its message waits in the mailbox already."""
        cell = self._cell
        known = cell.timers.pop(key, None) if cell.timers else None
        if known is not None:
            known[0].live = False
            cell.system.timers.cancel(known[1])

    def _arm(self, seconds: float, fired: TimerFired) -> object:
        cell = self._cell
        if fired.key is None:
            fired.key = object()
        self.cancel(fired.key)
        if cell.timers is None:
            cell.timers = {}
        when = cell.system.world.monotonic() + seconds
        cell.timers[fired.key] = (
            fired,
            cell.system.timers.call_at(when, partial(cell.fire, fired)),
        )
        return fired.key

    def pipe(
        self,
        work: Callable[..., Awaitable[Any]],
        *args: object,
        then: Callable[[Any], M],
        failed: Callable[[Exception], M] | None = None,
    ) -> None:
        """Do slow work beside the mailbox; its end arrives as a message.

        `then(result)` or `failed(exception)` makes the message; without `failed`, the actor
        fails with the exception. The work is cancelled when the incarnation ends.
        """
        cell = self._cell
        current = cell.current
        scope = trio.CancelScope()
        if cell.pipes is None:
            cell.pipes = set()
        cell.pipes.add(scope)
        correlation = current[4] if current else None
        cell.system.spawn_task(_pipe, cell, scope, correlation, partial(work, *args), then, failed)

    def stash(self) -> None:
        """Put the current message aside until `unstash`; at most 1,000 of them."""
        cell = self._cell
        if cell.current is None:
            msg = "there is no message to put aside"
            raise RuntimeError(msg)
        if cell.stash is None:
            cell.stash = deque()
        if len(cell.stash) >= STASH_LIMIT:
            msg = f"{STASH_LIMIT} messages are stashed already"
            raise RuntimeError(msg)
        cell.stashing = True

    def unstash(self) -> None:
        """Put everything that was put aside back in front of the queue, in its old order."""
        self._cell.unstash()

    # pykka's abstract methods: the runtime drives its actors itself

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise NoSystemError(_UNDRIVEN)

    @staticmethod
    def _create_future() -> Future[Any]:
        return Future(current_system())

    def _start_actor_loop(self) -> None:
        raise NoSystemError(_UNDRIVEN)


_UNDRIVEN = "actors of this runtime are started by an ActorSystem"


class ThreadingActor(Tools, pykka.ThreadingActor):
    """A `pykka.ThreadingActor` in the tree: for work that blocks.

    Hooks and handlers are plain functions and run in the actor's own thread. Any other
    `pykka.ThreadingActor` can be a child as well; this one adds the tools.
    """

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        # pykka's __init__ is skipped on purpose: identity and inbox belong to the cell.
        self._adopt()
        self.actor_urn = self._cell.urn
        self.actor_inbox = InboxView(self._cell)
        self.actor_stopped = StoppedFlag(self._cell)  # type: ignore[assignment]
        self._actor_ref = self._cell.ref


async def _pipe(  # noqa: PLR0917 - a task's arguments are positional in trio
    cell: Cell,
    scope: trio.CancelScope,
    correlation: str | None,
    work: Callable[[], Awaitable[Any]],
    then: Callable[[Any], Any],
    failed: Callable[[Exception], Any] | None,
) -> None:
    """The task of one piece of slow work."""
    correlation_id.set(correlation)
    incarnation = cell.incarnation
    ended = await cell.system.workers.beside(scope, work)
    if ended is not None:
        if cell.pipes is not None:
            cell.pipes.discard(scope)
        cell.fire(Piped(incarnation, *ended, then, failed), correlation)
