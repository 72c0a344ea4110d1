"""An actor with a little of everything that pykka's own tests look at."""

from __future__ import annotations

from typing import Any

import pykka
import trio
from pykka.typing import ActorMemberMixin, proxy_field, proxy_method

from runtime import Actor
from runtime.testing import Probe


class Inner:
    """An attribute whose own attributes may be looked at through a proxy."""

    number = 3.14

    def double(self, value: int) -> int:
        return 2 * value


class Slotted:
    """The same, where only the instance can carry the marker."""

    __slots__ = ("number", "pykka_traversable")

    def __init__(self) -> None:
        self.pykka_traversable = True
        self.number = 2.72


class Closed:
    """An attribute without the marker."""

    number = 1


class Broken:
    """Comparing it fails."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never compare me")

    def __hash__(self) -> int:
        return 1


class Pet(Actor[Any]):
    """Has a little of everything that a proxy may meet."""

    kind = "dog"
    inner = pykka.traversable(Inner())
    slotted = Slotted()
    closed = Closed()
    broken = Broken()
    _secret = "secret"
    looked = 0

    def __init__(self, out: Probe | None = None) -> None:
        super().__init__()
        self.own = "own"
        self._name = "rex"
        self._out = out or Probe()

    def on_start(self) -> None:
        self._out.tell("start")

    def on_stop(self) -> None:
        self._out.tell("stop")

    def on_failure(self, *exc_info: Any) -> None:
        self._out.tell(("failure", *exc_info))

    def on_receive(self, message: Any) -> Any:
        self._out.tell(("got", message))
        if isinstance(message, Exception):
            raise message
        return message

    @property
    def name(self) -> str:
        Pet.looked += 1
        return self._name

    @name.setter
    def name(self, value: str) -> None:
        self._name = value

    @property
    def fixed(self) -> str:
        return "fixed"

    @property
    def nested(self) -> Inner:
        return Inner()

    def hello(self, to: str, *, mark: str = "!") -> str:
        return f"hello {to}{mark}"

    async def slow_hello(self, to: str) -> str:
        await trio.sleep(1)
        return f"hello {to}"

    def boom(self) -> None:
        raise ValueError("boom")

    def become(self, kind: str) -> None:
        self.kind = kind

    def learn(self, trick: str) -> None:
        setattr(self, trick, lambda: f"did {trick}")

    def through_itself(self) -> Any:
        return self.actor_ref.proxy().hello("me")


class InnerProxy:
    """How a typed proxy of `Inner` looks."""

    number = proxy_field(Inner.number)


class PetProxy(ActorMemberMixin, pykka.ActorProxy[Pet]):
    """How a typed proxy of `Pet` looks."""

    inner: InnerProxy
    kind = proxy_field(Pet.kind)
    hello = proxy_method(Pet.hello)
