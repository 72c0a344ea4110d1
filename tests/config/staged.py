"""A stage for chapters of the demo's story: the shop in memory, its world, and virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from adapters.memory.database import Line, MemoryDatabase
from config.settings import load_settings
from config.store import MemoryStore
from config.story_stage import Stage, Step
from config.story_world import World, environment, free_address, written_products
from config.wiring import Shop, running_shop
from runtime import ActorSystem, VirtualWorld
from tests.adapters.sandbox.calls import NOON, virtual_now


@asynccontextmanager
async def shop_in(
    world: World,
    folder: Path,
    *,
    database: MemoryDatabase | None = None,
    alter: Callable[[MemoryStore], None] = lambda _: None,
    **more: str,
) -> AsyncIterator[Shop]:
    """The demo's shop, with `alter` done to its store and settings that differ."""
    store = MemoryStore((database or MemoryDatabase(now=virtual_now)).connect(Line()))
    alter(store)
    address = await free_address()
    async with world.served(shop_address=address) as at:
        told = environment(at, shop_address=address, products_file=written_products(folder))
        async with running_shop(
            load_settings(told | more),
            make_store=lambda _: store,
            make_system=partial(ActorSystem, world=VirtualWorld(seed=1, epoch=NOON)),
        ) as shop:
            yield shop


@asynccontextmanager
async def staged(
    folder: Path,
    *,
    database: MemoryDatabase | None = None,
    alter: Callable[[MemoryStore], None] = lambda _: None,
    **more: str,
) -> AsyncIterator[tuple[Stage, list[Step]]]:
    """A stage, and the steps that were told on it."""
    told: list[Step] = []
    world = World(now=virtual_now)
    async with shop_in(world, folder, database=database, alter=alter, **more) as shop:
        yield Stage(shop, world, told.append), told
