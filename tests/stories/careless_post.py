"""The shop with one fault: it marks a recipient after it has sent, and not before.

The negative control of `test_broadcast_kill`: what passes there must fail here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import structlog
import trio

from actors.broadcasts.model import Settled
from actors.broadcasts.ports import recipient_of
from actors.kernel.ids import LetterId
from adapters.postgres.broadcasts import PostgresBroadcasts
from config.logging import configure_logging
from config.parts import Find
from config.process import Life, until_signalled
from config.settings import Settings, load_settings
from config.store import PostgresStore
from config.wiring import running_shop

DALLY_SECONDS = 0.3
"""Between an answer and its mark: a kill falls into it."""


class CarelessBroadcasts(PostgresBroadcasts):
    """Nothing is written down before the request."""

    async def starting(self, letter_id: LetterId) -> bool:
        return recipient_of(letter_id) is not None

    async def settle(self, settled: Sequence[Settled]) -> None:
        await trio.sleep(DALLY_SECONDS)
        await super().settle(settled)


class CarelessStore(PostgresStore):
    def __init__(self, settings: Settings, find: Find) -> None:
        super().__init__(settings, find)
        self.broadcasts = CarelessBroadcasts(self._database)


def main() -> None:
    """As `main.py run`."""
    settings = load_settings(os.environ)
    configure_logging(settings.log_format, secrets=settings.secrets())

    async def serve(life: Life) -> None:
        async with running_shop(
            settings, make_store=lambda find: CarelessStore(settings, find)
        ) as shop:
            with life.serving():
                structlog.get_logger("careless").info("factorage.up", url=await shop.url())
                await trio.sleep_forever()

    trio.run(until_signalled, serve)


if __name__ == "__main__":
    main()
