"""Recipients of broadcasts: who is written down, and how each comes to one outcome."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from actors.broadcast.ports import Page
from actors.broadcasts.model import Audience, Kind, Outcome, Settled, State
from actors.broadcasts.ports import MOVED, letter_of
from actors.broadcasts.template import Person
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, LetterId, ProductId
from actors.kernel.language import Language
from actors.payments.orders import State as OrderState
from actors.sessions.model import State as Stand
from tests.adapters.contract.broadcasts import Bureau, bureau_of, draft
from tests.adapters.contract.stores import KINDS
from tests.adapters.contract.test_orders import BARE, PRICE


@pytest.fixture(params=KINDS)
def bureau(request: pytest.FixtureRequest) -> Bureau:
    return bureau_of(request)


# Who is meant


async def test_everybody_is_meant_but_for_those_who_cannot_be_reached(bureau: Bureau) -> None:
    await bureau.people(5, 3, 1, 2)
    await bureau.people(4, 6, blocked=True)
    await bureau.shut(3)
    assert await bureau.chosen(Audience()) == [1, 2, 5]
    counts = await bureau.counts(await bureau.running())
    assert counts == {"total": 3, "left_out": 3}


async def test_an_audience_is_those_to_whom_all_of_it_applies(bureau: Bureau) -> None:
    await bureau.people(1, 2, language=Language.UK)
    await bureau.people(2, language=Language.UK, state=Stand.NAME)
    await bureau.people(3, language=Language.RU, state=Stand.NAME)
    await bureau.people(4)
    uk, named = (Language.UK,), ("name",)
    assert await bureau.chosen(Audience(languages=uk)) == [1, 2]
    assert await bureau.chosen(Audience(languages=(*uk, Language.RU))) == [1, 2, 3]
    assert await bureau.chosen(Audience(states=named)) == [2, 3]
    assert await bureau.chosen(Audience(languages=uk, states=named)) == [2]
    assert await bureau.chosen(Audience(languages=uk, states=("summary",))) == []


async def test_listed_chats_need_not_have_talked_to_us(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    await bureau.shut(77)
    listed = tuple(ChatId(number) for number in (3, 1, 3, 77, -100_200, 500))
    assert await bureau.chosen(Audience(chat_ids=listed)) == [-100_200, 1, 3, 500]
    narrowed = Audience(chat_ids=listed, languages=(Language.EN,))
    assert await bureau.chosen(narrowed) == [1, 3]


async def test_owners_of_a_product_are_those_who_paid_and_kept_it(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4)
    states = [OrderState.GRANTED, OrderState.PAID, OrderState.WAITING, OrderState.REFUNDED]
    for number, state in enumerate(states, 1):
        paid = state in {OrderState.GRANTED, OrderState.PAID}
        order = replace(
            BARE,
            order_id=type(BARE.order_id)(f"{number:032x}"),
            chat_id=ChatId(number),
            state=state,
            sold=PRICE if paid else None,
            paid_at=BARE.created_at if paid else None,
        )
        await bureau.stores.orders.save(order)
    assert await bureau.chosen(Audience(products=(ProductId("ticket"),))) == [1, 2]
    assert await bureau.chosen(Audience(products=(ProductId("vip"),))) == []
    listed = Audience(products=(ProductId("ticket"),), chat_ids=(ChatId(2), ChatId(9)))
    assert await bureau.chosen(listed) == [2]


async def test_active_are_those_whose_conversation_moved_since(bureau: Bureau) -> None:
    await bureau.people(1)
    now = await bureau.now()
    assert await bureau.chosen(Audience(active_since=now - timedelta(minutes=5))) == [1]
    assert await bureau.chosen(Audience(active_since=now + timedelta(minutes=5))) == []


async def test_nobody_is_added_after_the_start(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    started = await bureau.running()
    await bureau.people(3)
    assert await bureau.outcomes(started) == {1: "pending", 2: "pending"}


# Whose turn it is


async def test_pages_show_who_is_pending_as_he_is_known_now(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4, 5)
    listed = tuple(ChatId(number) for number in (1, 2, 3, 4, 5, 9))
    started = await bureau.running(audience=Audience(chat_ids=listed))
    await bureau.people(2, name="Zoë <b>", language=Language.RU)
    await bureau.settle(started, sent=[3], failed=[4])
    turns = await bureau.broadcasts.page(started.broadcast_id, after=ChatId(1), limit=2)
    assert [turn.person for turn in turns] == [
        Person(chat_id=ChatId(2), first_name="P2", name="Zoë <b>", language=Language.RU),
        Person(chat_id=ChatId(5), first_name="P5", language=Language.EN),
    ]
    assert [turn.message_id for turn in turns] == [None, None]
    (last,) = await bureau.broadcasts.page(started.broadcast_id, after=ChatId(5), limit=2)
    assert last.person == Person(chat_id=ChatId(9)) == await bureau.broadcasts.person(ChatId(9))
    assert await bureau.broadcasts.page(started.broadcast_id, after=ChatId(9), limit=2) in ([], ())
    assert await bureau.broadcasts.person(ChatId(2)) == turns[0].person


async def test_recipients_are_listed_by_outcome(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4)
    started = await bureau.running()
    await bureau.settle(started, sent=[1], failed=[2, 3])

    async def listed(*outcomes: Outcome, after: int | None = None, limit: int = 9) -> list[int]:
        found = await bureau.broadcasts.recipients(
            started.broadcast_id,
            outcomes=outcomes,
            limit=limit,
            after=None if after is None else ChatId(after),
        )
        return [each.chat_id for each in found]

    assert await listed() == [1, 2, 3, 4]
    assert await listed(Outcome.FAILED) == [2, 3]
    assert await listed(Outcome.FAILED, Outcome.SENT, limit=2) == [1, 2]
    assert await listed(Outcome.FAILED, after=2) == [3]
    (sent,) = await bureau.broadcasts.recipients(
        started.broadcast_id, outcomes=(Outcome.SENT,), limit=9
    )
    assert (sent.message_id, sent.detail) == (1001, "")


# The way to an outcome


async def test_a_request_begins_only_for_who_is_pending_in_what_runs(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3)
    started = await bureau.running()
    assert await bureau.starting(started, 1, 1, 2, 9) == [True, True, True, False]
    assert await bureau.outcomes(started) == {1: "sending", 2: "sending", 3: "pending"}
    await bureau.settle(started, sent=[1])
    assert await bureau.starting(started, 1) == [False]
    paused = await bureau.move(started, State.PAUSED)
    assert await bureau.starting(started, 2, 3) == [False, False]
    assert await bureau.outcomes(started) == {1: "sent", 2: "sending", 3: "pending"}
    await bureau.move(paused, State.RUNNING)
    assert await bureau.starting(started, 2, 3) == [True, True]
    for foreign in ("notice:stars:1", "broadcast:x:1", "broadcast:1", "broadcast:1:--"):
        assert await bureau.broadcasts.starting(LetterId(foreign)) is False


async def test_who_was_not_sent_anything_waits_again(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    started = await bureau.running()
    await bureau.starting(started, 1)
    for letter in (f"broadcast:{started.broadcast_id}:1", f"broadcast:{started.broadcast_id}:2"):
        for _ in range(2):
            await bureau.broadcasts.postponed(LetterId(letter))
    await bureau.broadcasts.postponed(LetterId("notice:stars:1"))
    assert await bureau.outcomes(started) == {1: "pending", 2: "pending"}
    assert await bureau.starting(started, 1) == [True]
    await bureau.settle(started, sent=[1])
    await bureau.broadcasts.postponed(LetterId(f"broadcast:{started.broadcast_id}:1"))
    assert await bureau.outcomes(started) == {1: "sent", 2: "pending"}


async def test_what_is_final_stays_so_but_for_what_was_unknown(bureau: Bureau) -> None:
    await bureau.people(1, 2, 3, 4)
    started = await bureau.running()
    await bureau.settle(started, sent=[1], blocked=[2], failed=[3], unknown=[4])
    counted = {"total": 4, "sent": 1, "blocked": 1, "failed": 1, "unknown": 1}
    assert await bureau.counts(started) == counted
    everybody = [1, 2, 3, 4]
    for outcome in ("pending", "unknown"):
        await bureau.settle(started, **{outcome: everybody})
        assert await bureau.counts(started) == counted
    await bureau.settle(started, failed=everybody)
    assert await bureau.outcomes(started) == {1: "sent", 2: "blocked", 3: "failed", 4: "failed"}
    await bureau.settle(started, sent=everybody)
    assert await bureau.counts(started) == {"total": 4, "sent": 1, "blocked": 1, "failed": 2}


async def test_what_turns_out_later_is_known_after_all(bureau: Bureau) -> None:
    await bureau.people(1)
    started = await bureau.running()
    await bureau.settle(started, unknown=[1])
    for _ in range(2):
        await bureau.settle(started, sent=[1])
    assert await bureau.counts(started) == {"total": 1, "sent": 1}
    (found,) = await bureau.broadcasts.recipients(started.broadcast_id, outcomes=(), limit=9)
    assert (found.message_id, found.detail) == (1001, "")


@pytest.mark.parametrize("stands", [State.RUNNING, State.PAUSED, State.FINISHED])
async def test_who_got_it_after_all_gets_the_change_that_began_without_him(
    bureau: Bureau, stands: State
) -> None:
    await bureau.people(1, 2)
    first = await bureau.running()
    await bureau.settle(first, sent=[1], unknown=[2])
    older, change = [
        await bureau.running(draft(text, kind=Kind.EDIT, of=first.broadcast_id))
        for text in ("Older", "New")
    ]
    await bureau.settle(change, sent=[1])
    change = await bureau.move(change, stands)
    for _ in range(2):
        await bureau.settle(first, sent=[2])
    assert await bureau.counts(first) == {"total": 2, "sent": 2}
    assert await bureau.outcomes(older) == {1: "pending"}
    assert await bureau.outcomes(change) == {1: "sent", 2: "pending"}
    assert await bureau.counts(change) == {"total": 2, "sent": 1}
    (turn,) = await bureau.broadcasts.page(change.broadcast_id, after=None, limit=9)
    assert turn.message_id == 1002
    kept = await bureau.broadcasts.find(change.broadcast_id)
    assert kept is not None
    assert kept.state is (State.RUNNING if stands is State.FINISHED else stands)
    with pytest.raises(Conflict) if stands is State.FINISHED else nullcontext():
        await bureau.move(change, State.CANCELLED)


async def test_who_gets_the_new_text_at_once_needs_no_change(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    first = await bureau.running()
    await bureau.settle(first, sent=[1])
    change = await bureau.running(draft("New", kind=Kind.EDIT, of=first.broadcast_id))
    letter_id = letter_of(first.broadcast_id, ChatId(2), 1)
    assert await bureau.broadcasts.starting(letter_id)
    await bureau.settle(first, sent=[2])
    assert await bureau.outcomes(change) == {1: "pending"}


async def test_what_was_cancelled_goes_on_for_nobody(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    first = await bureau.running()
    await bureau.settle(first, sent=[1], unknown=[2])
    change = await bureau.running(draft(kind=Kind.DELETE, of=first.broadcast_id))
    await bureau.move(change, State.CANCELLED)
    await bureau.kept(kind=Kind.EDIT, of=first.broadcast_id)
    await bureau.settle(first, sent=[2])
    assert await bureau.outcomes(change) == {1: "pending"}


async def test_a_change_that_was_cancelled_does_not_hide_the_one_before_it(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    first = await bureau.running()
    await bureau.settle(first, sent=[1], unknown=[2])
    change = await bureau.running(draft(kind=Kind.EDIT, of=first.broadcast_id))
    await bureau.settle(change, sent=[1])
    change = await bureau.move(change, State.FINISHED)
    newer = await bureau.running(draft(kind=Kind.EDIT, of=first.broadcast_id))
    await bureau.move(newer, State.CANCELLED)
    await bureau.settle(first, sent=[2])
    assert await bureau.outcomes(change) == {1: "sent", 2: "pending"}
    assert await bureau.outcomes(newer) == {1: "pending"}


async def test_a_group_that_became_another_one_gets_it_once(bureau: Bureau) -> None:
    listed = tuple(map(ChatId, (-1, -1_001, -2, -3)))
    started = await bureau.running(audience=Audience(chat_ids=listed))
    other = await bureau.running(audience=Audience(chat_ids=(ChatId(-1),)))
    moved = {ChatId(-1): ChatId(-1_001), ChatId(-2): ChatId(-1_002)}
    await bureau.book.write(Page(moved=moved))
    for _ in range(2):
        assert await bureau.starting(started, -1, -1_001, -2, -3) == [False, True, True, True]
    await bureau.settle(started, pending=[-1])
    assert (await bureau.outcomes(started))[-1] == "blocked"
    assert await bureau.counts(started) == {"total": 4, "blocked": 1}
    (found,) = await bureau.broadcasts.recipients(
        started.broadcast_id, outcomes=(Outcome.BLOCKED,), limit=9
    )
    assert found.detail == MOVED
    assert await bureau.starting(other, -1) == [True], "it alone is meant"


async def test_what_a_group_became_is_known_as_soon_as_its_letter_waits_again(
    bureau: Bureau,
) -> None:
    started = await bureau.running(audience=Audience(chat_ids=(ChatId(-1), ChatId(-1_001))))
    assert await bureau.starting(started, -1) == [True]
    letter_id = LetterId(f"broadcast:{started.broadcast_id}:-1")
    for _ in range(2):
        await bureau.broadcasts.postponed(letter_id, became=ChatId(-1_001))
    assert await bureau.starting(started, -1, -1_001) == [False, True]
    assert await bureau.outcomes(started) == {-1_001: "sending", -1: "blocked"}
    assert (await bureau.book.read()).moved == {-1: -1_001}


async def test_several_news_of_one_recipient_come_to_what_they_would_one_by_one(
    bureau: Bureau,
) -> None:
    await bureau.people(1, 2, 3, 4)
    started = await bureau.running()
    await bureau.starting(started, 1, 2, 3, 4)
    told = [(1, "unknown"), (1, "sent"), (2, "sent"), (2, "failed"), (3, "pending"), (3, "sent")]
    await bureau.broadcasts.settle(
        [
            Settled(
                broadcast_id=started.broadcast_id,
                chat_id=ChatId(chat_id),
                outcome=Outcome(outcome),
            )
            for chat_id, outcome in [*told, (4, "unknown"), (4, "pending")]
        ]
    )
    assert await bureau.outcomes(started) == {1: "sent", 2: "sent", 3: "sent", 4: "unknown"}
    assert await bureau.counts(started) == {"total": 4, "sent": 3, "unknown": 1}


async def test_only_who_is_under_way_goes_back_and_only_where_a_repeat_does_no_harm(
    bureau: Bureau,
) -> None:
    """A withdrawn letter may be an older one than that which is under way."""
    await bureau.people(1, 2)
    often, once = await bureau.running(repeat=True), await bureau.running()
    for started, outcome in ((often, "pending"), (once, "sending")):
        await bureau.starting(started, 1)
        await bureau.settle(started, pending=[1, 2])
        assert await bureau.outcomes(started) == {1: outcome, 2: "pending"}
        assert await bureau.counts(started) == {"total": 2}


async def test_outcomes_of_several_broadcasts_are_settled_together(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    first, second = await bureau.running(), await bureau.running()
    await bureau.settle(first, sent=[1, 2])
    await bureau.settle(second, sent=[1], blocked=[2, 9])
    await bureau.broadcasts.settle([])
    assert await bureau.counts(first) == {"total": 2, "sent": 2}
    assert await bureau.counts(second) == {"total": 2, "sent": 1, "blocked": 1}


async def test_after_a_crash_who_was_under_way_is_unknown_unless_that_does_no_harm(
    bureau: Bureau,
) -> None:
    await bureau.people(1, 2, 3)
    once, often = await bureau.running(), await bureau.running(repeat=True)
    await bureau.settle(once, sent=[3])
    change = await bureau.running(draft(kind=Kind.DELETE, of=once.broadcast_id))
    for started in (once, often):
        await bureau.starting(started, 1, 2)
    await bureau.starting(change, 3)
    assert await bureau.broadcasts.under_way() == 5
    assert [await bureau.broadcasts.recover() for _ in range(2)] == [2, 0]
    assert await bureau.broadcasts.under_way() == 0
    assert await bureau.outcomes(once) == {1: "unknown", 2: "unknown", 3: "sent"}
    assert await bureau.outcomes(often) == {1: "pending", 2: "pending", 3: "pending"}
    assert await bureau.outcomes(change) == {3: "pending"}
    assert await bureau.counts(once) == {"total": 3, "sent": 1, "unknown": 2}
    assert await bureau.counts(often) == {"total": 3}


async def test_held_no_request_begins_until_the_recovery(bureau: Bureau) -> None:
    await bureau.people(1, 2)
    started = await bureau.running()
    assert await bureau.starting(started, 1) == [True]
    await bureau.broadcasts.hold()
    assert await bureau.starting(started, 1, 2) == [False, False]
    assert await bureau.broadcasts.under_way() == 1
    await bureau.settle(started, sent=[1])
    assert await bureau.broadcasts.recover() == 0
    assert await bureau.starting(started, 2) == [True]
