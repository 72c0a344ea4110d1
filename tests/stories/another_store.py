"""`main.py run` on a store with a fault: what the negative controls of the kill tests start."""

from __future__ import annotations

import os
from collections.abc import Callable

import structlog
import trio

from config.logging import configure_logging
from config.parts import Find
from config.process import Life, until_signalled
from config.settings import Settings, load_settings
from config.store import PostgresStore
from config.wiring import running_shop


def serve_on(make_store: Callable[[Settings, Find], PostgresStore]) -> None:
    """As `main.py run`, until a signal."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, secrets=settings.secrets())

    async def serve(life: Life) -> None:
        async with running_shop(
            settings, make_store=lambda find: make_store(settings, find)
        ) as shop:
            with life.serving():
                structlog.get_logger("careless").info("factorage.up", url=await shop.url())
                await trio.sleep_forever()

    trio.run(until_signalled, serve)
