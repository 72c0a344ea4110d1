"""The event stream: by type, once each, and no subscriber can hurt another."""

from __future__ import annotations

from runtime import Actor, ActorDeadError, message
from runtime.events import EventStream
from runtime.testing import Probe, running


@message
class Fact:
    number: int


@message
class SpecialFact(Fact):
    pass


def test_an_event_reaches_the_subscribers_of_its_type_and_of_its_bases_once() -> None:
    stream, base, special = EventStream(), Probe(), Probe()
    stream.subscribe(Fact, base)
    stream.subscribe(SpecialFact, special)
    stream.subscribe(SpecialFact, base)
    stream.publish(SpecialFact(number=1))
    stream.publish(Fact(number=2))
    assert base.told == [SpecialFact(number=1), Fact(number=2)]
    assert special.told == [SpecialFact(number=1)]


def test_a_second_subscription_is_the_first() -> None:
    stream, probe = EventStream(), Probe()
    stream.subscribe(Fact, probe)
    stream.subscribe(Fact, probe)
    stream.publish(Fact(number=1))
    assert probe.told == [Fact(number=1)]


def test_unsubscribed_is_not_told() -> None:
    stream, probe = EventStream(), Probe()
    stream.subscribe(Fact, probe)
    stream.subscribe(SpecialFact, probe)
    stream.unsubscribe(probe, Fact)
    stream.publish(SpecialFact(number=1))
    stream.unsubscribe(probe)
    stream.publish(SpecialFact(number=2))
    assert probe.told == [SpecialFact(number=1)]
    assert not stream.wanted(SpecialFact)


def test_a_dead_subscriber_is_forgotten_and_the_others_hear_it() -> None:
    class Dead:
        def tell(self, message: object, /) -> None:
            raise ActorDeadError("gone")

    stream, probe = EventStream(), Probe()
    stream.subscribe(Fact, Dead())
    stream.subscribe(Fact, probe)
    stream.publish(Fact(number=1))
    stream.publish(Fact(number=2))
    assert [fact.number for fact in probe.told] == [1, 2]


class Listener(Actor[Fact]):
    def __init__(self, out: Probe) -> None:
        super().__init__()
        self._out = out

    async def on_start(self) -> None:
        self.subscribe(Fact)

    def on_receive(self, message: Fact) -> None:
        if message.number == 13:
            raise ValueError("unlucky")
        self._out.tell(message)


async def test_what_happens_while_a_subscriber_is_down_is_told_to_its_next_incarnation() -> None:
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Listener(probe), name="listener")
        await system.settle()
        system.events.publish(Fact(number=13))
        await system.settle()
        assert len(system.dead_letters) == 1
        assert ref.is_alive()
        system.events.publish(Fact(number=2))
        assert (await probe.expect(Fact)).number == 2


async def test_a_subscription_survives_restarts_and_ends_with_the_actor() -> None:
    async with running() as system:
        probe = Probe()
        ref = system.spawn(lambda: Listener(probe), name="listener")
        await system.settle()
        for number in (1, 13, 2):
            system.events.publish(Fact(number=number))
        assert (await probe.expect(Fact)).number == 1
        assert (await probe.expect(Fact)).number == 2
        await ref.stop()
        assert not system.events.wanted(Fact)
