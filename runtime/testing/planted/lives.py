"""Planted: actors that forget that they, or those they talk to, may end and begin again."""

from __future__ import annotations

from typing import Any

import trio

from runtime import Actor, ActorRef, message
from runtime.testing.planted.bug import Bug
from runtime.testing.simulation import Simulation

SETTLE_SECONDS = 120.0

ANSWERED_LATE = "an answer reaches the next life"
KILLED_AT_WORK = "killed with a place in hand"


# A stale reply


@message
class Order:
    """Have this paid, and deliver it."""

    id: str


@message
class Break:
    """Something that the till cannot bear."""


@message
class Charge:
    """Charge this order, and tell `reply_to`."""

    id: str
    reply_to: ActorRef[Any]


@message
class Charged:
    """What came of it. The first order is honoured, the second is not."""

    id: str
    ok: bool


class SlowBank(Actor[Any]):
    """Takes its time over each charge."""

    def on_receive(self, told: Charge | str) -> None:
        match told:
            case Charge():
                self.after(self.world.random.uniform(0.01, 1.0), told.id, key=told)
                self.asked = told.reply_to
            case str():
                self.asked.tell(Charged(id=told, ok=told == "good"))


class Till(Actor[Any]):
    """Charges one order at a time, and delivers what was paid."""

    def __init__(
        self, sim: Simulation, bank: ActorRef[Any], delivered: list[str], *, sound: bool
    ) -> None:
        super().__init__()
        self.sim = sim
        self.bank = bank
        self.delivered = delivered
        self.sound = sound
        self.pending: str | None = None

    def on_receive(self, told: Order | Break | Charged) -> None:
        match told:
            case Order(id=order):
                self.pending = order
                self.bank.tell(Charge(id=order, reply_to=self.actor_ref))
            case Break():
                raise ValueError("broken")
            case Charged(id=order, ok=ok):
                if order != self.pending:
                    self.sim.sometimes(ANSWERED_LATE)
                    if self.sound:
                        return
                if ok and self.pending is not None:
                    self.delivered.append(self.pending)
                self.pending = None


async def stale_reply(sim: Simulation, *, sound: bool) -> None:
    """A good order, a crash, and a bad order for the till's next life."""
    delivered: list[str] = []
    luck = sim.luck("customers")
    async with sim.running() as system:
        bank = system.spawn(SlowBank, name="bank")
        till = system.spawn(lambda: Till(sim, bank, delivered, sound=sound), name="till")
        till.tell(Order(id="good"))
        await trio.sleep(luck.uniform(0.0, 1.0))
        till.tell(Break())
        till.tell(Order(id="bad"))
        await trio.sleep(SETTLE_SECONDS)
    assert "bad" not in delivered, "delivered what was never paid"


# Clean-up that waits, in a task that is cancelled


class Pool:
    """Two places; giving one back takes a moment."""

    PLACES = 2

    def __init__(self) -> None:
        self._places = trio.Semaphore(self.PLACES)

    @property
    def full(self) -> bool:
        """Whether every place is there."""
        return self._places.value == self.PLACES

    async def take(self) -> None:
        """Wait for a place."""
        await self._places.acquire()

    async def give_back(self) -> None:
        """Give a place back."""
        await trio.sleep(0.05)
        self._places.release()


class PoolUser(Actor[Any]):
    """Works for a while in a place of the pool."""

    def __init__(self, sim: Simulation, pool: Pool, *, sound: bool) -> None:
        super().__init__()
        self.sim = sim
        self.pool = pool
        self.sound = sound

    async def on_receive(self, seconds: float) -> None:
        await self.pool.take()
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            self.sim.sometimes(KILLED_AT_WORK)
            raise
        finally:
            with trio.CancelScope(shield=self.sound):
                await self.pool.give_back()


async def unshielded_cleanup(sim: Simulation, *, sound: bool) -> None:
    """Users of a pool, of whom one is killed now and then."""
    pool = Pool()
    luck = sim.luck("users")
    async with sim.running() as system:
        users = [
            system.spawn(lambda: PoolUser(sim, pool, sound=sound), name=f"user{number}")
            for number in range(3)
        ]
        for user in users:
            user.tell(luck.uniform(0.5, 2.0))
        await trio.sleep(luck.uniform(0.0, 4.0))
        luck.choice(users).kill(TimeoutError("too slow"))
        await sim.eventually("every place is free", lambda: pool.full, within=SETTLE_SECONDS)


LIVES = (
    Bug(
        name="stale reply",
        what="takes the answer to what its last life had asked for the answer to its own question",
        play=stale_reply,
        danger=ANSWERED_LATE,
    ),
    Bug(
        name="unshielded clean-up",
        what="awaits in the `finally` of a handler that is cancelled: the clean-up ends there",
        play=unshielded_cleanup,
        danger=KILLED_AT_WORK,
    ),
)
