"""References: what may be done with one, from where, and how it outlives what it points at."""

from __future__ import annotations

from typing import Any, ClassVar

import pykka
import pytest
import trio

from runtime import (
    ActorDeadError,
    ActorRef,
    KeyedSpec,
    Mailbox,
    MailboxFullError,
    State,
    SupervisorSpec,
    Timeout,
)
from runtime.testing import Probe, running
from tests.runtime.puppet import QUICK, Puppet, fail, sleeps


class Small(Puppet):
    mailbox: ClassVar[Mailbox] = Mailbox(limit=4, send_below=2)


class OneByOne(Puppet):
    mailbox: ClassVar[Mailbox] = Mailbox(send_below=1)


def keyed(**options: Any) -> SupervisorSpec:
    region = KeyedSpec(name="keyed", factory=options.pop("factory", lambda _: Puppet()), **options)
    return SupervisorSpec(name="root", children=(region,))


async def test_a_reference_is_pykkas_and_a_value() -> None:
    async with running() as system:
        ref = system.spawn(Puppet, name="one")
        again = system.registry.get_by_urn(ref.actor_urn)
        assert isinstance(ref, pykka.ActorRef)
        assert (ref, hash(ref)) == (again, hash(again))
        assert ref != system.spawn(Puppet, name="two")
        assert ref.actor_class is Puppet


async def test_outside_actors_a_refusal_is_raised() -> None:
    async with running() as system:
        ref = system.spawn(Small)
        ref.tell(sleeps(1))
        await system.settle()
        for number in range(4):
            ref.tell(number)
        with pytest.raises(MailboxFullError):
            ref.tell("one too many")
        await ref.stop()
        with pytest.raises(ActorDeadError):
            ref.tell("too late")


async def test_inside_actors_a_refusal_is_a_dead_letter_and_the_teller_goes_on() -> None:
    async with running() as system:
        dead, teller = system.spawn(Puppet), system.spawn(Puppet)
        await dead.stop()
        assert await teller.ask(lambda _: dead.tell("hello")) is None
        assert [letter.message for letter in system.dead_letters] == ["hello"]


async def test_a_nested_question_never_outlives_the_one_it_belongs_to() -> None:
    async with running() as system:
        deadlines: list[float | None] = []

        async def ask_on(_: Puppet) -> None:
            for seconds in (1.0, 60.0):
                future = last.ask("hello", timeout=seconds)
                deadlines.append(future._deadline)
            last.tell("told messages have no deadline")

        first, last = system.spawn(Puppet), system.spawn(Puppet)
        await first.ask(ask_on, timeout=3.0)
        first.tell(ask_on)
        await system.settle()
        assert deadlines == [1.0, 3.0, 1.0, 60.0]


async def test_one_of_two_who_wait_may_give_up_without_stealing_the_others_deadline() -> None:
    async with running() as system:
        future = system.spawn(Puppet).ask(sleeps(100))

        async def impatient() -> None:
            with trio.move_on_after(1):
                await future

        async with trio.open_nursery() as nursery:
            nursery.start_soon(impatient)
            with pytest.raises(Timeout):
                await future
        assert trio.current_time() == 5.0


async def test_whoever_sends_waits_in_line_and_is_called_up_in_order() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: OneByOne(out))
        ref.tell(sleeps(5))
        await system.settle()

        async def send(number: int) -> None:
            await trio.sleep(number / 10)
            await ref.send(number)

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(send, number)
        await system.settle()
        assert out.told == list(range(20))
        assert system.dead_letters == []


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_whoever_waits_to_send_hears_of_the_end(end: str) -> None:
    async with running() as system:
        ref = system.spawn(Small)
        ref.tell(sleeps(1))
        await system.settle()
        ref.tell("fill")
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(_dead_end, ref)
            await trio.sleep(0.5)
            getattr(ref, end)()
        assert ref.state is State.STOPPED


async def _dead_end(ref: ActorRef[Any]) -> None:
    with pytest.raises(ActorDeadError):
        await ref.send("too late")


async def test_a_sender_that_gives_up_leaves_its_place_to_the_next() -> None:
    async with running() as system:
        out = Probe()
        ref = system.spawn(lambda: Small(out))
        ref.tell(sleeps(5))
        ref.tell("fill")

        async def impatient() -> None:
            with trio.move_on_after(1):
                await ref.send("never")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(impatient)
            await trio.sleep(0.5)
            await ref.send("patient")
        await trio.sleep(10)
        assert out.told == ["fill", "patient"]


async def test_what_is_sent_to_a_key_arrives_even_when_keys_are_put_to_sleep_meanwhile() -> None:
    out = Probe()
    async with running(keyed(factory=lambda _: Puppet(out), awake_max=1)) as system:
        region = system.region("root/keyed")
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(region.ref(number).send, number)
        await system.settle()
        assert sorted(out.told) == list(range(50))


async def test_whoever_waits_to_send_to_a_key_reaches_its_next_incarnation() -> None:
    out = Probe()
    async with running(keyed(factory=lambda _: OneByOne(out))) as system:
        ref = system.region("root/keyed").ref(7)
        ref.tell(sleeps(1))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ref.send, "patient")
            await trio.sleep(0.5)
            ref.stop()
        await system.settle()
        assert out.told == ["patient"]
        assert system.dead_letters == []


async def test_a_question_to_a_key_wakes_it_and_a_stop_is_not_for_ever() -> None:
    async with running(keyed(backoff=QUICK)) as system:
        ref = system.region("root/keyed").ref(7)
        assert await ref.ask("hello") == "hello"
        assert await ref.stop()
        ref.kill()
        ref.tell(fail)
        assert await ref.ask("again") == "again"
        assert ref.is_alive()
