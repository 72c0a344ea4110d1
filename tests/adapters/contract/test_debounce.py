"""What every store of what is passed on keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from actors.debounce.messages import Collect, Passed
from actors.debounce.model import flat, written
from actors.debounce.ports import Batch
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.kernel.language import Language
from actors.relay.model import Event
from actors.sessions.model import Session
from tests.adapters.contract.stores import KINDS, Stores, stores_of

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
ANNA, BERTA = ChatId(7_000_000_001), ChatId(7_000_000_002)


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)


def passed(number: int, text: str = "Привіт 🔥 \"'\\ %s", **changes: object) -> Passed:
    return Passed(
        update_id=UpdateId(number),
        message_id=MessageId(number + 1_000),
        kind="text",
        text=text,
        **changes,  # type: ignore[arg-type]
    )


def told(number: int, chat_id: ChatId = ANNA, *, seconds: float = 0, album: str = "") -> Collect:
    return Collect(
        chat_id=chat_id,
        received_at=NOON + timedelta(seconds=seconds),
        language=Language.UK,
        passed=passed(number, media_group_id=album),
    )


async def save(stores: Stores, *collects: Collect, handled: bool = False) -> None:
    for each in collects:
        update_id = each.passed.update_id if handled else None
        await stores.sessions.save(Session(chat_id=each.chat_id), handled=update_id, passed=each)


def batch(*numbers: int, flooded: Iterable[int] = (), chat_id: ChatId = ANNA) -> Batch:
    return Batch(
        uuid4(), chat_id, tuple(map(UpdateId, numbers)), tuple(UpdateId(n) for n in flooded)
    )


async def events(stores: Stores) -> list[Event]:
    found = [
        await stores.outbox.read(pending.event_id)
        for pending in await stores.outbox.pending(after=0, limit=100)
    ]
    return [event for event in found if event is not None]


async def test_what_is_passed_on_waits_with_its_times(stores: Stores) -> None:
    await save(stores, told(2, seconds=1, album="a"), told(1), told(3, BERTA, seconds=1))
    first, second, third = await stores.batches.waiting(limit=10)
    assert (first.chat_id, first.update_id, first.received_at) == (ANNA, 1, NOON)
    assert (second.chat_id, second.update_id, second.album) == (ANNA, 2, "a")
    assert (third.chat_id, third.update_id, third.album) == (BERTA, 3, "")
    assert first.bytes == len(written(passed(1)).encode())


async def test_what_waits_comes_in_pages(stores: Stores) -> None:
    await save(stores, *(told(n, seconds=n // 2) for n in range(1, 8)))
    page = await stores.batches.waiting(limit=3)
    rest = await stores.batches.waiting(after=page[-1], limit=10)
    assert [each.update_id for each in (*page, *rest)] == [1, 2, 3, 4, 5, 6, 7]
    early = await stores.batches.waiting(before=NOON + timedelta(seconds=1), limit=10)
    assert [each.update_id for each in early] == [1]


async def test_an_update_that_was_handled_before_passes_nothing_on(stores: Stores) -> None:
    await stores.receive(1, chat_id=ANNA)
    await save(stores, told(1), handled=True)
    with pytest.raises(Conflict):
        await save(stores, told(1), handled=True)
    assert await stores.unhandled() == []
    await stores.batches.close([batch(1)], at=NOON)
    with pytest.raises(Conflict):
        await save(stores, told(1), handled=True)
    assert await stores.batches.waiting(limit=10) == ()
    assert len(await events(stores)) == 1


async def test_a_batch_becomes_an_event_with_its_messages_in_order(stores: Stores) -> None:
    await save(stores, told(3), told(1), told(2), told(4, BERTA))
    one = batch(1, 2, 3)
    await stores.batches.close([one], at=NOON)
    assert [each.update_id for each in await stores.batches.waiting(limit=10)] == [4]
    (event,) = await events(stores)
    assert (event.event_id, event.chat_id, event.created_at) == (one.event_id, ANNA, NOON)
    assert list(event.messages) == [flat(passed(n)) for n in (1, 2, 3)]
    assert event.dropped == 0


async def test_batches_are_events_in_the_order_in_which_they_were_closed(stores: Stores) -> None:
    await save(stores, *(told(n) for n in range(1, 6)), told(6, BERTA))
    batches = [batch(5), batch(1, 2), batch(6, chat_id=BERTA)]
    await stores.batches.close(batches, at=NOON)
    await stores.batches.close([batch(3, 4)], at=NOON)
    found = [[m["update_id"] for m in event.messages] for event in await events(stores)]
    assert found == [[5], [1, 2], [6], [3, 4]]


async def test_what_was_flooded_is_told_as_a_number(stores: Stores) -> None:
    await save(stores, told(1), told(2), told(3))
    await stores.batches.close([batch(1, flooded=[2, 3])], at=NOON)
    (event,) = await events(stores)
    assert ([m["update_id"] for m in event.messages], event.dropped) == ([1], 2)


async def test_closing_twice_makes_one_event(stores: Stores) -> None:
    await save(stores, told(1))
    one = batch(1)
    await stores.batches.close([one], at=NOON)
    await stores.batches.close([one], at=NOON)
    assert len(await events(stores)) == 1


async def test_a_message_is_in_one_batch_only(stores: Stores) -> None:
    await save(stores, told(1), told(2))
    first, late, empty = batch(1), batch(1, 2), batch(1)
    await stores.batches.close([first], at=NOON)
    await stores.batches.close([late, empty], at=NOON)
    assert [(e.event_id, len(e.messages)) for e in await events(stores)] == [
        (first.event_id, 1),
        (late.event_id, 1),
    ]


async def test_an_update_id_may_come_again_once_its_message_has_left(stores: Stores) -> None:
    await save(stores, told(1), told(1, seconds=5))
    assert [each.received_at for each in await stores.batches.waiting(limit=9)] == [NOON]
    await stores.batches.close([batch(1)], at=NOON)
    await save(stores, told(1, seconds=9))
    (waiting,) = await stores.batches.waiting(limit=9)
    assert waiting.received_at == NOON + timedelta(seconds=9)


async def test_nobody_writes_what_the_database_cannot_hold(stores: Stores) -> None:
    assert isinstance(batch(1).event_id, UUID)
    await stores.batches.close([], at=NOON)
    assert await events(stores) == []
