"""Probes: recipients that remember, to put where an actor expects somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import trio

T = TypeVar("T")

WITHIN_SECONDS = 5.0


class Probe:
    """A recipient that remembers, for as long as the test runs."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        """Everything it was told, in order, whatever was expected meanwhile."""
        self._unseen: list[Any] = []
        self._arrived = trio.Event()

    def tell(self, message: object, /) -> None:
        """Remember a message."""
        self.told.append(message)
        self._unseen.append(message)
        arrived, self._arrived = self._arrived, trio.Event()
        arrived.set()

    async def expect(self, expected: type[T], *, within: float = WITHIN_SECONDS) -> T:
        """The next message, which must be an `expected`; fails after `within` seconds."""
        with trio.move_on_after(within):
            while not self._unseen:
                await self._arrived.wait()
        if not self._unseen:
            msg = f"no {expected.__name__} within {within} s; told so far: {self.told}"
            raise AssertionError(msg)
        message = self._unseen.pop(0)
        if not isinstance(message, expected):
            msg = f"expected {expected.__name__}, got {message!r}"
            raise AssertionError(msg)  # noqa: TRY004 - a failed expectation
        return message

    async def fish(self, expected: type[T], *, within: float = WITHIN_SECONDS) -> T:
        """The next `expected`, passing over whatever else comes first."""
        with trio.move_on_after(within):
            while True:
                while self._unseen:
                    message = self._unseen.pop(0)
                    if isinstance(message, expected):
                        return message
                await self._arrived.wait()
        msg = f"no {expected.__name__} within {within} s; told so far: {self.told}"
        raise AssertionError(msg)

    async def expect_none(self, *, within: float) -> None:
        """Nothing arrives for `within` seconds."""
        with trio.move_on_after(within):
            while not self._unseen:
                await self._arrived.wait()
        if self._unseen:
            msg = f"expected nothing for {within} s, got {self._unseen[0]!r}"
            raise AssertionError(msg)

    @property
    def keyed(self) -> KeyedProbe:
        """This probe as a family of actors: it remembers `(key, message)`."""
        return KeyedProbe(self)

    async def take(self, wanted: Callable[[Any], bool]) -> Any:
        """The first message that is `wanted`; those before it stay."""
        while True:
            for place, told in enumerate(self._unseen):
                if wanted(told):
                    return self._unseen.pop(place)
            await self._arrived.wait()


class KeyedProbe:
    """A probe in the place of a region; each key has a queue of its own."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def tell(self, key: object, message: object, /) -> None:
        """Remember whom the message was for."""
        self._probe.tell((key, message))

    def told(self, key: object) -> list[Any]:
        """Everything that `key` was told, in order, whatever was expected meanwhile."""
        return [message for whom, message in self._probe.told if whom == key]

    async def expect(self, expected: type[T], *, key: object, within: float = WITHIN_SECONDS) -> T:
        """The next message for `key`, which must be an `expected`; others keep theirs."""
        with trio.move_on_after(within) as waiting:
            message = await self._next(key)
        if waiting.cancelled_caught:
            raise AssertionError(self._missing(expected, key, within))
        if not isinstance(message, expected):
            msg = f"expected {expected.__name__} for {key!r}, got {message!r}"
            raise AssertionError(msg)  # noqa: TRY004 - a failed expectation
        return message

    async def fish(self, expected: type[T], *, key: object, within: float = WITHIN_SECONDS) -> T:
        """The next `expected` for `key`, passing over whatever else it is told first."""
        with trio.move_on_after(within):
            while True:
                message = await self._next(key)
                if isinstance(message, expected):
                    return message
        raise AssertionError(self._missing(expected, key, within))

    async def _next(self, key: object) -> Any:
        return (await self._probe.take(lambda told: bool(told[0] == key)))[1]

    def _missing(self, expected: type, key: object, within: float) -> str:
        told = self._probe.told
        return f"no {expected.__name__} for {key!r} within {within} s; told so far: {told}"
