"""The behaviour kit: slow work, putting aside, beginnings and ends, and what it cannot do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio

from runtime import Recipient, ThreadingActor, Unavailable
from runtime.testing.behaviour import Behaviour
from runtime.testing.effects import (
    Failed,
    Piped,
    Published,
    Refused,
    Replied,
    Stashed,
    Stopped,
    Suspended,
    Told,
    Unstashed,
)
from tests.runtime.testing.marionette import Count, Go, Puppet, Tick, does, puppet, raises

# Slow work


class Bank:
    """A port; what it pays is counted."""

    def __init__(self) -> None:
        self.paid = 0

    async def pay(self, amount: int) -> int:
        self.paid += amount
        return self.paid


def _pays(bank: Bank, *, careful: bool = False) -> Callable[[Any], None]:
    def deed(me: Any) -> None:
        failed = (lambda error: ("failed", error.args)) if careful else None
        me.pipe(bank.pay, 5, then=lambda sum_: ("paid", sum_), failed=failed)

    return deed


def test_slow_work_is_begun_and_done_when_the_test_says_so() -> None:
    kit, bank = puppet(), Bank()

    assert does(kit, _pays(bank)) == [Piped("Bank.pay", (5,))]
    assert bank.paid == 0
    assert kit.under_way == [Piped("Bank.pay", (5,))]
    assert kit.finish() == [Told("out", ("paid", 5))]
    assert bank.paid == 5
    assert kit.under_way == []


def test_slow_work_may_end_as_the_test_says() -> None:
    kit, bank = puppet(), Bank()

    does(kit, _pays(bank))
    assert kit.finish(result=99) == [Told("out", ("paid", 99))]
    does(kit, _pays(bank))
    assert kit.finish("Bank.pay", result=None) == [Told("out", ("paid", None))]
    does(kit, _pays(bank, careful=True))
    assert kit.finish(error=ValueError("x")) == [Told("out", ("failed", ("x",)))]
    does(kit, _pays(bank))
    assert kit.finish(error=ValueError("x")) == [Failed(ValueError("x"))]
    assert bank.paid == 0


def test_the_newer_of_two_may_end_first() -> None:
    kit, bank = puppet(), Bank()
    does(kit, _pays(bank))
    [newer] = does(kit, _pays(bank))

    assert kit.finish(newer, result="newer") == [Told("out", ("paid", "newer"))]
    [older] = kit.under_way
    assert older is not newer
    assert kit.finish(Piped("Bank.pay", (5,)), result="older") == [Told("out", ("paid", "older"))]
    with pytest.raises(AssertionError, match="no slow work"):
        kit.finish(newer)


def test_a_name_that_two_have_ends_neither() -> None:
    kit, bank = puppet(), Bank()
    does(kit, _pays(bank))
    does(kit, _pays(bank))

    for wanted in ("Bank.pay", Piped("Bank.pay", (5,))):
        with pytest.raises(AssertionError, match="`finish` one of `under_way`"):
            kit.finish(wanted)
    assert len(kit.under_way) == 2


def test_slow_work_ends_with_its_incarnation() -> None:
    kit = puppet()
    does(kit, _pays(Bank()))
    kit.restart()

    assert kit.under_way == []
    with pytest.raises(AssertionError, match="no slow work"):
        kit.finish()


# Putting aside


def test_messages_are_put_aside_and_taken_up_again() -> None:
    kit = puppet()
    shy = Go(deed=lambda me: me.stash() if me.heard == [] else me.out.tell("at last"))

    assert kit.tell(shy) == [Stashed(shy)]
    assert kit.tell("now") == [Told("out", "now")]
    assert does(kit, lambda me: me.unstash()) == [Unstashed((shy,)), Told("out", "at last")]


def test_a_timers_message_is_put_aside_as_itself() -> None:
    kit = puppet()
    shy = Go(deed=lambda me: me.stash())
    does(kit, lambda me: me.after(5, shy))

    assert kit.advance(5) == [Stashed(shy)]


# Beginning, failing, ending


def test_what_the_start_does_is_kept() -> None:
    kit = puppet(start=lambda me: me.out.tell("hello"))

    assert kit.started == [Told("out", "hello")]
    assert kit.tell("x") == [Told("out", "x")]


def test_a_failure_is_a_value_and_the_next_incarnation_is_fresh() -> None:
    kit = puppet(start=lambda me: me.out.tell("hello"))
    does(kit, lambda me: me.after(5, Tick()))

    assert does(kit, raises(ValueError("x"))) == [Failed(ValueError("x"))]
    with pytest.raises(AssertionError, match=r"restarting after ValueError\('x'\)"):
        kit.tell("x")
    assert kit.restart() == [Told("out", "hello")]
    assert kit.ask(Count()) == 0
    assert kit.advance(10) == []


def test_errors_are_equal_when_they_say_the_same() -> None:
    assert Failed(ValueError("x")) == Failed(ValueError("x"))
    assert Failed(ValueError("x")) != Failed(ValueError("y"))
    assert Failed(ValueError("x")) != Failed(TypeError("x"))
    assert Failed(ValueError("x")) != Suspended(ValueError("x"))
    assert hash(Refused(1, ValueError("x"))) == hash(Refused(1, ValueError("x")))
    assert Refused(1, ValueError("x")) != Refused(2, ValueError("x"))


def test_an_outage_suspends_and_what_was_told_is_done_again() -> None:
    away = [Unavailable("the store is away")]
    kit = puppet()

    def deed(me: Any) -> None:
        if away:
            raise away.pop()
        me.out.tell("done")

    assert does(kit, deed) == [Suspended(Unavailable("the store is away"))]
    assert kit.restart() == [Told("out", "done")]


def test_a_start_may_fail_or_wait() -> None:
    assert puppet(start=raises(ValueError("x"))).started == [Failed(ValueError("x"))]
    assert puppet(start=raises(Unavailable("x"))).started == [Suspended(Unavailable("x"))]


def test_a_restart_out_of_the_blue_is_a_crash() -> None:
    kit = puppet()
    kit.tell(Go(deed=lambda _: None))

    assert kit.ask(Count()) == 1
    assert kit.restart() == []  # nobody said bye
    assert kit.ask(Count()) == 0


def test_an_orderly_stop_says_good_bye_and_is_the_end() -> None:
    kit = puppet()

    assert kit.stop() == [Told("out", "bye"), Stopped()]
    with pytest.raises(AssertionError, match="stopped"):
        kit.tell("x")
    with pytest.raises(AssertionError, match="for good"):
        kit.restart()


def test_an_actor_may_stop_itself() -> None:
    assert does(puppet(), lambda me: me.stop()) == [Told("out", "bye"), Stopped()]


# What cannot be


async def _sleeps(_me: Any) -> None:
    await trio.sleep(1)


async def _waits_for_an_event(_me: Any) -> None:
    await trio.Event().wait()


class _Never:
    def __await__(self) -> Any:
        yield "somebody else's event loop"


async def _waits_for_another_loop(_me: Any) -> None:
    await _Never()


@pytest.mark.parametrize("deed", [_sleeps, _waits_for_an_event, _waits_for_another_loop])
def test_a_handler_that_really_waits_is_explained(deed: Callable[[Any], Any]) -> None:
    expected = rf"Puppet waits while it handles Go.*test_behaviour_life.py:\d+ in {deed.__name__}"
    with pytest.raises(AssertionError, match=expected) as failure:
        does(puppet(), deed)
    assert "running()" in str(failure.value)


def test_a_start_and_slow_work_that_really_wait_are_explained() -> None:
    with pytest.raises(AssertionError, match="in _sleeps"):
        puppet(start=_sleeps)
    kit = puppet()
    does(kit, lambda me: me.pipe(_sleeps, me, then=lambda done: done))
    with pytest.raises(AssertionError, match="in _sleeps"):
        kit.finish()


# Other kinds of actors


class Blocking(ThreadingActor):
    def __init__(self, *, out: Recipient[Any]) -> None:
        super().__init__()
        self._out = out

    def on_receive(self, message: Any) -> Any:
        self.publish(message)
        self._out.tell(message)
        return message


def test_a_threading_actor_runs_here_too() -> None:
    kit = Behaviour(lambda kit: Blocking(out=kit.recipient("out")))

    assert kit.tell("x") == [Published("x"), Told("out", "x")]
    assert kit.question("x")[-1] == Replied("x", "x")


def test_an_actor_of_a_key_knows_its_address() -> None:
    kit = Behaviour(lambda _: Puppet(), key=7)

    assert kit.ref.address.key == 7
