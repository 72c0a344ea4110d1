"""Whom a broadcast is for is written down before anybody is told, all of it or again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actors.broadcasts.model import Audience, Broadcast, Kind, Outcome, State
from actors.broadcasts.ports import NOT_SENT, letter_of
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import ChatId
from adapters.postgres import preparing, recipients
from adapters.postgres.broadcasts import PostgresBroadcasts
from adapters.postgres.database import Database, Rows, Statement
from tests.adapters.contract.broadcasts import NOON, Bureau, bureau_of, draft
from tests.adapters.contract.stores import KINDS


@pytest.fixture(params=KINDS)
def bureau(request: pytest.FixtureRequest) -> Bureau:
    return bureau_of(request)


async def begun(bureau: Bureau, broadcast: Broadcast | None = None, **fields: Any) -> Broadcast:
    """It has started, and nobody is written down."""
    kept = await bureau.kept(broadcast, **fields)
    after = replace(kept, state=State.RUNNING, version=kept.version + 1, started_at=NOON)
    await bureau.broadcasts.start(after)
    return after


async def test_no_request_begins_before_everybody_is_written_down(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    running = await begun(bureau)
    await bureau.broadcasts.prepare(running)
    assert await bureau.outcomes(running) == {1: "pending", 2: "pending"}
    assert await bureau.starting(running, 1) == [False]
    ready = await bureau.move(replace(running, prepared=True), State.RUNNING)
    assert await bureau.starting(ready, 1) == [True]


async def test_interrupted_it_is_everybody_who_is_meant_now(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    await bureau.shut(3)
    running = await begun(bureau)
    await bureau.broadcasts.prepare(running)
    await bureau.people(2, blocked=True)
    await bureau.people(4)
    ready = await bureau.prepared(running)
    assert await bureau.outcomes(ready) == {1: "pending", 4: "pending"}
    assert await bureau.counts(ready) == {"total": 2, "left_out": 2}


@pytest.mark.parametrize("state", [State.CANCELLED, State.DELETED])
async def test_what_is_over_is_not_prepared(bureau: Bureau, state: State) -> None:
    await bureau.people(1)
    over = await bureau.move(await begun(bureau), state)
    await bureau.broadcasts.prepare(over)
    assert await bureau.outcomes(over) == {}


async def test_what_is_prepared_is_not_prepared_again(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    ready = await bureau.running()
    await bureau.settle(ready, sent=[1])
    await bureau.people(3)
    await bureau.broadcasts.prepare(replace(ready, prepared=False))
    assert await bureau.outcomes(ready) == {1: "sent", 2: "pending"}


async def test_paused_it_goes_on_being_prepared(bureau: Bureau) -> None:
    await bureau.people(1)
    paused = await bureau.move(await begun(bureau), State.PAUSED)
    assert await bureau.outcomes(await bureau.prepared(paused)) == {1: "pending"}


# What a change says is what is said from then on


async def test_a_change_that_starts_is_what_its_source_says(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    source = await bureau.running()
    await bureau.settle(source, sent=[1])
    assert await bureau.starting(source, 2) == [True]
    await postponed(bureau, source, 2)
    change = await begun(bureau, draft("New", kind=Kind.EDIT, of=source.broadcast_id))
    told = await bureau.broadcasts.find(source.broadcast_id)
    assert told is not None
    assert (told.content.text, told.edition, told.version) == ("New", 1, source.version + 1)
    assert await bureau.starting(source, 2) == [False], "a letter that says something else"
    newer = letter_of(source.broadcast_id, ChatId(2), 1)
    assert await bureau.broadcasts.starting(newer)
    with pytest.raises(Conflict):
        await bureau.broadcasts.start(change)
    with pytest.raises(Conflict):
        await bureau.move(source, State.PAUSED)
    assert (await bureau.move(told, State.PAUSED)).content.text == "New"


async def test_a_deletion_leaves_what_is_said_alone(bureau: Bureau) -> None:
    await bureau.people(1)
    source = await bureau.running()
    await begun(bureau, draft("x", kind=Kind.DELETE, of=source.broadcast_id))
    assert await bureau.broadcasts.find(source.broadcast_id) == replace(
        source, counts=replace(source.counts, total=1)
    )


# What was not sent after all


async def postponed(bureau: Bureau, broadcast: Broadcast, chat_id: int) -> None:
    await bureau.broadcasts.postponed(letter_of(broadcast.broadcast_id, ChatId(chat_id)))


async def test_who_became_unknown_and_was_not_sent_anything_is_pending(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    running = await bureau.running()
    assert await bureau.starting(running, 1, 2) == [True, True]
    assert await bureau.broadcasts.recover() == 2
    for _ in range(2):
        await postponed(bureau, running, 1)
        await postponed(bureau, running, 3)
    assert await bureau.outcomes(running) == {1: "pending", 2: "unknown", 3: "pending"}
    assert await bureau.counts(running) == {"total": 3, "unknown": 1}
    assert await bureau.starting(running, 1) == [True]


async def test_where_everything_else_is_over_he_has_failed(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    running = await bureau.running()
    assert await bureau.starting(running, 1) == [True]
    await bureau.settle(running, sent=[2])
    await bureau.broadcasts.recover()
    over = await bureau.move(running, State.FINISHED)
    for _ in range(2):
        await postponed(bureau, over, 1)
        await postponed(bureau, over, 2)
    (failed,) = await bureau.broadcasts.recipients(
        over.broadcast_id, outcomes=(Outcome.FAILED,), limit=9
    )
    assert (failed.chat_id, failed.detail) == (1, NOT_SENT)
    assert await bureau.counts(over) == {"total": 2, "sent": 1, "failed": 1}


async def test_how_many_are_under_way_can_be_asked_of_one(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    first, second = await bureau.running(), await bureau.running()
    await bureau.starting(first, 1, 2)
    await bureau.starting(second, 1)
    under_way = bureau.broadcasts.under_way
    assert await under_way() == 3
    assert await under_way(first.broadcast_id) == 2


# In slices


class Interrupted(Database):
    """The process ends at one of its writes."""

    def __init__(self, database: Database, *, at: int) -> None:
        super().__init__(writer=database._writer, readers=[])
        self._readers, self._left = database._readers, at
        self.rows_most = 0

    async def write(self, *statements: Statement) -> list[Rows]:
        if not self._left:
            raise Unavailable("killed")
        self._left -= 1
        told = str(statements[0].params.get("chat_ids") or "")
        self.rows_most = max(self.rows_most, told.count(",") + 1)
        return await super().write(*statements)


ONLY_POSTGRES = pytest.mark.parametrize(
    "bureau", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@ONLY_POSTGRES
async def test_a_large_audience_is_written_slice_by_slice_and_once(
    bureau: Bureau, database: Database
) -> None:
    people = 3 * preparing.SLICE + 7
    listed = tuple(ChatId(number) for number in range(1, people + 1))
    running = await begun(bureau, audience=Audience(chat_ids=listed))
    for at in (1, 2, 4, 3):
        broken = Interrupted(database, at=at)
        with pytest.raises(Unavailable):
            await PostgresBroadcasts(broken).prepare(running)
        assert broken.rows_most <= preparing.SLICE
        assert await bureau.starting(running, 1) == [False]
    await bureau.broadcasts.prepare(running)
    ready = await bureau.move(replace(running, prepared=True), State.RUNNING)
    found = await bureau.broadcasts.recipients(ready.broadcast_id, outcomes=(), limit=people + 9)
    assert tuple(each.chat_id for each in found) == listed
    assert await bureau.counts(ready) == {"total": people}


@ONLY_POSTGRES
async def test_many_are_tried_again_slice_by_slice(bureau: Bureau, database: Database) -> None:
    people = 2 * preparing.SLICE + 7
    listed = tuple(ChatId(number) for number in range(1, people + 1))
    ready = await bureau.running(audience=Audience(chat_ids=listed))
    await bureau.settle(ready, failed=list(listed[3:]), sent=list(listed[:3]))
    again = replace(ready, prepared=False, again=(Outcome.FAILED,))
    begun_again = await bureau.move(again, State.RUNNING)
    broken = Interrupted(database, at=1)
    with pytest.raises(Unavailable):
        await PostgresBroadcasts(broken).prepare(begun_again)
    assert broken.rows_most <= preparing.SLICE
    assert (await bureau.counts(ready))["failed"] == people - 3 - preparing.SLICE
    await bureau.prepared(begun_again)
    assert await bureau.counts(ready) == {"total": people, "sent": 3}


def most_rows(plan: dict[str, Any]) -> float:
    """How many rows the busiest part of a query has brought."""
    parts = plan.get("Plans", [])
    rows: float = plan["Actual Rows"] * plan["Actual Loops"]
    return max(rows, *map(most_rows, parts), 0)


@ONLY_POSTGRES
async def test_a_page_costs_what_is_on_it_however_many_wait(
    bureau: Bureau, database: Database
) -> None:
    people, limit = 4_000, 3
    await bureau.people(1)
    await database.write(
        Statement(
            """
            insert into user_session (
                chat_id, state, language, choosing_language, step, attempts, blocked,
                view_version, shown_version, renew, contact_keyboard
            )
            select n, state, language, choosing_language, step, attempts, blocked,
                view_version, shown_version, renew, contact_keyboard
            from user_session, generate_series(2, %(people)s) as n
            """,
            {"people": people},
        ),
        Statement("analyze user_session"),
    )
    ready = await bureau.running()
    for after in (None, people // 2, people - 100):
        told = {"broadcast_id": ready.broadcast_id, "after": after, "limit": limit}
        (row,) = await database.read("explain (analyze, format json) " + recipients._PAGE, told)
        (explained,) = row["QUERY PLAN"]
        assert most_rows(explained["Plan"]) <= limit, after
