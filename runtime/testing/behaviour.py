"""A synchronous behaviour kit: tell an actor a message, and get what it did as values.

```
from runtime import Actor, Asks, Recipient, message
from runtime.testing.behaviour import Behaviour
from runtime.testing.effects import TimerSet, Told

@message
class Charge:
    amount: int

@message
class FindTotal(Asks[int]):
    pass

@message
class Forget:
    pass

class Till(Actor[Charge | FindTotal | Forget]):
    def __init__(self, *, ledger: Recipient[Charge]) -> None:
        super().__init__()
        self._ledger = ledger
        self._total = 0

    def on_receive(self, message: Charge | FindTotal | Forget) -> int | None:
        match message:
            case Charge(amount=amount):
                self._total += amount
                self._ledger.tell(message)
                self.after(30, Forget(), key="forget")
            case FindTotal():
                return self._total
            case Forget():
                self._total = 0
        return None

def test_a_charge_is_entered_and_remembered_for_a_while() -> None:
    kit = Behaviour(lambda kit: Till(ledger=kit.recipient("ledger")))

    assert kit.tell(Charge(amount=5)) == [
        Told("ledger", Charge(amount=5)),
        TimerSet(30.0, Forget(), key="forget"),
    ]
    assert kit.ask(FindTotal()) == 5

    kit.advance(30)

    assert kit.ask(FindTotal()) == 0
```

No trio runs, no clock goes and nothing is waited for: a step takes some microseconds. The
actor class is used as it is, in a real cell, by the real loop. Each step (`tell`, `ask`,
`advance`, `finish`, ...) goes on until the actor is at rest, so that what it tells itself is
handled in the same step.

Ports are plain fakes; their coroutines may do anything that does not really wait, and
`at_once(store.save(row))` prepares one. For several actors together, supervision or the
network there are `running()` and simulations.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from typing import Any, TypeVar

import pykka

from runtime import lifecycle
from runtime.cell import Cell
from runtime.future import Future
from runtime.message import Asks
from runtime.message import Piped as Ended
from runtime.ref import ActorRef
from runtime.state import Signal, State
from runtime.testing.amounts import amount
from runtime.testing.effects import Effects, Piped, Refused, Replied
from runtime.testing.hand_loop import at_once
from runtime.testing.recipients import Answers, KitFamily, KitRecipient, Waits
from runtime.testing.stage import KitCell, KitParent, Stage, Work
from runtime.world import VirtualWorld

R = TypeVar("R")

_NOTHING = object()
_ROUNDING_SECONDS = 1e-9
"""By how much a timer may miss the end of an `advance`, floats being what they are."""


class Behaviour:
    """One actor without a system: each step answers its effects.

    `factory` is given the kit, makes an incarnation, and is called again by `restart`. The
    actor is started here; `started` holds the effects of that. Time begins at `world.now()`
    and moves by `advance` only; luck and ids come from the world's seed.
    """

    def __init__(
        self,
        factory: Callable[[Behaviour], pykka.Actor],
        *,
        key: object = None,
        world: VirtualWorld | None = None,
    ) -> None:
        self.world = world or VirtualWorld()
        self._stage = Stage(self.world)
        self._context = Context()
        self._mistake: TypeError | None = None
        parent = KitParent(self._stage, lambda: factory(self))
        self._cell: Cell = KitCell(self._stage, parent, "actor" if key is None else str(key), key)
        self.last = Effects()
        """The effects of the last step."""
        self.started = self._step(self._cell.signal, Signal.START)
        """What the start did: `on_start`, and what followed from it."""

    # Whom the actor knows

    def recipient(self, name: str, *, answers: Answers | None = None) -> Any:
        """Stands for another actor: `Told(name, ...)`, `Asked(name, ...)`.

        `answers(question)` is what it answers when it is asked. Raises `TypeError` if it is
        no function, such as the answer itself.
        """
        self._check(answers)
        return KitRecipient(self._stage.note, name, answers)

    def family(self, name: str, *, answers: Answers | None = None) -> Any:
        """Stands for actors by key, such as a region: `Told(name, ..., key=...)`.

        `answers` is as in `recipient`.
        """
        self._check(answers)
        return KitFamily(self._stage.note, name, answers)

    @property
    def ref(self) -> ActorRef[Any]:
        """What the actor itself hands out as `actor_ref`, to compare with."""
        return self._cell.ref

    # Steps

    def tell(self, message: object) -> Effects:
        """The effects of a message, whatever it is: also `Terminated`, or an event."""
        self._must_run()
        return self._step(self._cell.accept, message)

    def question(self, question: object) -> Effects:
        """The effects of a question: `Replied`, `ReplyPromised` or `Refused` among them."""
        self._must_run()
        return self._step(self._cell.accept, question, _Question(self._stage, question))

    def ask(self, question: Asks[R]) -> R:
        """The answer to a question; the other effects are in `last`.

        Raises what the handler raised. One that is answered later is for `question`.
        """
        for effect in self.question(question):
            if isinstance(effect, Replied | Refused) and effect.question is question:
                if isinstance(effect, Refused):
                    raise effect.error
                answer: R = effect.answer
                return answer
        msg = f"{question!r} was not answered at once, but: {self.last}; use `question`"
        raise AssertionError(msg)

    def advance(self, seconds: float) -> Effects:
        """Let time pass: due timers fire one after the other, each at its time.

        Raises `ValueError` for seconds by which time cannot go on.
        """
        end = self._stage.clock.seconds + amount("seconds", seconds)
        return self._step(self._advance, end)

    def finish(
        self,
        work: str | Piped | None = None,
        *,
        result: Any = _NOTHING,
        error: Exception | None = None,
    ) -> Effects:
        """End slow work that is under way: the oldest, that of a name, or one of `under_way`.

        With `result` or `error` it has ended so; without, it is done now, and must not wait.
        Raises `AssertionError` if there is none, or more than one of that name.
        """
        piped = self._take(work)
        ended = (result, error)
        if error is not None:
            ended = (None, error)
        elif result is _NOTHING:
            ended = self._context.run(self._do, piped)
        back = Ended(self._cell.incarnation, *ended, piped.then, piped.failed)
        return self._step(self._cell.fire, back)

    @property
    def under_way(self) -> list[Piped]:
        """Slow work that nobody has finished yet, the oldest first."""
        return [work.effect for work in self._stage.work if self._goes_on(work)]

    def stop(self) -> Effects:
        """Stop it in good order: `on_stop`, then `Stopped`."""
        self._must_run()
        return self._step(lifecycle.request_stop, self._cell, lambda _: None)

    def restart(self) -> Effects:
        """The next incarnation: after a failure, an outage, or out of the blue.

        What runs is dropped without `on_stop`, as in a crash. Effects are those of `on_start`
        and of what was waiting, such as the message on which it was suspended.
        """
        if self._cell.state is State.STOPPED:
            msg = "it has stopped for good: there is no next incarnation"
            raise AssertionError(msg)
        return self._step(self._restart)

    # How it is done

    def _step(self, begin: Callable[..., object], *args: object) -> Effects:
        """Begin something and go on until the actor is at rest."""
        stage = self._stage
        stage.effects = Effects()
        self._mistake = None
        try:
            self._context.run(self._rest_after, begin, *args)
        except Waits as waits:
            raise AssertionError(self._explained(waits)) from None
        if self._mistake is not None:
            raise self._mistake  # of the factory, where it looks like a failure of the actor
        self.last = stage.effects
        return self.last

    def _check(self, answers: object) -> None:
        if answers is not None and not callable(answers):
            msg = f"answers= is a function of the question, not {answers!r}"
            self._mistake = TypeError(msg)
            raise self._mistake

    def _rest_after(self, begin: Callable[..., object], *args: object) -> None:
        begin(*args)
        self._stage.drive()

    def _advance(self, end: float) -> None:
        while self._stage.hand.fire_next(end + _ROUNDING_SECONDS):
            self._stage.drive()
        self._stage.clock.seconds = max(end, self._stage.clock.seconds)

    def _restart(self) -> None:
        lifecycle.cancel_start(self._cell)
        if self._cell.state is State.RUNNING:
            lifecycle.kill(self._cell, lifecycle.OverdueError("restarted by the test"))
        self._cell.signal(Signal.START)

    def _take(self, wanted: str | Piped | None) -> Work:
        going = [work for work in self._stage.work if self._goes_on(work)]
        if isinstance(wanted, Piped):
            same = [work for work in going if work.effect is wanted]
            found = same or [work for work in going if work.effect == wanted]
        else:
            found = [work for work in going if wanted in (None, work.effect.work)]
        if not found:
            msg = f"no slow work {wanted or ''} is under way, but {self.under_way}"
            raise AssertionError(msg)
        if wanted is not None and len(found) > 1:
            msg = f"which {wanted}? `finish` one of `under_way`: {self.under_way}"
            raise AssertionError(msg)
        self._stage.work.remove(found[0])
        return found[0]

    def _goes_on(self, work: Work) -> bool:
        """Whether its incarnation still lives."""
        return work.scope in (self._cell.pipes or ())

    def _do(self, piped: Work) -> tuple[Any, Exception | None]:
        try:
            ended: tuple[Any, Exception | None] = at_once(self._stage.workers.attempt(piped.work))
        except Waits as waits:
            raise AssertionError(self._explained(waits)) from None
        return ended

    def _must_run(self) -> None:
        if self._cell.state is not State.RUNNING:
            how = self._cell.state.value
            if self._cell.last_error:
                how += f" after {self._cell.last_error}"
            msg = f"the actor does not run, it is {how}; `restart()` makes the next incarnation"
            raise AssertionError(msg)

    def _explained(self, waits: Waits) -> str:
        current = self._cell.current
        handling = "" if current is None else f" while it handles {current[0]!r}"
        return (
            f"{self._cell.actor_class.__name__} waits{handling}: {waits}.\n"
            "In a Behaviour nothing waits: give it a port that answers at once, or test it in "
            "`running()`, where trio runs in virtual time."
        )


class _Question(Future[Any]):
    """The future of whoever asked: its answer is an effect."""

    def __init__(self, stage: Stage, question: object) -> None:
        super().__init__(stage)
        self._question = question
        self._stage = stage

    def resolve(self, value: object) -> None:
        """`Replied`, unless it was before."""
        if not self.done:
            self._stage.note(Replied(self._question, value))
        super().resolve(value)

    def fail(self, error: BaseException) -> None:
        """`Refused`, unless it was answered before."""
        if not self.done:
            self._stage.note(Refused(self._question, error))
        super().fail(error)
