"""What was begun is changed or deleted: whoever is told later is told the newest, or nothing."""

from __future__ import annotations

from typing import Any

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.keeping import RUNNING_MAX
from actors.broadcasts.model import Content, Kind, Outcome, State
from actors.kernel.ids import BroadcastId, ChatId
from runtime import ask
from tests.actors.broadcasts.post import Bureau
from tests.actors.broadcasts.test_desk import edited, only, sent


async def halted(bureau: Bureau, *, after: int) -> BroadcastId:
    """A broadcast that was paused after so many, whose letters the dispatcher still has."""
    broadcast_id = await bureau.started("Old")
    await bureau.carry(after)
    await bureau.act(broadcast_id, "pause")
    return broadcast_id


async def retried(bureau: Bureau, broadcast_id: BroadcastId) -> Any:
    return await ask(bureau.ref, broadcasts.Retry(broadcast_id=broadcast_id, who="ann"))


def texts(bureau: Bureau) -> dict[ChatId, str]:
    """What the dispatcher has for whom."""
    letters = bureau.post.waiting.values()
    return {each.chat_id: each.text for each in letters if not isinstance(each, broadcast.Erase)}


async def test_edited_while_it_is_paused_the_rest_get_the_new_text_and_the_others_a_change() -> (
    None
):
    bureau = Bureau()
    await bureau.people(5)
    async with bureau.open():
        first = await halted(bureau, after=2)
        old = dict(bureau.post.waiting)
        change = only(await edited(bureau, first, Content(text="New")))
        await bureau.passes(2)
        assert texts(bureau) == dict.fromkeys((1, 2), "New") | dict.fromkeys((3, 4, 5), "Old")
        await bureau.act(first, "resume")
        await bureau.passes(2)
        assert old.items() <= bureau.post.waiting.items(), "the old letters are still there"
        said = [bureau.post.waiting[each] for each in bureau.post.waiting if each not in old]
        assert {each.chat_id: type(each) for each in said} == {
            1: broadcast.Edit, 2: broadcast.Edit,
            3: broadcast.Say, 4: broadcast.Say, 5: broadcast.Say,
        }  # fmt: skip
        assert {each.text for each in said if not isinstance(each, broadcast.Erase)} == {"New"}
        bureau.post.begun.clear()
        await bureau.carry()
        await bureau.passes(3)
        assert sorted(bureau.post.begun) == [1, 2, 3, 4, 5], "each is written to once"
        for broadcast_id, count in ((first, 5), (change.broadcast_id, 2)):
            kept = await bureau.kept(broadcast_id)
            assert (kept.state, kept.counts.sent) == (State.FINISHED, count)


async def test_edited_before_anybody_got_it_everybody_gets_the_new_text() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        first = await halted(bureau, after=0)
        change = only(await edited(bureau, first, Content(text="New")))
        await bureau.carry()
        await bureau.passes(2)
        assert (await bureau.kept(change.broadcast_id)).state is State.FINISHED
        await bureau.act(first, "resume")
        await bureau.passes(2)
        assert texts(bureau) == dict.fromkeys((1, 2, 3), "New")


async def test_what_failed_is_tried_again_with_what_was_edited_since() -> None:
    bureau = Bureau()
    await bureau.people(5)
    async with bureau.open():
        first = await sent(bureau)
        only(await edited(bureau, first, Content(text="New")))
        await bureau.passes(2)
        await bureau.carry()
        only(await retried(bureau, first))
        await bureau.passes(2)
        assert texts(bureau) == {ChatId(3): "New"}


async def test_who_got_it_after_all_gets_the_change_that_is_over_too() -> None:
    bureau = Bureau()
    await bureau.people(2)
    bureau.post.fates[ChatId(1)] = "silence"
    async with bureau.open():
        first = await bureau.started("Old")
        letter_id, letter = next(iter(bureau.post.waiting.items()))
        await bureau.carry()
        bureau.post.fates.clear()
        await bureau.act(first, "pause")
        assert await bureau.store.recover() == 1
        change = only(await edited(bureau, first, Content(text="New"))).broadcast_id
        await bureau.passes(2)
        assert await bureau.carry() == [2]
        await bureau.passes(2)
        assert (await bureau.kept(change)).state is State.FINISHED
        assert letter.notify is not None
        letter.notify.tell(bureau.post._delivered(letter_id, ChatId(1)))  # the old dispatcher
        await bureau.passes(2)
        assert texts(bureau) == {ChatId(1): "New"}
        assert await bureau.carry() == [1]
        await bureau.passes(2)
        kept = await bureau.kept(change)
        assert (kept.state, kept.counts.sent, kept.counts.total) == (State.FINISHED, 2, 2)


async def test_nobody_is_told_what_is_about_to_be_changed() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        first = await halted(bureau, after=1)
        bureau.post.shows = False
        change = only(await edited(bureau, first, Content(text="New")))
        for refused in (await bureau.act(first, "resume"), await retried(bureau, first)):
            assert refused.conflict
            assert f"broadcast {change.broadcast_id} is about to change it" in refused.detail
        again = await edited(bureau, first, Content(text="Newer"))
        assert f"broadcast {change.broadcast_id} changes it" in again.detail
        await bureau.act(change.broadcast_id, "cancel")
        assert only(await bureau.act(first, "resume")).content.text == "Old"


async def test_a_change_waits_for_what_is_being_sent_right_now() -> None:
    bureau = Bureau()
    await bureau.people(3)
    bureau.post.fates[ChatId(2)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started("Old")
        letter = list(bureau.post.waiting.values())[1]
        await bureau.carry(2)
        await bureau.act(broadcast_id, "pause")
        change = only(await edited(bureau, broadcast_id, Content(text="New")))
        await bureau.passes(5)
        assert (await bureau.kept(change.broadcast_id)).state is State.SCHEDULED
        assert letter.notify is not None
        assert letter.letter_id is not None
        letter.notify.tell(bureau.post._delivered(letter.letter_id, ChatId(2)))
        await bureau.passes(3)
        assert set(await bureau.outcomes(change.broadcast_id)) == {1, 2}


async def test_a_change_that_failed_is_not_tried_again_after_a_newer_one() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        first = await sent(bureau)
        bureau.post.fates[ChatId(1)] = "refused"
        changes = []
        for text in ("New", "Newer"):
            changes.append(only(await edited(bureau, first, Content(text=text))).broadcast_id)
            await bureau.passes(2)
            await bureau.carry()
            await bureau.passes(2)
        assert "changed again" in (await retried(bureau, changes[0])).detail
        assert only(await retried(bureau, changes[1])).state is State.RUNNING


async def test_deleted_while_it_runs_nothing_more_is_sent_and_what_was_sent_is_taken_back() -> None:
    bureau = Bureau()
    await bureau.people(6)
    bureau.post.fates[ChatId(3)] = "silence"
    async with bureau.open():
        first = await bureau.started()
        late = list(bureau.post.waiting.values())[2]
        await bureau.carry(3)
        back = only(await bureau.act(first, "delete"))
        assert (back.kind, back.of) == (Kind.DELETE, first)
        assert (await bureau.kept(first)).state is State.DELETED
        assert await bureau.carry() == []
        assert late.notify is not None
        assert late.letter_id is not None
        late.notify.tell(bureau.post._delivered(late.letter_id, ChatId(3)))
        bureau.post.fates.clear()
        await bureau.passes(3)
        assert await bureau.carry() == [1, 2, 3]
        await bureau.passes(3)
        assert (await bureau.kept(back.broadcast_id)).state is State.FINISHED
        counts = (await bureau.kept(first)).counts
        assert (counts.sent, counts.pending) == (3, 3)
        assert [each.what for each in await bureau.store.actions(first)] == ["create", "delete"]


async def test_what_was_deleted_never_goes_on() -> None:
    bureau = Bureau()
    await bureau.people(5)
    async with bureau.open():
        paused = await halted(bureau, after=2)
        await bureau.act(paused, "delete")
        finished = await sent(bureau)
        await bureau.act(finished, "delete")
        for broadcast_id in (paused, finished):
            for answer in (
                await bureau.act(broadcast_id, "resume"),
                await bureau.act(broadcast_id, "pause"),
                await bureau.act(broadcast_id, "cancel"),
                await retried(bureau, broadcast_id),
                await edited(bureau, broadcast_id, Content(text="New")),
            ):
                assert answer.conflict
                assert "it was deleted" in answer.detail
            assert (await bureau.kept(broadcast_id)).state is State.DELETED
        assert "takes it back already" in (await bureau.act(finished, "delete")).detail


async def test_a_deletion_that_was_cancelled_can_be_begun_again() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        first = await sent(bureau)
        back = only(await bureau.act(first, "delete"))
        await bureau.act(back.broadcast_id, "cancel")
        again = only(await bureau.act(first, "delete"))
        assert (again.kind, again.broadcast_id > back.broadcast_id) == (Kind.DELETE, True)


async def test_a_deletion_ends_a_change() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        first = await sent(bureau)
        change = only(await edited(bureau, first, Content(text="New")))
        await bureau.passes(2)
        await bureau.act(first, "delete")
        assert (await bureau.kept(change.broadcast_id)).state is State.CANCELLED
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        assert set((await bureau.outcomes(change.broadcast_id)).values()) == {Outcome.PENDING}
        assert "was deleted" in (await retried(bureau, first)).detail


async def test_a_mistake_is_taken_back_however_many_others_run() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        mistake = await bureau.started("Oops")
        await bureau.carry()
        await bureau.passes(2)
        for _ in range(RUNNING_MAX):
            await bureau.started()
        deletion = (await bureau.act(mistake, "delete")).broadcast.broadcast_id
        await bureau.passes(2)
        assert (await bureau.kept(deletion)).state is State.RUNNING
