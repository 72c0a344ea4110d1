"""Orders are a matter of the seed, and every one of them can be played back."""

from __future__ import annotations

import random

import pytest
import trio

from runtime.testing.choices import Choices, Taken
from runtime.testing.clock import run
from runtime.testing.scheduler import (
    ALONE_STEPS_MAX,
    PORTFOLIO,
    Scheduler,
    check_trio,
    scheduler_of,
)

ALL = ("fifo", *PORTFOLIO)


def _scheduler(name: str, seed: int = 1, played: Taken | None = None) -> Scheduler:
    return Scheduler(name, luck=random.Random(seed), choices=Choices(played))


def _order(scheduler: Scheduler) -> str:
    told: list[str] = []

    async def steps(who: str) -> None:
        for _ in range(5):
            told.append(who)
            await trio.lowlevel.checkpoint()

    async def everybody() -> None:
        async with trio.open_nursery() as nursery:
            for who in "abcde":
                nursery.start_soon(steps, who)

    with scheduler.installed():
        run(everybody)
    return "".join(told)


def test_this_trio_obeys() -> None:
    check_trio()


@pytest.mark.parametrize("name", ALL)
def test_a_seed_gives_one_order(name: str) -> None:
    orders = {_order(_scheduler(name, seed=7)) for _ in range(3)}
    assert len(orders) == 1


@pytest.mark.parametrize("name", PORTFOLIO)
def test_seeds_differ(name: str) -> None:
    assert len({_order(_scheduler(name, seed)) for seed in range(20)}) > 15


@pytest.mark.parametrize("name", ALL)
def test_an_order_can_be_played_back(name: str) -> None:
    recorded = _scheduler(name, seed=3)
    order = _order(recorded)
    assert _order(_scheduler(name, seed=99, played=recorded.choices.taken)) == order


def test_plain_choices_are_the_plain_order() -> None:
    assert _order(_scheduler("fifo")) == "abcde" * 5
    assert _order(_scheduler("walk", played={})) == "abcde" * 5


def test_trio_s_own_way_lets_nobody_lag() -> None:
    for seed in range(20):
        order = _order(_scheduler("shuffle", seed))
        assert all(sorted(order[at : at + 5]) == list("abcde") for at in range(0, 25, 5))


def test_priorities_let_somebody_lag_behind_all_others() -> None:
    orders = [_order(_scheduler("pct:2", seed)) for seed in range(20)]
    assert any(order.startswith(who * 5) for order in orders for who in "abcde")


def test_whoever_spins_keeps_the_others_waiting_no_longer_than_allowed() -> None:
    async def spins(done: trio.Event) -> int:
        steps = 0
        while not done.is_set():
            await trio.lowlevel.checkpoint()
            steps += 1
        return steps

    async def sets(done: trio.Event) -> None:
        done.set()

    async def both() -> int:
        done = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sets, done)
            return await spins(done)

    for seed in range(10):
        with _scheduler("pct:3", seed).installed():
            assert run(both) <= ALONE_STEPS_MAX + 2


def test_every_member_of_the_portfolio_has_its_turn() -> None:
    assert {scheduler_of(seed) for seed in range(8)} == set(PORTFOLIO)


@pytest.mark.parametrize(
    "name", ["", "best", "pct:x", "pct:-1", "pct:0", "pct:", "walk:", "walk:2", "fifo:1"]
)
def test_an_unknown_scheduler_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no scheduler"):
        _scheduler(name)
