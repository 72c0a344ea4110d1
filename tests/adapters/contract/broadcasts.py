"""A store of broadcasts among the other stores, and broadcasts to keep in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from uuid import uuid4

import pytest

from actors.broadcast.ports import Outbox, Page, PostBook, Unreachable
from actors.broadcasts.model import (
    Action,
    Audience,
    Broadcast,
    Content,
    Deed,
    Outcome,
    Settled,
    State,
)
from actors.broadcasts.ports import Broadcasts, letter_of
from actors.kernel.ids import BroadcastId, ChatId, MessageId
from actors.kernel.language import Language
from actors.sessions.model import Session
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.dispatch import MemoryPostBook
from adapters.memory.sessions import MemorySessions
from adapters.postgres.broadcasts import PostgresBroadcasts
from adapters.postgres.database import Database
from adapters.postgres.dispatch import PostgresPostBook
from tests.adapters.contract.stores import Stores, stores_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOBODY = BroadcastId(999)


class BroadcastsAndOutbox(Broadcasts, Outbox, Protocol):
    """One store, two ports."""


def draft(text: str = "Hello {name}", **fields: Any) -> Broadcast:
    """A broadcast that nobody has kept yet."""
    told: dict[str, Any] = {"audience": Audience(), "created_at": NOON, "starts_at": NOON}
    told |= fields
    return Broadcast(broadcast_id=BroadcastId(0), content=Content(text=text), **told)


def action(what: Deed = "create", *, why: str = "news") -> Action:
    """What somebody did."""
    return Action(action_id=uuid4(), what=what, who="ann", why=why, at=NOON)


@dataclass(frozen=True, slots=True)
class Bureau:
    """The stores of one process."""

    stores: Stores
    broadcasts: BroadcastsAndOutbox
    book: PostBook

    async def people(self, *numbers: int, **fields: Any) -> None:
        """These have talked to the bot."""
        for number in numbers:
            named = {"first_name": f"P{number}", "language": Language.EN} | fields
            await self.stores.sessions.save(Session(chat_id=ChatId(number), **named))

    async def kept(self, broadcast: Broadcast | None = None, **fields: Any) -> Broadcast:
        """A new broadcast."""
        return await self.broadcasts.create(
            broadcast or draft(**fields), creation_id=uuid4(), action=action()
        )

    async def move(self, broadcast: Broadcast, state: State, **named: Any) -> Broadcast:
        """It is in another state now."""
        after = replace(broadcast, state=state, version=broadcast.version + 1)
        await self.broadcasts.save(after, **named)
        return after

    async def running(self, broadcast: Broadcast | None = None, **fields: Any) -> Broadcast:
        """It has started."""
        kept = await self.kept(broadcast, **fields)
        after = replace(kept, state=State.RUNNING, version=kept.version + 1, started_at=NOON)
        await self.broadcasts.start(after)
        return await self.prepared(after)

    async def prepared(self, broadcast: Broadcast) -> Broadcast:
        """Whoever is to be told is written down."""
        await self.broadcasts.prepare(broadcast)
        return await self.move(replace(broadcast, prepared=True, again=()), broadcast.state)

    async def again(self, broadcast: Broadcast, *again: Outcome) -> Broadcast:
        """Those with these outcomes are tried again."""
        begun = replace(broadcast, prepared=False, again=again)
        return await self.prepared(await self.move(begun, State.RUNNING, action=action("retry")))

    async def starting(self, broadcast: Broadcast, *chat_ids: int) -> list[bool]:
        """Requests are about to begin."""
        return [
            await self.broadcasts.starting(letter_of(broadcast.broadcast_id, ChatId(chat_id)))
            for chat_id in chat_ids
        ]

    async def settle(self, broadcast: Broadcast, **told: list[int]) -> None:
        """These have an outcome, such as `sent=[1, 2]`."""
        await self.broadcasts.settle(
            [
                Settled(
                    broadcast_id=broadcast.broadcast_id,
                    chat_id=ChatId(chat_id),
                    outcome=Outcome(outcome),
                    message_id=MessageId(1_000 + chat_id) if outcome == "sent" else None,
                    detail="" if outcome in {"sent", "pending"} else f"{outcome}!",
                )
                for outcome, chat_ids in told.items()
                for chat_id in chat_ids
            ]
        )

    async def outcomes(self, broadcast: Broadcast) -> dict[int, str]:
        """How its recipients stand."""
        found = await self.broadcasts.recipients(broadcast.broadcast_id, outcomes=(), limit=999)
        return {each.chat_id: each.outcome.value for each in found}

    async def counts(self, broadcast: Broadcast) -> dict[str, int]:
        """What is counted, zeros left out."""
        kept = await self.broadcasts.find(broadcast.broadcast_id)
        assert kept is not None
        names = ("total", "left_out", "sent", "blocked", "failed", "unknown")
        return {name: n for name in names if (n := getattr(kept.counts, name))}

    async def chosen(self, audience: Audience) -> list[int]:
        """Who is written down for an audience; `reach` must have counted them."""
        broadcast = draft(audience=audience)
        reach = await self.broadcasts.reach(broadcast)
        started = await self.running(broadcast)
        found = list(await self.outcomes(started))
        counts = await self.counts(started)
        told = (counts.get("total", 0), counts.get("left_out", 0))
        assert (reach.reachable, reach.left_out) == told == (len(found), reach.left_out)
        return found

    async def shut(self, *chat_ids: int) -> None:
        """These cannot be written to, as the dispatcher has learnt."""
        told = Unreachable(reason="deactivated", detail="Forbidden: user is deactivated")
        await self.book.write(Page(unreachable={ChatId(chat_id): told for chat_id in chat_ids}))

    async def now(self) -> datetime:
        """By the clock of the store."""
        if isinstance(self.broadcasts, MemoryBroadcasts):
            return self.broadcasts.connection.tables.now()
        return datetime.now(UTC)


def bureau_of(request: pytest.FixtureRequest) -> Bureau:
    """For a fixture whose `params` are `stores.KINDS`."""
    stores = stores_of(request)
    if request.param == "postgres":
        database: Database = request.getfixturevalue("database")
        return Bureau(stores, PostgresBroadcasts(database), PostgresPostBook(database))
    connection = cast("MemorySessions", stores.sessions).connection
    return Bureau(stores, MemoryBroadcasts(connection), MemoryPostBook(connection))
