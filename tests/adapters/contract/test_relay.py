"""What every outbox keeps its word about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import md5
from uuid import UUID, uuid4

import pytest

from actors.kernel.ids import ChatId, OrderId
from actors.payments.orders import Order, State
from actors.relay.messages import EventState, EventType
from actors.relay.model import Pause
from actors.relay.ports import Unsent
from actors.sessions.model import Session
from tests.actors.payments.orders import ORDER
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_debounce import ANNA, NOON, batch, events, save, told

LATER = NOON + timedelta(days=1)


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)


async def queued(stores: Stores, *numbers: int, chat_id: ChatId = ANNA) -> list[UUID]:
    """An event for each of these."""
    await save(stores, *(told(n, chat_id) for n in numbers))
    batches = [batch(n, chat_id=chat_id) for n in numbers]
    await stores.batches.close(batches, at=NOON)
    return [each.event_id for each in batches]


async def pending(stores: Stores) -> list[UUID]:
    return [each.event_id for each in await stores.outbox.pending(after=0, limit=100)]


async def sold(stores: Stores, order_id: str, **changes: object) -> Order:
    bought = replace(
        ORDER,
        order_id=OrderId(order_id),
        state=State.PAID,
        checkout_id="cs",
        url="https://pay.example",
        sold=ORDER.price,
        paid_at=LATER,
    )
    bought = replace(bought, **changes)  # type: ignore[arg-type]
    await stores.orders.save(bought)
    return bought


async def unsent(stores: Stores) -> list[Unsent]:
    return list(await stores.notes.unsent(after=0, limit=100))


async def test_events_come_in_their_order_and_in_pages(stores: Stores) -> None:
    ids = await queued(stores, 1, 2, 3)
    first = await stores.outbox.pending(after=0, limit=2)
    rest = await stores.outbox.pending(after=first[-1].place, limit=9)
    assert [each.event_id for each in (*first, *rest)] == ids
    assert (first[0].chat_id, first[0].created_at) == (ANNA, NOON)


async def test_what_was_delivered_is_not_sent_again(stores: Stores) -> None:
    one, two = await queued(stores, 1, 2)
    await stores.outbox.deliver(one, texts=(), at=NOON)
    assert await pending(stores) == [two]
    assert await stores.outbox.read(one) is None
    assert await stores.outbox.replay(one) == 0
    assert await stores.outbox.read(uuid4()) is None


async def test_the_first_answer_counts_however_often_it_is_told(stores: Stores) -> None:
    (one,) = await queued(stores, 1)
    await stores.outbox.deliver(one, texts=("Hi <b>", "and more"), at=NOON)
    await stores.outbox.deliver(one, texts=("Hi <b>", "and more"), at=NOON)
    await stores.outbox.deliver(one, texts=("another", "answer", "!"), at=LATER)
    notes = await unsent(stores)
    assert [(note.chat_id, note.text) for note in notes] == [(ANNA, "Hi <b>"), (ANNA, "and more")]
    assert len({note.note_id for note in notes}) == 2
    await stores.outbox.deliver(uuid4(), texts=("nobody's",), at=NOON)
    assert len(await unsent(stores)) == 2


async def test_what_was_wrong_with_an_answer_is_kept_with_its_event(stores: Stores) -> None:
    (one,) = await queued(stores, 1)
    await stores.outbox.deliver(one, texts=(), detail="it broke off", at=NOON)
    await stores.outbox.deliver(one, texts=(), detail="", at=LATER)
    (event,) = await stores.outbox.listing(EventState.DELIVERED, before=None, limit=9)
    assert (event.detail, event.settled_at) == ("it broke off", NOON)


async def test_what_is_parked_waits_for_its_replay_behind_the_others(stores: Stores) -> None:
    one, two, three = await queued(stores, 1, 2, 3)
    await stores.outbox.park(one, detail="HTTP 400", at=NOON)
    await stores.outbox.park(two, detail="HTTP 401", at=NOON)
    await stores.outbox.park(uuid4(), detail="", at=NOON)
    assert await pending(stores) == [three]
    counts = await stores.outbox.counts()
    assert (counts.pending, counts.parked, counts.pending_since) == (1, 2, NOON)
    assert await stores.outbox.replay(two) == 1
    assert await pending(stores) == [three, two]
    (four,) = await queued(stores, 4)
    assert await stores.outbox.replay(None) == 1
    assert await pending(stores) == [three, two, four, one]
    await stores.outbox.deliver(one, texts=(), at=NOON)
    await stores.outbox.park(one, detail="late", at=NOON)
    assert await stores.outbox.replay(None) == 0


async def test_all_are_replayed_in_their_order(stores: Stores) -> None:
    ids = await queued(stores, *range(1, 20))
    for event_id in reversed(ids):
        await stores.outbox.park(event_id, detail="no", at=NOON)
    (last,) = await stores.outbox.listing(EventState.PARKED, before=None, limit=1)
    assert await stores.outbox.replay(None) == len(ids)
    assert await pending(stores) == ids
    (first, *_) = await stores.outbox.pending(after=0, limit=1)
    assert first.place > last.place


async def test_operators_see_events_newest_first(stores: Stores) -> None:
    one, two, three = await queued(stores, 1, 2, 3)
    await stores.outbox.park(two, detail="HTTP 400: no", at=LATER)
    every = await stores.outbox.listing(None, before=None, limit=10)
    assert [each.event_id for each in every] == [three, two, one]
    (parked,) = await stores.outbox.listing(EventState.PARKED, before=None, limit=10)
    assert (parked.event_id, parked.detail, parked.state) == (two, "HTTP 400: no", "parked")
    assert (parked.event_type, parked.chat_id) == (EventType.MESSAGE_BATCH, ANNA)
    assert (parked.created_at, parked.settled_at) == (NOON, LATER)
    page = await stores.outbox.listing(None, before=parked.place, limit=10)
    assert [each.event_id for each in page] == [one]


async def test_a_pause_is_remembered_until_it_is_over(stores: Stores) -> None:
    assert await stores.outbox.open(at=NOON) is None
    pause = Pause(since=LATER, detail="HTTP 410: тихо")
    await stores.outbox.pause(pause)
    assert await stores.outbox.open(at=LATER) == pause
    await stores.outbox.pause(None)
    assert await stores.outbox.open(at=LATER) is None


async def test_every_sale_since_the_first_opening_is_an_event_once(stores: Stores) -> None:
    await stores.outbox.note_payments()
    assert await pending(stores) == []
    await stores.outbox.open(at=NOON)
    await stores.outbox.open(at=LATER + timedelta(days=9))
    await sold(stores, "0" * 32)
    await sold(stores, "1" * 32, paid_at=NOON - timedelta(seconds=1), chat_id=ChatId(2))
    await stores.orders.save(replace(ORDER, order_id=OrderId("2" * 32), chat_id=ChatId(3)))
    for _ in range(2):
        await stores.outbox.note_payments()
    (event,) = await events(stores)
    assert (event.event_type, event.chat_id, event.messages) == (EventType.PAYMENT, 1, ())
    assert event.created_at == LATER
    await stores.outbox.deliver(event.event_id, texts=("Thanks",), at=LATER)
    await stores.outbox.note_payments()
    assert await pending(stores) == []


async def test_sales_are_noted_in_pages_the_earliest_first(stores: Stores) -> None:
    await stores.outbox.open(at=NOON)
    assert not await stores.outbox.note_payments()
    for minute in (2, 0, 1):
        await sold(stores, f"{minute}" * 32, paid_at=LATER + timedelta(minutes=minute))
    assert await stores.outbox.note_payments(limit=2)
    assert [event.created_at.minute for event in await events(stores)] == [0, 1]
    assert not await stores.outbox.note_payments(limit=1)
    assert [event.created_at.minute for event in await events(stores)] == [0, 1, 2]


async def test_an_order_that_is_saved_again_is_told_of_once(stores: Stores) -> None:
    await stores.outbox.open(at=NOON)
    bought = await sold(stores, "0" * 32)
    await stores.outbox.note_payments()
    await stores.orders.save(replace(bought, version=bought.version + 1, attempts=7))
    await stores.outbox.note_payments()
    assert len(await events(stores)) == 1
    assert await stores.orders.load(bought.order_id) == replace(
        bought, version=bought.version + 1, attempts=7
    )


async def test_the_id_of_a_payments_event_is_made_of_its_order(stores: Stores) -> None:
    await stores.outbox.open(at=NOON)
    await sold(stores, "0" * 32)
    await stores.outbox.note_payments()
    assert await pending(stores) == [UUID(md5(b"payment:" + b"0" * 32).hexdigest())]  # noqa: S324 - no secret
    (event,) = await events(stores)
    assert event.paid is not None
    assert (event.paid.name, event.paid.phone) == (None, None)
    assert (event.paid.order_id, event.paid.title) == ("0" * 32, ORDER.title)
    assert (event.paid.price, event.paid.rail, event.paid.live) == (ORDER.price, ORDER.rail, True)


async def test_a_buyer_is_told_of_as_he_has_introduced_himself(stores: Stores) -> None:
    await stores.sessions.save(Session(chat_id=ChatId(1), name="Анна", contact="+380501234567"))
    await stores.outbox.open(at=NOON)
    await sold(stores, "0" * 32)
    await stores.outbox.note_payments()
    (event,) = await events(stores)
    assert event.paid is not None
    assert (event.paid.name, event.paid.phone) == ("Анна", "+380501234567")


async def test_what_was_delivered_long_ago_is_forgotten_and_nothing_else(stores: Stores) -> None:
    await stores.outbox.open(at=NOON - timedelta(days=2))
    one, two, three = await queued(stores, 1, 2, 3)
    await sold(stores, "0" * 32, paid_at=NOON - timedelta(days=1))
    await stores.outbox.note_payments()
    for event_id in [each for each in await pending(stores) if each not in (two, three)]:
        await stores.outbox.deliver(event_id, texts=("answer",), at=NOON)
    await stores.outbox.park(two, detail="no", at=NOON)
    assert await stores.outbox.prune(before=NOON, limit=10) == 0
    assert await stores.outbox.prune(before=LATER, limit=1) == 1
    assert await stores.outbox.prune(before=LATER, limit=9) == 1
    left = await stores.outbox.listing(None, before=None, limit=10)
    assert {each.event_id for each in left} == {two, three}
    await stores.outbox.note_payments()
    assert await pending(stores) == [three]
    # A message that was forgotten may be passed on under the same id.
    await save(stores, told(1))
    assert len(await stores.batches.waiting(limit=9)) == 1
    assert one not in await pending(stores)
