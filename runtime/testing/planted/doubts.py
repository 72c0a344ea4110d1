"""Planted: programs that are wrong about what happened when nobody answered."""

from __future__ import annotations

from typing import Any

import trio

from runtime import Actor, ActorRef, Timeout, Unavailable, message
from runtime.testing.planted.bug import Bug
from runtime.testing.planted.outside import Bank
from runtime.testing.simulation import Simulation

HEAL_AFTER_SECONDS = 60.0
WITHIN_SECONDS = 600.0

REDELIVERED = "the event is delivered again"
COMMIT_UNANSWERED = "the commit's acknowledgement is lost"
STORE_AWAY = "the store is away"
BANK_SLOW = "the bank is slow"
CLOCK_JUMPS = "the wall clock jumps"


@message
class Event:
    """Somebody has paid in. Delivered once or more often."""

    id: str
    amount: int


# Forgotten dedupe


class Ledger(Actor[Any]):
    """Books what was paid in."""

    def __init__(self, booked: list[Event], *, sound: bool) -> None:
        super().__init__()
        self.booked = booked
        self.sound = sound

    def on_receive(self, told: Event) -> None:
        if not (self.sound and told in self.booked):
            self.booked.append(told)


async def forgotten_dedupe(sim: Simulation, *, sound: bool) -> None:
    """A provider that repeats what was not acknowledged in time, and what was, now and then."""
    booked: list[Event] = []
    events = [Event(id=f"e{number}", amount=number) for number in range(5)]
    luck = sim.luck("provider")
    async with sim.running() as system:
        ledger = system.spawn(lambda: Ledger(booked, sound=sound), name="ledger")
        for event in events:
            ledger.tell(event)
            while sim.chance(REDELIVERED, 0.1):
                await trio.sleep(luck.uniform(0.0, 2.0))
                ledger.tell(event)
        sim.heal()
        await sim.eventually("booked", lambda: len(booked) >= len(events), within=WITHIN_SECONDS)
    ids = [event.id for event in booked]
    assert ids == [event.id for event in events], f"booked: {ids}"


# A lost acknowledgement, answered by a blind retry


class UnansweredError(ConnectionError):
    """The connection broke before the answer to the commit had come."""


class Store:
    """A database whose connection may break before a commit or right after it."""

    def __init__(self, sim: Simulation) -> None:
        self.entries: list[str] = []
        self._keys: set[str] = set()
        self._sim = sim

    async def commit(self, order: str, *, key: str | None = None) -> None:
        """Book `order`; in the same transaction its key, which may be there only once."""
        await trio.sleep(0.01)
        if self._sim.chance("the connection breaks before the commit", 0.1):
            raise UnansweredError
        if key is None or key not in self._keys:
            self.entries.append(order)
        if key is not None:
            self._keys.add(key)
        if self._sim.chance(COMMIT_UNANSWERED, 0.1):
            raise UnansweredError


class Booker(Actor[Any]):
    """Books orders, and tries again until the store has answered."""

    def __init__(self, store: Store, *, sound: bool) -> None:
        super().__init__()
        self.store = store
        self.sound = sound

    async def on_receive(self, order: str) -> None:
        while True:
            try:
                await self.store.commit(order, key=order if self.sound else None)
            except UnansweredError:
                await trio.sleep(0.5)
            else:
                return


async def lost_acknowledgement(sim: Simulation, *, sound: bool) -> None:
    """Some orders for a booker whose store does not always answer."""
    store = Store(sim)
    orders = [f"o{number}" for number in range(5)]
    async with sim.running() as system:
        booker = system.spawn(lambda: Booker(store, sound=sound), name="booker")
        for order in orders:
            booker.tell(order)
        await trio.sleep(HEAL_AFTER_SECONDS)
        sim.heal()
        await sim.eventually(
            "all are booked", lambda: set(store.entries) == set(orders), within=WITHIN_SECONDS
        )
    assert sorted(store.entries) == orders, f"booked: {store.entries}"


# `Unavailable`, raised when half of the work had been done


class Cashier(Actor[Any]):
    """Pays, and then writes down; suspended while the store is away, it is told again."""

    def __init__(self, sim: Simulation, bank: Bank, written: set[str], *, sound: bool) -> None:
        super().__init__()
        self.sim = sim
        self.bank = bank
        self.written = written
        self.sound = sound

    async def on_receive(self, order: str) -> None:
        await self.bank.pay(order, key=order if self.sound else None)
        if self.sim.chance(STORE_AWAY, 0.1):
            raise Unavailable("the store is away")
        self.written.add(order)


async def done_when_unavailable(sim: Simulation, *, sound: bool) -> None:
    """Some orders for a cashier whose store is away now and then."""
    bank, written = Bank(sim), set[str]()
    orders = {f"o{number}" for number in range(5)}
    async with sim.running() as system:
        cashier = system.spawn(lambda: Cashier(sim, bank, written, sound=sound), name="cashier")
        for order in sorted(orders):
            cashier.tell(order)
        await trio.sleep(HEAL_AFTER_SECONDS)
        sim.heal()
        await sim.eventually("all is written", lambda: written == orders, within=WITHIN_SECONDS)
    assert bank.paid.most_common(1)[0][1] == 1, f"paid: {sorted(bank.paid.items())}"


# A time-out, taken for a no


class BankClerk(Actor[Any]):
    """Pays what it is asked to, sometimes slowly."""

    def __init__(self, sim: Simulation, bank: Bank) -> None:
        super().__init__()
        self.sim = sim
        self.bank = bank

    async def on_receive(self, told: tuple[str, str | None]) -> bool:
        order, key = told
        if self.sim.chance(BANK_SLOW, 0.1):
            await trio.sleep(8.0)
        await self.bank.pay(order, key=key)
        return True


class Customer(Actor[Any]):
    """Has orders paid; when no answer comes in time, it asks again."""

    def __init__(self, clerk: ActorRef[Any], *, sound: bool) -> None:
        super().__init__()
        self.clerk = clerk
        self.sound = sound

    async def on_receive(self, order: str) -> None:
        while True:
            try:
                await self.clerk.ask((order, order if self.sound else None), timeout=5.0)
            except Timeout:
                continue
            return


async def timeout_for_a_no(sim: Simulation, *, sound: bool) -> None:
    """Some orders for a customer whose bank may take longer than he waits."""
    bank = Bank(sim)
    orders = {f"o{number}" for number in range(5)}
    async with sim.running() as system:
        clerk = system.spawn(lambda: BankClerk(sim, bank), name="clerk")
        customer = system.spawn(lambda: Customer(clerk, sound=sound), name="customer")
        for order in sorted(orders):
            customer.tell(order)
        await trio.sleep(HEAL_AFTER_SECONDS)
        sim.heal()
        await sim.eventually(
            "all are paid", lambda: set(bank.paid) == orders, within=WITHIN_SECONDS
        )
    assert bank.paid.most_common(1)[0][1] == 1, f"paid: {sorted(bank.paid.items())}"


# The wall clock, taken for a stopwatch


class Reservation(Actor[Any]):
    """Holds a seat for a quarter of an hour."""

    SECONDS = 900.0
    LOOKS_EVERY_SECONDS = 30.0

    def __init__(self, released: list[float], *, sound: bool) -> None:
        super().__init__()
        self.released = released
        self.sound = sound

    async def on_start(self) -> None:  # type: ignore[override]  # as in `runtime.Actor`
        self.since = self._seconds()
        self.every(self.LOOKS_EVERY_SECONDS, "look")

    def on_receive(self, _: str) -> None:
        if not self.released and self._seconds() - self.since >= self.SECONDS:
            self.released.append(self.monotonic())

    def _seconds(self) -> float:
        return self.monotonic() if self.sound else self.now().timestamp()


async def wall_clock_timeout(sim: Simulation, *, sound: bool) -> None:
    """A reservation, on a machine whose wall clock is put right now and then."""
    released: list[float] = []
    luck = sim.luck("clock")
    async with sim.running() as system:
        system.spawn(lambda: Reservation(released, sound=sound), name="reservation")
        for _ in range(30):
            await trio.sleep(60.0)
            if sim.chance(CLOCK_JUMPS, 0.05):
                sim.shift(luck.choice([-7200.0, -3600.0, 3600.0, 7200.0]))
    assert released, "the seat is held for ever"
    late = released[0] - Reservation.SECONDS
    assert 0.0 <= late <= 2 * Reservation.LOOKS_EVERY_SECONDS, f"released {late:.0f} s late"


DOUBTS = (
    Bug(
        name="forgotten dedupe",
        what="books an event as often as it is delivered",
        play=forgotten_dedupe,
        danger=REDELIVERED,
    ),
    Bug(
        name="lost acknowledgement",
        what="repeats a commit whose answer was lost, and books twice what had been booked",
        play=lost_acknowledgement,
        danger=COMMIT_UNANSWERED,
    ),
    Bug(
        name="done when unavailable",
        what="pays, then raises `Unavailable`; told again, it pays again",
        play=done_when_unavailable,
        danger=STORE_AWAY,
    ),
    Bug(
        name="time-out for a no",
        what="asks anew when no answer comes in time, though the first question may yet be obeyed",
        play=timeout_for_a_no,
        danger=BANK_SLOW,
    ),
    Bug(
        name="wall clock time-out",
        what="measures a quarter of an hour on the wall clock, which is put forward or back",
        play=wall_clock_timeout,
        danger=CLOCK_JUMPS,
    ),
)
