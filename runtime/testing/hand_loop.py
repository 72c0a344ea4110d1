"""The workers' loop, driven by hand: nobody is there to whom a waiting handler could yield."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from types import CoroutineType
from typing import Any, NoReturn

from runtime.dispatch import DEFAULT_DISPATCH
from runtime.testing import effects as did
from runtime.testing.recipients import Waits
from runtime.worker import Worker
from runtime.workers import Workers
from runtime.world import World


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that does not wait. Raises `Waits` if it does."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    place = _position(coroutine)
    coroutine.close()
    raise Waits(place)


def _position(coroutine: Any) -> str:
    """The innermost place of the actor's own (or its port's) code that waits."""
    place = "?"
    while isinstance(coroutine, CoroutineType):
        frame, coroutine = coroutine.cr_frame, coroutine.cr_await
        if frame is not None and _is_theirs(frame.f_globals):
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"
    return place


def _is_theirs(names: dict[str, Any]) -> bool:
    return not str(names.get("__name__")).startswith(("trio.", "runtime."))


def refuse_trio(error: BaseException) -> None:
    """Raise `Waits` if this is what trio says where it does not run."""
    if not isinstance(error, RuntimeError) or error.args != ("must be called from async context",):
        return
    place, step = "?", error.__traceback__
    while step is not None:
        if _is_theirs(step.tb_frame.f_globals):
            code = step.tb_frame.f_code
            place = f"{code.co_filename}:{step.tb_lineno} in {code.co_qualname}"
        step = step.tb_next
    raise Waits(f"trio is used at {place}") from error


class HandWorker(Worker):
    """A worker whose `replied_later` is an effect."""

    __slots__ = ("_later", "_note")

    def __init__(self, note: Callable[[did.Effect], None]) -> None:
        self._note = note
        super().__init__()

    @property
    def replied_later(self) -> bool:
        return self._later

    @replied_later.setter
    def replied_later(self, later: bool) -> None:
        self._later = later
        envelope = self.envelope if later else None
        if envelope is not None and envelope[1] is not None:
            self._note(did.ReplyPromised(envelope[0]))


class HandWorkers(Workers):
    """The real loop, for one actor and without tasks."""

    def __init__(self, world: World) -> None:
        super().__init__(None, world, DEFAULT_DISPATCH)  # type: ignore[arg-type]  # it never starts a task

    def drive(self, worker: Worker) -> None:
        """Give turns until nobody is ready."""
        self.look()
        while self._ready:
            turns = self._lead(worker)
            try:
                turns.send(None)
            except StopIteration:
                continue
            finally:
                self.leader = None
            turns.close()  # it wanted to let trio's other tasks have a look in
            raise Waits("it tells itself message after message and never comes to rest")

    def _wake(self) -> None:
        """`drive` comes by itself."""

    async def attempt(
        self, call: Callable[..., Any], *args: object
    ) -> tuple[Any, Exception | None]:
        result, error = await super().attempt(call, *args)
        if error is not None:
            refuse_trio(error)
        return result, error

    async def _go_on(
        self, worker: Worker, handler: Coroutine[Any, Any, Any], trap: Any
    ) -> NoReturn:
        del trap, worker
        place = _position(handler)
        handler.close()
        raise Waits(place)
