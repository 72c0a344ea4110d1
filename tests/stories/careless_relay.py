"""The shop with one fault: an event counts as delivered as soon as it is on its way.

The negative control of `test_relay_kill`: what passes there must fail here.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from actors.relay.model import Event
from adapters.postgres.database import Database, Statement
from adapters.postgres.relay import PostgresOutbox
from config.parts import Find
from config.settings import Settings
from config.store import PostgresStore
from tests.stories.another_store import serve_on


class CarelessOutbox(PostgresOutbox):
    """While nobody kills it, nothing is missing: what failed is in its memory."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._writer = database
        self._on_their_way: dict[UUID, Event] = {}

    async def read(self, event_id: UUID) -> Event | None:
        if event_id not in self._on_their_way:
            event = await super().read(event_id)
            if event is None:
                return None
            self._on_their_way[event_id] = event
            await super().deliver(event_id, texts=(), at=event.created_at)
        return self._on_their_way[event_id]

    async def deliver(
        self, event_id: UUID, *, texts: tuple[str, ...], detail: str = "", at: datetime
    ) -> None:
        again = (
            "update relay_event set state = 'pending', settled_at = null where event_id = %(id)s"
        )
        await self._writer.write(Statement(again, {"id": event_id}))
        await super().deliver(event_id, texts=texts, detail=detail, at=at)


class CarelessStore(PostgresStore):
    def __init__(self, settings: Settings, find: Find) -> None:
        super().__init__(settings, find)
        self.relay_outbox = CarelessOutbox(self._database)


if __name__ == "__main__":
    serve_on(CarelessStore)
