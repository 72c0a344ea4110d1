"""A delivery's way into the inbox, and every answer that its provider may get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio

from actors.gateway import messages as gateway
from actors.ingress import messages as ingress
from actors.ingress.actor import (
    BUSY_RETRY_SECONDS,
    PATIENCE_SECONDS,
    REPORT_SECONDS,
    STORING_MAX,
    WebhookIngress,
)
from actors.ingress.model import SourceName
from actors.ingress.refusals import REFUSED_TIMES
from actors.kernel.failures import Unavailable
from actors.operations.messages import Reported
from runtime import Actor, ActorRef, ask
from runtime.testing import Probe, TestSystem, running
from tests.actors.ingress.provider import Provider, SlowEvents, delivery

STORED, DUPLICATE = ingress.Stored(duplicate=False), ingress.Stored(duplicate=True)


class World:
    """What the ingress stands between."""

    def __init__(self) -> None:
        self.stripe, self.events = Provider(), SlowEvents()
        self.processor, self.reports = Probe(), Probe()
        self.telegram = Provider(SourceName.TELEGRAM)

    def start(
        self, system: TestSystem, *, updates: ActorRef[Any] | None = None, **limits: float
    ) -> ActorRef[Any]:
        system.events.subscribe(Reported, self.reports)
        return system.spawn(
            lambda: WebhookIngress(
                sources={SourceName.STRIPE: self.stripe, SourceName.TELEGRAM: self.telegram},
                events=self.events,
                processor=self.processor,
                updates=updates,
                **limits,
            ),
            name="ingress",
        )

    def report(self, source: str = "stripe") -> Reported:
        """The newest of that source."""
        found = [r for r in self.reports.told if r.component == f"webhooks.{source}"]
        newest: Reported = found[-1]
        return newest

    def figures(self, source: str = "stripe") -> Mapping[str, float]:
        return {m.name: m.value for m in self.report(source).measurements}


@pytest.fixture
def world() -> World:
    return World()


async def deliver(ref: ActorRef[Any], body: str = "evt_1 paid pi_1", **how: Any) -> ingress.Answer:
    return await ask(ref, ingress.Deliver(delivery=delivery(body, **how)))


# Stored


async def test_a_delivery_is_answered_once_it_is_stored(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        world.events.seconds = 0.7
        started = system.world.monotonic()
        assert await deliver(ref) == STORED
        assert system.world.monotonic() - started == pytest.approx(0.7)
        assert world.events.states() == {"evt_1": "pending"}
        assert world.processor.told == [ingress.Wake()]


async def test_what_comes_again_is_stored_once_and_acknowledged_again(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        assert [await deliver(ref) for _ in range(3)] == [STORED, DUPLICATE, DUPLICATE]
        assert len(world.events.states()) == 1
        # Nobody may have heard that the first was stored.
        assert world.processor.told == [ingress.Wake()] * 3


async def test_many_deliveries_wait_for_the_store_together(world: World) -> None:
    world.events.seconds = 0.5
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        started = system.world.monotonic()
        async with trio.open_nursery() as nursery:
            for number in range(200):
                nursery.start_soon(deliver, ref, f"evt_{number} paid pi_1")
        assert world.events.adding_most == 200
        assert system.world.monotonic() - started == pytest.approx(0.5)


# Refused


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        answer = await deliver(ref, signature="forged")
        assert isinstance(answer, ingress.Refused)
        assert answer.reason == "signature"
        assert world.events.states() == {}
        assert world.processor.told == []


@pytest.mark.parametrize(
    "body", ["a\0b paid pi", " paid pi", "e\udc80 paid pi", f"{'x' * 999} p s"]
)
async def test_names_that_no_inbox_can_keep_are_refused(world: World, body: str) -> None:
    async with running() as system:
        answer = await deliver(world.start(system), body)
        if "\udc80" in body:  # the provider's own decoding has replaced it
            assert answer == STORED
        else:
            assert isinstance(answer, ingress.Refused)
            assert answer.reason == "malformed"


async def test_a_source_without_credentials_is_told_so(world: World) -> None:
    async with running() as system:
        answer = await deliver(world.start(system), source=SourceName.YOOKASSA)
        assert isinstance(answer, ingress.Refused)
        assert answer.reason == "unconfigured"
        assert "yookassa" in answer.detail


# Busy


async def test_a_store_that_is_away_is_no_acknowledgement(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        world.events.failures.append(Unavailable("disk full"))
        answer = await deliver(ref)
        assert isinstance(answer, ingress.Busy)
        assert answer.retry_after_seconds == BUSY_RETRY_SECONDS
        assert world.events.states() == {}
        assert await deliver(ref) == STORED


async def test_a_slow_store_is_not_waited_for_and_the_next_delivery_is_a_duplicate(
    world: World,
) -> None:
    async with running() as system:
        ref = world.start(system)
        world.events.seconds = PATIENCE_SECONDS + 1
        started = system.world.monotonic()
        answer = await deliver(ref)
        assert isinstance(answer, ingress.Busy)
        assert system.world.monotonic() - started == pytest.approx(PATIENCE_SECONDS)
        await trio.sleep(1.1)
        assert world.events.states() == {"evt_1": "pending"}
        assert world.processor.told == [ingress.Wake()]  # though nobody was told that it is stored
        world.events.seconds = 0
        assert await deliver(ref) == DUPLICATE


async def test_each_delivery_has_its_own_patience(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        world.events.seconds = 10
        answered: list[float] = []

        async def wait(begin: float) -> None:
            await trio.sleep(begin)
            assert isinstance(await deliver(ref, f"evt_{begin} paid pi"), ingress.Busy)
            answered.append(system.world.monotonic() - began)

        began = system.world.monotonic()
        async with trio.open_nursery() as nursery:
            for begin in (0, 0.4, 1.1):
                nursery.start_soon(wait, begin)
        assert answered == pytest.approx([2.5, 2.9, 3.6])


async def test_a_full_store_is_not_asked_for_more(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await system.settle()
        world.events.seconds = 60
        async with trio.open_nursery() as nursery:
            for number in range(STORING_MAX):
                nursery.start_soon(deliver, ref, f"evt_{number} paid pi")
            await system.settle()
            started = system.world.monotonic()
            assert isinstance(await deliver(ref, "more paid pi"), ingress.Busy)
            assert system.world.monotonic() == started
        # What was given up still occupies the store.
        assert isinstance(await deliver(ref, "more paid pi"), ingress.Busy)
        await trio.sleep(60)
        world.events.seconds = 0
        assert await deliver(ref, "more paid pi") == STORED


async def test_the_rate_of_a_source_is_limited_before_the_store(world: World) -> None:
    async with running() as system:
        ref = world.start(system, per_second=0.5, burst=3)
        answers = [await deliver(ref, f"evt_{n} paid pi") for n in range(4)]
        assert answers[:3] == [STORED] * 3
        assert isinstance(answers[3], ingress.Busy)
        assert answers[3].retry_after_seconds == 2
        assert len(world.events.states()) == 3
        # Strangers cost the source nothing.
        await trio.sleep(2)
        for _ in range(9):
            await deliver(ref, signature="forged")
        assert await deliver(ref, "evt_4 paid pi") == STORED


async def test_an_event_that_cannot_be_stored_costs_no_other(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        for _ in range(9):
            world.events.failures.append(ZeroDivisionError("with a secret in it"))
            assert isinstance(await deliver(ref), ingress.Busy)
        assert await deliver(ref, "evt_2 paid pi") == STORED
        assert not [i for i in system.incidents if type(i).__name__ == "ActorFailed"]


# Telegram


class Gateway(Actor[gateway.Take]):
    """Takes updates; every second one is known."""

    def __init__(self, bodies: list[bytes]) -> None:
        super().__init__()
        self._bodies = bodies

    def on_receive(self, message: gateway.Take) -> bool:
        self._bodies.append(message.body)
        return message.body not in self._bodies[:-1]


async def test_updates_go_to_the_gateway_and_not_into_the_inbox(world: World) -> None:
    bodies: list[bytes] = []
    async with running() as system:
        updates = system.spawn(lambda: Gateway(bodies), name="gateway")
        ref = world.start(system, updates=updates)
        answers = [await deliver(ref, "1 message 7", source=SourceName.TELEGRAM) for _ in range(2)]
        assert answers == [STORED, DUPLICATE]
        assert bodies == [b"1 message 7"] * 2
        assert world.events.states() == {}
        assert world.processor.told == []
        updates.stop()
        await system.settle()
        assert isinstance(
            await deliver(ref, "2 message 7", source=SourceName.TELEGRAM), ingress.Busy
        )


# What operators see


async def test_every_outcome_is_counted_by_source(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        await deliver(ref)
        await deliver(ref)
        await deliver(ref, signature="forged")
        world.events.failures.append(Unavailable("away"))
        await deliver(ref, "evt_2 paid pi")
        await trio.sleep(REPORT_SECONDS + 0.1)
        told = world.figures()
        assert (told["stored_total"], told["duplicate_total"]) == (1, 1)
        assert (told["signature_total"], told["busy_total"]) == (1, 1)
        assert told["last_event_age_seconds"] == pytest.approx(REPORT_SECONDS)
        assert world.report().status == "warn"
        assert "last_event_age_seconds" not in world.figures("telegram")
        await trio.sleep(REPORT_SECONDS + 0.1)
        assert world.report().status == "pass"


async def test_a_secret_that_is_not_right_any_more_is_noticed(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        statuses = []
        for _ in range(REFUSED_TIMES):
            await deliver(ref, signature="forged")
            await trio.sleep(REPORT_SECONDS + 0.1)
            statuses.append(world.report().status)
        assert statuses[:-1] == ["pass"] * (REFUSED_TIMES - 1)  # a stranger tries
        assert world.report().status == "warn"
        assert "refused (signature)" in world.report().output
        await deliver(ref, signature="forged")
        await deliver(ref)
        await trio.sleep(REPORT_SECONDS + 0.1)
        assert world.report().status == "pass"  # a stranger among ours


async def test_a_wrong_secret_is_a_warning_until_a_good_delivery_comes(world: World) -> None:
    async with running() as system:
        ref = world.start(system)
        for _ in range(REFUSED_TIMES):
            await deliver(ref, signature="forged")
        await trio.sleep(5 * REPORT_SECONDS)
        assert world.report().status == "warn"
        assert "stripe are refused (signature): is its secret" in world.report().output
        assert world.report("telegram").status == "pass"
        await deliver(ref)
        await trio.sleep(2 * REPORT_SECONDS)
        assert world.report().status == "pass"
