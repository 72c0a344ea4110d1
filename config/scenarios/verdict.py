"""What must be true of a shop when everything has come to rest, and after its shut-down."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import trio

from adapters.sandbox.telegram_user import TelegramUser
from config.scenarios.people import Person, Temper
from config.scenarios.shop import INTERVAL_SECONDS, SimulatedShop
from config.scenarios.watch import health
from runtime import ActorSystem
from runtime.testing.simulation import PropertyError, Simulation

SETTLE_SECONDS = 900.0
"""After the healing everybody who waits is served within this time."""
REST_SECONDS = 180.0
"""After that every pause is over that somebody may have been told to make."""
STARTS_REQUESTS = 4
"""What a fresh start of the bot may ask NocoDB beyond the two requests an interval."""
ANSWER_SECONDS = 5.0
"""In calm weather everybody is answered within this time."""
TELL_SECONDS = INTERVAL_SECONDS + 5.0
"""In calm weather everybody who has paid is told within this time."""
TIMERS_EACH = 2
"""What an actor of the tree has set at rest: its next look, its next report. A region may be about
to see who is idle and who is too much; no actor of a chat has a timer.
"""
NEWCOMER = 1_000_000
"""The id of the person who comes last."""


class Guest(Protocol):
    """Whoever comes to a shop, and what is known of him."""

    name: str
    user: TelegramUser

    @property
    def temper(self) -> object:
        """What he is like."""

    @property
    def paid_at(self) -> float | None:
        """In virtual seconds."""

    @property
    def under_way(self) -> bool:
        """He waits, or is waited for."""

    async def live(self) -> None:
        """Come, and do what he came for."""

    def faults(self) -> list[str]:
        """What is wrong with the end of his story."""


async def served(
    sim: Simulation, crowd: Iterable[Guest], *, within: float = SETTLE_SECONDS
) -> None:
    """Wait until nobody waits for anything any more."""
    people = tuple(crowd)
    try:
        await sim.eventually(
            "everybody is served",
            lambda: not any(person.under_way for person in people),
            within=within,
        )
    except PropertyError as error:
        late = next(person for person in people if person.under_way)
        error.add_note(f"{late.name}, {late.temper}, paid at {late.paid_at}, sees")
        error.add_note(str(late.user.screen()))
        raise


async def told(sim: Simulation, person: Person) -> None:
    """Wait until somebody who is going to pay has been told."""
    await sim.eventually(
        f"{person.name} is told", lambda: person.told_at is not None, within=SETTLE_SECONDS
    )


async def check_calm(shop: SimulatedShop) -> None:
    """A newcomer is served as on the first day, and the bot comes to rest and says it is well.

    For a shop that has had `REST_SECONDS` of calm, and is not going to be disturbed any more.
    """
    newcomer = Person(shop, NEWCOMER, Temper(pays_after=1.0))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(newcomer.live)
        await told(shop.sim, newcomer)
    check_promptness(newcomer)
    await check_rest(shop)
    await check(shop, [newcomer])


async def check(shop: SimulatedShop, crowd: Iterable[Guest]) -> None:
    """Before the end: everybody was told, nobody asked too often, and nothing is left."""
    faults = [fault for person in crowd for fault in person.faults()]
    if faults:
        raise PropertyError("\n".join(faults[:5]))
    intervals = trio.current_time() / INTERVAL_SECONDS
    asked, allowed = shop.nocodb.questions, 2 * intervals + STARTS_REQUESTS * shop.starts
    if asked > allowed:
        raise PropertyError(f"{asked} questions to NocoDB in {intervals:.0f} intervals")
    counts = await shop.inbox.counts()
    if counts.unhandled or counts.parked:
        raise PropertyError(f"left behind: {counts}")


def check_promptness(person: Person) -> None:
    """For a person whom nothing has gone wrong for."""
    if person.slowest > ANSWER_SECONDS:
        raise PropertyError(f"{person.name} waited {person.slowest:.1f} s for an answer")
    if person.paid_at is not None and person.told_at is not None:
        waited = person.told_at - person.paid_at
        if waited > TELL_SECONDS:
            raise PropertyError(f"{person.name} was told {waited:.1f} s after he had paid")


async def check_rest(shop: SimulatedShop) -> None:
    """Nothing queues up, nobody works, no timer was forgotten, and the bot says that it is well."""
    if shop.present is None:
        raise PropertyError("the bot never came up")
    system = shop.present.system
    await shop.sim.eventually(
        "the bot rests", lambda: not system.fates().queued and not system.workers.busy, within=10
    )
    check_timers(system)
    condition = await health()
    for name, checks in condition.document["checks"].items():
        unwell = any(check.get("status", "pass") != "pass" for check in checks)
        if unwell and name.partition(":")[0] not in shop.excused():
            raise PropertyError(f"unwell at rest: {condition.document['output']}")


def check_timers(system: ActorSystem) -> None:
    """At rest nobody has forgotten a timer."""
    nodes, standing = [system.snapshot()], 0
    while nodes:
        node = nodes.pop()
        standing += node.kind != "supervisor"
        if node.kind == "region":
            waiting = [cell.path for cell in system.region(node.path).cells() if cell.timers]
            if waiting:
                raise PropertyError(f"timers at rest of {', '.join(waiting)}")
        else:
            nodes += node.children
    if len(system.timers) > TIMERS_EACH * standing:
        raise PropertyError(f"{len(system.timers)} timers of {standing} actors at rest")


def check_that_nobody_failed(shop: SimulatedShop) -> None:
    """For a bot that nothing struck: whoever has to wait for a dependency has not failed."""
    if shop.present is None:
        raise PropertyError("the bot never came up")
    nodes = [shop.present.system.snapshot()]
    while nodes:
        node = nodes.pop()
        if node.kind != "supervisor" and (node.failed or node.restarts_used):
            raise PropertyError(f"{node.path} failed {node.failed} times: {node.last_error}")
        nodes += node.children


def check_the_end(shop: SimulatedShop) -> None:
    """After the shut-down: no update is left with Telegram."""
    left = shop.telegram.world.updates.waiting(1)
    if left:
        raise PropertyError(f"updates that were never confirmed: {left}")
