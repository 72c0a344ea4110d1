"""Webhooks on their way from a provider to a shop: repeated, lost, late, in any order.

    deliveries = Deliveries(schedule=(5, 300), accepted=any_2xx)
    async with deliveries:                       # webhooks leave only inside
        deliveries.duplicate_next(1)
        sending = deliveries.send("evt_1", make)
        await deliveries.settled()

What is sent is made anew for each attempt, because signatures carry the time of sending. An
attempt that was not accepted is repeated after the next pause of `schedule`, and given up after
the last. Attempts of different webhooks run side by side, and nothing keeps their order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Self

import trio

from adapters.sandbox.outgoing import Answer, Webhook, post

PATIENCE_SECONDS = 10.0

SWITCHES = frozenset(
    {"duplicate_next", "delay_next", "reorder_next", "lose_next", "lose_answers_next", "release"}
)
"""Methods that take the fields of a control request as they are."""

SUCCESS = range(200, 300)

Post = Callable[[Webhook], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when it ended on trio's clock, and the answer's status; None: no answer came."""

    at_seconds: float
    status: int | None


@dataclass(slots=True, kw_only=True)
class Sending:
    """One webhook and what became of it; `name` is the sandbox's word for it (an event id)."""

    name: str
    make: Callable[[], Webhook]
    copies: int = 1
    delay_seconds: float = 0.0
    attempts: list[Attempt] = field(default_factory=list)
    delivered: bool = False
    """The shop has accepted it at least once. False once `settled`: it was given up."""


class Deliveries:
    """One provider's webhooks. `accepted` says which status ends the attempts of one webhook.

    `schedule` holds the seconds before each repetition; `patience_seconds` is how long the shop
    may take to answer. `post` carries one webhook, over HTTP unless a test has it otherwise.
    """

    def __init__(
        self,
        *,
        schedule: Sequence[float],
        accepted: Callable[[int], bool],
        patience_seconds: float = PATIENCE_SECONDS,
        post: Post = post,
    ) -> None:
        self.sendings: list[Sending] = []
        """Everything that was ever sent, oldest first."""
        self._schedule, self._accepted = tuple(schedule), accepted
        self._patience_seconds, self._post = patience_seconds, post
        self._copies: deque[int] = deque()
        self._delays: deque[float] = deque()
        self._to_hold = self._to_lose = self._answers_to_lose = 0
        self._held: list[Sending] = []
        self._waiting: list[Callable[[], Awaitable[None]]] = []
        self._under_way = 0
        self._still = trio.Event()
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Self:
        self._manager = trio.open_nursery()
        self._nursery = await self._manager.__aenter__()
        for task in self._waiting:
            self._nursery.start_soon(task)
        self._waiting.clear()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Whatever is under way is dropped."""
        nursery, self._nursery = self._nursery, None
        if nursery is not None:
            nursery.cancel_scope.cancel()
        await self._manager.__aexit__(None, None, None)
        self._under_way = 0

    # What the sandbox does with it.

    def send(self, name: str, make: Callable[[], Webhook]) -> Sending:
        """Begin to deliver what `make` makes, once per attempt. Outside `async with` it waits."""
        sending = Sending(
            name=name,
            make=make,
            copies=self._copies.popleft() if self._copies else 1,
            delay_seconds=self._delays.popleft() if self._delays else 0.0,
        )
        self.sendings.append(sending)
        if self._to_hold:
            self._held.append(sending)
            self._to_hold -= 1
            if not self._to_hold:
                self.release()
        else:
            self._start([sending])
        return sending

    def resend(self, name: str) -> None:
        """Deliver the newest webhook of this name once more, as an operator can at the
        provider; raises KeyError when there is none.
        """
        found = next((s for s in reversed(self.sendings) if s.name == name), None)
        if found is None:
            raise KeyError(name)
        self.send(name, found.make)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Call `act` after so long inside `async with`; `settled` does not wait for it."""

        async def wait() -> None:
            await trio.sleep(seconds)
            act()

        self._spawn(wait)

    async def settled(self) -> None:
        """Until nothing is on its way nor waits for a repetition; what is held back stays."""
        while self._under_way:
            await self._still.wait()

    # What goes wrong on the way.

    def duplicate_next(self, times: int, *, copies: int = 2) -> None:
        """Each of the next webhooks leaves so many times, all at once."""
        self._copies.extend([_positive(copies)] * times)

    def delay_next(self, times: int, *, seconds: float) -> None:
        """Each of the next webhooks leaves so much later; those after it overtake it."""
        self._delays.extend([seconds] * times)

    def reorder_next(self, count: int) -> None:
        """The next `count` webhooks wait for each other and leave newest first, one by one."""
        self.release()
        self._to_hold = _positive(count)

    def release(self) -> None:
        """What `reorder_next` holds back leaves now, however few they are."""
        held, self._held, self._to_hold = self._held[::-1], [], 0
        if held:
            self._start(held)

    def lose_next(self, times: int) -> None:
        """The next attempts never reach the shop."""
        self._to_lose += _positive(times)

    def lose_answers_next(self, times: int) -> None:
        """The next attempts reach the shop, whose answer is lost: they will be repeated."""
        self._answers_to_lose += _positive(times)

    # How it leaves.

    def _start(self, batch: list[Sending]) -> None:
        self._under_way += 1
        self._spawn(partial(self._leave, batch))

    def _spawn(self, task: Callable[[], Awaitable[None]]) -> None:
        if self._nursery is None:
            self._waiting.append(task)
        else:
            self._nursery.start_soon(task)

    async def _leave(self, batch: list[Sending]) -> None:
        for sending in batch:
            await trio.sleep(sending.delay_seconds)
            async with trio.open_nursery() as copies:
                for _ in range(sending.copies):
                    copies.start_soon(self._attempt, sending, 0)
        self._done()

    async def _repeat(self, sending: Sending, repetition: int) -> None:
        await trio.sleep(self._schedule[repetition - 1])
        await self._attempt(sending, repetition)
        self._done()

    async def _attempt(self, sending: Sending, repetition: int) -> None:
        status = await self._posted(sending)
        sending.attempts.append(Attempt(trio.current_time(), status))
        if status is not None and self._accepted(status):
            sending.delivered = True
        elif repetition < len(self._schedule):
            self._under_way += 1
            self._spawn(partial(self._repeat, sending, repetition + 1))

    async def _posted(self, sending: Sending) -> int | None:
        if self._to_lose:
            self._to_lose -= 1
            return None
        lost = self._answers_to_lose > 0
        self._answers_to_lose -= lost
        answer = None
        with trio.move_on_after(self._patience_seconds):
            answer = await self._post(sending.make())
        return None if lost or answer is None else answer.status

    def _done(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._still.set()
            self._still = trio.Event()


def any_2xx(status: int) -> bool:
    """What most providers accept; redirects are failures."""
    return status in SUCCESS


def _positive(count: int) -> int:
    if count < 1:
        raise ValueError(f"at least 1, not {count}")
    return count
