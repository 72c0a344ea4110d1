"""Recipients in a `Behaviour`: whoever is told or asked there is only written down."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from runtime.address import Address
from runtime.testing import effects as did

Answers = Callable[[Any], Any]
"""Answers a question; what it raises is raised where the answer is awaited."""


class Waits(BaseException):
    """A handler waits for something that no behaviour kit can give it.

    No `Exception`: it is the test's mistake, and must not look like the actor's failure.
    """


class KitRecipient:
    """Stands where an actor expects a reference; equal by name and key."""

    def __init__(
        self,
        note: Callable[[did.Effect], None],
        name: str,
        answers: Answers | None = None,
        key: object = None,
    ) -> None:
        self.name = name
        self.key = key
        self._note = note
        self._answers = answers

    def __repr__(self) -> str:
        return f"<KitRecipient {self.address}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KitRecipient) and self.address == other.address

    def __hash__(self) -> int:
        return hash(self.address)

    @property
    def address(self) -> Address:
        """Its name and key."""
        return Address(self.name, self.key)

    def is_alive(self) -> bool:
        """It always is."""
        return True

    def tell(self, message: object, /) -> None:
        """`Told`."""
        self._note(did.Told(self.name, message, self.key))

    inform = tell

    async def send(self, message: object, /) -> None:
        """`Told`: there is always room."""
        self.tell(message)

    def ask(self, question: object, /, *, timeout: float | None = None) -> _Answer:
        """`Asked`; the answer is there at once."""
        del timeout
        self._note(did.Asked(self.name, question, self.key))
        return _Answer(self, question, self._answers)

    def stop(self) -> None:
        """`StopRequested`."""
        self._note(did.StopRequested(self.name, self.key))

    def kill(self, error: Exception | None = None) -> None:
        """`StopRequested`, too."""
        del error
        self.stop()

    def watched_by(self, _watcher: object) -> None:
        """`Watched`."""
        self._note(did.Watched(self.name, self.key))

    def unwatched_by(self, _watcher: object) -> None:
        """`Unwatched`."""
        self._note(did.Unwatched(self.name, self.key))


class KitFamily:
    """Stands where an actor expects a family of them, one per key."""

    def __init__(
        self, note: Callable[[did.Effect], None], name: str, answers: Answers | None = None
    ) -> None:
        self._note = note
        self._name = name
        self._answers = answers

    def ref(self, key: object) -> KitRecipient:
        """The one of `key`."""
        return KitRecipient(self._note, self._name, self._answers, key)

    def tell(self, key: object, message: object, /) -> None:
        """`Told`, with the key."""
        self.ref(key).tell(message)


class _Answer:
    """The future of an answer that is there already."""

    def __init__(self, of: KitRecipient, question: object, answers: Answers | None) -> None:
        self._of = of
        self._question = question
        self._answers = answers

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._answers is None:
            name = self._of.name
            msg = f"nobody answers {self._question!r}: give kit.recipient({name!r}, answers=...)"
            raise Waits(msg)
        yield from ()  # nothing waits here
        return self._answers(self._question)
