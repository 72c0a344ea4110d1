"""What every outbox, and every store of notes, keeps its word about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import md5
from uuid import UUID, uuid4

import pytest

from actors.kernel.ids import ChatId, MessageId, OrderId
from actors.payments.orders import Order, State
from actors.relay.messages import Clash, EventState, EventType, NoteState, Taken
from actors.relay.model import Pause
from actors.relay.ports import Unsent
from actors.sessions.model import Session
from tests.actors.payments.orders import ORDER
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_debounce import ANNA, BERTA, NOON, batch, events, save, told

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


async def test_a_note_is_kept_once_under_its_key(stores: Stores) -> None:
    note_id = uuid4()
    first = await stores.notes.keep(note_id, key="k", chat_id=ANNA, text="Привіт", at=NOON)
    assert isinstance(first, Taken)
    assert first.is_new
    assert (first.note.note_id, first.note.state) == (note_id, NoteState.PENDING)
    again = await stores.notes.keep(uuid4(), key="k", chat_id=ANNA, text="Привіт", at=LATER)
    assert again == Taken(note=first.note, is_new=False)
    for chat_id, text in ((BERTA, "Привіт"), (ANNA, "Привіт!")):
        clash = await stores.notes.keep(uuid4(), key="k", chat_id=chat_id, text=text, at=NOON)
        assert clash == Clash()
    assert [note.text for note in await unsent(stores)] == ["Привіт"]
    # Asked once more by whoever did not hear the first answer, it is still new.
    assert await stores.notes.keep(note_id, key="k", chat_id=ANNA, text="Привіт", at=NOON) == first


async def test_a_note_is_unsent_until_it_is_settled(stores: Stores) -> None:
    ids = [uuid4() for _ in range(3)]
    for number, note_id in enumerate(ids):
        await stores.notes.keep(note_id, key=str(number), chat_id=ANNA, text="x", at=NOON)
    first = await stores.notes.unsent(after=0, limit=1)
    rest = await stores.notes.unsent(after=first[0].place, limit=9)
    assert [note.note_id for note in (*first, *rest)] == ids
    await stores.notes.settle(ids[0], NoteState.SENT, detail="", message_id=MessageId(5), at=LATER)
    await stores.notes.settle(ids[1], NoteState.FAILED, detail="gone", message_id=None, at=LATER)
    assert [note.note_id for note in await unsent(stores)] == [ids[2]]
    sent, failed = await stores.notes.find(ids[0]), await stores.notes.find(ids[1])
    assert sent is not None
    assert failed is not None
    assert (sent.state, sent.message_id, sent.settled_at) == (NoteState.SENT, 5, LATER)
    assert (failed.state, failed.detail, failed.message_id) == (NoteState.FAILED, "gone", None)
    assert await stores.notes.find(uuid4()) is None


async def test_a_note_that_was_sent_stays_sent(stores: Stores) -> None:
    note_id = uuid4()
    await stores.notes.keep(note_id, key="k", chat_id=ANNA, text="x", at=NOON)
    for state in (NoteState.FAILED, NoteState.SENT, NoteState.FAILED):
        message_id = MessageId(5) if state is NoteState.SENT else None
        await stores.notes.settle(note_id, state, detail="", message_id=message_id, at=NOON)
    note = await stores.notes.find(note_id)
    assert note is not None
    assert (note.state, note.message_id) == (NoteState.SENT, 5)


async def test_settled_notes_are_forgotten_too(stores: Stores) -> None:
    await stores.outbox.open(at=NOON)
    for number in range(2):
        await stores.notes.keep(UUID(int=number), key=str(number), chat_id=ANNA, text="x", at=NOON)
    await stores.notes.settle(
        UUID(int=0), NoteState.SENT, detail="", message_id=MessageId(1), at=NOON
    )
    await stores.outbox.prune(before=LATER, limit=9)
    assert await stores.notes.find(UUID(int=0)) is None
    assert await stores.notes.find(UUID(int=1)) is not None
