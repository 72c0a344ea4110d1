"""A kit that misses a bug, or cries wolf, is told so; and so is one that was never tried."""

from __future__ import annotations

import json

import pytest
import trio

from runtime.testing.node import Life
from runtime.testing.planted.bug import Bug, Play
from runtime.testing.planted.hunt import CRASH_EVERYWHERE, Hunt, hunt, hunt_all
from runtime.testing.planted.races import RACES
from runtime.testing.simulation import Simulation

DANGER = "a storm"
[LAGGARD] = [bug for bug in RACES if bug.name == "laggard"]


def _bug(play: Play, *, name: str = "b", crashed: str | None = None) -> Bug:
    return Bug(name=name, what="falls in a storm", play=play, danger=DANGER, crashed=crashed)


async def falls_in_a_storm(sim: Simulation, *, sound: bool) -> None:
    assert not sim.chance(DANGER, 0.5) or sound, "it fell"


async def never_falls(sim: Simulation, *, sound: bool) -> None:
    sim.sometimes(DANGER)


async def always_falls(sim: Simulation, *, sound: bool) -> None:
    sim.sometimes(DANGER)
    raise AssertionError("it fell")


async def falls_on_a_calm_day(sim: Simulation, *, sound: bool) -> None:
    assert sound, "it fell"


async def cannot_be_played(sim: Simulation, *, sound: bool) -> None:
    raise KeyError("a scenario of ours is broken")


def test_what_shows_and_whose_twin_holds_is_found() -> None:
    hunted = hunt(_bug(falls_in_a_storm), seeds=20, schedulers=("walk",))
    walk = hunted.by["walk"]

    assert (hunted.found, hunted.sound) == (True, True)
    assert 0 < walk.hits < walk.seeds == walk.runs == 20
    assert walk.broken == walk.hits
    assert walk.failure == "it fell"
    assert walk.plan == f"{walk.first} --scheduler walk"
    assert walk.endangered == walk.hits  # the twin sees the same luck
    assert Hunt((hunted,)).missed == ()


@pytest.mark.parametrize(
    ("play", "found", "sound"),
    [
        (never_falls, False, True),
        (always_falls, True, False),
        (falls_on_a_calm_day, True, False),
    ],
)
def test_the_kit_fails_where_it_misses_cries_wolf_or_was_never_tried(
    play: Play, found: bool, sound: bool
) -> None:
    hunted = hunt(_bug(play), seeds=3)

    assert (hunted.found, hunted.sound) == (found, sound)
    assert Hunt((hunted,)).missed == ("b",)


def test_a_twin_that_fails_says_at_which_seeds() -> None:
    assert hunt(_bug(always_falls), seeds=3).by["pct:2"].cried_wolf == (0, 1, 2)


def test_a_kit_that_only_takes_turns_misses_the_laggard() -> None:
    hunted = hunt_all(bugs=(LAGGARD,), seeds=50, schedulers=("fifo",))

    assert hunted.missed == ("laggard",)
    assert hunted.as_json()["found"] == 0


def test_what_cannot_be_repeated_is_not_found() -> None:
    plays = 0

    async def falls_once(sim: Simulation, *, sound: bool) -> None:
        nonlocal plays
        plays += 1
        sim.sometimes(DANGER)
        assert sound or plays > 1, "it fell"

    hunted = hunt(_bug(falls_once), seeds=3, schedulers=("walk",))

    assert hunted.by["walk"].hits == 1
    assert not hunted.found


def test_what_falls_again_but_otherwise_is_not_found() -> None:
    plays = 0

    async def falls_anew(sim: Simulation, *, sound: bool) -> None:
        nonlocal plays
        plays += 1
        sim.sometimes(DANGER)
        sim.note(f"play {plays}")
        assert sound, "it fell"

    hunted = hunt(_bug(falls_anew), seeds=3, schedulers=("walk",))

    assert hunted.by["walk"].hits == 3
    assert not hunted.found


def test_what_cannot_be_played_is_neither_found_nor_missed() -> None:
    with pytest.raises(KeyError):
        hunt(_bug(cannot_be_played), seeds=1)


def test_a_node_is_crashed_at_each_of_its_steps_in_a_tenth_of_the_seeds() -> None:
    async def must_not_die(sim: Simulation, *, sound: bool) -> None:
        async def boot(life: Life) -> None:
            await trio.sleep(1)
            assert sound or life.number == 1, "it died"

        await sim.node("ship", boot).run()
        if sim.nodes["ship"].lives > 1:
            sim.sometimes(DANGER)

    hunted = hunt(_bug(must_not_die, crashed="ship"), seeds=11, schedulers=("walk",))
    crashed = hunted.by[CRASH_EVERYWHERE]

    assert hunted.found
    assert hunted.sound
    assert hunted.by["walk"].hits == 0
    assert (crashed.seeds, crashed.hits) == (2, 2)
    assert crashed.broken == crashed.runs - crashed.seeds  # all but the undisturbed ones
    assert crashed.plan == "0 --scheduler shuffle --crash ship@1"


def test_progress_names_what_comes_next() -> None:
    told: list[tuple[int, int, str]] = []
    bugs = (_bug(never_falls, name="x"), _bug(falls_in_a_storm, name="y"))

    hunt_all(bugs=bugs, seeds=1, progress=lambda *step: told.append(step))

    assert told == [(0, 2, "x"), (1, 2, "y"), (2, 2, "")]


def test_the_answer_is_plain_json() -> None:
    bugs = (_bug(never_falls, name="x"), _bug(falls_in_a_storm, name="y"))
    hunted = json.loads(json.dumps(hunt_all(bugs=bugs, seeds=8).as_json()))

    assert (hunted["planted"], hunted["found"], hunted["missed"]) == (2, 1, ["x"])
    assert hunted["bugs"]["x"]["found_by"] == {}
    assert hunted["bugs"]["y"]["seeds"] == 8
    assert set(hunted["bugs"]["y"]["found_by"]) == {"shuffle", "walk", "pct:2", "pct:3"}
