"""What people ask of broadcasts: second passes, and second tries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.desk import PAST
from actors.broadcasts.keeping import OPEN_MAX, RUNNING_MAX
from actors.broadcasts.model import Audience, Broadcast, Content, Kind, Outcome, State
from actors.broadcasts.panel_reader import Reader
from actors.kernel.ids import BroadcastId, ChatId, ProductId
from runtime import ask
from tests.actors.broadcasts.post import ADMIN, Bureau

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
        answer = await edited(bureau, running, Content(text="x"))
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


async def test_a_start_in_the_past_is_a_slip_and_nobody_is_told() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        now = bureau.system.world.now()
        refused = await bureau.create(starts_at=now - PAST - timedelta(seconds=1))
        assert isinstance(refused, broadcasts.Refused)
        assert refused.detail.startswith("the start is past: it was 2025-12-31T23:57Z")
        assert only(await bureau.create(starts_at=now - PAST)).broadcast_id == 1


async def test_a_product_that_nobody_sells_and_nobody_has_is_named() -> None:
    bureau = Bureau(reader=Reader(products={ProductId("notes"): "Notes"}))
    await bureau.people(1)
    async with bureau.open():
        for names, why in (
            (("notes", "nope"), "nobody would get it; no such product is on sale: nope"),
            (("notes",), "nobody would get it"),
        ):
            audience = Audience(products=tuple(map(ProductId, names)))
            refused = await bureau.create(audience=audience)
            assert isinstance(refused, broadcasts.Refused)
            assert refused.detail == why


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
