"""kill -9 of the whole process at many moments: everybody goes on where he was, told once.

The moments of one campaign strike the same data again and again, and each strikes all of its
buyers, who stand at different places of the form. `FACTORAGE_KILLS=100` asks for more of them
(with `-o faulthandler_timeout=0`, because that takes minutes, and `-s` to see what was struck).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import psycopg
import pytest
import trio

from adapters.postgres.embedded import EmbeddedServer
from tests.config.program import PATIENCE_SECONDS, POLL_SECONDS, Outside, outside, started
from tests.fixtures.postgres import reachable_folder
from tests.stories.buyers import ASKED, Buyer, buyers

KILLS = int(os.environ.get("FACTORAGE_KILLS", "8"))
"""Of each of the two campaigns."""
BUYERS = 15 + KILLS // 8
"""A few at a time: a crowd would spend these short lives waiting for Telegram's rate limits."""
START_SECONDS = 1.0
"""Within this time of being started every third process is killed: mostly before it is up."""
LIFE_SECONDS = 1.0
"""Within this time of being up the others are."""

pytestmark = pytest.mark.process


async def test_killed_at_any_moment_it_loses_nobody(database_url: str, tmp_path: Path) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_killed_on_a_given_server, database_url, tmp_path)
        nursery.start_soon(_killed_with_its_own_server, tmp_path)


async def _killed_on_a_given_server(database_url: str, tmp_path: Path) -> None:
    async with outside() as world:
        environment = world.environment(DATABASE_URL=database_url)
        await _campaign(world, environment, tmp_path, seed=1)
        _check_inbox(world, database_url)


async def _killed_with_its_own_server(tmp_path: Path) -> None:
    folder = reachable_folder()
    server = EmbeddedServer(folder / "postgres")
    try:
        async with outside() as world:
            environment = world.environment(DATA_DIR=str(folder))
            await _campaign(world, environment, tmp_path, seed=2)
            await server.start()
            _check_inbox(world, server.conninfo)
    finally:
        await server.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


async def _campaign(world: Outside, environment: dict[str, str], tmp_path: Path, seed: int) -> None:
    moments = random.Random(seed)
    lives = [trio.Event() for _ in range(KILLS)]
    people = buyers(world.telegram, world.nocodb, BUYERS, moments=lives)
    struck, finished, done = 0, 0, trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_everybody_pays, people, done)
        for kill in range(KILLS):
            moment = moments.uniform(0.0, LIFE_SECONDS if kill % 3 else START_SECONDS)
            async with started("run", folder=tmp_path, environment=environment) as program:
                if kill % 3 or not kill:
                    await program.is_up()
                lives[kill].set()  # so that each kill strikes somebody, however slow the machine
                if not kill:
                    await _some_are_asked_to_pay(people)
                await trio.sleep(moment)
                program.send(signal.SIGKILL)
                struck += sum(buyer.is_under_way for buyer in people)
                assert await program.exit_status() == -signal.SIGKILL, program.output
        finished = sum(not buyer.faults() for buyer in people)
        async with started("run", folder=tmp_path, environment=environment) as program:
            with trio.move_on_after(PATIENCE_SECONDS + KILLS * LIFE_SECONDS) as late:
                await done.wait()
            stuck = {buyer.name: buyer.did[-1:] for buyer in people if buyer.faults()}
            assert not late.cancelled_caught, f"{stuck}\n{program.output}"
            await program.is_up()
            await trio.sleep(1.0)  # for whatever would be told a second time
            program.send(signal.SIGTERM)
            assert await program.exit_status() == 0, program.output
    assert [fault for buyer in people for fault in buyer.faults()] == []
    print(  # noqa: T201 - on `-s`
        f"{KILLS} kills struck {struck} times a registration or a payment under way; "
        f"{finished} of {BUYERS} had paid before the last life"
    )
    assert struck > KILLS, "the kills struck too few people: make them come later"


async def _some_are_asked_to_pay(people: list[Buyer]) -> None:
    """The first life is long enough for half of those who come at once."""
    with trio.fail_after(PATIENCE_SECONDS):
        while sum(ASKED in buyer.did for buyer in people) < len(people) // 4:  # noqa: ASYNC110 - they tell nobody
            await trio.sleep(POLL_SECONDS)


async def _everybody_pays(people: list[Buyer], done: trio.Event) -> None:
    async with trio.open_nursery() as nursery:
        for buyer in people:
            nursery.start_soon(buyer.register_and_pay)
    done.set()


def _check_inbox(world: Outside, conninfo: str) -> None:
    """Every update that was ever sent was kept, and handled."""
    assert len(world.telegram.world.updates) == 0
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            "select count(*), count(handled_at), count(parked_reason) from telegram_update"
        ).fetchone()
    assert rows == (BUYERS * 5, BUYERS * 5, 0)
