"""How the examples of a machine end: what is looked at, and that nothing is left behind."""

from __future__ import annotations

from typing import ClassVar

import pytest
import structlog
import trio
from hypothesis import Phase
from hypothesis.stateful import rule, run_state_machine_as_test

from runtime import Actor, ChildSpec, SupervisorSpec
from runtime.testing.clock import Livelock
from runtime.testing.stateful import SystemMachine
from tests.runtime.testing.test_stateful import TRIED, AdderMachine, Fail, Sum


class Ending(AdderMachine):
    """Looks at its actor when all is over."""

    wanted: ClassVar[int] = 1

    def at_end(self) -> None:
        self.settle()
        self.sum = self.ask(self.adder, Sum())
        assert self.sum == self.wanted


def test_the_end_is_looked_at_while_the_system_still_runs() -> None:
    machine = Ending()
    machine.teardown()

    assert machine.sum == 1


def test_what_is_wrong_at_the_end_is_told_and_leaves_trio_in_good_order() -> None:
    class Wrong(Ending):
        wanted = 2

    with pytest.raises(AssertionError, match="assert 1 == 2"):
        run_state_machine_as_test(Wrong, settings=TRIED)
    trio.run(trio.lowlevel.checkpoint)


def test_after_a_failure_nobody_looks_at_the_end() -> None:
    class Faulty(Ending):
        wanted = 2

        @rule()
        def fail(self) -> None:
            msg = "the rule's own"
            raise KeyError(msg)

    with pytest.raises(KeyError, match="the rule's own"):
        run_state_machine_as_test(Faulty, settings=TRIED)


def test_a_system_that_was_left_running_is_ended_by_the_next_start() -> None:
    class Careless(AdderMachine):
        def teardown(self) -> None:
            msg = "and super().teardown() is never called"
            raise LookupError(msg)

    left = Careless()
    left.settle()
    with pytest.raises(LookupError):
        left.teardown()

    machine = AdderMachine()
    machine.settle()
    assert machine.ask(machine.adder, Sum()) == 1
    machine.teardown()
    trio.run(trio.lowlevel.checkpoint)


def test_a_machine_says_nothing_until_it_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    structlog.reset_defaults()
    machine = AdderMachine()
    machine.settle()
    machine.adder.tell(Fail())
    machine.settle()
    assert machine.system.dead_letters
    machine.teardown()

    assert capsys.readouterr() == ("", "")
    structlog.get_logger().warning("here I am again")
    assert "here I am again" in capsys.readouterr().out


def test_by_default_a_failure_is_shrunk_and_neither_explained_nor_multiplied() -> None:
    chosen = AdderMachine.TestCase.settings

    assert set(Phase) - set(chosen.phases) == {Phase.explain}
    assert not chosen.report_multiple_bugs
    assert chosen.deadline is None


def test_messages_that_are_left_behind_fail_the_end() -> None:
    machine = AdderMachine()
    machine.settle()
    machine.system.cells()[-1].accepted += 1  # as if one had got lost

    with pytest.raises(AssertionError, match="without a fate"):
        machine.teardown()


def test_what_fails_in_a_rule_is_not_hidden_by_the_end() -> None:
    class Faulty(AdderMachine):
        @rule()
        def fail(self) -> None:
            self.settle()
            self.adder.tell(1)
            self.system.cells()[-1].accepted += 1
            msg = "the rule's own"
            raise KeyError(msg)

    with pytest.raises(KeyError, match="the rule's own"):
        run_state_machine_as_test(Faulty, settings=TRIED)
    trio.run(trio.lowlevel.checkpoint)  # and trio was left in good order


class Spinner(Actor[str]):
    async def on_receive(self, message: str) -> None:
        while True:
            await trio.lowlevel.checkpoint()


class SpinningMachine(SystemMachine):
    """Has an actor that never rests."""

    ticks_max = 1_000

    def tree(self) -> SupervisorSpec:
        return SupervisorSpec(name="root", children=(ChildSpec(name="top", factory=Spinner),))

    @rule()
    def spin(self) -> None:
        self.system.ref("root/top").tell("spin")


def test_after_an_actor_that_never_rests_the_next_example_begins_as_the_first_one() -> None:
    machine = SpinningMachine()
    machine.spin()
    with pytest.raises(Livelock, match="actor root/top handling str"):
        machine.teardown()

    after = SpinningMachine()
    after.advance(1)
    after.teardown()
