"""Deliveries that are stored together: each has its own answer, and none pays for another."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import trio

from actors.ingress import messages as ingress
from actors.ingress import pacing
from actors.ingress.actor import (
    BATCH_BYTES_MAX,
    PATIENCE_SECONDS,
    RESERVED,
    STORING_MAX,
    WebhookIngress,
)
from actors.ingress.model import Delivery, Event, Rejected, SourceName
from actors.kernel.failures import Conflict, Unavailable
from runtime import ActorRef, ask
from runtime.testing import Probe, TestSystem, running
from tests.actors.ingress.provider import Provider, SlowEvents, delivery

STORED, DUPLICATE = ingress.Stored(duplicate=False), ingress.Stored(duplicate=True)
STRIPE, YOOKASSA = SourceName.STRIPE, SourceName.YOOKASSA


class Struck(Exception):  # noqa: N818 - what happens to the ingress
    """It dies, and whoever waits hears of that."""


class Padded(Provider):
    """A body says how large it really is: `evt_1 paid 5000`."""

    def verify(self, delivery: Delivery, **how: Any) -> Event | Rejected:
        *_, size = delivery.body.split(b" ")
        event = super().verify(delivery, **how)
        if isinstance(event, Rejected):
            return event
        body = padding(int(size)) if size.isdigit() else event.body
        return Event(
            source=self.name, key=event.key, kind="paid", subject="", body=body, headers={}
        )


@functools.cache
def padding(size: int) -> bytes:
    """As large as that, and one for all: thousands of their own take longer than the test."""
    return bytes(size)


class World:
    """An ingress for two sources, and a store that takes a second for each call."""

    def __init__(self) -> None:
        self.events, self.processor = SlowEvents(), Probe()
        self.events.seconds = 1.0
        self.answers: dict[str, ingress.Answer | Exception] = {}

    async def start(self, system: TestSystem, **limits: Any) -> ActorRef[Any]:
        ref = system.spawn(
            lambda: WebhookIngress(
                sources={STRIPE: Padded(STRIPE), YOOKASSA: Padded(YOOKASSA)},
                events=self.events,
                processor=self.processor,
                **limits,
            ),
            name="ingress",
        )
        await system.settle()
        return ref

    async def deliver(self, ref: ActorRef[Any], body: str, source: SourceName = STRIPE) -> None:
        try:
            question = ingress.Deliver(delivery=delivery(body, source=source))
            answer: ingress.Answer | Exception = await ask(ref, question)
        except Struck as error:
            answer = error
        self.answers[body] = answer

    def begin(
        self, nursery: trio.Nursery, ref: ActorRef[Any], *bodies: str, source: SourceName = STRIPE
    ) -> None:
        for body in bodies:
            nursery.start_soon(self.deliver, ref, body, source)


@pytest.fixture
def world() -> World:
    return World()


async def busy_with_one(
    world: World, system: TestSystem, nursery: trio.Nursery, **limits: Any
) -> ActorRef[Any]:
    """The store is at work on `evt_0`; whatever comes now waits for it."""
    ref = await world.start(system, **limits)
    world.begin(nursery, ref, "evt_0 paid x")
    await system.settle()
    return ref


async def test_what_comes_while_the_store_is_at_work_is_stored_together(world: World) -> None:
    async with running() as system:
        started = system.world.monotonic()
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            for number in range(1, 6):
                world.begin(nursery, ref, f"evt_{number} paid x")
                await trio.sleep(0.1)
        assert [sorted(batch) for batch in world.events.batches] == [
            ["evt_0"],
            ["evt_1", "evt_2", "evt_3", "evt_4", "evt_5"],
        ]
        assert system.world.monotonic() - started == pytest.approx(2.0)
        assert set(world.answers.values()) == {STORED}


async def test_nothing_is_acknowledged_before_the_store_has_it(world: World) -> None:
    async with running() as system, trio.open_nursery() as nursery:
        ref = await busy_with_one(world, system, nursery)
        world.begin(nursery, ref, "evt_1 paid x", "evt_2 paid x")
        await trio.sleep(0.9)
        assert world.answers == {}
        await trio.sleep(0.2)
        assert list(world.answers) == ["evt_0 paid x"]  # the others have just been handed over
        await trio.sleep(1.0)
        assert len(world.answers) == 3


async def test_duplicates_in_one_batch_are_stored_once_and_told_apart(world: World) -> None:
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            for body in ("evt_1 paid first", "evt_1 paid second", "evt_0 paid again"):
                world.begin(nursery, ref, body)
                await system.settle()
            world.begin(nursery, ref, "evt_1 paid third", source=YOOKASSA)
        assert len(world.events.batches) == 2
        assert world.answers == {
            "evt_0 paid x": STORED,
            "evt_1 paid first": STORED,
            "evt_1 paid second": DUPLICATE,
            "evt_0 paid again": DUPLICATE,
            "evt_1 paid third": STORED,
        }


@pytest.mark.parametrize("why", ["poison", "conflict"])
async def test_one_that_cannot_be_stored_costs_its_neighbours_nothing(
    world: World, why: str
) -> None:
    world.events.seconds = 0.5
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            if why == "poison":
                world.events.poison = {"evt_2"}
            world.begin(nursery, ref, *(f"evt_{number} paid x" for number in range(1, 5)))
            if why == "conflict":
                await trio.sleep(0.6)
                world.events.failures.append(Conflict("somebody else stores it"))
                await trio.sleep(0.5)
                world.events.failures.append(Conflict("somebody else stores it"))
        assert len(world.events.batches[1]) == 4
        assert sorted(world.events.batches[2:]) == [["evt_1"], ["evt_2"], ["evt_3"], ["evt_4"]]
        busy = [body for body, answer in world.answers.items() if isinstance(answer, ingress.Busy)]
        kept = [body for body, answer in world.answers.items() if answer == STORED]
        assert (len(busy), len(kept)) == (1, 4)
        answer = world.answers[busy[0]]
        assert isinstance(answer, ingress.Busy)
        if why == "poison":
            assert (busy[0], answer.detail) == ("evt_2 paid x", "the event could not be stored")
        else:
            assert answer.detail == "the store does not answer"
        assert len(world.events.states()) == 4
        # The next ones go together again.
        async with trio.open_nursery() as nursery:
            world.begin(nursery, ref, "evt_8 paid x", "evt_9 paid x")
        assert sorted(world.events.batches[-1]) == ["evt_8", "evt_9"]


async def test_a_store_that_is_away_is_said_to_each_of_a_batch(world: World) -> None:
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            world.begin(nursery, ref, "evt_1 paid x", "evt_2 paid x")
            await trio.sleep(1.1)
            world.events.failures.append(Unavailable("disk full"))
        assert world.answers.pop("evt_0 paid x") == STORED
        assert all(isinstance(answer, ingress.Busy) for answer in world.answers.values())
        assert len(world.answers) == 2
        assert world.events.states() == {"evt_0": "pending"}
        assert len(world.events.batches) == 2  # not once more for each: it is away


async def test_a_batch_has_a_size(world: World) -> None:
    part = BATCH_BYTES_MAX // 3
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            for number in range(1, 5):
                world.begin(nursery, ref, f"evt_{number} paid {part}")
                await system.settle()
        assert world.events.batches == [["evt_0"], ["evt_1", "evt_2", "evt_3"], ["evt_4"]]


async def test_a_source_that_floods_leaves_room_and_turns_to_the_others(world: World) -> None:
    flood = STORING_MAX + 100
    async with running() as system, trio.open_nursery() as nursery:
        ref = await busy_with_one(world, system, nursery)
        part = BATCH_BYTES_MAX // 10
        world.begin(nursery, ref, *(f"evt_{number} paid {part}" for number in range(1, flood)))
        await system.settle()
        refused = len(world.answers)
        assert refused == flood - (STORING_MAX - RESERVED)
        assert all(isinstance(answer, ingress.Busy) for answer in world.answers.values())
        mine = [f"y_{number} paid {part}" for number in range(RESERVED)]
        world.begin(nursery, ref, *mine, source=YOOKASSA)
        await system.settle()
        assert len(world.answers) == refused  # each of them waits for the store
        world.begin(nursery, ref, "y_more paid x", source=YOOKASSA)
        await system.settle()
        assert len(world.answers) == refused + 1  # the places are all taken
        await trio.sleep(1.1)
        others = [key for key in world.events.batches[1] if key.startswith("y_")]
        assert len(others) == len(world.events.batches[1]) // 2 == 5
        nursery.cancel_scope.cancel()


async def test_the_death_of_the_ingress_is_an_answer_to_everybody_and_no_acknowledgement(
    world: World,
) -> None:
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            world.begin(nursery, ref, "evt_1 paid x", "evt_2 paid x")
            await trio.sleep(0.5)
            started = system.world.monotonic()
            ref.kill(Struck("as if a handler had raised it"))
        assert system.world.monotonic() == started
        assert len(world.answers) == 3
        assert all(isinstance(answer, Struck) for answer in world.answers.values())
        assert (
            world.events.states() == {}
        )  # the call under way was cancelled, the others never made
        world.answers.clear()
        async with trio.open_nursery() as nursery:
            world.begin(nursery, ref, "evt_0 paid x", "evt_1 paid x")
        assert set(world.answers.values()) == {STORED}


async def test_who_was_given_up_is_stored_all_the_same_and_the_processor_hears_of_it(
    world: World,
) -> None:
    world.events.seconds = PATIENCE_SECONDS + 1
    async with running() as system:
        async with trio.open_nursery() as nursery:
            ref = await busy_with_one(world, system, nursery)
            await trio.sleep(1)
            world.begin(nursery, ref, "evt_1 paid x")
        assert all(isinstance(answer, ingress.Busy) for answer in world.answers.values())
        assert system.world.monotonic() == pytest.approx(1 + PATIENCE_SECONDS)
        await trio.sleep(2 * PATIENCE_SECONDS + 2)
        assert world.events.states() == {"evt_0": "pending", "evt_1": "pending"}
        assert world.processor.told == [ingress.Wake()] * 2


async def test_the_rate_of_a_source_counts_what_waits_too(world: World) -> None:
    async with running() as system, trio.open_nursery() as nursery:
        ref = await busy_with_one(world, system, nursery, per_second=0.001, burst=3)
        world.begin(nursery, ref, *(f"evt_{number} paid x" for number in range(1, 5)))
        await system.settle()
        assert len(world.answers) == 2
        await trio.sleep(2.1)
        assert list(world.answers.values()).count(STORED) == 3
        assert pacing.DELIVERIES_BURST > STORING_MAX  # so that the store's places are the limit
