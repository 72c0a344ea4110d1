"""Paused nobody is told, and resumed everybody is, once."""

from __future__ import annotations

import trio

from actors.broadcast import messages as broadcast
from actors.broadcasts import messages as broadcasts
from actors.broadcasts.desk import NOT_BILLED
from actors.broadcasts.model import Outcome, State
from actors.kernel.ids import ChatId
from runtime import ask
from tests.actors.broadcasts.admin import ONE, Admin, composed, hear
from tests.actors.broadcasts.post import Bureau


def pending_of(bureau: Bureau) -> float:
    """As the newest report tells it."""
    report = bureau.reports.told[-1]
    (pending,) = [each for each in report.measurements if each.name == "recipients_pending"]
    return float(pending.value)


async def test_a_late_withdrawal_takes_nobody_back_whose_request_was_begun_since() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.act(broadcast_id, "pause")
        ((letter_id, withdrawn),) = bureau.post.waiting.items()
        assert not await bureau.store.starting(letter_id)
        bureau.post.waiting.clear()
        await bureau.act(broadcast_id, "resume")
        await bureau.passes(2)
        ((_, again),) = bureau.post.waiting.items()
        assert await bureau.store.starting(letter_id)
        assert withdrawn.notify is not None
        assert again.notify is not None
        receipt = broadcast.Undelivered(
            letter_id=letter_id, chat_id=ChatId(1), reason="withdrawn", detail="no"
        )
        withdrawn.notify.tell(receipt)
        await bureau.passes(5)
        assert await bureau.outcomes(broadcast_id) == {1: Outcome.SENDING}
        await bureau.store.postponed(letter_id)  # by the carrier, as Telegram says: not now
        again.notify.tell(receipt)
        await bureau.system.settle()
        assert await bureau.outcomes(broadcast_id) == {1: Outcome.PENDING}


async def test_who_was_under_way_when_it_was_paused_is_pending_until_it_is_known() -> None:
    bureau = Bureau()
    await bureau.people(3)
    async with bureau.open():
        broadcast_id = await bureau.started()
        (letter_id, letter), *_ = bureau.post.waiting.items()
        assert await bureau.store.starting(letter_id)
        await bureau.act(broadcast_id, "pause")
        await bureau.passes(60)
        assert pending_of(bureau) == 3
        assert letter.notify is not None
        letter.notify.tell(
            broadcast.Undelivered(
                letter_id=letter_id, chat_id=letter.chat_id, reason="blocked", detail="no"
            )
        )
        await bureau.passes(60)
        assert pending_of(bureau) == 2


async def test_paused_nobody_is_told_any_more_and_resumed_everybody_is() -> None:
    bureau = Bureau()
    await bureau.people(10)
    async with bureau.open():
        broadcast_id = await bureau.started()
        await bureau.carry(3)
        await bureau.act(broadcast_id, "pause")
        assert await bureau.carry() == []
        await bureau.passes(60)
        assert not bureau.post.waiting
        assert (await bureau.kept(broadcast_id)).counts.pending == 7
        assert pending_of(bureau) == 7
        await bureau.act(broadcast_id, "resume")
        await bureau.passes(2)
        assert await bureau.carry() == [4, 5, 6, 7, 8, 9, 10]
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_who_was_under_way_at_a_restart_and_was_told_to_wait_is_told_again() -> None:
    bureau = Bureau()
    await bureau.people(2)
    bureau.post.fates[ChatId(1)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started()
        letter_id, letter = next(iter(bureau.post.waiting.items()))
        await bureau.carry()
    async with bureau.open():
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED
        unknown = broadcasts.Retry(broadcast_id=broadcast_id, who="ann")
        assert isinstance(await ask(bureau.ref, unknown), broadcasts.Refused)
        await bureau.store.postponed(letter_id)  # Telegram has answered 429
        assert (await bureau.outcomes(broadcast_id))[ChatId(1)] is Outcome.FAILED
        bureau.post.fates.clear()
        await ask(bureau.ref, broadcasts.Retry(broadcast_id=broadcast_id, who="ann"))
        await bureau.passes(2)
        assert await bureau.carry() == [letter.chat_id]
        await bureau.passes(2)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}


async def test_who_was_told_to_wait_while_others_go_on_has_his_turn_again() -> None:
    bureau = Bureau()
    await bureau.people(3)
    bureau.post.fates[ChatId(1)] = "silence"
    async with bureau.open():
        broadcast_id = await bureau.started()
        letter_id = next(iter(bureau.post.waiting))
        await bureau.carry(1)
        bureau.store.away = True  # killed, but for the dispatcher
    bureau.store.away = False
    async with bureau.open():
        await bureau.passes(2)
        assert (await bureau.outcomes(broadcast_id))[ChatId(1)] is Outcome.UNKNOWN
        await bureau.store.postponed(letter_id)
        bureau.post.fates.clear()
        for _ in range(2):
            await bureau.carry()
            await bureau.passes(3)
        assert set((await bureau.outcomes(broadcast_id)).values()) == {Outcome.SENT}
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED


async def test_a_broadcast_that_cannot_be_paid_is_refused_and_says_what_to_set() -> None:
    bureau = Bureau(paid=False)
    await bureau.people(1)
    async with bureau.open():
        refused = await bureau.create(paid=True)
        assert refused == broadcasts.Refused(detail=NOT_BILLED, conflict=True)
        assert "BROADCAST_STARS_BUDGET" in refused.detail
        assert isinstance(await bureau.create(), broadcasts.Shown)


async def test_a_paid_broadcast_that_cannot_be_paid_any_more_is_reported() -> None:
    bureau = Bureau()
    await bureau.people(1)
    async with bureau.open():
        await bureau.started(paid=True)
        assert bureau.reports.told[-1].status == "pass"
    bureau.paid = False
    async with bureau.open():
        await bureau.passes(2)
        assert "goes at the free rate" in bureau.reports.told[-1].output


async def test_paused_while_its_recipients_are_written_down_it_waits_when_they_are() -> None:
    bureau = Bureau()
    await bureau.people(3)
    bureau.store.slow = trio.Event()
    async with bureau.open():
        kept = await bureau.create()
        broadcast_id = kept.broadcast.broadcast_id
        await bureau.passes(1)
        assert (await bureau.kept(broadcast_id)).state is State.RUNNING
        paused = await bureau.act(broadcast_id, "pause")
        assert isinstance(paused, broadcasts.Shown)
        bureau.store.slow.set()
        await bureau.passes(2)
        after = await bureau.kept(broadcast_id)
        assert (after.state, after.prepared, bureau.post.waiting) == (State.PAUSED, True, {})
        await bureau.act(broadcast_id, "resume")
        await bureau.passes(2)
        assert await bureau.carry() == [1, 2, 3]


async def test_a_crash_while_recipients_are_written_down_costs_nobody_his_turn() -> None:
    bureau = Bureau()
    await bureau.people(3)
    bureau.store.slow = trio.Event()
    async with bureau.open():
        broadcast_id = (await bureau.create()).broadcast.broadcast_id
        await bureau.passes(5)
        kept = await bureau.kept(broadcast_id)
        assert (kept.state, kept.prepared) == (State.RUNNING, False)
        assert not bureau.post.waiting
        assert bureau.reports.told[-1].status == "pass"
    bureau.store.slow = None
    async with bureau.open():
        await bureau.passes(2)
        assert await bureau.carry() == [1, 2, 3]


async def test_a_pass_that_waits_for_one_request_reads_nothing_when_others_are_heard_of() -> None:
    bureau = Bureau()
    await bureau.people(30)
    async with bureau.open():
        waits = await bureau.started("A")
        bureau.post.fates[ChatId(1)] = "silence"
        await bureau.carry(1)
        del bureau.post.fates[ChatId(1)]
        await bureau.act(waits, "pause")
        await bureau.act(waits, "resume")
        await bureau.carry()
        await bureau.started("B")
        await bureau.carry(1)
        before = bureau.store.pages
        for _ in range(20):
            await bureau.carry(1)
        assert bureau.store.pages == before
        assert (await bureau.kept(waits)).counts.pending == 1


async def test_an_audience_that_cannot_be_looked_up_is_reported_and_holds_up_nobody() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        held = (await bureau.create(hold=True)).broadcast.broadcast_id
        bureau.store.too_large = frozenset({held})
        await bureau.act(held, "resume")
        await bureau.passes(120)
        assert bureau.store.looks <= 6
        report = bureau.reports.told[-1]
        assert report.status == "warn"
        assert "broadcast 1 cannot begin" in report.output
        assert "took too long" in report.output
        other = await bureau.started()
        assert len(await bureau.carry()) == 2
        await bureau.passes(2)
        assert (await bureau.kept(other)).state is State.FINISHED
        bureau.store.too_large = frozenset()
        await bureau.passes(180)
        assert len(await bureau.carry()) == 2
        await bureau.passes(2)
        assert (await bureau.kept(held)).state is State.FINISHED
        assert bureau.reports.told[-1].status == "pass"


async def test_recipients_that_cannot_be_written_down_are_tried_again_later_and_later() -> None:
    bureau = Bureau()
    await bureau.people(2)
    bureau.store.slow = trio.Event()
    async with bureau.open():
        broadcast_id = await bureau.started()
        bureau.store.too_large = frozenset({broadcast_id})
    bureau.store.slow = None
    async with bureau.open():
        await bureau.passes(600)
        assert 5 <= bureau.store.looks <= 9
        assert "cannot begin" in bureau.reports.told[-1].output
        await bureau.act(broadcast_id, "cancel")
        await bureau.passes(2)
        assert bureau.reports.told[-1].status == "pass"


async def test_one_begun_in_the_chat_that_cannot_be_looked_up_holds_up_nobody_either() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        admin = Admin(bureau)
        await bureau.passes(2)
        bureau.store.too_large = frozenset({ONE})
        await admin.presses("Confirm")
        await bureau.passes(120)
        assert bureau.store.looks <= 8
        assert "broadcast 1 cannot begin" in bureau.reports.told[-1].output
        other = await bureau.started()
        assert len(await bureau.carry()) == 2
        await bureau.passes(2)
        assert (await bureau.kept(other)).state is State.FINISHED
        bureau.store.too_large = frozenset()
        await bureau.passes(180)
        assert len(await bureau.carry()) == 2


async def test_nor_does_it_keep_the_broadcaster_from_starting() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        await hear(bureau, composed("Hi"))
        await bureau.passes(2)
    bureau.store.too_large = frozenset({ONE})
    async with bureau.open():
        await bureau.started()
        assert len(await bureau.carry()) == 2
        cancelled = await bureau.act(ONE, "cancel")
        assert isinstance(cancelled, broadcasts.Shown)


async def test_what_was_put_off_and_is_stopped_is_no_trouble_any_more() -> None:
    bureau = Bureau()
    await bureau.people(2)
    async with bureau.open():
        held = (await bureau.create(hold=True)).broadcast.broadcast_id
        bureau.store.too_large = frozenset({held})
        await bureau.act(held, "resume")
        await bureau.passes(120)
        assert bureau.reports.told[-1].status == "warn"
        await bureau.act(held, "pause")
        await bureau.passes(2)
        assert bureau.reports.told[-1].status == "pass"
