"""Hypothesis drives a system: what a machine promises, and a planted bug that it finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from runtime import (
    Actor,
    Asks,
    ChildSpec,
    SupervisionError,
    SupervisorSpec,
    Timeout,
    message,
)
from runtime.cell import current_system
from runtime.testing import stateful
from runtime.testing.clock import Deadlock
from runtime.testing.stateful import SETTINGS, SystemMachine
from runtime.testing.system import TestSystem
from tests.runtime.testing.examples import example_of

TRIED = settings(SETTINGS, max_examples=60, stateful_step_count=12, database=None, derandomize=True)


# A payout desk whose bank may be slow: with `key`, what was paid is not paid again


@message
class PayOut:
    """Pay this once."""

    number: int


@message
class _GiveUp:
    """The bank has not answered for too long."""

    number: int


@message
class _Paid:
    """The bank has answered."""

    number: int


class Bank:
    """Pays, after a while; forgets nothing that it was told a key for."""

    def __init__(self, *, honours_keys: bool) -> None:
        self.seconds = 1.0
        self.paid: list[int] = []
        self._honours_keys = honours_keys

    async def pay(self, number: int) -> int:
        await trio.sleep(self.seconds)
        if not (self._honours_keys and number in self.paid):
            self.paid.append(number)
        return number


class Desk(Actor[PayOut | _GiveUp | _Paid]):
    """Tries again after 5 seconds, whatever became of the first attempt."""

    def __init__(self, bank: Bank) -> None:
        super().__init__()
        self._bank = bank

    def on_receive(self, message: PayOut | _GiveUp | _Paid) -> None:
        match message:
            case PayOut(number=number):
                self._try(number)
                self.after(5, _GiveUp(number=number), key=number)
            case _GiveUp(number=number):
                self._try(number)
            case _Paid(number=number):
                self.cancel(number)

    def _try(self, number: int) -> None:
        self.pipe(self._bank.pay, number, then=lambda number: _Paid(number=number))


class DeskMachine(SystemMachine):
    honours_keys: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.bank = Bank(honours_keys=self.honours_keys)
        self.told = 0

    def tree(self) -> SupervisorSpec:
        desk = ChildSpec(name="desk", factory=lambda: Desk(self.bank))
        return SupervisorSpec(name="root", children=(desk,))

    @rule()
    def pay_out(self) -> None:
        self.told += 1
        self.system.ref("root/desk").tell(PayOut(number=self.told))

    @rule(slow=st.booleans())
    def the_bank_is(self, slow: bool) -> None:
        self.bank.seconds = 8.0 if slow else 1.0

    @rule(seconds=st.sampled_from([0.5, 3, 6, 60, 86_400]))
    def wait(self, seconds: float) -> None:
        self.advance(seconds)

    @invariant()
    def nothing_is_paid_twice(self) -> None:
        self.settle()
        assert len(self.bank.paid) == len(set(self.bank.paid)), self.bank.paid


class CarelessDeskMachine(DeskMachine):
    honours_keys = False


def test_the_example_of_the_docstring_runs() -> None:
    run_state_machine_as_test(
        example_of(stateful)["AccountMachine"], settings=settings(TRIED, max_examples=20)
    )


def test_a_sound_desk_pays_once_whatever_is_tried() -> None:
    run_state_machine_as_test(DeskMachine, settings=TRIED)


def test_a_planted_double_payout_is_found_and_shrunk_to_its_minimum() -> None:
    with pytest.raises(AssertionError, match=r"\[1, 1\]") as failure:
        run_state_machine_as_test(CarelessDeskMachine, settings=TRIED)

    told = [note.strip() for note in failure.value.__notes__ if note.startswith("state.")]
    assert [step for step in told if "nothing_is" not in step] == [
        "state.the_bank_is(slow=True)",
        "state.pay_out()",
        "state.wait(seconds=60)",
        "state.teardown()",
    ]


# What a machine can do, without Hypothesis


@message
class Sum(Asks[int]):
    """What were you told, all in all? Answered after `seconds`."""

    seconds: float = 0.0


@message
class Fail:
    """Raise."""


class Adder(Actor[Any]):
    def __init__(self) -> None:
        super().__init__()
        self.sum = 0

    async def on_receive(self, message: Any) -> int | None:
        match message:
            case int():
                self.sum += message
            case Sum(seconds=seconds):
                await trio.sleep(seconds)
                return self.sum
            case Fail():
                raise ValueError("told to")
        return None


class AdderMachine(SystemMachine):
    @rule()
    def rest(self) -> None:
        """Hypothesis wants one rule at least."""

    async def setup(self, system: TestSystem) -> None:
        self.adder = system.spawn(Adder, name="adder", restart="temporary")
        self.adder.tell(1)


@pytest.fixture
def machine() -> Iterator[AdderMachine]:
    machine = AdderMachine()
    yield machine
    machine.teardown()


def test_the_system_starts_when_it_is_first_used(machine: AdderMachine) -> None:
    assert not hasattr(machine, "adder")
    machine.settle()
    assert machine.ask(machine.adder, Sum()) == 1


def test_what_is_told_is_handled_when_somebody_waits(machine: AdderMachine) -> None:
    machine.settle()
    machine.adder.tell(2)
    instance: Any = machine.system.cells()[-1].instance

    assert instance.sum == 1
    machine.settle()
    assert instance.sum == 3
    assert machine.system.world.monotonic() == 0.0


def test_time_passes_exactly_as_far_as_the_rule_says(machine: AdderMachine) -> None:
    machine.advance(86_400)
    machine.advance(0.5)

    assert machine.system.world.monotonic() == 86_400.5


def test_an_answer_takes_the_time_it_needs(machine: AdderMachine) -> None:
    machine.settle()

    assert machine.ask(machine.adder, Sum(seconds=3)) == 1
    assert machine.system.world.monotonic() == 3.0


def test_an_answer_that_comes_too_late_is_a_timeout(machine: AdderMachine) -> None:
    machine.settle()

    with pytest.raises(Timeout):
        machine.ask(machine.adder, Sum(seconds=60), timeout=2)
    assert machine.system.world.monotonic() == 2.0


def test_an_asker_hears_of_the_failure(machine: AdderMachine) -> None:
    machine.settle()

    with pytest.raises(ValueError, match="told to"):
        machine.ask(machine.adder, Fail())  # type: ignore[arg-type]


def test_a_function_runs_inside_the_system(machine: AdderMachine) -> None:
    async def inside(seconds: float) -> bool:
        await trio.sleep(seconds)
        await machine.system.settle()
        return current_system() is machine.system

    assert machine.run(inside, 7)
    assert machine.system.world.monotonic() == 7.0


async def _waits_for_nothing() -> None:
    await trio.Event().wait()


def test_waiting_for_what_never_happens_is_a_deadlock(machine: AdderMachine) -> None:
    machine.settle()

    with pytest.raises(Deadlock, match=r"test_stateful\.py"):
        machine.run(_waits_for_nothing)


def test_a_system_that_gives_up_fails_the_rule_that_made_it() -> None:
    def broken() -> Adder:
        raise ValueError("it never starts")

    class Doomed(AdderMachine):
        def tree(self) -> SupervisorSpec:
            return SupervisorSpec(name="root", children=(ChildSpec(name="a", factory=broken),))

    machine = Doomed()
    with pytest.raises(SupervisionError):
        machine.advance(3600)
    machine.teardown()  # there is nothing left to stop


@pytest.mark.parametrize("name", ["fifo", "shuffle", "walk", "pct:3"])
def test_the_same_steps_have_the_same_result(name: str) -> None:
    def order(seed_: int) -> list[int]:
        class Racing(AdderMachine):
            scheduler = name
            seed = seed_

        told: list[int] = []
        machine = Racing()

        async def step(number: int) -> None:
            for _ in range(3):
                await trio.lowlevel.checkpoint()
            told.append(number)

        async def race() -> None:
            async with trio.open_nursery() as nursery:
                for number in range(10):
                    nursery.start_soon(step, number)

        machine.run(race)
        machine.teardown()
        return told

    assert order(1) == order(1)
    if name == "fifo":
        assert order(1) == list(range(10))
    else:
        assert len({tuple(order(seed)) for seed in range(5)}) > 1
