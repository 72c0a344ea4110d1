"""What every inbox keeps its word about, in memory and in PostgreSQL; and what every source of
updates does, the one in memory and the Bot API.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import trio

from actors.gateway.actor import TelegramGateway
from actors.gateway.model import Counts, Entry, Stored
from actors.gateway.ports import Batch, Inbox, Updates, Verified
from actors.kernel.ids import ChatId, UpdateId
from adapters.memory.gateway import MemoryUpdates
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from adapters.telegram.bot import connected
from adapters.telegram.updates import TelegramUpdates
from runtime.testing import Probe, running
from runtime.world import RealWorld
from tests.adapters.contract.stores import KINDS, stores_of

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
FIRST, SECOND, THIRD = UUID(int=1), UUID(int=2), UUID(int=3)


def entry(update_id: int, body: str = "{}", *, chat_id: int | None = 7, **settled: Any) -> Entry:
    chat = None if chat_id is None else ChatId(chat_id)
    return Entry(UpdateId(update_id), body, chat_id=chat, **settled)


def ids(*update_ids: int) -> frozenset[UpdateId]:
    return frozenset(map(UpdateId, update_ids))


async def unhandled(inbox: Inbox) -> list[int]:
    return [update.update_id for update in await inbox.unhandled()]


async def test_what_is_new_is_kept_in_the_order_in_which_it_came(inbox: Inbox) -> None:
    assert await inbox.add([entry(9), entry(3), entry(5)], batch_id=FIRST, at=NOON) == ids(9, 3, 5)
    # A week of silence and a clock that was set back: the order of arrival is another thing.
    earlier = NOON - timedelta(days=1)
    await inbox.add([entry(1), entry(4)], batch_id=SECOND, at=earlier)
    assert await unhandled(inbox) == [9, 3, 5, 1, 4]


async def test_what_is_unhandled_can_be_read_page_by_page(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    await inbox.add([entry(9), entry(3), entry(5), entry(1)], batch_id=FIRST, at=NOON)
    first = await inbox.unhandled(limit=2)
    assert [update.update_id for update in first] == [9, 3]
    await handle(3)
    assert await inbox.unhandled(limit=1, after=UpdateId(3)) == (
        Stored(UpdateId(5), "{}", ChatId(7)),
    )
    assert [each.update_id for each in await inbox.unhandled(after=UpdateId(3))] == [5, 1]
    assert await inbox.unhandled(after=UpdateId(1), limit=9) == ()


async def test_many_are_found_together_those_that_are_unhandled(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    await inbox.add([entry(9), entry(3), entry(5), entry(1)], batch_id=FIRST, at=NOON)
    await handle(3)
    await inbox.park(UpdateId(5), "odd")
    asked = [UpdateId(number) for number in (1, 3, 5, 9, 77)]
    assert await inbox.unfinished(asked) == ids(1, 9)
    assert [each.update_id for each in await inbox.find_all(asked)] == [9, 1]
    assert await inbox.find_all([UpdateId(1)]) == (Stored(UpdateId(1), "{}", ChatId(7)),)
    assert (await inbox.unfinished([]), await inbox.find_all([])) == (ids(), ())


async def test_an_empty_batch_is_nothing(inbox: Inbox) -> None:
    assert await inbox.add([], batch_id=FIRST, at=NOON) == ids()


async def test_what_is_known_is_not_new(inbox: Inbox) -> None:
    await inbox.add([entry(1), entry(2)], batch_id=FIRST, at=NOON)
    assert await inbox.add([entry(2), entry(3)], batch_id=SECOND, at=NOON) == ids(3)


async def test_a_batch_that_is_told_again_gets_the_same_answer(inbox: Inbox) -> None:
    batch = [entry(1), entry(2), entry(3, handled=True), entry(4, parked_reason="no")]
    for _ in range(2):
        assert await inbox.add(batch, batch_id=FIRST, at=NOON) == ids(1, 2, 3, 4)
    assert await unhandled(inbox) == [1, 2]


async def test_what_is_settled_on_arrival_is_never_unhandled(inbox: Inbox) -> None:
    batch = [entry(1, handled=True), entry(2, parked_reason="malformed"), entry(3)]
    await inbox.add(batch, batch_id=FIRST, at=NOON)
    assert await unhandled(inbox) == [3]
    assert await inbox.counts() == Counts(unhandled=1, parked=1)


async def test_a_body_comes_back_as_it_came(inbox: Inbox) -> None:
    body = json.dumps({"text": "Їжак \x00 \ud800 😀 %s %(x)s ' \\ ?", "more": "x" * 200_000})
    await inbox.add([entry(1, body, chat_id=None)], batch_id=FIRST, at=NOON)
    assert await inbox.unhandled() == (Stored(UpdateId(1), body, chat_id=None),)
    assert await inbox.find(UpdateId(1)) == Stored(UpdateId(1), body, chat_id=None)


async def test_an_update_that_came_twice_in_a_batch_is_kept_once(inbox: Inbox) -> None:
    batch = [entry(1, "[1]"), entry(2), entry(1, "[2]")]
    assert await inbox.add(batch, batch_id=FIRST, at=NOON) == ids(1, 2)
    assert [update.body for update in await inbox.unhandled()] == ["[1]", "{}"]


async def test_a_text_that_cannot_be_kept_costs_its_batch_and_nothing_else(inbox: Inbox) -> None:
    await inbox.add([entry(1)], batch_id=FIRST, at=NOON)
    for text in ("NUL \0", "half a character \ud83d"):
        with pytest.raises(ValueError, match=r"NUL|half"):
            await inbox.add([entry(2), entry(3, text)], batch_id=SECOND, at=NOON)
        with pytest.raises(ValueError, match=r"NUL|half"):
            await inbox.park(UpdateId(1), text)
    assert await unhandled(inbox) == [1]


async def test_the_largest_numbers_have_room(inbox: Inbox) -> None:
    large = 2**52
    await inbox.add([entry(large, chat_id=-large)], batch_id=FIRST, at=NOON)
    assert await inbox.unhandled() == (Stored(UpdateId(large), "{}", ChatId(-large)),)


async def test_an_id_that_was_dealt_with_is_new_under_another_body(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    old = [entry(1, "{}"), entry(2, "{}"), entry(3, "{}"), entry(4, "{}")]
    await inbox.add(old, batch_id=FIRST, at=NOON)
    await inbox.set_attempts({UpdateId(1): 4})
    await handle(1)
    await inbox.park(UpdateId(2), "odd")
    again = [entry(1, "[1]", chat_id=8), entry(2, "[2]"), entry(3, "[3]"), entry(4, "{}")]
    for _ in range(2):
        assert await inbox.add(again, batch_id=SECOND, at=NOON) == ids(1, 2)
    assert await inbox.unhandled() == (
        Stored(UpdateId(3), "{}", ChatId(7)),  # unhandled: it is in work under this id
        Stored(UpdateId(4), "{}", ChatId(7)),
        Stored(UpdateId(1), "[1]", ChatId(8)),
        Stored(UpdateId(2), "[2]", ChatId(7)),
    )
    assert await inbox.counts() == Counts(unhandled=4, parked=0)


async def test_the_same_body_again_is_not_new_after_it_was_dealt_with(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    await inbox.add([entry(1), entry(2)], batch_id=FIRST, at=NOON)
    await handle(1)
    await inbox.park(UpdateId(2), "odd")
    assert await inbox.add([entry(1), entry(2)], batch_id=SECOND, at=NOON) == ids()
    assert await unhandled(inbox) == []


async def test_what_its_session_handled_is_found_no_more(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    await inbox.add([entry(1), entry(2)], batch_id=FIRST, at=NOON)
    await handle(1)
    await handle(1)
    assert await inbox.find(UpdateId(1)) is None
    assert await unhandled(inbox) == [2]


async def test_finishing_is_for_the_unhandled(inbox: Inbox) -> None:
    await inbox.add([entry(1), entry(2, parked_reason="odd")], batch_id=FIRST, at=NOON)
    for update_id in (1, 1, 2, 3):
        await inbox.finish(UpdateId(update_id), at=NOON)
    assert await inbox.counts() == Counts(unhandled=0, parked=1)


async def test_parking_is_for_the_unhandled(inbox: Inbox, handle: Callable[..., Any]) -> None:
    await inbox.add([entry(1), entry(2)], batch_id=FIRST, at=NOON)
    await handle(2)
    assert await inbox.park(UpdateId(1), "its session failed") is True
    assert await inbox.park(UpdateId(1), "its session failed") is True  # told again
    assert await inbox.park(UpdateId(1), "another reason") is False
    assert await inbox.park(UpdateId(2), "its session failed") is False
    assert await inbox.park(UpdateId(3), "its session failed") is False
    assert await inbox.find(UpdateId(1)) is None
    assert await inbox.counts() == Counts(unhandled=0, parked=1)


async def test_attempts_are_kept_for_the_unhandled(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    await inbox.add([entry(1), entry(2), entry(3)], batch_id=FIRST, at=NOON)
    await handle(3)
    for _ in range(2):
        await inbox.set_attempts({UpdateId(n): n + 1 for n in (1, 3, 99)})
    assert [u.attempts for u in await inbox.unhandled()] == [2, 0]
    await inbox.set_attempts({})
    await inbox.set_attempts({UpdateId(1): 0})
    assert [u.attempts for u in await inbox.unhandled()] == [0, 0]


async def test_only_what_is_old_and_settled_is_forgotten(inbox: Inbox) -> None:
    hour = timedelta(hours=1)
    settled = [entry(1, handled=True), entry(2, parked_reason="odd"), entry(3)]
    await inbox.add(settled, batch_id=FIRST, at=NOON)
    later = [entry(4, handled=True), entry(5, parked_reason="odd"), entry(6)]
    await inbox.add(later, batch_id=SECOND, at=NOON + hour)
    assert await inbox.prune(handled_before=NOON, parked_before=NOON, limit=9) == 0
    assert await inbox.prune(handled_before=NOON + hour, parked_before=NOON, limit=9) == 1
    assert await inbox.prune(handled_before=NOON + hour, parked_before=NOON + hour, limit=9) == 1
    assert await unhandled(inbox) == [3, 6]
    assert await inbox.add([*settled, *later], batch_id=THIRD, at=NOON) == ids(1, 2)


async def test_no_more_is_forgotten_at_once_than_was_asked_for(inbox: Inbox) -> None:
    await inbox.add([entry(n, handled=True) for n in range(10)], batch_id=FIRST, at=NOON)
    later = NOON + timedelta(hours=1)
    for forgotten in (4, 4, 2, 0):
        assert await inbox.prune(handled_before=later, parked_before=NOON, limit=4) == forgotten


async def test_a_gateway_on_it_loses_nothing_over_restarts(
    inbox: Inbox, handle: Callable[..., Any]
) -> None:
    updates = MemoryUpdates()

    async def live(told_at_least: int) -> list[int]:
        """Run the gateway until sessions have been told so much; what they were told."""
        sessions = Probe()
        async with running(world=RealWorld()) as system:
            system.spawn(
                lambda: TelegramGateway(
                    updates=updates,
                    inbox=inbox,
                    sessions=sessions.keyed,
                    purchases=Probe().keyed,
                    pre_checkout=Probe(),
                )
            )
            for _ in range(told_at_least):
                await sessions.expect(tuple, within=10)
        return [heard.update_id for _, heard in sessions.told]

    for number in range(250):
        updates.push(words_of(number))
    assert (await live(120))[:120] == list(range(1, 121))
    for update_id in range(1, 11):
        await handle(update_id)
    assert (await live(240))[:240] == list(range(11, 251))
    for update_id in range(11, 251):
        await handle(update_id)
    updates.push(words_of(7))
    assert await live(1) == [251]


def words_of(chat_id: int) -> dict[str, Any]:
    return {
        "message": {
            "message_id": 1,
            "chat": {"id": 1 + chat_id, "type": "private"},
            "from": {"id": 1 + chat_id, "first_name": "Ada"},
            "text": "hi",
        }
    }


# Where updates come from


@asynccontextmanager
async def in_memory() -> AsyncIterator[tuple[Updates, Callable[[str], object]]]:
    updates = MemoryUpdates()
    yield updates, lambda text: updates.push({"message": {"text": text}})


@asynccontextmanager
async def over_http() -> AsyncIterator[tuple[Updates, Callable[[str], object]]]:
    sandbox = TelegramSandbox()
    ada = sandbox.user(7)
    async with serve(sandbox) as url, connected(token=sandbox.token, api_url=url) as bot:
        yield TelegramUpdates(bot), ada.says


sources = pytest.mark.parametrize("source", [in_memory, over_http])
Source = Callable[[], AbstractAsyncContextManager[tuple[Updates, Callable[[str], object]]]]


def texts(outcome: object) -> list[str]:
    assert isinstance(outcome, Batch), outcome
    return [json.loads(update.body)["message"]["text"] for update in outcome.updates]


@sources
async def test_updates_come_in_order_until_they_are_confirmed(source: Source) -> None:
    async with source() as (updates, push):
        for number in range(130):
            push(str(number))
        first = await updates.poll(None, patient=True)
        assert texts(first) == [str(n) for n in range(100)]
        assert isinstance(first, Batch)
        assert first.next_offset == first.updates[-1].update_id + 1
        again = await updates.poll(None, patient=True)
        assert texts(again)[0] == "0"
        second = await updates.poll(first.next_offset, patient=True)
        assert texts(second) == [str(n) for n in range(100, 130)]
        assert isinstance(second, Batch)
        assert await updates.poll(second.next_offset, patient=False) == Batch()
        assert await updates.poll(None, patient=False) == Batch()


@sources
async def test_a_patient_poll_ends_with_the_first_update(source: Source) -> None:
    async with source() as (updates, push), trio.open_nursery() as nursery:

        @nursery.start_soon
        async def later() -> None:
            await trio.sleep(0.05)
            push("late")

        assert texts(await updates.poll(None, patient=True)) == ["late"]


@sources
async def test_a_poll_that_is_cancelled_confirms_nothing_new(source: Source) -> None:
    async with source() as (updates, push):
        push("a")
        first = await updates.poll(None, patient=True)
        assert isinstance(first, Batch)
        with trio.move_on_after(0.05) as scope:
            await updates.poll(first.next_offset, patient=True)
        assert scope.cancelled_caught
        push("b")
        assert texts(await updates.poll(None, patient=True)) == ["b"]


@sources
async def test_the_bot_has_a_name(source: Source) -> None:
    async with source() as (updates, _):
        assert isinstance(await updates.verify(), Verified)


@pytest.fixture(params=KINDS)
def inbox(request: pytest.FixtureRequest) -> Inbox:
    return stores_of(request).inbox


@pytest.fixture
def handle(inbox: Inbox) -> Callable[..., Any]:
    """Marks an update as handled, as the save of its session does."""

    async def handle_(update_id: int) -> None:
        await inbox.finish(UpdateId(update_id), at=NOON)

    return handle_
