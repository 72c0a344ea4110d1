"""Planted: actors that are right until two of them happen to be at the same place at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio

from runtime import Actor, ActorRef, Asks, message
from runtime.testing.planted.bug import Bug
from runtime.testing.simulation import Simulation

SETTLE_SECONDS = 30.0

CHANGED = "the balance has changed since it was asked for"
GONE = "the seat is gone since it was asked for"
PAID_BY_TWO = "both the payer and the watchdog pay"


# Lost update


@message
class Balance(Asks[int]):
    """How much is in the account?"""


@message
class SetBalance(Asks[bool]):
    """From now on it is so much; with `if_still`, only if it is that much now."""

    amount: int
    if_still: int | None = None


class Account(Actor[Any]):
    """Keeps one figure."""

    def __init__(self, amount: int = 0) -> None:
        super().__init__()
        self.amount = amount

    def on_receive(self, told: Balance | SetBalance) -> int:
        match told:
            case Balance():
                return self.amount
            case SetBalance(amount=amount, if_still=before):
                if before is not None and before != self.amount:
                    return False
                self.amount = amount
                return True


class Payer(Actor[Any]):
    """Pays a coin into an account."""

    def __init__(self, sim: Simulation, account: ActorRef[Any], *, sound: bool) -> None:
        super().__init__()
        self.sim = sim
        self.account = account
        self.sound = sound

    async def on_receive(self, _: Any) -> None:
        while True:
            before = await self.account.ask(Balance())
            if_still = before if self.sound else None
            if await self.account.ask(SetBalance(amount=before + 1, if_still=if_still)):
                return
            self.sim.sometimes(CHANGED)


async def lost_update(sim: Simulation, *, sound: bool) -> None:
    """Three payers put one coin each into the same account."""
    async with sim.running() as system:
        account = system.spawn(Account, name="account")
        payers = [
            system.spawn(lambda: Payer(sim, account, sound=sound), name=f"payer{number}")
            for number in range(3)
        ]
        for payer in payers:
            payer.tell("a coin")
        await trio.sleep(SETTLE_SECONDS)
        balance = await account.ask(Balance())
        assert balance == len(payers), f"{len(payers)} coins paid in, {balance} there"


# Check, then act: two questions, and a world that changes between them


@message
class IsFree(Asks[bool]):
    """Is the last seat still to be had?"""


@message
class Book(Asks[bool]):
    """Take it; False if it is gone."""

    guest: str


class Seats(Actor[Any]):
    """Sells one seat; unless it `checks`, it trusts that the guest has asked before."""

    def __init__(self, sim: Simulation, *, checks: bool) -> None:
        super().__init__()
        self.sim = sim
        self.checks = checks
        self.guests: list[str] = []

    def on_receive(self, told: IsFree | Book) -> bool:
        match told:
            case IsFree():
                return not self.guests
            case Book(guest=guest):
                if self.checks and self.guests:
                    self.sim.sometimes(GONE)
                    return False
                self.guests.append(guest)
                return True


class Guest(Actor[Any]):
    """Books a seat if there is one, and if there is a coin in the purse to pay it."""

    def __init__(
        self, name: str, seats: ActorRef[Any], purse: ActorRef[Any], tickets: list[str]
    ) -> None:
        super().__init__()
        self.name = name
        self.seats = seats
        self.purse = purse
        self.tickets = tickets

    async def on_receive(self, _: Any) -> None:
        free, coins = await self.seats.ask(IsFree()), await self.purse.ask(Balance())
        if free and coins and await self.seats.ask(Book(guest=self.name)):
            await self.purse.ask(SetBalance(amount=coins - 1))
            self.tickets.append(self.name)


async def check_then_act(sim: Simulation, *, sound: bool) -> None:
    """Two guests want the last seat."""
    tickets: list[str] = []
    async with sim.running() as system:
        seats = system.spawn(lambda: Seats(sim, checks=sound), name="seats")
        for name in ("ann", "bob"):
            purse = system.spawn(lambda: Account(1), name=f"purse of {name}")
            guest = system.spawn(partial(Guest, name, seats, purse, tickets), name=name)
            guest.tell("the last seat, please")
        await trio.sleep(SETTLE_SECONDS)
    assert len(tickets) == 1, f"one seat, tickets for {tickets}"


# The laggard: whoever is slow is taken for dead


@message
class Pay:
    """Pay it out."""


@message
class Beat:
    """A look at how the payer is doing."""

    left: int


@message
class IsPaid(Asks[bool]):
    """Has it been paid?"""


@message
class Paid:
    """It has been, by the caller."""

    by: str


class Desk(Actor[Any]):
    """Where payments are made. `once`, it pays for whoever comes first, and for nobody else."""

    def __init__(self, sim: Simulation, payments: list[str], *, once: bool) -> None:
        super().__init__()
        self.sim = sim
        self.payments = payments
        self.once = once
        self.paid = False

    def on_receive(self, told: IsPaid | Paid) -> bool:
        match told:
            case IsPaid():
                pass
            case Paid(by=who):
                if self.paid:
                    self.sim.sometimes(PAID_BY_TWO)
                if not (self.once and self.paid):
                    self.payments.append(who)
                self.paid = True
        return self.paid


class SlowPayer(Actor[Any]):
    """Pays, unless it has been paid."""

    def __init__(self, desk: ActorRef[Any]) -> None:
        super().__init__()
        self.desk = desk

    async def on_receive(self, _: Any) -> None:
        if not await self.desk.ask(IsPaid()):
            await self.desk.ask(Paid(by="payer"))


class Watchdog(Actor[Any]):
    """Asks again and again whether it is paid, and at last takes the payer for dead."""

    BEATS = 12

    def __init__(self, desk: ActorRef[Any]) -> None:
        super().__init__()
        self.desk = desk

    async def on_receive(self, told: Beat) -> None:
        if await self.desk.ask(IsPaid()):
            return
        if told.left:
            self.actor_ref.tell(Beat(left=told.left - 1))
        else:
            await self.desk.ask(Paid(by="watchdog"))


async def laggard(sim: Simulation, *, sound: bool) -> None:
    """A payer, and the watchdog that stands in for him."""
    payments: list[str] = []
    async with sim.running() as system:
        desk = system.spawn(lambda: Desk(sim, payments, once=sound), name="desk")
        payer = system.spawn(lambda: SlowPayer(desk), name="payer")
        watchdog = system.spawn(lambda: Watchdog(desk), name="watchdog")
        payer.tell(Pay())
        watchdog.tell(Beat(left=Watchdog.BEATS))
        await trio.sleep(SETTLE_SECONDS)
    assert len(payments) == 1, f"paid by {payments}"


RACES = (
    Bug(
        name="lost update",
        what="asks for the balance, adds to it, sets it: what others added meanwhile is gone",
        play=lost_update,
        danger=CHANGED,
    ),
    Bug(
        name="check then act",
        what="asks whether the last seat is free, and takes it in a second question",
        play=check_then_act,
        danger=GONE,
    ),
    Bug(
        name="laggard",
        what="a watchdog takes the slow payer for dead and pays for him; then he pays as well",
        play=laggard,
        danger=PAID_BY_TWO,
    ),
)
