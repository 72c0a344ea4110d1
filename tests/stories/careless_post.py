"""The shop with one fault: it marks a recipient after it has sent, and not before.

The negative control of `test_broadcast_kill`: what passes there must fail here.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from actors.broadcasts.model import Settled
from actors.broadcasts.ports import recipient_of
from actors.kernel.ids import LetterId
from adapters.postgres.broadcasts import PostgresBroadcasts
from config.parts import Find
from config.settings import Settings
from config.store import PostgresStore
from tests.stories.another_store import serve_on

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


if __name__ == "__main__":
    serve_on(CarelessStore)
