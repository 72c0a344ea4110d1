"""What the desk does with a letter, case by case."""

from __future__ import annotations

from collections.abc import Iterable

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import ticks
from actors.broadcast.desk import CHAT_MAX_LETTERS, LANE_MAX_LETTERS, Desk
from actors.broadcast.letterbox import REMEMBERED_DELIVERIES
from actors.broadcast.model import (
    Blocked,
    Broken,
    Flooded,
    Gone,
    Migrated,
    NotSent,
    Outcome,
    Refused,
    Sent,
)
from actors.broadcast.tokens import Limits
from actors.broadcast.ways import DELIVERIES_IN_FLIGHT
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import (
    BLINK,
    Answers,
    Pigeonhole,
    Post,
    Request,
    most_within,
    sent,
)

CHATS = [ChatId(1), ChatId(2)]


def say(name: str, chat_id: ChatId = CHATS[0], notify: Pigeonhole | None = None) -> broadcast.Say:
    return broadcast.Say(letter_id=LetterId(name), chat_id=chat_id, text=name, notify=notify)


def bulk(
    name: str,
    chat_id: ChatId = CHATS[0],
    *,
    source: str = "1",
    paid: bool = False,
    notify: Pigeonhole | None = None,
) -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId(f"{source}:{name}"),
        chat_id=chat_id,
        text=name,
        repeat=False,
        lane="bulk",
        source=source,
        paid=paid,
        notify=notify,
    )


def edit(name: str, notify: Pigeonhole | None = None) -> broadcast.Edit:
    return broadcast.Edit(
        letter_id=LetterId(name),
        chat_id=CHATS[0],
        message_id=MessageId(5),
        text=name,
        notify=notify,
    )


def answering(*outcomes: Outcome | Broken) -> Answers:
    """These in turn, and from then on everything is sent."""
    queue = list(outcomes)
    return lambda letter, at: queue.pop(0) if queue else sent(letter, at)


def post(answers: Answers = sent, *, slowest_seconds: float = 0.0) -> Post:
    return Post(Desk(Limits()), answers, seed=1, slowest_seconds=slowest_seconds)


def texts(requests: Iterable[Request]) -> list[str]:
    return [getattr(request.letter, "text", "") for request in requests]


def test_two_thousand_letters_take_the_time_that_the_rate_allows() -> None:
    office = post(slowest_seconds=0.1)
    for number in range(2_000):
        office.tell(bulk(str(number), ChatId(number + 1)), at=0.0)
    office.run()
    assert len(office.requests) == 2_000
    assert office.now <= 1.03 * 2_000 / 28
    assert most_within([request.counted for request in office.requests], 1.0 - BLINK) <= 30


def test_a_slow_telegram_is_not_asked_more_at_once() -> None:
    office = post(slowest_seconds=30.0)
    for number in range(50):
        office.tell(say(str(number), ChatId(number + 1)), at=0.0)
    office.run(until=0.5)
    assert office._desk.figures(0).in_flight == DELIVERIES_IN_FLIGHT


def test_a_long_conversation_holds_up_nobody() -> None:
    office = post()
    for number in range(CHAT_MAX_LETTERS):
        office.tell(say(f"a{number}"), at=0.0)
    office.tell(say("b", CHATS[1]), at=0.0)
    office.run(until=1.0)
    assert "b" in texts(office.requests)


def test_a_refusal_is_told_in_telegrams_words() -> None:
    hole, office = Pigeonhole(), post(answering(Refused("Bad Request: can't parse entities")))
    office.tell(say("x", notify=hole), at=0.0)
    office.run()
    [receipt] = hole.receipts
    assert isinstance(receipt, broadcast.Undelivered)
    assert (receipt.reason, receipt.detail) == ("refused", "Bad Request: can't parse entities")
    assert not receipt.turned_away


def test_a_blocked_chat_answers_for_everything_that_waits_there() -> None:
    holes = [Pigeonhole() for _ in range(5)]
    office = post(answering(Blocked("bot was blocked by the user")))
    for number, hole in enumerate(holes):
        office.tell(say(str(number), notify=hole), at=0.0)
    office.run()
    assert len(office.requests) == 1
    for hole in holes:
        [receipt] = hole.receipts
        assert isinstance(receipt, broadcast.Undelivered)
        assert receipt.reason == "blocked"


def test_a_chat_that_blocked_the_bot_is_written_to_again_when_there_is_something_new() -> None:
    office = post(answering(Blocked("bot was blocked by the user")))
    office.tell(say("before"), at=0.0)
    office.tell(say("after"), at=60.0)
    office.run()
    assert texts(office.requests) == ["before", "after"]


def test_an_overtaken_edit_shares_the_fate_of_the_newer_one() -> None:
    old, new, office = Pigeonhole(), Pigeonhole(), post(answering(Flooded(3), Gone()))
    office.tell(edit("first"), at=0.0)
    office.tell(edit("old", notify=old), at=1.0)
    office.tell(edit("new", notify=new), at=2.0)
    office.run()
    assert texts(office.requests) == ["first", "new"]
    for hole, name in ((old, "old"), (new, "new")):
        [receipt] = hole.receipts
        assert isinstance(receipt, broadcast.Undelivered)
        assert (receipt.letter_id, receipt.reason) == (name, "gone")


def test_told_again_while_it_waits_it_is_one_letter_with_one_receipt_for_the_newest() -> None:
    first, second, office = Pigeonhole(), Pigeonhole(), post(slowest_seconds=1.0)
    office.tell(say("x", notify=first), at=0.0)
    office.tell(say("x", notify=second), at=0.0)
    office.run()
    assert len(office.requests) == 1
    assert (len(first.receipts), len(second.receipts)) == (0, 1)


def test_told_again_after_it_was_delivered_the_receipt_is_repeated_not_the_letter() -> None:
    hole, office = Pigeonhole(), post()
    office.tell(say("x"), at=0.0)
    office.tell(say("x", notify=hole), at=5.0)
    office.run()
    assert len(office.requests) == 1
    assert hole.receipts == [
        broadcast.Delivered(letter_id=LetterId("x"), chat_id=CHATS[0], message_id=MessageId(1))
    ]


def test_told_again_after_it_was_refused_it_is_tried_again() -> None:
    office = post(answering(Refused("no")))
    office.tell(say("x"), at=0.0)
    office.tell(say("x"), at=5.0)
    office.run()
    assert len(office.requests) == 2


def test_a_new_message_may_take_up_the_name_of_an_edit_that_failed() -> None:
    hole, office = Pigeonhole(), post()
    office.tell(edit("7:3"), at=0.0)
    office.tell(say("7:3", notify=hole), at=0.0)
    office.run()
    assert len(office.requests) == 2
    assert len(hole.receipts) == 1


def test_what_is_remembered_of_the_past_is_bounded() -> None:
    office = post()
    for number in range(REMEMBERED_DELIVERIES + 100):
        office.tell(say(str(number), ChatId(number + 1)), at=0.0)
    office.run()
    assert len(office._desk._letterbox._delivered) == REMEMBERED_DELIVERIES
    assert not office._desk._letterbox._waiting


def test_a_chat_with_too_many_letters_turns_the_next_one_away_and_says_so() -> None:
    hole, desk = Pigeonhole(), Desk(Limits())
    for number in range(CHAT_MAX_LETTERS):
        assert desk.add(say(str(number)), 0) == []
    [(recipient, receipt)] = desk.add(say("more", notify=hole), 0)
    assert recipient is hole
    assert isinstance(receipt, broadcast.Undelivered)
    assert (receipt.reason, receipt.detail) == (
        "refused",
        "100 letters wait for this chat already",
    )
    assert receipt.turned_away
    assert desk.add(say("elsewhere", CHATS[1], notify=hole), 0) == []
    erase = broadcast.Erase(chat_id=CHATS[0], message_id=MessageId(1))
    assert desk.add(erase, 0) == []
    figures = desk.figures(0)
    assert (figures.depth, figures.totals.turned_away) == (CHAT_MAX_LETTERS + 1, 2)


def test_a_full_queue_turns_letters_away_and_says_so() -> None:
    hole, desk = Pigeonhole(), Desk(Limits())
    for number in range(LANE_MAX_LETTERS):
        assert desk.add(say(str(number), ChatId(number + 1)), 0) == []
    [(_, receipt)] = desk.add(say("more", ChatId(-9), notify=hole), 0)
    assert isinstance(receipt, broadcast.Undelivered)
    assert receipt.reason == "refused"


def test_letters_of_a_group_that_moved_follow_it_and_receipts_name_the_old_one() -> None:
    hole, group, moved = Pigeonhole(), ChatId(-5), ChatId(-1005)
    office = post(answering(Migrated(moved)))
    for number in range(3):
        office.tell(say(str(number), group, notify=hole), at=0.0)
    office.tell(say("later", group, notify=hole), at=9.0)
    office.run()
    assert [request.chat_id for request in office.requests] == [group] + [moved] * 4
    assert texts(office.requests) == ["0", "0", "1", "2", "later"]
    assert {receipt.chat_id for receipt in hole.receipts} == {group}
    assert len(hole.receipts) == 4


def test_a_group_that_moves_in_circles_is_given_up() -> None:
    hole, here, there = Pigeonhole(), ChatId(-5), ChatId(-6)
    office = post(lambda letter, _: Migrated(there if letter.chat_id == here else here))
    office.tell(say("x", here, notify=hole), at=0.0)
    office.run()
    [receipt] = hole.receipts
    assert isinstance(receipt, broadcast.Undelivered)
    assert receipt.reason == "refused"


def test_a_network_that_is_away_for_an_hour_loses_nothing_and_is_asked_seldom() -> None:
    holes = [Pigeonhole() for _ in range(500)]

    def answers(letter: broadcast.Letter, at: float) -> Outcome:
        return NotSent("no route to host") if at < 3600 else sent(letter, at)

    office = post(answers, slowest_seconds=0.05)
    for number, hole in enumerate(holes):
        office.tell(say(str(number), ChatId(number + 1), notify=hole), at=1.0)
    office.run()
    failed = [request for request in office.requests if isinstance(request.outcome, NotSent)]
    assert len(failed) < 3600 / 15
    assert all(isinstance(hole.receipts[0], broadcast.Delivered) for hole in holes)
    assert office.now < 3600 + 30 + 500 / 28 + 10


def test_one_chat_in_a_long_flood_wait_does_not_silence_the_others() -> None:
    def answers(letter: broadcast.Letter, at: float) -> Outcome:
        if letter.chat_id == CHATS[0] and at < 10_072:
            return Flooded(10_072 - at)
        return sent(letter, at)

    office = post(answers)
    office.tell(say("flooded"), at=0.0)
    for number in range(100):
        office.tell(say(f"b{number}", CHATS[1]), at=10.0 * number)
    office.run()
    others = [request for request in office.requests if request.chat_id == CHATS[1]]
    assert [request.began for request in others] == [10.0 * number for number in range(100)]
    assert [request.outcome for request in office.requests if request.chat_id == CHATS[0]] == [
        Flooded(10_072),
        Sent(MessageId(1)),
    ]


def test_a_bot_that_is_flooded_as_a_whole_asks_a_handful_of_times() -> None:
    def answers(letter: broadcast.Letter, at: float) -> Outcome:
        return Flooded(3600 - at) if at < 3600 else sent(letter, at)

    office = post(answers, slowest_seconds=0.2)
    for number in range(1000):
        office.tell(say(str(number), ChatId(number + 1)), at=0.0)
    office.run()
    floods = [request for request in office.requests if isinstance(request.outcome, Flooded)]
    assert len(floods) <= DELIVERIES_IN_FLIGHT + 8
    assert office.now < 3600 + 1000 / 28 + 5


def test_figures_say_how_things_stand() -> None:
    desk = Desk(Limits())
    for number in range(20):
        desk.add(say(str(number), ChatId(number + 1)), 0)
    first = desk.next(0)
    assert first is not None
    desk.ended(first, Flooded(7), ticks(1.0), jitter=0.0)
    figures = desk.figures(ticks(3.0))
    assert (figures.depth, figures.chats, figures.in_flight) == (20, 20, 0)
    assert (figures.closed_chats, figures.troubles, figures.shut_seconds) == (1, 0, 0.0)
    assert (figures.lanes["answer"].tokens_left, figures.lanes["bulk"].tokens_left) == (10, 3)
    assert figures.oldest_age_seconds == figures.lanes["answer"].oldest_age_seconds == 3.0
    assert round(figures.bulk_shut_seconds, 3) == round(figures.longest_wait_seconds, 3) == 5.0
    assert (figures.totals.flooded, figures.totals.repeated) == (1, 1)
