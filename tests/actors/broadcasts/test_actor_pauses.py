"""Paused nobody is told, and resumed everybody is, once."""

from __future__ import annotations

from actors.broadcast import messages as broadcast
from actors.broadcasts.model import Outcome, State
from actors.kernel.ids import ChatId
from tests.actors.broadcasts.post import Bureau


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
        again.notify.tell(receipt)
        await bureau.system.settle()
        assert await bureau.outcomes(broadcast_id) == {1: Outcome.PENDING}


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
        await bureau.act(broadcast_id, "resume")
        await bureau.passes(2)
        assert await bureau.carry() == [4, 5, 6, 7, 8, 9, 10]
        await bureau.passes(2)
        assert (await bureau.kept(broadcast_id)).state is State.FINISHED
