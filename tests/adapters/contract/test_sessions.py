"""What every store of conversations keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import trio

from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, MessageId, RecordId, UpdateId
from actors.kernel.language import Language
from actors.sessions.model import Note, Session, State
from actors.sessions.ports import Alarm
from tests.adapters.contract.stores import KINDS, Stores, stores_of

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
ANNA = ChatId(7_000_000_001)
FULL = Session(
    chat_id=ANNA,
    state=State.AWAITING_PAYMENT,
    language=Language.UK,
    name="Ім’я <b> 'quoted\" \\ 100% {x} 🔥",
    contact="+380501234567",
    record_id=RecordId(2**40),
    first_name="李小龍",
    choosing_language=True,
    note=Note.HELP,
    step=3,
    attempts=4,
    deadline=NOON,
    blocked=True,
    view_version=9,
    shown_version=8,
    show_by=NOON + timedelta(microseconds=1),
    panel_message_id=MessageId(2**33),
    stray_message_id=MessageId(5),
    renew=True,
    contact_keyboard=True,
)


def chat(
    number: int, *, deadline: datetime | None = None, show_by: datetime | None = None
) -> Session:
    return Session(chat_id=ChatId(number), deadline=deadline, show_by=show_by)


def seen(number: int, *, wanted: int, shown: int, blocked: bool = False) -> Session:
    return replace(chat(number), view_version=wanted, shown_version=shown, blocked=blocked)


async def test_a_stranger_has_no_session(stores: Stores) -> None:
    assert await stores.sessions.load(ANNA) is None


@pytest.mark.parametrize("state", State)
async def test_a_session_comes_back_as_it_was_saved(stores: Stores, state: State) -> None:
    await stores.sessions.save(replace(FULL, state=state))
    assert await stores.sessions.load(ANNA) == replace(FULL, state=state)
    assert await stores.sessions.load(ChatId(8)) is None


async def test_every_field_is_kept(stores: Stores) -> None:
    empty = chat(ANNA)
    for field in fields(Session):
        if field.name not in {"chat_id", "state"}:
            changed = replace(empty, **{field.name: getattr(FULL, field.name)})
            assert changed != empty
            await stores.sessions.save(changed)
            assert await stores.sessions.load(ANNA) == changed
    await stores.sessions.save(empty)
    assert await stores.sessions.load(ANNA) == empty


async def test_a_save_marks_its_update_as_handled(stores: Stores) -> None:
    await stores.receive(1, 2)
    await stores.sessions.save(FULL, handled=UpdateId(1))
    assert await stores.unhandled() == [2]
    await stores.sessions.save(FULL)
    assert await stores.unhandled() == [2]


async def test_an_update_that_was_handled_before_saves_nothing(stores: Stores) -> None:
    await stores.receive(1)
    await stores.sessions.save(chat(ANNA), handled=UpdateId(1))
    for late in (FULL, replace(FULL, chat_id=ChatId(8))):
        with pytest.raises(Conflict):
            await stores.sessions.save(late, handled=UpdateId(1))
    assert await stores.sessions.load(ANNA) == chat(ANNA)
    assert await stores.sessions.load(ChatId(8)) is None


async def test_an_update_that_the_inbox_does_not_know_is_nobodys_conflict(stores: Stores) -> None:
    for session in (chat(ANNA), FULL):
        await stores.sessions.save(session, handled=UpdateId(99))
    assert await stores.sessions.load(ANNA) == FULL


async def test_a_parked_update_stays_parked(stores: Stores) -> None:
    await stores.receive(1, parked_reason="its session failed")
    await stores.sessions.save(FULL, handled=UpdateId(1))
    assert await stores.sessions.load(ANNA) == FULL
    assert (await stores.inbox.counts()).parked == 1


async def test_whoever_is_due_is_named_oldest_first(stores: Stores) -> None:
    second = timedelta(seconds=1)
    await stores.sessions.save(chat(1, deadline=NOON))
    await stores.sessions.save(chat(2, show_by=NOON - second))
    await stores.sessions.save(chat(3, deadline=NOON + second, show_by=NOON - 2 * second))
    await stores.sessions.save(chat(4, deadline=NOON + second))
    await stores.sessions.save(chat(5))
    due = await stores.sessions.due(now=NOON, limit=10)
    assert [alarm.chat_id for alarm in due] == [3, 2, 1]
    assert due[0] == Alarm(NOON - 2 * second, ChatId(3))


async def test_who_has_no_time_any_more_is_not_due(stores: Stores) -> None:
    await stores.sessions.save(chat(1, deadline=NOON))
    await stores.sessions.save(chat(1))
    assert await stores.sessions.due(now=NOON, limit=10) == ()


async def test_the_next_one_due_is_the_earliest_of_those_to_come(stores: Stores) -> None:
    second = timedelta(seconds=1)
    assert await stores.sessions.next_due(after=NOON) is None
    await stores.sessions.save(chat(1, deadline=NOON))
    await stores.sessions.save(chat(2))
    assert await stores.sessions.next_due(after=NOON) is None
    await stores.sessions.save(chat(3, deadline=NOON + 3 * second, show_by=NOON + 2 * second))
    await stores.sessions.save(chat(4, deadline=NOON + 4 * second))
    assert await stores.sessions.next_due(after=NOON) == NOON + 2 * second
    assert await stores.sessions.next_due(after=NOON - second) == NOON


async def test_the_due_come_in_pages(stores: Stores) -> None:
    for number in (3, 1, 2, -4):
        await stores.sessions.save(chat(number, deadline=NOON))
    await stores.sessions.save(chat(5, deadline=NOON - timedelta(hours=1)))
    named: list[int] = []
    after: Alarm | None = None
    while page := await stores.sessions.due(now=NOON, limit=2, after=after):
        named += [alarm.chat_id for alarm in page]
        after = page[-1]
    assert named == [5, -4, 1, 2, 3]


async def test_the_unshown_come_in_pages_without_those_who_blocked_the_bot(stores: Stores) -> None:
    for number in (3, 1, 2, -4):
        await stores.sessions.save(seen(number, wanted=2, shown=1))
    await stores.sessions.save(seen(5, wanted=2, shown=2))
    await stores.sessions.save(seen(6, wanted=2, shown=1, blocked=True))
    named: list[int] = []
    after: ChatId | None = None
    while page := await stores.sessions.unshown(limit=3, after=after):
        named += page
        after = page[-1]
    assert named == [-4, 1, 2, 3]


async def test_a_session_that_cannot_be_kept_changes_nothing(stores: Stores) -> None:
    await stores.sessions.save(chat(ANNA))
    await stores.receive(1)
    for impossible in (
        replace(FULL, record_id=None),
        replace(FULL, state=State.SUCCESS, record_id=None),
        replace(FULL, name="NUL \0"),
        replace(FULL, first_name="half a character \ud83d"),
    ):
        with pytest.raises((ValueError, psycopg.Error)):
            await stores.sessions.save(impossible, handled=UpdateId(1))
        assert await stores.sessions.load(ANNA) == chat(ANNA)
        assert await stores.unhandled() == [1]
    await stores.sessions.save(FULL, handled=UpdateId(1))
    assert await stores.unhandled() == []


async def test_an_update_that_needed_no_session_is_handled_too(stores: Stores) -> None:
    await stores.receive(1)
    await stores.inbox.finish(UpdateId(1), at=NOON)
    with pytest.raises(Conflict):
        await stores.sessions.save(FULL, handled=UpdateId(1))


async def test_an_id_that_began_anew_is_handled_anew(stores: Stores) -> None:
    await stores.receive(1)
    await stores.sessions.save(chat(ANNA), handled=UpdateId(1))
    await stores.receive(1, body="[1]")
    assert await stores.unhandled() == [1]
    await stores.sessions.save(FULL, handled=UpdateId(1))
    assert await stores.unhandled() == []


async def test_a_forgotten_update_is_nobodys_conflict(stores: Stores) -> None:
    await stores.receive(1)
    await stores.inbox.finish(UpdateId(1), at=NOON)
    later = NOON + timedelta(days=1)
    assert await stores.inbox.prune(handled_before=later, parked_before=later, limit=9) == 1
    await stores.sessions.save(FULL, handled=UpdateId(1))
    assert await stores.sessions.load(ANNA) == FULL


async def test_a_save_handles_its_update_now_and_not_when_it_came(stores: Stores) -> None:
    long_ago = NOON - timedelta(days=3_650)
    await stores.receive(1, at=long_ago)
    await stores.sessions.save(FULL, handled=UpdateId(1))
    year = long_ago + timedelta(days=365)
    assert await stores.inbox.prune(handled_before=year, parked_before=year, limit=9) == 0


async def test_saves_happen_in_the_order_in_which_they_were_asked_for(stores: Stores) -> None:
    asked: list[int] = []

    async def save(step: int) -> None:
        asked.append(step)
        await stores.sessions.save(replace(FULL, step=step))

    async with trio.open_nursery() as nursery:
        for step in range(50):  # tasks that start together start in any order
            nursery.start_soon(save, step)
    saved = await stores.sessions.load(ANNA)
    assert saved is not None
    assert saved.step == asked[-1]


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)
