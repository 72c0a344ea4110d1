"""What operators can do with stored events, and what is written down of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from actors.ingress import messages as ingress
from actors.ingress.desk import RETENTION, EventDesk
from actors.ingress.model import Arrival, Event, SourceName
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId
from runtime import ActorRef, ask
from runtime.testing import Probe, TestSystem, running
from tests.actors.ingress.provider import Provider, SlowEvents, paid

NOBODY = EventId(999)


class World:
    """A desk, and what lies on it."""

    def __init__(self) -> None:
        self.stripe, self.events, self.processor = Provider(), SlowEvents(), Probe()
        self.stripe.facts["paid"] = paid()

    def start(self, system: TestSystem) -> ActorRef[Any]:
        return system.spawn(
            lambda: EventDesk(
                sources={SourceName.STRIPE: self.stripe},
                events=self.events,
                processor=self.processor,
            ),
            name="desk",
        )

    async def add(self, key: str, *, source: SourceName = SourceName.STRIPE) -> EventId:
        event = Event(source=source, key=key, kind="paid", subject="", body=b"", headers={})
        at = self.events.connection.tables.now()
        number = len(self.events.states())
        arrival = Arrival(event=event, delivery_id=UUID(int=number), at=at)
        return (await self.events.add([arrival]))[0].event_id


@pytest.fixture
def world() -> World:
    return World()


async def test_a_dry_run_tells_what_an_event_means_and_does_nothing(world: World) -> None:
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        told = await ask(ref, ingress.DryRun(event_id=event_id))
        assert told == ingress.Interpreted(fact=paid())
        assert world.events.states() == {"evt_1": "pending"}
        assert world.processor.told == []
        assert await ask(ref, ingress.DryRun(event_id=NOBODY)) is None


@pytest.mark.parametrize(
    ("error", "failure"),
    [(Unavailable("HTTP 502"), "HTTP 502"), (KeyError("4242"), "it fails: KeyError")],
)
async def test_a_dry_run_of_what_fails_says_so(
    world: World, error: Exception, failure: str
) -> None:
    world.stripe.facts["paid"] = error
    event_id, other = await world.add("1"), await world.add("2", source=SourceName.NOCODB)
    async with running() as system:
        ref = world.start(system)
        told = await ask(ref, ingress.DryRun(event_id=event_id))
        assert told == ingress.Interpreted(failure=failure)
        told = await ask(ref, ingress.DryRun(event_id=other))
        assert told == ingress.Interpreted(failure="nocodb is not configured here")
        assert system.incidents[0].__class__.__name__ == "ActorStarted"
        assert len(system.incidents) == 1


async def test_a_replay_is_written_down_and_wakes_the_processor(world: World) -> None:
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        await world.events.processed(event_id, at=system.world.now())
        question = ingress.Replay(event_id=event_id, who="anna", why="after the fix")
        assert await ask(ref, question) is True
        assert world.events.states() == {"evt_1": "pending"}
        assert world.processor.told == [ingress.Wake()]
        found = await world.events.find(event_id)
        assert found is not None
        (action,) = found.actions
        assert (action.what, action.who, action.why) == ("replay", "anna", "after the fix")
        assert action.at == system.world.now()
        assert await ask(ref, ingress.Replay(event_id=NOBODY, who="anna", why="x")) is False
        assert len(world.processor.told) == 1


async def test_what_waits_can_be_put_aside(world: World) -> None:
    event_id = await world.add("evt_1")
    async with running() as system:
        ref = world.start(system)
        question = ingress.Park(event_id=event_id, who="anna", why="a forgery")
        assert await ask(ref, question) is True
        assert world.events.states() == {"evt_1": "parked"}
        assert world.events.outcome("evt_1") == "by anna: a forgery"
        assert await ask(ref, question) is False


async def test_what_is_old_and_finished_is_forgotten_by_source(world: World) -> None:
    old, new, parked = [await world.add(key) for key in ("old", "new", "parked")]
    await world.add("pending")
    other = await world.add("other", source=SourceName.NOCODB)
    keep = RETENTION[SourceName.STRIPE]
    async with running() as system:
        ref = world.start(system)
        now = system.world.now()
        await world.events.processed(old, at=now - keep - timedelta(seconds=1))
        await world.events.ignored({new: "x"}, at=now - keep + timedelta(seconds=1))
        await world.events.parked(parked, "x", at=now - 9 * keep)
        await world.events.processed(other, at=now - 9 * keep)
        told = await ask(ref, ingress.Prune())
        assert told == dict.fromkeys(RETENTION, 0) | {SourceName.STRIPE: 1, SourceName.NOCODB: 1}
        assert set(world.events.states()) == {"new", "parked", "pending"}


async def test_an_inbox_that_is_away_is_the_askers_trouble(world: World) -> None:
    event_id = await world.add("evt_1")

    async def away(*_: object, **__: object) -> Any:
        raise Unavailable("disk full")

    world.events.find = away  # type: ignore[method-assign]  # a double's own answer
    async with running() as system:
        ref = world.start(system)
        with pytest.raises(Unavailable, match="disk full"):
            await ask(ref, ingress.DryRun(event_id=event_id))
        world.events.replayed = away  # type: ignore[method-assign]  # likewise
        with pytest.raises(Unavailable, match="disk full"):
            await ask(ref, ingress.Replay(event_id=event_id, who="anna", why="x"))
        assert len(system.incidents) == 1
