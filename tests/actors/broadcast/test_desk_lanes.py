"""What the desk does with letters of different lanes, and with what it remembers."""

from __future__ import annotations

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import ticks
from actors.broadcast.desk import Desk
from actors.broadcast.model import (
    Again,
    Blocked,
    Flooded,
    Held,
    Migrated,
    NotSent,
    Refused,
    Sent,
    Unknown,
    Withdrawn,
)
from actors.broadcast.ports import Page, Unreachable
from actors.broadcast.queues import Entry
from actors.broadcast.tokens import Limits
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import Pigeonhole, Post, sent, wall

ANNA, BORIS, CLARA, GROUP = ChatId(1), ChatId(2), ChatId(3), ChatId(-5)
BLOCKED = Unreachable(reason="blocked", detail="bot was blocked by the user")


def say(
    name: str,
    chat_id: ChatId = ANNA,
    *,
    lane: broadcast.Lane = "answer",
    notify: Pigeonhole | None = None,
    repeat: bool = True,
) -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId(name),
        chat_id=chat_id,
        text=name,
        lane=lane,
        source="1",
        notify=notify,
        repeat=repeat,
    )


def leaving(desk: Desk, now: int = 0) -> list[str]:
    """What leaves now, and stays out."""
    texts = []
    while entry := desk.next(now):
        texts.append(getattr(entry.letter, "text", "typing"))
    return texts


def out(desk: Desk, letter: broadcast.Letter, now: int = 0) -> Entry:
    """This letter, on its way."""
    desk.add(letter, now)
    entry = desk.next(now)
    assert entry is not None
    return entry


def receipt(hole: Pigeonhole) -> broadcast.Undelivered:
    [told] = hole.receipts
    assert isinstance(told, broadcast.Undelivered)
    return told


# Who goes first


def test_answers_leave_before_notices_before_typing_before_what_goes_to_many() -> None:
    desk = Desk(Limits())
    desk.add(say("bulk", ANNA, lane="bulk"), 0)
    desk.add(say("notice", BORIS, lane="notice"), 0)
    desk.add(broadcast.Typing(chat_id=CLARA), 0)
    desk.add(say("answer", ChatId(4)), 0)
    assert leaving(desk) == ["answer", "notice", "typing", "bulk"]


def test_however_many_wait_for_an_answer_a_notice_is_not_held_up() -> None:
    """With 200 chats in which somebody types, 50 a second would be due, for as long as that."""
    desk = Desk(Limits())
    for number in range(200):
        desk.add(broadcast.Typing(chat_id=ChatId(1_000 + number)), 0)
    desk.add(say("notice", BORIS, lane="notice"), 0)
    assert leaving(desk)[0] == "notice"


def test_two_typings_of_a_chat_are_one_and_none_announces_an_answer_that_is_here() -> None:
    desk = Desk(Limits())
    desk.add(broadcast.Typing(chat_id=ANNA), 0)
    desk.add(broadcast.Typing(chat_id=ANNA), ticks(3.0))
    assert desk.figures(0).lanes["typing"].depth == 1
    desk.add(say("answer", BORIS), 0)
    desk.add(broadcast.Typing(chat_id=BORIS), 0)
    assert leaving(desk, ticks(6.9)) == ["answer", "typing"], "the newer one is not too old"


def test_an_answer_that_comes_while_its_typing_waits_takes_its_place() -> None:
    desk = Desk(Limits())
    desk.add(broadcast.Typing(chat_id=ANNA), 0)
    desk.add(say("answer"), 0)
    assert leaving(desk) == ["answer"]


@pytest.mark.parametrize("lane", ["notice", "bulk"])
def test_whoever_is_in_no_hurry_leaves_a_chat_the_token_that_its_answer_needs(
    lane: broadcast.Lane,
) -> None:
    office = Post(Desk(Limits()), sent, seed=1)
    for number in range(5):
        office.tell(say(f"b{number}", lane=lane), at=0.0)
    office.tell(say("answer"), at=0.2)
    office.run()
    began = {getattr(one.letter, "text", ""): one.began for one in office.requests}
    assert began["answer"] == 0.2
    assert began["b4"] > 3


# The outbox


def test_what_was_withdrawn_is_told_and_costs_nobody_anything() -> None:
    hole, desk = Pigeonhole(), Desk(Limits())
    entry = out(desk, say("x", lane="bulk", notify=hole))
    before = desk.figures(0).lanes["bulk"].tokens_left
    for recipient, told in desk.ended(entry, Withdrawn(), 0, jitter=0.0).mails:
        recipient.tell(told)
    assert receipt(hole).reason == "withdrawn"
    assert desk.figures(0).lanes["bulk"].tokens_left == before + 1
    assert out(desk, say("x", lane="bulk")) is not None, "it may be told again"


def test_what_was_not_sent_waits_beside_until_the_outbox_knows() -> None:
    for outcome in (Flooded(3), NotSent("no route"), Held("away")):
        desk = Desk(Limits())
        entry = out(desk, say("x", lane="bulk"))
        ending = desk.ended(entry, outcome, 0, jitter=0.0)
        assert ending.postponed
        assert isinstance(ending.verdict, Again)
        later = ticks(60.0)
        assert desk.next(later) is None
        assert out(desk, say("answer"), later).letter == say("answer"), "its chat is free"
        assert desk.add(say("x", lane="bulk"), later) == [], "it is known"
        desk.back(entry)
        assert desk.figures(later).lanes["bulk"].depth == 1


def test_what_may_have_been_sent_is_no_matter_of_the_outbox() -> None:
    desk = Desk(Limits())
    entry = out(desk, say("x", lane="bulk", repeat=True))
    ending = desk.ended(entry, Unknown("read time-out"), 0, jitter=0.0)
    assert isinstance(ending.verdict, Again)
    assert not ending.postponed
    assert desk.next(ticks(5.0)) is entry


def test_a_stopping_desk_lets_answers_go_and_keeps_what_goes_to_many() -> None:
    desk = Desk(Limits())
    desk.add(say("bulk", lane="bulk"), 0)
    desk.hold_bulk()
    desk.add(say("answer", BORIS), 0)
    assert leaving(desk) == ["answer"]
    assert desk.wake(0) is None


# Who is not there


def test_a_chat_that_is_not_there_is_not_tried_again_but_for_an_answer() -> None:
    hole, desk = Pigeonhole(), Desk(Limits())
    entry = out(desk, say("bulk", lane="bulk"))
    desk.add(say("waits", lane="notice", notify=hole), 0)
    refusal = Blocked("Forbidden: user is deactivated", "deactivated")
    for recipient, told in desk.ended(entry, refusal, 0, jitter=0.0).mails:
        recipient.tell(told)
    assert (receipt(hole).reason, receipt(hole).closed) == ("blocked", "deactivated")
    lanes: tuple[broadcast.Lane, ...] = ("notice", "bulk")
    for lane in lanes:
        [(_, told)] = desk.add(say(f"later {lane}", lane=lane, notify=hole), 0)
        assert isinstance(told, broadcast.Undelivered)
        assert (told.reason, told.closed) == ("blocked", "deactivated")
    desk.add(broadcast.Typing(chat_id=ANNA), 0)
    assert leaving(desk) == []
    figures = desk.figures(0)
    assert (figures.unreachable, figures.totals.lost["blocked"]) == (1, 5)
    answer = out(desk, say("answer"))
    desk.ended(answer, Sent(MessageId(1)), 0, jitter=0.0)
    assert desk.figures(0).unreachable == 0
    desk.add(say("news", lane="notice"), ticks(5.0))
    assert leaving(desk, ticks(5.0)) == ["news"]


def test_only_a_message_that_arrived_says_that_somebody_is_there_again() -> None:
    desk = Desk(Limits())
    desk.restore(Page(unreachable={ANNA: BLOCKED}, is_new=True), 0, wall(0))
    callback = out(desk, broadcast.AnswerCallback(chat_id=ANNA, callback_id="1"))
    desk.ended(callback, Sent(), 0, jitter=0.0)
    refused = out(desk, say("answer"))
    desk.ended(refused, Refused("can't parse entities"), 0, jitter=0.0)
    assert desk.figures(0).unreachable == 1


# The book


def test_what_the_book_says_is_known_before_the_first_letter_leaves() -> None:
    desk = Desk(Limits())
    page = Page(
        closings={ANNA: wall(100)},
        bulk_closed_until=wall(50),
        unreachable={BORIS: BLOCKED},
        moved={GROUP: ChatId(-7)},
        stars_tenths=15,
        quiet_since=wall(-100),
    )
    desk.restore(page, 0, wall(0))
    hole = Pigeonhole()
    desk.add(say("anna"), 0)
    desk.add(say("clara", CLARA, lane="bulk"), 0)
    desk.add(say("group", GROUP), 0)
    assert desk.add(say("boris", BORIS, lane="bulk", notify=hole), 0)
    entry = desk.next(0)
    assert entry is not None
    assert (entry.to, entry.addressed().chat_id) == (ChatId(-7), ChatId(-7))
    assert leaving(desk, ticks(49.9)) == []
    assert leaving(desk, ticks(50.1)) == ["clara"]
    assert leaving(desk, ticks(99.9)) == []
    assert leaving(desk, ticks(100.1)) == ["anna"]
    assert desk.page(0, wall(0)) is None, "nothing of it is news"


def test_what_happens_is_put_down_in_the_book() -> None:
    desk = Desk(Limits())
    desk.ended(out(desk, say("flooded")), Flooded(30), 0, jitter=0.0)
    desk.ended(out(desk, say("x", BORIS)), Blocked("bot was blocked"), 0, jitter=0.0)
    desk.ended(out(desk, say("moved", GROUP)), Migrated(ChatId(-7)), 0, jitter=0.0)
    page = desk.page(0, wall(1_000))
    assert page is not None
    assert list(page.closings) == [ANNA]
    assert page.closings[ANNA] >= wall(1_030)
    assert page.bulk_closed_until == page.closings[ANNA]
    assert page.unreachable == {BORIS: Unreachable(reason="blocked", detail="bot was blocked")}
    assert page.moved == {GROUP: ChatId(-7)}
    desk.written(durable=False)
    assert desk.page(0, wall(1_000)) == page
    desk.written(durable=True)
    assert desk.page(0, wall(1_000)) is None


def test_a_back_off_is_no_flood_wait_and_no_matter_of_the_book() -> None:
    desk = Desk(Limits())
    desk.ended(out(desk, say("x")), NotSent("no route"), 0, jitter=0.0)
    assert desk.page(0, wall(0)) is None


def test_stars_are_reserved_in_the_book_before_they_are_spent_and_given_back_at_the_end() -> None:
    desk = Desk(Limits(paid_per_second=100, stars_budget=3))
    page = desk.page(0, wall(0))
    assert page == Page(stars_tenths=30)
    letters = [
        broadcast.Say(
            letter_id=LetterId(str(number)),
            chat_id=ChatId(10 + number),
            text=str(number),
            lane="bulk",
            paid=True,
        )
        for number in range(100)
    ]
    for letter in letters:
        desk.add(letter, 0)
    free = [desk.next(0) for _ in range(4)]
    assert free.pop() is None, "without Stars it is the free lane"
    desk.written(durable=True)
    assert leaving(desk) == [], "one that may not be billed must not be overtaken"
    for entry in free:
        assert entry is not None
        desk.ended(entry, Sent(MessageId(1)), 0, jitter=0.0)
    assert len(leaving(desk)) == 10, "and with them it is as fast as its rate"
    figures = desk.figures(0)
    assert figures.totals.paid == 10
    assert (figures.stars_spent, figures.stars_budget, figures.stars_used_up) == (1.0, 3.0, False)
    assert desk.last_page(0, wall(0)) == Page(stars_tenths=10)
