"""What people ask of broadcasts: second passes, second tries, and the administrators' chat."""

from __future__ import annotations

from typing import Any

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.keeping import OPEN_MAX, RUNNING_MAX
from actors.broadcasts.model import Broadcast, Content, Kind, Outcome, State
from actors.gateway.model import Entry
from actors.kernel.ids import BroadcastId, ChatId, MessageId, UpdateId
from adapters.memory.gateway import MemoryInbox
from runtime import ask
from tests.actors.broadcasts.post import ADMIN, EPOCH, Bureau

PHOTO = broadcast.Media(kind="photo", file="https://example.org/a.jpg")
LINK = ((broadcast.Button(text="Go", url="https://example.org"),),)


async def sent(bureau: Bureau, **asked: Any) -> BroadcastId:
    """A broadcast that is over; chat 3 has failed and chat 4 is unknown, if there are so many."""
    bureau.post.fates.update({ChatId(3): "refused", ChatId(4): "unknown"})
    broadcast_id = await bureau.started(**asked)
    await bureau.carry()
    await bureau.passes(2)
    bureau.post.fates.clear()
    assert (await bureau.kept(broadcast_id)).state is State.FINISHED
    return broadcast_id


async def edited(bureau: Bureau, broadcast_id: BroadcastId, content: Content) -> Any:
    edit = broadcasts.Edit(broadcast_id=broadcast_id, content=content, who="ann")
    answer = await ask(bureau.ref, edit)
    await bureau.system.settle()
    return answer


def only(shown: Any) -> Broadcast:
    assert isinstance(shown, broadcasts.Shown), shown
    return shown.broadcast


# Again, and otherwise


async def test_what_failed_is_tried_again_and_the_unknown_only_when_asked_for() -> None:
    bureau = Bureau()
    await bureau.people(5)
    async with bureau.open():
        broadcast_id = await sent(bureau)
        retry = broadcasts.Retry(broadcast_id=broadcast_id, who="ann")
        assert only(await ask(bureau.ref, retry)).state is State.RUNNING
        await bureau.passes(2)
        assert await bureau.carry() == [3]
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED
        refused = await ask(bureau.ref, retry)
        assert refused == broadcasts.Refused(detail="nothing of it failed", conflict=True)
        await ask(bureau.ref, broadcasts.Retry(broadcast_id=broadcast_id, unknown=True, who="ann"))
        await bureau.passes(2)
        assert await bureau.carry() == [4]
        await bureau.passes(2)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}
        whats = [each.what for each in await bureau.store.actions(broadcast_id)]
        assert whats == ["create", "retry", "retry"]


async def test_what_was_sent_is_changed_for_those_who_got_it() -> None:
    bureau = Bureau()
    await bureau.people(5)
    async with bureau.open():
        first = await sent(bureau, content=Content(text="Hi", media=PHOTO))
        media = Content(text="x", media=PHOTO)
        assert "media stays" in (await edited(bureau, first, media)).detail
        change = only(await edited(bureau, first, Content(text="Bye {first_name}", buttons=LINK)))
        assert (change.kind, change.of, change.content.media) == (Kind.EDIT, first, PHOTO)
        await bureau.passes(2)
        letters = list(bureau.post.waiting.values())
        assert [letter.chat_id for letter in letters] == [1, 2, 5]
        assert isinstance(letters[0], broadcast.Edit)
        assert (letters[0].text, letters[0].caption, letters[0].keyboard) == ("Bye P1", True, LINK)
        shown = [told for told in bureau.post.others.told if isinstance(told, broadcast.Say)][-1]
        assert (shown.text, shown.media) == ("Bye ", PHOTO)
        bureau.post.fates[ChatId(2)] = "gone"
        await bureau.carry()
        await bureau.passes(2)
        counts = (await bureau.kept(change.broadcast_id)).counts
        assert (counts.sent, counts.failed) == (2, 1)
        assert (await bureau.kept(first)).counts.sent == 3
        assert isinstance(
            await edited(bureau, change.broadcast_id, Content(text="x")), broadcasts.Refused
        )


async def test_what_was_sent_is_taken_back_without_being_shown_first() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        first = await sent(bureau)
        told = len(bureau.post.others.told)
        back = only(await bureau.act(first, "delete"))
        assert (back.kind, back.of) == (Kind.DELETE, first)
        await bureau.passes(2)
        assert len(bureau.post.others.told) == told
        assert all(isinstance(letter, broadcast.Erase) for letter in bureau.post.waiting.values())
        assert await bureau.carry() == [1, 2]
        await bureau.passes(2)
        assert (await bureau.kept(back.broadcast_id)).state is State.FINISHED


async def test_before_it_starts_something_else_is_sent_instead() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        draft = only(await bureau.create("Hi", hold=True))
        assert (await bureau.kept(draft.broadcast_id)).state is State.READY
        refused = await edited(bureau, draft.broadcast_id, Content(text="{nme}"))
        assert isinstance(refused, broadcasts.Refused)
        only(await edited(bureau, draft.broadcast_id, Content(text="Bye", media=PHOTO)))
        await bureau.act(draft.broadcast_id, "resume")
        await bureau.passes(2)
        (letter,) = bureau.post.waiting.values()
        assert isinstance(letter, broadcast.Say)
        assert (letter.text, letter.media) == ("Bye", PHOTO)


async def test_news_of_an_earlier_content_start_nothing() -> None:
    bureau = Bureau()
    await bureau.people(1)
    bureau.post.shows = False
    async with bureau.open():
        broadcast_id = only(await bureau.create("Wrong")).broadcast_id
        first = await bureau.post.others.expect(broadcast.Say)
        only(await edited(bureau, broadcast_id, Content(text="Right")))
        second = await bureau.post.others.expect(broadcast.Say)
        assert (first.text, second.text) == ("Wrong", "Right")
        for shown, state in ((first, State.CHECKING), (second, State.RUNNING)):
            assert shown.notify is not None
            shown.notify.tell(bureau.post._delivered(shown.letter_id, ADMIN))
            await bureau.passes(2)
            assert (await bureau.kept(broadcast_id)).state is state


async def test_what_cannot_be_done_says_so() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        running = await bureau.started()
        for answer in (
            await edited(bureau, running, Content(text="x")),
            await bureau.act(running, "delete"),
        ):
            assert "pause or cancel it first" in answer.detail
        held = only(await bureau.create(hold=True)).broadcast_id
        assert "cancel it" in (await bureau.act(held, "delete")).detail
        await bureau.act(running, "cancel")
        assert "nothing of it was sent" in (await bureau.act(running, "delete")).detail
        nobody = BroadcastId(999)
        for question in (
            broadcasts.Show(broadcast_id=nobody),
            broadcasts.Act(broadcast_id=nobody, what="pause", who="ann"),
            broadcasts.Retry(broadcast_id=nobody, who="ann"),
            broadcasts.Edit(broadcast_id=nobody, content=Content(text="x"), who="ann"),
        ):
            assert await ask(bureau.ref, question) is None


async def test_only_so_many_are_open_and_fewer_run() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        for _ in range(OPEN_MAX):
            only(await bureau.create())
        assert "cancel one first" in (await bureau.create()).detail
        await bureau.passes(2)
        running = await bureau.store.listing(states=(State.RUNNING,), limit=OPEN_MAX)
        assert len(running) == len(bureau.post.waiting) == RUNNING_MAX
        for _ in range(OPEN_MAX // RUNNING_MAX + 1):
            await bureau.carry()
            await bureau.passes(2)
        finished = await bureau.store.listing(states=(State.FINISHED,), limit=OPEN_MAX)
        assert len(finished) == OPEN_MAX


async def test_letters_say_whose_they_are_and_how_often_they_may_be_sent() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        first = await bureau.started()
        second = await bureau.started(repeat=True, paid=True)
        letters = [each for each in bureau.post.waiting.values() if isinstance(each, broadcast.Say)]
        assert [(each.source, each.repeat, each.paid, each.lane) for each in letters] == [
            (str(first), False, False, "bulk"),
            (str(second), True, True, "bulk"),
        ]


# In the chat


async def hear(bureau: Bureau, told: Any) -> None:
    """An update came, and is told."""
    inbox = MemoryInbox(bureau.connection)
    entry = Entry(told.update_id, "{}", chat_id=ADMIN)
    await inbox.add([entry], batch_id=bureau.world.uuid(), at=EPOCH)
    bureau.ref.tell(told)
    await bureau.system.settle()


async def unhandled(bureau: Bureau) -> int:
    return len(await MemoryInbox(bureau.connection).unhandled())


def composed(text: str, number: int = 5, media: broadcast.Media | None = None) -> Any:
    return broadcasts.Composed(
        update_id=UpdateId(number), who="telegram:@ann", text=text, media=media
    )


def pressed(data: str, number: int) -> Any:
    return broadcasts.Pressed(
        update_id=UpdateId(number), who="telegram:@ann", callback_id=f"c{number}",
        message_id=MessageId(1), data=data,
    )  # fmt: skip


def said(bureau: Bureau) -> list[str]:
    """What the administrators were told, edits included."""
    return [
        each.text
        for each in bureau.post.others.told
        if isinstance(each, broadcast.Say | broadcast.Edit)
    ]


def bubble(bureau: Bureau) -> str:
    answers = [e for e in bureau.post.others.told if isinstance(e, broadcast.AnswerCallback)]
    return answers[-1].text


async def test_in_the_chat_it_is_shown_confirmed_and_followed_to_its_end() -> None:
    bureau = Bureau()
    await bureau.people(40)
    await bureau.people(1, blocked=True)
    async with bureau.open():
        await hear(bureau, composed("Hi {first_name|friend}", media=PHOTO))
        shown, panel = [e for e in bureau.post.others.told if isinstance(e, broadcast.Say)]
        assert (shown.text, shown.media) == ("Hi friend", PHOTO)
        assert "39 people will get it; 1 cannot be reached" in panel.text
        assert [button.text for button in panel.keyboard[0]] == ["Confirm", "Cancel"]
        await bureau.passes(5)
        assert not bureau.post.waiting
        await hear(bureau, pressed("b:resume:1", 6))
        assert bubble(bureau) == "It starts."
        await bureau.passes(2)
        await bureau.carry(20)
        await bureau.passes(4)
        assert "20 of 39" in said(bureau)[-1]
        await hear(bureau, pressed("b:pause:1", 7))
        assert (bubble(bureau), await bureau.carry()) == ("It is paused.", [])
        assert "is paused" in said(bureau)[-1]
        await hear(bureau, pressed("b:resume:1", 8))
        assert bubble(bureau) == "It goes on."
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        assert "is done" in said(bureau)[-1]
        assert "39 sent" in said(bureau)[-1]
        edits = [e for e in bureau.post.others.told if isinstance(e, broadcast.Edit)]
        assert len({edit.message_id for edit in edits}) == 1
        assert edits[-1].keyboard == ()
        assert await unhandled(bureau) == 0
        whos = {each.who for each in await bureau.store.actions(BroadcastId(1))}
        assert whos == {"telegram:@ann"}


async def test_in_the_chat_nothing_is_shown_that_is_shown_already() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await hear(bureau, pressed("b:resume:1", 6))
        await bureau.passes(5)
        told = len(said(bureau))
        await bureau.passes(120)
        assert len(said(bureau)) == told


async def test_in_the_chat_it_can_be_cancelled_before_anything_is_sent() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await hear(bureau, pressed("b:cancel:1", 6))
        assert bubble(bureau) == "It is cancelled."
        await hear(bureau, pressed("b:resume:1", 7))
        assert bubble(bureau) == "it waits for nobody's word"
        for number, data in enumerate(("b:resume:99", "b:fly:1", "b:resume:x", "b:"), 8):
            await hear(bureau, pressed(data, number))
            assert bubble(bureau) == "That is not here any more."
        assert await unhandled(bureau) == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "Write what is to be sent"), ("{nme} <b>", "Not sent: {nme} is not known")],
)
async def test_in_the_chat_what_cannot_be_sent_is_explained(text: str, told: str) -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        await hear(bureau, composed(text))
        assert told in said(bureau)[-1]
        assert await unhandled(bureau) == 0
        assert await bureau.store.listing(states=(), limit=9) == ()


async def test_heard_twice_it_is_one_broadcast() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        for _ in range(2):
            bureau.ref.tell(composed("Hi"))
        await bureau.passes(2)
        assert len(await bureau.store.listing(states=(), limit=9)) == 1


async def test_what_the_store_does_not_take_now_is_heard_later() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        bureau.store.away = True
        bureau.ref.tell(composed("Hi"))
        await bureau.passes(10)
        bureau.store.away = False
        await bureau.passes(2)
        assert len(await bureau.store.listing(states=(State.READY,), limit=9)) == 1
        assert [type(each).__name__ for each in bureau.system.incidents] == ["ActorStarted"]


async def test_after_a_restart_the_panel_goes_on() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await hear(bureau, pressed("b:resume:1", 6))
        await bureau.passes(2)
    async with bureau.open():
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(4)
        assert "is done" in said(bureau)[-1]


async def test_a_check_that_was_lost_with_the_process_is_made_again() -> None:
    bureau = Bureau()
    await bureau.people(1)
    bureau.post.shows = False
    async with bureau.open():
        kept = only(await bureau.create())
        assert kept.state is State.CHECKING
    bureau.post.shows = True
    async with bureau.open():
        await bureau.passes(2)
        assert (await bureau.kept(kept.broadcast_id)).state is State.RUNNING


async def test_a_panel_that_is_shown_late_holds_up_no_check() -> None:
    bureau = Bureau()
    await bureau.people(1)
    bureau.post.shows = False
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        (check,) = bureau.post.others.told
        bureau.ref.tell(delivered(check, 501))
        await bureau.system.settle()
        panel = bureau.post.others.told[-1]
        assert only(await edited(bureau, BroadcastId(1), Content(text="Bye"))).state is (
            State.CHECKING
        )
        check = bureau.post.others.told[-1]
        bureau.ref.tell(delivered(panel, 502))
        bureau.post.shows = True
        bureau.ref.tell(delivered(check, 503))
        await bureau.passes(2)
        kept = await bureau.kept(BroadcastId(1))
        assert (kept.state, kept.content.text) == (State.READY, "Bye")
        assert kept.panel_message_id is not None


def delivered(letter: Any, message_id: int) -> broadcast.Delivered:
    return broadcast.Delivered(
        letter_id=letter.letter_id, chat_id=letter.chat_id, message_id=MessageId(message_id)
    )
