"""What a gateway that starts finds, page by page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from actors.gateway.backlog import TOLD_OF_CHAT_MAX, Backlog
from actors.gateway.model import ATTEMPTS_MAX, Entry
from actors.gateway.reading import read
from actors.gateway.recovery import PAGE_MAX, find
from actors.kernel.ids import ChatId, UpdateId
from adapters.memory.gateway import MemoryInbox
from tests.actors.gateway.world import ASKED, GROUP, text

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def inbox_of(*updates: dict[str, Any], chat_id: int = 7) -> MemoryInbox:
    inbox = MemoryInbox()
    entries = [
        Entry(UpdateId(number), json.dumps({"update_id": number, **update}), ChatId(chat_id))
        for number, update in enumerate(updates, start=1)
    ]
    await inbox.add(entries, batch_id=UUID(int=1), at=NOON)
    return inbox


async def test_however_much_there_is_only_what_is_told_stays_in_memory() -> None:
    inbox, backlog = await inbox_of(*[text("x")] * (2 * PAGE_MAX + 5), ASKED), Backlog()
    found = await find(inbox, backlog, read)
    assert found.stored == 2 * PAGE_MAX + 6
    told = [update.update_id for update in found.told]
    assert told == [*range(1, TOLD_OF_CHAT_MAX + 1), 2 * PAGE_MAX + 6]
    assert len(backlog) == 2 * PAGE_MAX + 5 - TOLD_OF_CHAT_MAX


async def test_whole_pages_end_as_well() -> None:
    found = await find(await inbox_of(*[text("x")] * PAGE_MAX), Backlog(), read)
    assert found.stored == PAGE_MAX
    assert (await find(MemoryInbox(), Backlog(), read)).stored == 0


async def test_what_is_for_nobody_is_settled_at_once() -> None:
    backlog = Backlog()
    found = await find(
        await inbox_of(*[text("x")] * TOLD_OF_CHAT_MAX, text("y"), GROUP), backlog, read
    )
    assert [update.update_id for update in found.told][-1] == TOLD_OF_CHAT_MAX + 2
    assert len(backlog) == 1


async def test_the_first_of_each_chat_is_accused() -> None:
    inbox = await inbox_of(text("a"), text("b"))
    assert (await find(inbox, Backlog(), read)).counted == {1: 1}
    await inbox.set_attempts({UpdateId(1): ATTEMPTS_MAX})
    found = await find(inbox, Backlog(), read)
    assert (found.guilty, found.counted) == (frozenset({1}), {})
