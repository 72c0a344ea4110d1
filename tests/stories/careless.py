"""The shop with one fault: it credits before it stores, under keys that are new each time.

The negative control of `test_webhook_kill`: what passes there must fail here.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from datetime import datetime

import trio

from actors.kernel.ids import EventId
from actors.kernel.ledger import KeyReused
from actors.tracker.settlement import Observation
from adapters.postgres.database import Database
from adapters.postgres.ledger import posting
from adapters.postgres.payments import PostgresPayments
from config.parts import Find
from config.settings import Settings
from config.store import PostgresStore
from tests.stories.another_store import serve_on

STANDS_STILL = "CARELESS_STANDS_STILL"
"""Where it is set, a life stands still after its first credit, until it is killed there."""


class CarelessPayments(PostgresPayments):
    """Two transactions where there should be one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._careless = database
        self._stands_still = STANDS_STILL in os.environ

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        for transfer in seen.transfers:
            once_more = replace(transfer, key=f"{transfer.key}:{secrets.token_hex(8)}")
            await self._careless.write(posting(once_more))
            if self._stands_still:
                await trio.sleep_forever()
        return await super().record(replace(seen, transfers=()), event_id=event_id, at=at)


class CarelessStore(PostgresStore):
    def __init__(self, settings: Settings, find: Find) -> None:
        super().__init__(settings, find)
        self.payments = CarelessPayments(self._database)


if __name__ == "__main__":
    serve_on(CarelessStore)
