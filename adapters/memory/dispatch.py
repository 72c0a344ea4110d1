"""The dispatcher's book in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from datetime import timedelta

from actors.broadcast.model import FLOOD_MAX_SECONDS
from actors.broadcast.ports import Page, PostBook
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import Tables, check_texts


class MemoryPostBook(PostBook):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def read(self) -> Page:
        def read(tables: Tables) -> Page:
            now = tables.now()
            latest, cut = now + timedelta(seconds=FLOOD_MAX_SECONDS), 0
            for chat_id, until in list(tables.flood_waits.items()):
                if until <= now:
                    del tables.flood_waits[chat_id]
                elif until > latest:
                    tables.flood_waits[chat_id] = latest
                    cut += 1
            if tables.bulk_closed_until is not None and tables.bulk_closed_until > latest:
                tables.bulk_closed_until = latest
                cut += 1
            quiet_since, tables.dispatcher_quiet_since = tables.dispatcher_quiet_since, None
            is_new, tables.dispatcher_is_new = tables.dispatcher_is_new, False
            return Page(
                quiet_since=quiet_since,
                groups={} if quiet_since is None else dict(tables.group_minutes),
                is_new=is_new,
                cut=cut,
                closings=dict(tables.flood_waits),
                bulk_closed_until=tables.bulk_closed_until,
                unreachable=dict(tables.unreachable),
                moved=dict(tables.moved_chats),
                stars_tenths=tables.stars_tenths,
            )

        return await self.connection.write(read)

    async def write(self, page: Page) -> None:
        await self.connection.write(lambda tables: _write(tables, page))


def _write(tables: Tables, page: Page) -> None:
    check_texts(why.detail for why in page.unreachable.values() if why is not None)
    for chat_id, until in page.closings.items():
        tables.flood_waits[chat_id] = max(until, tables.flood_waits.get(chat_id, until))
    if page.bulk_closed_until is not None:
        before = tables.bulk_closed_until or page.bulk_closed_until
        tables.bulk_closed_until = max(before, page.bulk_closed_until)
    for chat_id, why in page.unreachable.items():
        if why is None:
            tables.unreachable.pop(chat_id, None)
        elif chat_id not in tables.unreachable or tables.unreachable[chat_id].reason != why.reason:
            tables.unreachable[chat_id] = why
    tables.moved_chats |= page.moved
    tables.dispatcher_quiet_since, tables.dispatcher_is_new = page.quiet_since, False
    if page.quiet_since is not None:
        tables.group_minutes = dict(page.groups)
    if page.stars_tenths is not None:
        tables.stars_tenths = page.stars_tenths
