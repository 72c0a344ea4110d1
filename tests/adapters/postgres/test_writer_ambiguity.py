"""A connection that breaks in the middle of a commit: nobody knows, and yet it happens once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from adapters.postgres.batch import Statement
from tests.adapters.postgres.proxy import Direction, Proxy, running_proxy
from tests.adapters.postgres.store import Store, execute, running_store
from tests.fixtures.postgres import reachable_folder

WARM_UPS = 8
CUTS = 25
"""Per direction and shape of batch; the places differ from shape to shape."""


@pytest.fixture
def sockets() -> Iterator[Path]:
    folder = reachable_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def post(key: str) -> Statement:
    return Statement(
        """
        with fresh as (
            insert into posting (key) values (%(key)s) on conflict do nothing returning key
        )
        update account set balance = balance + 1 where exists (select from fresh)
        """,
        {"key": key},
    )


async def write(store: Store, key: str, shape: str) -> None:
    """One operation alone, a run of one statement, or a mixture."""
    check = Statement("select key from posting where key = %(key)s", {"key": key})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(store.database.write, post(key))
        if shape == "run":
            for number in range(3):
                nursery.start_soon(store.database.write, post(f"{key}/{number}"))
        if shape == "mixed":
            nursery.start_soon(store.database.write, post(f"{key}/0"), check)
            nursery.start_soon(store.database.write, check, post(f"{key}/1"))


async def traffic(proxy: Proxy, store: Store, shape: str) -> dict[str, int]:
    """How many bytes a write takes, in each direction, once its statements are known."""
    for warm_up in range(WARM_UPS):
        before = dict(proxy.passed)
        await write(store, f"warm {warm_up}", shape)
    return {direction: proxy.passed[direction] - before[direction] for direction in before}


@pytest.mark.parametrize("shape", ["alone", "run", "mixed"])
async def test_a_write_whose_connection_is_cut_anywhere_is_carried_out_once(
    blank_url: str, sockets: Path, shape: str
) -> None:
    execute(blank_url, "create table posting (key text primary key)")
    execute(blank_url, "create table account as select 0 as balance")
    async with running_proxy(blank_url, sockets) as proxy, running_store(proxy.conninfo) as store:
        sizes = await traffic(proxy, store, shape)
        writes = WARM_UPS
        directions: tuple[Direction, ...] = ("to server", "to client")
        for direction in directions:
            step = max(1, sizes[direction] // CUTS)
            for count in range(1, sizes[direction], step):
                proxy.cut_after(count, direction)
                writes += 1
                with trio.fail_after(10):
                    await write(store, f"{direction} {count}", shape)
        ((balance,),) = execute(blank_url, "select balance from account")
        ((posted,),) = execute(blank_url, "select count(*) from posting")
    per_write = {"alone": 1, "run": 4, "mixed": 3}[shape]
    # Operations that went in two batches may need fewer bytes than were counted before.
    assert proxy.cuts >= CUTS
    assert balance == posted
    assert posted == writes * per_write
