"""What every store of broadcasts keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import pytest

from actors.broadcast.messages import Button, Media
from actors.broadcasts.model import (
    Audience,
    Broadcast,
    Content,
    Counts,
    Kind,
    Outcome,
    State,
)
from actors.broadcasts.ports import letter_of
from actors.kernel.failures import Conflict
from actors.kernel.ids import BroadcastId, ChatId, MessageId, ProductId, UpdateId
from actors.kernel.language import Language
from adapters.memory.broadcasts import MemoryBroadcasts
from adapters.memory.database import MemoryConnection
from adapters.memory.tables import Tables
from adapters.postgres.broadcasts import PostgresBroadcasts
from adapters.postgres.database import Database, Rows, Statement
from tests.adapters.contract.broadcasts import (
    HOUR,
    NOBODY,
    NOON,
    BroadcastsAndOutbox,
    Bureau,
    action,
    bureau_of,
    draft,
)
from tests.adapters.contract.stores import KINDS

T = TypeVar("T")


@pytest.fixture(params=KINDS)
def bureau(request: pytest.FixtureRequest) -> Bureau:
    return bureau_of(request)


FULL = Broadcast(
    broadcast_id=BroadcastId(0),
    content=Content(
        text="Привіт, {name|друже}! <b>'x' \"y\" \\ 100% 🔥</b>\n\t",
        media=Media(kind="photo", file="https://example.org/a.jpg"),
        buttons=((Button(text="Їдьмо", url="https://example.org/?a=1&b=%20"),),),
    ),
    audience=Audience(
        chat_ids=(ChatId(7_000_000_001), ChatId(-100_123)),
        languages=(Language.UK, Language.RU),
        states=("success",),
        products=(ProductId("vip"),),
        active_since=NOON - HOUR,
    ),
    repeat=True,
    paid=True,
    hold=True,
    in_chat=True,
    state=State.CHECKING,
    trouble="it's 100% wrong",
    created_at=NOON,
    starts_at=NOON + HOUR,
)


async def test_a_broadcast_comes_back_as_it_was_kept(bureau: Bureau) -> None:
    kept = await bureau.kept(FULL)
    assert kept == replace(FULL, broadcast_id=kept.broadcast_id, version=1)
    changed = replace(
        kept,
        version=2,
        state=State.PAUSED,
        trouble="",
        content=Content(text="other"),
        audience=Audience(states=("success",)),
        started_at=NOON,
        ended_at=NOON + HOUR,
        panel_message_id=MessageId(2**33),
        prepared=True,
        again=(Outcome.FAILED, Outcome.UNKNOWN),
    )
    await bureau.broadcasts.save(changed)
    assert await bureau.broadcasts.find(kept.broadcast_id) == changed
    unchanging = {"broadcast_id", "kind", "of", "repeat", "paid", "hold", "in_chat"}
    unchanging |= {"created_at", "starts_at", "counts", "edition"}
    differing = {f.name for f in fields(kept) if getattr(kept, f.name) != getattr(changed, f.name)}
    assert differing | unchanging == {f.name for f in fields(kept)}
    assert await bureau.broadcasts.find(NOBODY) is None


async def test_created_twice_under_one_name_it_is_one(bureau: Bureau) -> None:
    told = action()
    first = await bureau.broadcasts.create(draft(), creation_id=UUID(int=7), action=told)
    again = await bureau.broadcasts.create(draft("Other"), creation_id=UUID(int=7), action=told)
    other = await bureau.kept()
    assert (again, other.broadcast_id > first.broadcast_id) == (first, True)
    assert await bureau.broadcasts.actions(first.broadcast_id) == (told,)


async def test_its_update_is_handled_in_the_same_transaction(bureau: Bureau) -> None:
    await bureau.stores.receive(1, 2, 3)
    kept = await bureau.broadcasts.create(
        draft(), creation_id=uuid4(), action=action(), handled=UpdateId(1)
    )
    assert await bureau.stores.unhandled() == [2, 3]
    await bureau.move(kept, State.CANCELLED, handled=UpdateId(2))
    assert await bureau.stores.unhandled() == [3]
    await bureau.broadcasts.finish(UpdateId(3))
    assert await bureau.stores.unhandled() == []


async def test_a_save_needs_the_version_before_its_own(bureau: Bureau) -> None:
    kept = await bureau.kept()
    ready = await bureau.move(kept, State.READY)
    await bureau.stores.receive(1)
    for stale in (kept, replace(ready, version=7), replace(ready, broadcast_id=NOBODY)):
        with pytest.raises(Conflict):
            await bureau.move(stale, State.CANCELLED, action=action("cancel"), handled=UpdateId(1))
        with pytest.raises(Conflict):
            await bureau.broadcasts.start(
                replace(stale, version=stale.version + 1, state=State.RUNNING)
            )
    assert await bureau.broadcasts.find(kept.broadcast_id) == ready
    assert await bureau.stores.unhandled() == [1]
    assert len(await bureau.broadcasts.actions(kept.broadcast_id)) == 1
    assert await bureau.outcomes(kept) == {}


async def test_who_did_what_is_written_down_in_order(bureau: Bureau) -> None:
    kept = await bureau.kept()
    pause = replace(action("pause", why="too late"), at=NOON + timedelta(seconds=1))
    cancel = replace(action("cancel"), at=NOON + timedelta(seconds=2))
    after = await bureau.move(kept, State.READY, action=pause)
    await bureau.move(after, State.CANCELLED, action=cancel)
    _, *found = await bureau.broadcasts.actions(kept.broadcast_id)
    assert found == [pause, cancel]


async def test_the_newest_are_listed_first(bureau: Bureau) -> None:
    kept = [await bureau.kept() for _ in range(4)]
    ids = [each.broadcast_id for each in kept]
    await bureau.move(kept[1], State.CANCELLED)
    await bureau.move(kept[2], State.READY)

    async def listed(*states: State, before: BroadcastId | None = None) -> list[BroadcastId]:
        found = await bureau.broadcasts.listing(states=states, limit=3, before=before)
        return [each.broadcast_id for each in found]

    assert await listed() == [ids[3], ids[2], ids[1]]
    assert await listed(before=ids[1]) == [ids[0]]
    assert await listed(State.CHECKING, State.READY) == [ids[3], ids[2], ids[0]]
    assert await listed(State.CANCELLED) == [ids[1]]
    assert await listed(State.PAUSED) == []


async def test_it_starts_when_it_was_saved_to_start(bureau: Bureau) -> None:
    kept = await bureau.kept()
    later = replace(kept, starts_at=NOON + HOUR, version=kept.version + 1)
    await bureau.broadcasts.save(later)
    assert await bureau.broadcasts.find(kept.broadcast_id) == later


async def test_a_save_leaves_the_counts_alone(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    started = await bureau.running()
    await bureau.settle(started, sent=[1], failed=[2])
    await bureau.move(replace(started, counts=Counts()), State.PAUSED)
    assert await bureau.counts(started) == {"total": 3, "sent": 1, "failed": 1}


async def test_what_is_tried_again_is_pending_again(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4)
    started = await bureau.running()
    await bureau.settle(started, sent=[1], failed=[2], unknown=[3], blocked=[4])
    once = await bureau.again(started, Outcome.FAILED)
    assert await bureau.outcomes(once) == {1: "sent", 2: "pending", 3: "unknown", 4: "blocked"}
    assert await bureau.counts(once) == {"total": 4, "sent": 1, "blocked": 1, "unknown": 1}
    twice = await bureau.again(once, Outcome.FAILED, Outcome.UNKNOWN)
    assert await bureau.counts(twice) == {"total": 4, "sent": 1, "blocked": 1}
    found = await bureau.broadcasts.recipients(
        twice.broadcast_id, outcomes=(Outcome.PENDING,), limit=9
    )
    assert [(each.chat_id, each.detail) for each in found] == [(2, ""), (3, "")]


async def test_texts_that_cannot_be_kept_are_refused(bureau: Bureau) -> None:
    kept = await bureau.kept()
    with pytest.raises(ValueError, match=r"NUL|half"):
        await bureau.kept(trouble="NUL \0")
    with pytest.raises(ValueError, match=r"NUL|half"):
        await bureau.broadcasts.save(replace(kept, version=2, trouble="NUL \0"))
    assert await bureau.broadcasts.find(kept.broadcast_id) == kept


async def test_a_change_is_for_those_who_got_it(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4, 5)
    sent = await bureau.running()
    await bureau.settle(sent, sent=[1, 2, 3], failed=[4])
    await bureau.shut(3)
    change = draft("Other", kind=Kind.EDIT, of=sent.broadcast_id)
    reach = await bureau.broadcasts.reach(change)
    assert (reach.reachable, reach.left_out) == (2, 1)
    started = await bureau.running(change)
    turns = await bureau.broadcasts.page(started.broadcast_id, after=None, limit=9)
    assert [(turn.person.chat_id, turn.message_id) for turn in turns] == [(1, 1001), (2, 1002)]
    await bureau.settle(started, sent=[1], failed=[2])
    assert await bureau.counts(started) == {"total": 2, "left_out": 1, "sent": 1, "failed": 1}
    assert (await bureau.counts(sent))["sent"] == 3
    found = await bureau.broadcasts.recipients(started.broadcast_id, outcomes=(), limit=9)
    assert [each.message_id for each in found] == [1001, 1002]


class TwiceInMemory(MemoryConnection):
    """Every acknowledgement gets lost once: whatever is asked for is carried out twice."""

    async def write(self, operation: Callable[[Tables], T]) -> T:
        operation(self.tables)
        return operation(self.tables)


class TwiceInPostgres(Database):
    """The same, behind another database."""

    def __init__(self, database: Database) -> None:
        super().__init__(writer=database._writer, readers=[])
        self._readers = database._readers

    async def write(self, *statements: Statement) -> list[Rows]:
        await super().write(*statements)
        return await super().write(*statements)


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def forgetful(request: pytest.FixtureRequest) -> Bureau:
    bureau = bureau_of(request)
    store: BroadcastsAndOutbox
    if request.param == "postgres":
        store = PostgresBroadcasts(TwiceInPostgres(request.getfixturevalue("database")))
    else:
        assert isinstance(bureau.broadcasts, MemoryBroadcasts)
        store = MemoryBroadcasts(TwiceInMemory(bureau.broadcasts.connection.tables, None))
    return replace(bureau, broadcasts=store)


async def test_whatever_is_carried_out_twice_happens_once(forgetful: Bureau) -> None:
    bureau = forgetful
    await bureau.people(1, 2, 3, 4, 5)
    started = await bureau.running()
    assert await bureau.starting(started, 1, 2, 3) == [True, True, True]
    await bureau.settle(started, sent=[1], failed=[2])
    await bureau.broadcasts.postponed(letter_of(started.broadcast_id, ChatId(3)))
    assert await bureau.starting(started, 4) == [True]
    await bureau.broadcasts.recover()
    counted = {"total": 5, "sent": 1, "failed": 1, "unknown": 1}
    assert await bureau.counts(started) == counted
    again = await bureau.again(started, Outcome.FAILED, Outcome.UNKNOWN)
    assert await bureau.counts(again) == {"total": 5, "sent": 1}
    assert len(await bureau.broadcasts.actions(started.broadcast_id)) == 2
    assert len(await bureau.broadcasts.listing(states=(), limit=9)) == 1
