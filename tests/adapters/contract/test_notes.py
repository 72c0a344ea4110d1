"""What every store of notes keeps its word about."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

import pytest

from actors.kernel.ids import ChatId, MessageId
from actors.relay.messages import Clash, NoteState, Taken
from tests.adapters.contract.stores import KINDS, Stores, stores_of
from tests.adapters.contract.test_debounce import ANNA, BERTA, NOON
from tests.adapters.contract.test_relay import LATER, unsent


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)


async def keep(
    stores: Stores,
    note_id: UUID,
    *,
    key: str,
    chat_id: ChatId = ANNA,
    text: str = "x",
    at: datetime = NOON,
    waiting_max: int = 50,
) -> Taken | Clash | None:
    return await stores.notes.keep(
        note_id, key=key, chat_id=chat_id, text=text, at=at, waiting_max=waiting_max
    )


async def test_a_note_is_kept_once_under_its_key(stores: Stores) -> None:
    note_id = uuid4()
    first = await keep(stores, note_id, key="k", chat_id=ANNA, text="Привіт", at=NOON)
    assert isinstance(first, Taken)
    assert first.is_new
    assert (first.note.note_id, first.note.state) == (note_id, NoteState.PENDING)
    again = await keep(stores, uuid4(), key="k", chat_id=ANNA, text="Привіт", at=LATER)
    assert again == Taken(note=first.note, is_new=False)
    for chat_id, text in ((BERTA, "Привіт"), (ANNA, "Привіт!")):
        clash = await keep(stores, uuid4(), key="k", chat_id=chat_id, text=text, at=NOON)
        assert clash == Clash()
    assert [note.text for note in await unsent(stores)] == ["Привіт"]
    # Asked once more by whoever did not hear the first answer, it is still new.
    assert await keep(stores, note_id, key="k", chat_id=ANNA, text="Привіт", at=NOON) == first


async def test_so_many_notes_of_a_user_wait_and_no_more_are_kept(stores: Stores) -> None:
    first, second, third = (uuid4() for _ in range(3))
    assert await keep(stores, first, key="1", waiting_max=1)
    assert await keep(stores, second, key="2", waiting_max=1) is None
    assert await stores.notes.find(second) is None
    assert await keep(stores, first, key="1", waiting_max=0), "it is kept already"
    assert await keep(stores, third, key="1", text="y", waiting_max=0) == Clash()
    assert await keep(stores, third, key="3", chat_id=BERTA, waiting_max=1)
    await stores.notes.settle(first, NoteState.SENT, detail="", message_id=MessageId(1), at=LATER)
    assert await keep(stores, second, key="2", waiting_max=1)
    assert [note.note_id for note in await unsent(stores)] == [third, second]


async def test_a_note_is_unsent_until_it_is_settled(stores: Stores) -> None:
    ids = [uuid4() for _ in range(3)]
    for number, note_id in enumerate(ids):
        await keep(stores, note_id, key=str(number), chat_id=ANNA, text="x", at=NOON)
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


async def test_the_unsent_notes_of_one_user_are_found_by_themselves(stores: Stores) -> None:
    for number, chat_id in enumerate((ANNA, BERTA, ANNA, ANNA, BERTA)):
        await keep(stores, UUID(int=number), key=str(number), chat_id=chat_id)
    first = await stores.notes.unsent(after=0, limit=1, of=ANNA)
    rest = await stores.notes.unsent(after=first[0].place, limit=2, of=ANNA)
    assert [note.note_id.int for note in (*first, *rest)] == [0, 2, 3]
    assert [note.chat_id for note in await stores.notes.unsent(after=0, limit=9, of=BERTA)] == [
        BERTA,
        BERTA,
    ]


async def test_a_note_that_was_sent_stays_sent(stores: Stores) -> None:
    note_id = uuid4()
    await keep(stores, note_id, key="k", chat_id=ANNA, text="x", at=NOON)
    for state in (NoteState.FAILED, NoteState.SENT, NoteState.FAILED):
        message_id = MessageId(5) if state is NoteState.SENT else None
        await stores.notes.settle(note_id, state, detail="", message_id=message_id, at=NOON)
    note = await stores.notes.find(note_id)
    assert note is not None
    assert (note.state, note.message_id) == (NoteState.SENT, 5)


async def test_settled_notes_are_forgotten_too(stores: Stores) -> None:
    await stores.outbox.open(at=NOON)
    for number in range(2):
        await keep(stores, UUID(int=number), key=str(number), chat_id=ANNA, text="x", at=NOON)
    await stores.notes.settle(
        UUID(int=0), NoteState.SENT, detail="", message_id=MessageId(1), at=NOON
    )
    await stores.outbox.prune(before=LATER, limit=9)
    assert await stores.notes.find(UUID(int=0)) is None
    assert await stores.notes.find(UUID(int=1)) is not None
