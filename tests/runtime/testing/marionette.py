"""An actor that does whatever a test says, in a behaviour kit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from runtime import Actor, Asks, message
from runtime.testing.behaviour import Behaviour


@message
class Go:
    """Do what the test says."""

    deed: Callable[[Any], Any]


@message
class Count(Asks[int]):
    """How often was it told to go?"""


@message
class Tick:
    """A timer's."""

    number: int = 0


class Puppet(Actor[Any]):
    """Does what it is told and remembers the rest."""

    def __init__(self, *, out: Any = None, start: Callable[[Any], Any] | None = None) -> None:
        super().__init__()
        self.out = out
        self.count = 0
        self.heard: list[Any] = []
        self._start = start

    async def on_start(self) -> None:
        if self._start is not None and (done := self._start(self)) is not None:
            await done

    async def on_stop(self) -> None:
        if self.out is not None:
            self.out.tell("bye")

    async def on_receive(self, message: Any) -> Any:
        match message:
            case Go(deed=deed):
                self.count += 1
                done = deed(self)
                return await done if isinstance(done, Awaitable) else done
            case Count():
                return self.count
            case _:
                self.heard.append(message)
                if self.out is not None:
                    self.out.tell(message)
                return None


def puppet(**options: Any) -> Behaviour:
    """A puppet that tells `out` what it hears."""
    return Behaviour(lambda kit: Puppet(out=kit.recipient("out"), **options))


def does(kit: Behaviour, deed: Callable[[Any], Any]) -> list[Any]:
    """The effects of one deed."""
    return kit.tell(Go(deed=deed))


def raises(error: Exception) -> Callable[[Any], Any]:
    """A deed that fails."""

    def deed(_: Any) -> None:
        raise error

    return deed
