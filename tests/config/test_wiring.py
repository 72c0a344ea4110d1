"""One shop from its settings: what it is made of, how it starts, and how it ends."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import trio

from actors.operations.model import Phase, Readiness
from adapters.http.listening import Bind
from adapters.memory.database import ConnectionLost, Line, MemoryDatabase
from config.settings import Settings, load_settings
from config.store import MemoryStore
from config.wiring import Shop, bind_of, running_shop
from runtime import ActorSystem, SupervisionError, Unrecoverable, VirtualWorld
from tests.actors.payments.orders import NOON, ORDER
from tests.adapters.sandbox.calls import virtual_now
from tests.config.program import Outside, get, outside
from tests.fixtures.postgres import reachable_folder
from tests.stories.buyers import buyers


def settings_of(world: Outside, **more: str) -> Settings:
    return load_settings(world.environment(**more))


def store_names(shop: Shop) -> list[str]:
    return [child.name for child in shop.store.children()]


async def test_with_a_database_of_its_own_nobody_starts_a_server(database_url: str) -> None:
    async with outside() as world:
        settings = settings_of(world, DATABASE_URL=database_url)
        async with running_shop(settings) as shop:
            assert shop.server is None
            assert store_names(shop) == ["writer", "reader-1", "reader-2", "pulse", "reporter"]


@pytest.mark.postgres
async def test_without_one_the_server_comes_first_and_is_gone_at_the_end() -> None:
    folder = reachable_folder()
    try:
        async with outside() as world:
            async with running_shop(settings_of(world, DATA_DIR=str(folder))) as shop:
                names = store_names(shop)
                server = shop.server
                assert server is not None
                assert server.pid is not None
                assert server.cluster.folder == folder / "postgres"

            assert names == ["postgres", "writer", "reader-1", "reader-2", "pulse", "reporter"]
            assert server.pid is None
    finally:
        shutil.rmtree(folder)


@pytest.mark.postgres
async def test_a_start_that_is_cut_short_leaves_no_server_behind() -> None:
    folder = reachable_folder()
    try:
        async with outside() as world:
            with trio.CancelScope() as start:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_cancel_when, folder / "postgres/cluster", start)
                    async with running_shop(settings_of(world, DATA_DIR=str(folder))):
                        await trio.sleep_forever()
        assert start.cancelled_caught
        assert not (folder / "postgres/cluster/postmaster.pid").exists()
    finally:
        shutil.rmtree(folder)


async def test_it_is_ready_while_it_serves_and_drains_at_the_end(database_url: str) -> None:
    async with outside() as world:
        settings = settings_of(world, DATABASE_URL=database_url)
        async with running_shop(settings) as shop:
            assert shop.readiness() == Readiness(phase=Phase.SERVING, present=("store",))
            assert (await get(f"{await shop.url()}/readyz")).status_code == 200

        assert shop.readiness().phase is Phase.DRAINING
        assert shop.system.fates().lost == 0


class Cut(Line):
    """A line that is cut now and then."""

    is_cut = False

    async def sent(self) -> None:
        if self.is_cut:
            raise ConnectionLost("refused")
        await super().sent()


async def test_it_is_not_ready_while_its_database_does_not_answer() -> None:
    line = Cut()
    async with (
        outside() as world,
        running_shop(
            settings_of(world),
            make_store=lambda _: MemoryStore(MemoryDatabase().connect(line)),
            make_system=partial(ActorSystem, world=VirtualWorld(seed=1)),
        ) as shop,
    ):
        readyz = f"{await shop.url()}/readyz"
        assert (await get(readyz)).status_code == 200
        line.is_cut = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(shop.unhandled)
            await trio.sleep(1)
            assert (await get(readyz)).status_code == 503
            ((name, output),) = shop.readiness().missing
            assert name == "store"
            assert "refused" in output
            assert shop.system.snapshot("root/store").state == "running"  # it only waits
            line.is_cut = False
        assert (await get(readyz)).status_code == 200


async def test_the_token_of_a_scenario_writes_to_users_and_shows_nothing() -> None:
    async with outside() as world:
        told = {"OPERATOR_TOKEN": "o" * 24, "MESSAGES_TOKEN": "m" * 24}
        async with (
            running_shop(
                settings_of(world, **told),
                make_store=lambda _: MemoryStore(MemoryDatabase().connect()),
                make_system=partial(ActorSystem, world=VirtualWorld(seed=1)),
            ) as shop,
            httpx.AsyncClient(trust_env=False, base_url=await shop.url()) as http,
        ):
            headers = {"authorization": f"Bearer {'m' * 24}", "idempotency-key": "k"}
            body = {"user_id": 1, "text": "Hi"}
            answer = await http.post("/v1/admin/messages", json=body, headers=headers)
            assert answer.status_code == 202
            assert (await http.get("/health", headers=headers)).status_code == 401


async def test_on_another_store_and_system_it_is_the_same_shop() -> None:
    database, noon = MemoryDatabase(), datetime(2027, 1, 1, 12, tzinfo=UTC)
    async with outside() as world:
        world.telegram.now = world.nocodb.now = virtual_now
        paid, lives = trio.Event(), [trio.Event() for _ in range(3)]
        people = buyers(world.telegram, world.nocodb, 2, moments=lives)

        async def everybody_pays() -> None:
            async with trio.open_nursery() as nursery:
                for person in people:
                    nursery.start_soon(person.register_and_pay)
            paid.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(everybody_pays)
            for life in range(3):
                lives[life].set()
                async with running_shop(
                    settings_of(world),
                    make_store=lambda _: MemoryStore(database.connect(Line())),
                    make_system=partial(ActorSystem, world=VirtualWorld(seed=life, epoch=noon)),
                ) as shop:
                    assert shop.server is None
                    assert (await get(f"{await shop.url()}/readyz")).status_code == 200
                    assert noon <= shop.system.world.now() < noon + timedelta(minutes=1)
                    with trio.move_on_after(60.0 if life == 2 else 0.5):
                        await paid.wait()
                assert shop.system.fates().lost == 0

    assert [fault for person in people for fault in person.faults()] == []
    assert len(database.tables.sessions) == 2


async def test_without_a_key_the_page_of_an_order_is_the_same_after_a_restart() -> None:
    """A checkout that is asked for once more must be asked for in the same words."""
    pages: list[str] = []
    database = MemoryDatabase(now=lambda: NOON)
    async with outside() as world:
        for more in ({}, {}, {"BOT_TOKEN": "42:" + "x" * 35}):
            async with running_shop(
                settings_of(world, PUBLIC_URL="https://shop.example", **more),
                make_store=lambda _: MemoryStore(database.connect(Line())),
            ) as shop:
                pages.append(shop.success_url(ORDER))

    first, after_a_restart, of_another_bot = pages
    assert first.startswith("https://shop.example/payments/success?token=")
    assert first == after_a_restart != of_another_bot


async def test_a_failure_of_the_block_comes_out_as_it_is(database_url: str) -> None:
    async with outside() as world:
        with pytest.raises(KeyError, match="my own"):
            async with running_shop(settings_of(world, DATABASE_URL=database_url)):
                raise KeyError("my own")


async def test_a_refused_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with outside() as world:
        with pytest.raises(SupervisionError) as refused:
            async with running_shop(settings_of(world, DATA_DIR=str(tmp_path / "file"))):
                pass

    assert isinstance(refused.value.__cause__, Unrecoverable)


async def test_it_listens_where_the_settings_say() -> None:
    async with outside() as world:
        settings = settings_of(world, HTTP_BIND="[::1]:8081")

    assert bind_of(settings) == Bind("::1", 8081)


async def _cancel_when(path: Path, scope: trio.CancelScope) -> None:
    while not path.exists():  # noqa: ASYNC110, ASYNC240 - another process makes it
        await trio.sleep(0.001)
    scope.cancel()


@pytest.mark.parametrize(("public_url", "status"), [("", 200), ("https://shop.test", 403)])
@pytest.mark.real_clock
async def test_behind_a_public_address_operators_need_a_token(public_url: str, status: int) -> None:
    """A proxy on this machine need not add a header that tells it from an operator."""
    store = partial(MemoryStore, MemoryDatabase().connect())
    async with outside() as world:
        settings = settings_of(world, PUBLIC_URL=public_url)
        async with running_shop(settings, make_store=lambda _: store()) as shop:
            assert (await get(f"{await shop.url()}/health")).status_code == status
            assert (await get(f"{await shop.url()}/livez")).status_code == 200
