"""Everybody is told once, whatever happens meanwhile: passes, pauses, crashes and outages."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import trio

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.model import Outcome, State
from actors.broadcasts.running import WINDOW
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from actors.operations import messages as operations
from runtime import VirtualWorld, ask
from tests.actors.broadcasts.post import ADMIN, EPOCH, Bureau


async def test_it_is_shown_to_the_administrators_and_then_sent_to_everybody() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        broadcast_id = await bureau.started("Hi {first_name}")
        shown = await bureau.post.others.expect(broadcast.Say)
        assert (shown.chat_id, shown.text) == (ADMIN, "Hi ")
        assert {
            letter.text
            for letter in bureau.post.waiting.values()
            if isinstance(letter, broadcast.Say)
        } == {"Hi P1", "Hi P2", "Hi P3"}
        assert await bureau.carry() == [1, 2, 3]
        await bureau.passes(1)
        kept = await bureau.kept(broadcast_id)
        assert (kept.state, kept.counts.sent, kept.counts.pending) == (State.FINISHED, 3, 0)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}


async def test_what_telegram_refuses_to_show_stays_a_draft_and_says_why() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        bureau.post.refusal = "can't parse entities"
        answer = await bureau.create("<b>Hi")
        assert isinstance(answer, broadcasts.Shown)
        await bureau.passes(5)
        kept = await bureau.kept(answer.broadcast.broadcast_id)
        assert (kept.state, "can't parse entities" in kept.trouble) == (State.DRAFT, True)
        assert not bureau.post.waiting
        reported = [told for told in bureau.reports.told if told.status == "warn"]
        assert "can't parse entities" in reported[-1].output


async def test_what_cannot_be_is_refused_before_anything_is_kept() -> None:
    bureau, nobody = Bureau(), Bureau(admin_chat_id=None)
    async with bureau.open():
        assert await bureau.create("Hi") == broadcasts.Refused(detail="nobody would get it")
    await bureau.people(1)
    async with bureau.open():
        answer = await bureau.create("Hi {nme}")
        assert isinstance(answer, broadcasts.Refused)
        assert answer.detail.startswith("{nme} is not known")
        assert await bureau.store.listing(states=(), limit=9) == ()
    await nobody.people(1)
    async with nobody.open():
        answer = await nobody.create("Hi")
        assert isinstance(answer, broadcasts.Refused)
        assert "ADMIN_CHAT_ID" in answer.detail


async def test_each_receipt_is_the_outcome_of_its_recipient() -> None:
    bureau = Bureau()
    await bureau.people(5)
    bureau.post.fates.update({ChatId(2): "blocked", ChatId(3): "refused", ChatId(4): "unknown"})
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.carry()
        await bureau.passes(1)
        assert await bureau.outcomes(broadcast_id) == {
            1: Outcome.SENT, 2: Outcome.BLOCKED, 3: Outcome.FAILED, 4: Outcome.UNKNOWN,
            5: Outcome.SENT,
        }  # fmt: skip
        counts = (await bureau.kept(broadcast_id)).counts
        assert (counts.sent, counts.blocked, counts.failed, counts.unknown) == (2, 1, 1, 1)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_no_more_letters_are_out_than_the_window_holds() -> None:
    bureau = Bureau()
    await bureau.people(3 * WINDOW)
    async with bureau.open():
        broadcast_id = await bureau.started()
        assert len(bureau.post.waiting) == WINDOW
        for _ in range(6):
            await bureau.carry(WINDOW // 2)
            assert len(bureau.post.waiting) <= WINDOW
        await bureau.passes(1)
        assert bureau.post.begun == list(range(1, 3 * WINDOW + 1))
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_resumed_before_the_dispatcher_noticed_nobody_is_told_twice() -> None:
    bureau = Bureau()
    await bureau.people(10)
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.act(broadcast_id, "pause")
        await bureau.act(broadcast_id, "resume")
        await bureau.carry()
        await bureau.passes(2)
        assert bureau.post.begun == list(range(1, 11))
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_who_was_passed_over_has_his_turn_again() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        broadcast_id = await bureau.started()
        letter_id, letter = list(bureau.post.waiting.items())[1]
        del bureau.post.waiting[letter_id]
        assert letter.notify is not None
        letter.notify.tell(bureau.post._lost(letter_id, letter.chat_id, "withdrawn", "no reason"))
        assert await bureau.carry() == [1, 3]
        await bureau.passes(3)
        assert await bureau.carry() == [2]
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_cancelled_the_others_get_nothing() -> None:
    bureau = Bureau()
    await bureau.people(10)
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.carry(4)
        await bureau.act(broadcast_id, "cancel")
        await bureau.carry()
        await bureau.passes(60)
        assert bureau.post.begun == [1, 2, 3, 4]
        kept = await bureau.kept(broadcast_id)
        assert (kept.state, kept.counts.sent, kept.counts.pending) == (State.CANCELLED, 4, 6)
        answer = await bureau.act(broadcast_id, "resume")
        assert isinstance(answer, broadcasts.Refused)


async def test_after_a_crash_the_rest_are_told_and_who_was_under_way_is_unknown() -> None:
    bureau = Bureau()
    await bureau.people(10)
    bureau.post.fates[ChatId(4)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.carry(4)
        disk = bureau.connection.tables
        bureau.store.away = True  # killed: nothing is written any more
    bureau.store.away = False
    assert disk.broadcasts[broadcast_id].recipients[ChatId(4)].outcome is Outcome.SENDING
    async with bureau.open():
        await bureau.passes(2)
        await bureau.carry()
        await bureau.passes(2)
        assert bureau.post.begun == list(range(1, 11))
        assert Counter((await bureau.outcomes(broadcast_id)).values()) == {
            Outcome.SENT: 9, Outcome.UNKNOWN: 1,
        }  # fmt: skip
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_at_least_once_who_was_under_way_is_told_again() -> None:
    bureau = Bureau()
    await bureau.people(3)
    bureau.post.fates[ChatId(2)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started(repeat=True)
        await bureau.carry()
        bureau.store.away = True
    bureau.store.away = False
    bureau.post.fates.clear()
    async with bureau.open():
        await bureau.passes(2)
        assert await bureau.carry() == [2]
        await bureau.passes(2)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}


async def test_an_orderly_stop_waits_for_what_is_under_way_and_leaves_nothing_unknown() -> None:
    bureau = Bureau()
    await bureau.people(10)
    bureau.post.fates[ChatId(2)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started()
        letters = list(bureau.post.waiting.values())
        await bureau.carry(2)

        async def answers_late() -> None:
            await trio.sleep(0.7)
            assert await bureau.post.carry(8) == [], "a request began while it stops"
            notify, letter_id = letters[1].notify, letters[1].letter_id
            assert notify is not None
            assert letter_id is not None
            notify.tell(bureau.post._delivered(letter_id, ChatId(2)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(answers_late)
            await bureau.ref.stop()
    assert await bureau.store.under_way() == 0
    counts = (await bureau.kept(broadcast_id)).counts
    assert (counts.sent, counts.unknown, counts.pending) == (2, 0, 8)
    async with bureau.open():
        await bureau.passes(2)
        assert await bureau.carry() == [3, 4, 5, 6, 7, 8, 9, 10]


async def test_a_receipt_that_comes_after_a_restart_still_counts() -> None:
    bureau = Bureau()
    await bureau.people(2)
    bureau.post.fates[ChatId(1)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started()
        first = next(iter(bureau.post.waiting.values()))
        await bureau.carry()
        assert await bureau.store.recover() == 1
        assert first.notify is not None
        assert first.letter_id is not None
        first.notify.tell(bureau.post._delivered(first.letter_id, ChatId(1)))
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).counts.unknown == 0
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}


async def test_outcomes_wait_for_a_store_that_is_away() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        broadcast_id = await bureau.started()
        letters = list(bureau.post.waiting.values())
        for letter in letters:
            assert letter.letter_id is not None
            assert await bureau.store.starting(letter.letter_id)
        bureau.store.away = True
        for letter in letters:
            assert letter.notify is not None
            assert letter.letter_id is not None
            letter.notify.tell(bureau.post._delivered(letter.letter_id, letter.chat_id))
        await bureau.passes(30)
        bureau.store.away = False
        await bureau.passes(3)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED
        assert [type(each).__name__ for each in bureau.system.incidents] == ["ActorStarted"]


async def test_an_operator_hears_that_the_store_is_away() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        bureau.store.away = True
        with pytest.raises(Unavailable, match="away"):
            await bureau.create()
        bureau.store.away = False
        assert isinstance(await bureau.create(), broadcasts.Shown)


async def test_what_was_created_and_nobody_heard_of_goes_its_way() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        bureau.store.forgets = True
        with pytest.raises(Unavailable):
            await bureau.create()
        bureau.store.forgets = False
        await bureau.passes(5)
        (kept,) = await bureau.store.listing(states=(), limit=9)
        assert kept.state is State.RUNNING


async def test_it_starts_at_its_time_and_catches_up_with_one_it_missed() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        in_time = await bureau.create(starts_at=EPOCH + timedelta(hours=1))
        missed = await bureau.create(starts_at=EPOCH + timedelta(hours=3))
        assert isinstance(in_time, broadcasts.Shown)
        assert isinstance(missed, broadcasts.Shown)
        await bureau.passes(3590)
        assert not bureau.post.waiting
        await bureau.passes(15)
        assert len(bureau.post.waiting) == 1
        assert (await bureau.kept(in_time.broadcast.broadcast_id)).state is State.RUNNING
    bureau.world = VirtualWorld(epoch=EPOCH + timedelta(hours=8))
    async with bureau.open():
        await bureau.passes(2)
        assert (await bureau.kept(missed.broadcast.broadcast_id)).state is State.RUNNING


async def test_nobody_is_left_when_its_time_comes() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        answer = await bureau.create(starts_at=EPOCH + timedelta(hours=1))
        assert isinstance(answer, broadcasts.Shown)
        await bureau.people(1, blocked=True)
        await bureau.passes(3700)
        kept = await bureau.kept(answer.broadcast.broadcast_id)
        assert (kept.state, kept.trouble) == (
            State.DRAFT, "there is nobody to send it to any more",
        )  # fmt: skip


async def test_it_says_how_fast_it_goes_and_when_it_will_be_done() -> None:
    bureau = Bureau()
    await bureau.people(100)
    async with bureau.open():
        broadcast_id = await bureau.started()
        for _ in range(5):
            await bureau.carry(10)
            await bureau.passes(1)
        shown = await ask(bureau.ref, broadcasts.Show(broadcast_id=broadcast_id))
        assert shown is not None
        assert shown.broadcast.counts.sent == 50
        assert shown.per_second is not None
        assert 8 < shown.per_second < 12
        assert shown.remaining_seconds is not None
        assert 4 < shown.remaining_seconds < 7
        figures = {
            each.name: each.value
            for told in bureau.reports.told
            if isinstance(told, operations.Reported)
            for each in told.measurements
        }
        assert (figures["running"], figures["letters_out"]) == (1, 50)


async def test_a_pass_that_stands_still_is_reported() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        await bureau.started()
        await bureau.passes(290)
        assert bureau.reports.told[-1].status == "pass"
        await bureau.passes(20)
        assert bureau.reports.told[-1].status == "warn"
        assert "makes no progress" in bureau.reports.told[-1].output


async def test_while_nothing_is_open_nobody_is_asked_for_anything() -> None:
    bureau = Bureau()
    async with bureau.open():
        await bureau.passes(2)
        told = len(bureau.reports.told)
        bureau.store.away = True  # whoever asks it now is heard of
        await bureau.passes(3600)
        assert bureau.reports.told[-1].status == "pass"
        assert 55 <= len(bureau.reports.told) - told <= 65
        assert len(bureau.post.others.told) == 0


async def test_a_broadcast_that_waits_for_its_time_costs_nothing_until_then() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        await bureau.create(starts_at=EPOCH + timedelta(days=2))
        await bureau.passes(10)
        bureau.store.away = True
        await bureau.passes(86_400)
        bureau.store.away = False
        await bureau.passes(86_400)
        assert len(bureau.post.waiting) == 1
