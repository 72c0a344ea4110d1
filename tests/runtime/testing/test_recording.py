"""A recording knows who sent what, and the run is the same as without it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import trio

from runtime import Actor, ActorRef, message
from runtime.testing.node import Life
from runtime.testing.recording import Recording, Turn, brief, record
from runtime.testing.simulation import Plan, Simulation, simulate


@message
class Ping:
    """Hit it back."""

    left: int


@message
class Due:
    """It is time."""


class Player(Actor[Any]):
    """Hits back a second later: `beside` the mailbox, by a `timer`, or at once."""

    def __init__(self, how: str = "at once") -> None:
        super().__init__()
        self.how = how
        self.other: ActorRef[Any] | None = None
        self.left = 0

    def on_receive(self, told: Any) -> Any:
        match told:
            case ActorRef() as other:
                self.other = other
            case Ping(left=left) if self.how == "timer" and left:
                self.left = left
                self.after(1, Due())
            case Ping(left=left) if self.how == "beside" and left:
                self.left = left
                self.pipe(trio.sleep, 1, then=lambda _: Due())
            case Ping(left=left) if left:
                self.hit(left)
            case Due():
                self.hit(self.left)
            case "fall":
                raise ValueError("fell")
            case _:
                return "done"
        return None

    def hit(self, left: int) -> None:
        """Send it to the other one."""
        assert self.other is not None
        self.other.tell(Ping(left=left - 1))


def game(how: str) -> Callable[[Simulation], Any]:
    """Two players and three hits."""

    async def scenario(sim: Simulation) -> None:
        async with sim.running() as system:
            ann = system.spawn(lambda: Player(how), name="ann")
            bob = system.spawn(Player, name="bob")
            ann.tell(bob)
            bob.tell(ann)
            ann.tell(Ping(left=3))
            await trio.sleep(10)

    return scenario


def turns(recording: Recording, what: str) -> list[Turn]:
    """The turns with messages of this type."""
    return [turn for turn in recording.turns.values() if turn.what == what]


def test_a_recorded_run_is_the_run_that_it_is_without() -> None:
    for scheduler in ("fifo", "walk", "pct:3"):
        plan = Plan(seed=5, scheduler=scheduler)

        recording, alone = record(game("beside"), plan), simulate(game("beside"), plan)

        assert recording.run.digest == alone.digest
        assert recording.run.choices == alone.choices
        lines = recording.run.events
        assert all(turn.path in lines[step] for step, turn in recording.turns.items())


def test_every_message_leads_back_to_the_turn_that_sent_it() -> None:
    recording = record(game("at once"), Plan(seed=1, scheduler="fifo"))

    first, second, third, last = turns(recording, "Ping")
    assert (first.sender, first.cause) == ("", None)
    assert [second.cause, third.cause, last.cause] == [first.step, second.step, third.step]
    assert second.sender == first.path == "root/spawned/ann"
    assert (second.text, second.node, second.kind) == ("Ping(left=2)", "outside", "message")


def test_timers_and_slow_work_lead_back_to_the_turn_that_began_them() -> None:
    timed = record(game("timer"), Plan(seed=1, scheduler="fifo"))
    beside = record(game("beside"), Plan(seed=1, scheduler="fifo"))

    for recording, whats, kind in ((timed, "Due", "timer"), (beside, "None", "piped")):
        begun = [turn.step for turn in turns(recording, "Ping") if turn.path.endswith("ann")]
        ends = turns(recording, whats)
        assert [turn.kind for turn in ends] == [kind, kind]
        assert [turn.cause for turn in ends] == begun[:2]
        answers = [turn for turn in turns(recording, "Ping") if turn.path.endswith("bob")]
        assert [turn.cause for turn in answers] == [turn.step for turn in ends]


class Juggler(Actor[Any]):
    """Begins work that ends after so many seconds."""

    def on_receive(self, told: Any) -> None:
        if isinstance(told, int):
            self.pipe(trio.sleep, told, then=lambda _: "caught")


def juggling(*seconds: int) -> Callable[[Simulation], Any]:
    """One piece of work after another, each second."""

    async def scenario(sim: Simulation) -> None:
        async with sim.running() as system:
            ann = system.spawn(Juggler, name="ann")
            for each in seconds:
                ann.tell(each)
                await trio.sleep(1)
            await trio.sleep(30)

    return scenario


def test_work_that_overlaps_is_told_apart_unless_it_ends_at_once() -> None:
    apart = record(juggling(20, 5, 10), Plan(seed=1, scheduler="fifo"))
    together = record(juggling(6, 5), Plan(seed=1, scheduler="fifo"))

    begun = {turn.what: turn.step for turn in apart.turns.values() if turn.kind == "message"}
    ends = [turn.cause for turn in turns(apart, "None")]
    assert ends == [begun["5"], begun["10"], begun["20"]]
    assert [turn.cause for turn in turns(together, "None")] == [None, None]


async def falling(sim: Simulation) -> None:
    """An actor fails, starts again, and is asked how it is."""
    async with sim.running() as system:
        ann = system.spawn(Player, name="ann")
        ann.tell("fall")
        ann.tell("next")
        await trio.sleep(30)
        assert await ann.ask("how are you") == "done"
        ann.tell("fall")
        await trio.sleep(30)


def test_failures_are_told_at_their_turn_and_restarts_have_one() -> None:
    found = list(record(falling, Plan(seed=1, scheduler="fifo")).turns.values())

    failed = [turn for turn in found if turn.error]
    assert [(turn.what, turn.error) for turn in failed] == [("'fall'", "ValueError('fell')")] * 2
    assert failed[0].queued == 1
    [behind] = [turn for turn in found if turn.what == "'next'"]
    assert behind.first == "restart"
    assert 0 < behind.waited == behind.second
    assert [turn.what for turn in found if turn.kind == "signal"] == ["restart", "stop"]
    assert [turn.what for turn in found if turn.asked] == ["'how are you'"]


async def two_on_a_node(sim: Simulation) -> None:
    """Two actors of a node are told something at the same time."""

    async def boot(life: Life) -> None:
        async with sim.running() as system:
            for name in ("ann", "bob"):
                system.spawn(Player, name=name).tell(name)
            await trio.sleep(1)

    await sim.node("court", boot).run()


def test_nodes_and_overtakings_are_known() -> None:
    plan = Plan(seed=1, scheduler="walk", choices={"actors": [1], "tasks": [0, 0, 0, 1]})

    recording = record(two_on_a_node, plan)

    told = [turn for turn in recording.turns.values() if turn.kind == "message"]
    assert {turn.node for turn in told} == {"court"}
    assert [turn.overtook for turn in told if turn.what == "'bob'"] == [
        "overtook root/spawned/ann (choice actors:0=1)"
    ]
    assert all("overtook" in words for _, _, words in recording.overtakings)


class Suit(enum.Enum):
    """Of a card."""

    HEARTS = 1


@dataclass
class Hand:
    """Holds what it may."""

    held: Any


def test_messages_are_told_the_same_in_every_process() -> None:
    deep = Hand(Hand(Hand(Hand(1))))

    assert brief(Hand({"b", "a"})) == "Hand(held=set of 2)"
    assert brief(object()) == "object"
    assert brief(print) == "builtin_function_or_method"
    assert brief(Suit.HEARTS) == "Suit.HEARTS"
    assert brief(deep) == "Hand(held=Hand(held=Hand(held=Hand(...))))"
    assert brief([1, "2", 3, 4, 5]) == "[1, '2', 3, 4, 1 more]"
    assert brief("x" * 100) == f"'{'x' * 59}..."
    assert " at 0x" not in brief(ValueError(object()))
