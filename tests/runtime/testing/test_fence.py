"""Libraries see the simulation's time and luck, and the real world is out of reach."""

from __future__ import annotations

import gc
import os
import random
import secrets
import socket
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Callable

import pytest
import trio

from runtime.testing.clock import run
from runtime.testing.fence import (
    COLLECT_ALL_EVERY_STEPS,
    EscapeError,
    collect,
    fenced,
    freeze_for_good,
)
from runtime.testing.simulation import Plan, Simulation, simulate
from runtime.world import THREAD_SECONDS_MAX
from tests.runtime.puppet import Puppet


def _drawn(seed: str) -> list[object]:
    with fenced(monotonic=lambda: 5.0, wall=lambda: 6.5, luck=random.Random(seed)):
        return [
            os.urandom(4), uuid.uuid4(), secrets.token_hex(4), random.random(),
            random.SystemRandom().random(), time.monotonic(), time.monotonic_ns(),
            time.time(), time.time_ns(),
        ]  # fmt: skip


def test_a_seed_gives_libraries_the_same_luck_and_time() -> None:
    first = _drawn("a")
    assert first == _drawn("a")
    assert [a == b for a, b in zip(first, _drawn("b"), strict=True)] == [False] * 5 + [True] * 4
    assert first[5:] == [5.0, 5_000_000_000, 6.5, 6_500_000_000]


@pytest.mark.process
def test_afterwards_everything_is_as_before() -> None:
    before = [
        time.time,
        time.monotonic,
        os.urandom,
        trio.to_thread.run_sync,
        threading.Thread.start,
    ]
    state = random.getstate()
    _drawn("a")
    after = [time.time, time.monotonic, os.urandom, trio.to_thread.run_sync, threading.Thread.start]
    assert after == before
    assert random.getstate() == state
    threading.Thread(target=int).start()
    subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.mark.process
def test_other_threads_stay_in_the_real_world() -> None:
    begun, told = threading.Event(), list[object]()

    def other() -> None:
        begun.wait()
        time.sleep(0.001)
        told.extend((time.time() > 1e9, time.monotonic() != 5.0, os.urandom(8)))
        with socket.socket() as server:
            server.bind(("127.0.0.1", 0))

    thread = threading.Thread(target=other)
    thread.start()
    luck = random.Random(1)
    with fenced(monotonic=lambda: 5.0, wall=lambda: 6.5, luck=luck):
        begun.set()
        thread.join()
        assert (time.time(), time.monotonic()) == (6.5, 5.0)

    assert told[:2] == [True, True]
    assert told[2] != random.Random(1).randbytes(8)


ESCAPES: dict[str, Callable[[], object]] = {
    "a thread": lambda: threading.Thread(target=int).start(),
    "a connection": lambda: socket.socket().connect(("127.0.0.1", 1)),
    "a listener": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "a process": lambda: subprocess.run(["true"], check=False),
    "a shell": lambda: os.system("true"),  # noqa: S605
    "sleep": lambda: time.sleep(0.001),
}


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.process  # tries to start one
@pytest.mark.parametrize("way", ESCAPES)
def test_the_real_world_is_out_of_reach(way: str) -> None:
    with (
        fenced(monotonic=lambda: 0.0, wall=lambda: 0.0, luck=random.Random(1)),
        pytest.raises(EscapeError, match="the real world cannot be repeated"),
    ):
        ESCAPES[way]()


def test_work_for_a_thread_takes_virtual_time_in_this_one() -> None:
    async def work() -> tuple[int, float]:
        ident = await trio.to_thread.run_sync(threading.get_ident)
        return ident, trio.current_time()

    with fenced(monotonic=lambda: 0.0, wall=lambda: 0.0, luck=random.Random(1)):
        ident, took = run(work)
    assert ident == threading.get_ident()
    assert 0 < took < THREAD_SECONDS_MAX


async def test_within_a_run_of_trio_there_is_no_fence() -> None:
    with pytest.raises(RuntimeError, match="trio runs here already"):
        _drawn("a")


def test_who_reaches_for_the_real_world_and_says_nothing_fails_the_run() -> None:
    """An actor's supervisor takes it for a failure as others are, and restarts it."""

    async def scenario(sim: Simulation) -> None:
        async with sim.running() as system:
            system.spawn(Puppet).tell(lambda _: threading.Thread(target=int).start())
            await trio.sleep(60)

    run = simulate(scenario, Plan(seed=1))
    assert isinstance(run.failure, EscapeError)
    assert run.seconds < 60


def test_one_simulation_at_a_time() -> None:
    with (
        fenced(monotonic=lambda: 0.0, wall=lambda: 0.0, luck=random.Random(1)),
        pytest.raises(RuntimeError, match="one at a time"),
    ):
        _drawn("a")


def test_a_proxy_of_the_machine_is_none_of_the_simulations() -> None:
    kept = os.environ.get("HTTPS_PROXY")
    os.environ["HTTPS_PROXY"] = "http://proxy.example:3128"
    try:
        with fenced(monotonic=lambda: 0.0, wall=lambda: 0.0, luck=random.Random(1)):
            assert not {"HTTPS_PROXY", "http_proxy"} & set(os.environ)
        assert os.environ["HTTPS_PROXY"] == "http://proxy.example:3128"
    finally:
        del os.environ["HTTPS_PROXY"]
        if kept is not None:
            os.environ["HTTPS_PROXY"] = kept


class _Cycle:
    """Garbage, once nobody has it: it holds itself."""

    def __init__(self) -> None:
        self.me = self


def test_a_run_collects_its_own_garbage_and_none_that_was_there_before() -> None:
    kept = [_Cycle()]
    old = weakref.ref(kept[0])
    with fenced(monotonic=lambda: 5.0, wall=lambda: 6.5, luck=random.Random(1)):
        kept.clear()
        new = weakref.ref(_Cycle())
        collect(COLLECT_ALL_EVERY_STEPS)
        assert old() is not None
        assert new() is None


def test_where_it_is_for_good_a_run_begins_without_garbage_and_leaves_all_frozen() -> None:
    freeze_for_good()
    frozen, old = gc.get_freeze_count(), weakref.ref(_Cycle())
    with fenced(monotonic=lambda: 5.0, wall=lambda: 6.5, luck=random.Random(1)):
        assert old() is None
    assert gc.get_freeze_count() >= frozen


NOT_FOR_GOOD = """
import gc, random
from runtime.testing.fence import fenced
assert gc.get_freeze_count() == 0
with fenced(monotonic=lambda: 5.0, wall=lambda: 6.5, luck=random.Random(1)):
    assert gc.get_freeze_count() > 0
assert gc.get_freeze_count() == 0
"""


@pytest.mark.process
def test_otherwise_what_a_run_has_frozen_is_collected_again_afterwards() -> None:
    subprocess.run([sys.executable, "-c", NOT_FOR_GOOD], check=True)
