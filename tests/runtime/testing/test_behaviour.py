"""The behaviour kit: one rule for each tool of an actor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runtime import Actor, Terminated, ask
from runtime.cell import current_system
from runtime.testing import behaviour
from runtime.testing.behaviour import Behaviour
from runtime.testing.effects import (
    Asked,
    Failed,
    Published,
    Refused,
    Replied,
    ReplyPromised,
    Spawned,
    StopRequested,
    Subscribed,
    TimerCancelled,
    TimerSet,
    Told,
    Unwatched,
    Watched,
)
from tests.runtime.testing.examples import example_of
from tests.runtime.testing.marionette import Count, Go, Puppet, Tick, does, puppet, raises


def test_the_example_of_the_docstring_runs() -> None:
    example = example_of(behaviour)

    example["test_a_charge_is_entered_and_remembered_for_a_while"]()


# Telling and asking


def test_what_is_told_is_an_effect_in_its_order() -> None:
    assert does(puppet(), lambda me: (me.out.tell("a"), me.out.tell("b"))[1]) == [
        Told("out", "a"),
        Told("out", "b"),
    ]


def test_effects_can_be_sifted() -> None:
    kit = puppet()

    effects = kit.tell(Go(deed=lambda me: (me.after(1, "x"), me.out.tell("a"), me.publish(7))[0]))

    assert effects.of(TimerSet) == [TimerSet(1.0, "x")]
    assert effects.told("out") == ["a"]
    assert effects.told("nobody") == []
    assert effects.published(int) == [7]


def test_one_of_a_family_is_told_under_its_key() -> None:
    kit = Behaviour(lambda kit: Puppet(out=kit.family("sessions")))

    assert does(kit, lambda me: me.out.tell(7, "due")) == [Told("sessions", "due", key=7)]
    assert does(kit, lambda me: me.out.ref(8).tell("due")) == [Told("sessions", "due", key=8)]


def test_a_recipient_equals_its_namesake() -> None:
    kit = puppet()

    assert kit.recipient("a") == kit.recipient("a")
    assert kit.recipient("a") != kit.recipient("b")
    assert kit.family("a").ref(1) != kit.family("a").ref(2)
    assert len({kit.recipient("a"), kit.recipient("a")}) == 1


def test_a_send_is_told_without_waiting() -> None:
    assert does(puppet(), lambda me: me.out.send("a")) == [Told("out", "a")]


def test_whoever_is_asked_answers_at_once() -> None:
    kit = Behaviour(lambda kit: Puppet(out=kit.recipient("bank", answers=lambda asked: 42)))

    async def deed(me: Puppet) -> None:
        me.heard.append(await ask(me.out, Count()))
        me.out.tell(me.heard[-1])

    assert does(kit, deed) == [Asked("bank", Count()), Told("bank", 42)]


def test_what_an_answer_raises_is_raised_in_the_handler() -> None:
    def refuse(_: Any) -> None:
        raise ValueError("no")

    kit = Behaviour(lambda kit: Puppet(out=kit.recipient("bank", answers=refuse)))

    async def deed(me: Puppet) -> None:
        await ask(me.out, Count())

    assert does(kit, deed) == [Asked("bank", Count()), Failed(ValueError("no"))]


def test_an_ask_that_nobody_answers_is_explained() -> None:
    async def deed(me: Puppet) -> None:
        await ask(me.out, Count())

    with pytest.raises(AssertionError, match=r"give kit.recipient\('out', answers="):
        does(puppet(), deed)


def test_answers_that_are_no_function_are_refused() -> None:
    with pytest.raises(TypeError, match="a function of the question, not True"):
        Behaviour(lambda kit: Puppet(out=kit.recipient("bank", answers=True)))  # type: ignore[arg-type]
    kit = puppet()
    with pytest.raises(TypeError, match="a function of the question, not 'yes'"):
        kit.family("banks", answers="yes")  # type: ignore[arg-type]


def test_a_question_is_answered_and_its_other_effects_are_kept() -> None:
    kit = puppet()

    assert kit.ask(Count()) == 0
    assert kit.last == [Replied(Count(), 0)]
    assert kit.question(Count()) == [Replied(Count(), 0)]
    assert kit.tell(Count()) == []  # nobody waits for the answer


def test_an_answer_may_be_promised_for_later() -> None:
    kit = puppet()
    promised: list[Any] = []
    question = Go(deed=lambda me: promised.append(me.reply_later()))

    assert kit.question(question) == [ReplyPromised(question)]
    assert kit.tell(question) == []  # nobody waits for this one
    promised.pop()
    assert does(kit, lambda _: promised.pop().set(9)) == [Replied(question, 9)]
    with pytest.raises(AssertionError, match="not answered at once"):
        kit.ask(question)  # type: ignore[arg-type]


def test_a_promise_is_broken_off_by_a_failure() -> None:
    kit, error = puppet(), ValueError("x")
    question = Go(deed=lambda me: me.reply_later())
    kit.question(question)

    assert does(kit, raises(error)) == [Refused(question, error), Failed(error)]


def test_whoever_asked_hears_of_a_failure() -> None:
    kit = puppet()
    question = Go(deed=raises(ValueError("x")))

    with pytest.raises(ValueError, match="x"):
        kit.ask(question)  # type: ignore[arg-type]
    assert kit.last == [Refused(question, ValueError("x")), Failed(ValueError("x"))]


def test_what_it_tells_itself_is_handled_in_the_same_step() -> None:
    assert does(puppet(), lambda me: me.actor_ref.tell(Tick())) == [
        Told("self", Tick()),
        Told("out", Tick()),
    ]


def test_telling_itself_for_ever_is_explained() -> None:
    class Echo(Actor[Any]):
        def on_receive(self, message: Any) -> None:
            self.actor_ref.tell(message)

    with pytest.raises(AssertionError, match="tells itself"):
        Behaviour(lambda _: Echo()).tell("again")


def test_its_own_reference_can_be_compared_with() -> None:
    kit = puppet()

    assert does(kit, lambda me: me.out.tell(me.actor_ref)) == [Told("out", kit.ref)]


# Time and luck


def test_a_timer_fires_when_its_time_has_come_and_not_before() -> None:
    kit = puppet()

    assert does(kit, lambda me: me.after(30, Tick())) == [TimerSet(30.0, Tick())]
    assert kit.advance(29.9) == []
    assert kit.advance(0.1) == [Told("out", Tick())]
    assert kit.advance(1000) == []


def test_small_steps_of_time_add_up() -> None:
    kit = puppet()
    does(kit, lambda me: me.after(0.8, Tick()))

    assert sum([0.1] * 8) < 0.8
    assert [kit.advance(0.1) for _ in range(8)][-1] == [Told("out", Tick())]


def test_timers_fire_in_their_order_each_at_its_time() -> None:
    kit = puppet()
    does(kit, lambda me: (me.after(2, Tick(number=2)), me.after(1, Tick(number=1)))[0])
    does(kit, lambda me: me.after(1.5, Go(deed=lambda me: me.out.tell(me.monotonic()))))

    assert kit.advance(5).told("out") == [Tick(number=1), 1.5, Tick(number=2)]


def test_a_repeated_timer_is_set_once() -> None:
    kit = puppet()

    assert does(kit, lambda me: me.every(10, Tick(), key="t")) == [
        TimerSet(10.0, Tick(), key="t", every=True)
    ]
    assert kit.advance(30) == [Told("out", Tick())] * 3


def test_a_timer_may_be_set_for_a_wall_clock_time() -> None:
    kit = puppet()
    when = kit.world.now() + timedelta(hours=1)

    assert does(kit, lambda me: me.at(when, Tick())) == [TimerSet(3600.0, Tick())]


def test_a_timer_that_is_taken_back_never_fires() -> None:
    kit = puppet()
    does(kit, lambda me: me.after(5, Tick(), key="t"))

    assert does(kit, lambda me: me.cancel("t")) == [TimerCancelled(Tick(), key="t")]
    assert does(kit, lambda me: me.cancel("t")) == []
    assert kit.advance(10) == []


def test_a_timer_that_replaces_another_is_one_effect() -> None:
    kit = puppet()
    does(kit, lambda me: me.after(5, Tick(number=1), key="t"))

    effects = does(kit, lambda me: me.after(7, Tick(number=2), key="t"))

    assert effects == [TimerSet(7.0, Tick(number=2), key="t")]
    assert kit.advance(10) == [Told("out", Tick(number=2))]


def test_time_moves_both_clocks_and_luck_is_the_seeds() -> None:
    def told() -> list[Any]:
        kit = puppet()
        kit.advance(90)
        return does(
            kit,
            lambda me: me.out.tell(
                (me.now(), me.monotonic(), me.world.random.random(), me.world.uuid())
            ),
        )

    first = told()

    assert first == told()
    assert first[0].message[:2] == (datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC), 90.0)


# Events, watching, spawning


def test_events_are_effects() -> None:
    kit = puppet()

    assert does(kit, lambda me: me.publish(Tick())) == [Published(Tick())]
    assert does(kit, lambda me: me.subscribe(Tick)) == [Subscribed(Tick)]


def test_a_death_watch_is_an_effect_and_the_death_is_told() -> None:
    kit = puppet()

    assert does(kit, lambda me: me.watch(me.out)) == [Watched("out")]
    assert does(kit, lambda me: me.unwatch(me.out)) == [Unwatched("out")]
    gone = Terminated(ref=kit.recipient("out"), reason="stopped")
    assert kit.tell(gone) == [Told("out", gone)]


def test_others_may_be_asked_to_stop() -> None:
    assert does(puppet(), lambda me: me.out.stop()) == [StopRequested("out")]
    assert does(puppet(), lambda me: me.out.kill()) == [StopRequested("out")]


def test_an_actor_that_is_started_is_a_recipient() -> None:
    effects = does(puppet(), lambda me: Puppet.start().tell("hello"))

    assert effects == [Spawned("Puppet-1"), Told("Puppet-1", "hello")]


def test_the_system_of_the_actor_spawns_by_name() -> None:
    effects = does(puppet(), lambda _: current_system().spawn(Puppet, name="helper").tell("go"))

    assert effects == [Spawned("helper"), Told("helper", "go")]
