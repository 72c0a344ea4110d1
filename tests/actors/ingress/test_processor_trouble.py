"""What the processing of events survives: outages, poison, silence, crashes of others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import trio

from actors.ingress import messages as ingress
from actors.ingress.model import Action, Nothing, SourceName, StoredEvent
from actors.ingress.pacing import ATTEMPTS_MAX
from actors.ingress.processor import WORK_SECONDS
from actors.ingress.progress import WORKING_MAX
from actors.kernel.failures import Unavailable
from actors.tracker import messages as tracker
from runtime import Actor, DeadLetter
from runtime.testing import running
from tests.actors.ingress.provider import paid
from tests.actors.ingress.shop import World


@pytest.fixture
def world() -> World:
    return World()


async def test_an_outage_is_waited_out_ever_longer_and_then_done(world: World) -> None:
    world.stripe.facts["paid"] = Unavailable("HTTP 502")
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        await trio.sleep(120)
        assert world.events.states() == {"evt_1": "pending"}
        assert world.events.outcome("evt_1") == "HTTP 502"
        assert 5 <= len(world.stripe.asked) <= 9
        world.stripe.facts["paid"] = paid()
        await trio.sleep(130)
        assert world.events.states() == {"evt_1": "processed"}


async def test_the_wait_that_a_provider_asks_for_is_obeyed(world: World) -> None:
    world.stripe.facts["paid"] = Unavailable("HTTP 429", retry_after_seconds=100)
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        await trio.sleep(99)
        assert len(world.stripe.asked) == 1
        await trio.sleep(7)
        assert len(world.stripe.asked) == 2


async def test_after_so_many_attempts_a_person_has_to_look(world: World) -> None:
    world.stripe.facts["paid"] = Unavailable("HTTP 502 \0 \ud800")
    event_id, so_far = await world.add("evt_1"), ATTEMPTS_MAX - 10
    now = world.events.connection.tables.now()
    await world.events.postponed(event_id, "HTTP 502", attempts=so_far, due_at=now)
    async with running() as system:
        world.start(system)
        parked = await world.news.expect(ingress.EventParked, within=2 * 86_400)
        assert parked.reason == f"given up after {ATTEMPTS_MAX} attempts: HTTP 502"
        assert len(world.stripe.asked) == ATTEMPTS_MAX - so_far


@pytest.mark.parametrize("error", [ZeroDivisionError("4242424242424242"), KeyError("amount")])
async def test_a_poison_event_is_parked_and_stops_nobody(world: World, error: Exception) -> None:
    world.stripe.facts["poison"] = error
    for number in range(20):
        await world.add(f"bad_{number}", "poison")
        await world.add(f"good_{number}")
    async with running() as system:
        world.start(system)
        await system.settle()
        states = world.events.states()
        assert {states[f"bad_{n}"] for n in range(20)} == {"parked"}
        assert {states[f"good_{n}"] for n in range(20)} == {"processed"}
        assert world.events.outcome("bad_0") == (
            f"it could not be interpreted: {type(error).__name__}"
        )
        assert not [i for i in system.incidents if type(i).__name__ == "ActorFailed"]


async def test_events_that_wait_hold_up_nobody_else(world: World) -> None:
    world.stripe.facts["away"] = Unavailable("HTTP 502")
    for number in range(3 * WORKING_MAX):
        await world.add(f"away_{number}", "away", f"pi_{number}")
    await world.add("good")
    async with running() as system:
        world.start(system)
        await system.settle()
        assert world.events.states()["good"] == "processed"


async def test_a_provider_that_never_answers_gives_its_place_back(world: World) -> None:
    async def never(_: StoredEvent) -> Nothing:
        await trio.sleep_forever()
        raise AssertionError

    world.stripe.facts["never"] = never
    for number in range(WORKING_MAX):
        await world.add(f"never_{number}", "never")
    await world.add("good")
    async with running() as system:
        world.start(system)
        await trio.sleep(WORK_SECONDS - 1)
        assert world.events.states()["good"] == "pending"
        await trio.sleep(2)
        assert world.events.states()["good"] == "processed"
        assert world.events.outcome("never_0") == f"not finished within {WORK_SECONDS:g} s"


async def test_a_provider_that_hangs_holds_up_its_own_events_alone(world: World) -> None:
    hanging = 0

    async def hang(_: StoredEvent) -> Nothing:
        nonlocal hanging
        hanging += 1
        await trio.sleep(20)
        hanging -= 1
        raise Unavailable("did not answer within 20 s")

    world.nocodb.facts = {"hang": hang}
    for number in range(10 * WORKING_MAX):
        await world.add(f"hangs_{number}", "hang", source=SourceName.NOCODB)
    async with running() as system:
        ref = world.start(system)
        await trio.sleep(190)
        assert hanging == WORKING_MAX
        await world.add("good")
        ref.tell(ingress.Wake())
        await system.settle()
        assert world.events.states()["good"] == "processed"
        assert hanging == WORKING_MAX


async def test_a_provider_that_hangs_delays_no_retry_of_another(world: World) -> None:
    async def hang(_: StoredEvent) -> Nothing:
        await trio.sleep(50)
        return Nothing(why="slow")

    world.nocodb.facts = {"hang": hang}
    world.stripe.facts["paid"] = Unavailable("HTTP 502")
    await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        await trio.sleep(0.1)  # it is postponed, by a second at most
        world.stripe.facts["paid"] = paid()
        await world.add("hangs", "hang", source=SourceName.NOCODB)
        ref.tell(ingress.Wake())
        await trio.sleep(2.5)
        assert world.events.states() == {"evt_1": "processed", "hangs": "pending"}


async def test_a_tracker_that_does_not_answer_is_told_again(world: World) -> None:
    world.answers = False
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        await trio.sleep(WORK_SECONDS - 1)
        assert len(world.told.told) == 1
        world.answers = True
        await trio.sleep(10)
        assert len(world.told.told) == 2
        assert world.events.states() == {"evt_1": "processed"}


class Crashing(Actor[Any]):
    """A tracker with a bug."""

    def on_receive(self, message: Any) -> None:
        raise ZeroDivisionError(message)


async def test_an_event_that_the_tracker_crashes_on_is_parked(world: World) -> None:
    await world.add("evt_1")
    async with running() as system:
        world.start(system, system.spawn(Crashing, name="tracker"))
        parked = await world.news.expect(ingress.EventParked)
        assert parked.reason == "the payment tracker failed on it: ZeroDivisionError"


async def test_what_the_tracker_did_not_take_is_told_again(world: World) -> None:
    world.answers = False
    await world.add("evt_1")
    async with running() as system:
        world.start(system)
        told = await world.told.expect(tracker.Observed)
        world.answers = True
        system.events.publish(
            DeadLetter(message=told, recipient="root/tracker", sender=None, reason="stopped")
        )
        await trio.sleep(7)
        assert world.events.states() == {"evt_1": "processed"}


async def test_an_inbox_that_takes_nothing_costs_no_attempt_and_is_not_asked_in_a_circle(
    world: World,
) -> None:
    world.events.full = True
    await world.add("evt_1", "customer.created")
    async with running() as system:
        world.start(system)
        await trio.sleep(10.5)
        assert 8 <= len(world.stripe.asked) <= 11
        world.events.full = False
        await trio.sleep(2)
        assert world.events.states() == {"evt_1": "ignored"}
        (row,) = world.events.connection.tables.events.values()
        assert row.attempts == 0


async def test_an_inbox_that_is_away_is_looked_at_again(world: World) -> None:
    await world.add("evt_1")
    world.events.failures.extend([Unavailable("reset")] * 3)
    async with running() as system:
        world.start(system)
        await trio.sleep(4.5)
        assert world.events.states() == {"evt_1": "processed"}


async def test_events_of_a_source_that_lost_its_credentials_wait(world: World) -> None:
    await world.add("n_1", source=SourceName.NOWPAYMENTS)
    async with running() as system:
        world.start(system)
        await system.settle()
        assert world.events.states() == {"n_1": "pending"}
        assert world.events.outcome("n_1") == "nowpayments is not configured"


async def test_a_replay_is_done_like_a_new_event(world: World) -> None:
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        action = Action(
            action_id=UUID(int=1),
            event_id=event_id,
            what="replay",
            who="operator",
            why="again",
            at=system.world.now(),
        )
        await world.events.replayed(action)
        ref.tell(ingress.Wake())
        await system.settle()
        assert world.events.states() == {"evt_1": "processed"}
        assert len(world.told.told) == 2
