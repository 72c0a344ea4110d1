"""Two ways to Telegram: what shuts one of them, what shuts both, and what it costs."""

from __future__ import annotations

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import ticks
from actors.broadcast.model import Broken, Ended, Flooded, Held, NotSent, Sent, Unknown, Withdrawn
from actors.broadcast.notes import Notes
from actors.broadcast.postage import Postage
from actors.broadcast.queues import Entry
from actors.broadcast.tokens import Fare, Limits, Tokens
from actors.broadcast.ways import (
    DELIVERIES_IN_FLIGHT,
    REPLIES_AT_ONCE,
    Ways,
    bulk_in_flight,
    in_flight_max,
)
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import wall


class Road:
    """The ways, and what they stand on."""

    def __init__(self, limits: Limits) -> None:
        self.tokens, self.notes = Tokens(limits), Notes()
        self.postage = Postage(
            budget_tenths=limits.stars_budget * 10, per_second=limits.paid_per_second
        )
        self.ways = Ways(self.tokens, self.postage, self.notes, limits)
        self._chats = 0

    def start(self, lane: broadcast.Lane = "bulk", *, paid: bool = False, at: float = 0.0) -> Entry:
        self._chats += 1
        chat_id = ChatId(self._chats)
        letter = broadcast.Say(
            letter_id=LetterId("x"), chat_id=chat_id, text="x", lane=lane, paid=paid
        )
        entry = Entry(letter, to=chat_id, told_at=0)
        self.ways.start(entry, ticks(at))
        return entry

    def met(self, outcome: Ended, lane: broadcast.Lane = "bulk", *, at: float = 0.0) -> Entry:
        entry = self.start(lane, at=at)
        self.ways.end(entry, outcome, ticks(at))
        return entry

    def open(self, at: float) -> tuple[bool, bool]:
        """Whether a reply may leave, and whether a letter of the bulk lane."""
        now = ticks(at)
        dues = (self.ways.due(now), self.ways.bulk_due(now))
        first, second = (due is not None and due <= now for due in dues)
        return first, second


def road(**limits: int) -> Road:
    return Road(Limits(**limits))


SENT = Sent(MessageId(1))


@pytest.mark.parametrize("lane", ["answer", "notice", "bulk"])
def test_any_flood_shuts_the_bulk_lane_for_all_of_its_time_and_nobody_else(
    lane: broadcast.Lane,
) -> None:
    way = road()
    way.met(Flooded(100), lane)
    assert way.open(1) == (True, False)
    assert way.open(99.9) == (True, False)
    assert way.open(100.1) == (True, True)
    page = way.notes.take(0, wall(0))
    assert page is not None
    assert page.bulk_closed_until is not None
    assert page.bulk_closed_until >= wall(100)


def test_floods_of_the_bulk_lane_keep_no_reply_back_however_many_chats_meet_them() -> None:
    way = road()
    for _ in range(5):
        way.met(Flooded(100))
    assert way.open(1) == (True, False)


def test_replies_to_two_chats_that_are_flooded_shut_the_way_for_all() -> None:
    way = road()
    way.met(Flooded(10), "answer")
    assert way.open(1) == (True, False)
    way.met(Flooded(10), "answer", at=1)
    assert way.open(2) == (False, False)
    assert way.open(11.1) == (True, True)


def test_while_the_bot_is_flooded_a_flood_of_the_bulk_lane_is_trouble_too() -> None:
    way = road()
    way.met(Flooded(10), "answer")
    way.met(Flooded(10), "answer")
    way.met(Flooded(100), at=11)
    assert way.open(70) == (False, False)


@pytest.mark.parametrize("outcome", [NotSent("no route"), Unknown("read time-out")])
@pytest.mark.parametrize("lane", ["answer", "bulk"])
def test_one_flooded_chat_after_a_network_that_failed_keeps_no_reply_back(
    outcome: Ended, lane: broadcast.Lane
) -> None:
    way = road()
    way.met(outcome, lane)
    way.met(Flooded(35), lane, at=0.1)
    assert way.open(0.2) == (True, False)


def test_after_a_flood_one_letter_of_the_bulk_lane_goes_alone() -> None:
    way = road()
    way.met(Flooded(10))
    probe = way.start(at=20)
    assert way.open(20.5) == (True, False)
    way.ways.end(probe, SENT, ticks(20.5))
    assert way.open(21) == (True, True)


@pytest.mark.parametrize("outcome", [NotSent("no route"), Unknown("read time-out")])
def test_a_network_that_fails_is_tried_by_one_letter_whatever_its_lane(outcome: Ended) -> None:
    way = road()
    way.met(outcome)
    assert way.open(0.1) == (True, True)
    probe = way.start("answer", at=0.1)
    assert way.open(0.2) == (False, False)
    way.ways.end(probe, SENT, ticks(0.2))
    assert way.open(0.3) == (True, True)


@pytest.mark.parametrize("outcome", [NotSent("no route"), Unknown("read time-out")])
def test_no_reply_waits_for_a_letter_to_many_that_finds_out_about_a_network(
    outcome: Ended,
) -> None:
    way = road()
    for at in range(1, 8):
        way.met(outcome, at=20 * at)
        assert way.open(20 * at + 0.1)[0], "what it met shuts nobody else's way"
    probe = way.start(at=170)
    assert way.open(170.1) == (True, False)
    reply = way.start("answer", at=170.1)
    assert way.open(170.2) == (False, False), "one reply finds out for the others"
    way.ways.end(reply, SENT, ticks(170.2))
    assert way.open(170.3)[0]
    way.ways.end(probe, outcome, ticks(190))
    assert way.open(190.1)[0]


def test_a_network_that_only_the_bulk_lane_finds_away_is_told_and_tried_less_and_less() -> None:
    way = road()
    for at in (0, 1, 3, 6):
        way.met(NotSent("no route"), at=at)
    assert way.ways.troubles == 4
    assert way.ways.bulk_shut_seconds(ticks(6)) > 1
    assert way.ways.shut_seconds(ticks(6)) == 0
    way.met(SENT, "answer", at=6.1)
    assert way.ways.troubles == 0


def test_an_outbox_that_is_away_holds_up_only_what_it_keeps() -> None:
    way = road()
    for at in (0, 1, 3):
        way.met(Held("away"), at=at)
    assert way.open(3.5) == (True, False)
    assert way.ways.troubles == 0
    way.met(Held("away", retry_after_seconds=20), at=5)
    assert way.open(24) == (True, False)
    assert way.open(26) == (True, True)


@pytest.mark.parametrize("outcome", [Withdrawn(), Broken("KeyError")])
def test_what_is_our_own_says_nothing_about_telegram(outcome: Ended) -> None:
    way = road()
    way.met(outcome)
    assert way.open(0.1) == (True, True)
    assert way.notes.take(0, wall(0)) is None


def test_letters_of_the_bulk_lane_that_hang_leave_room_for_replies() -> None:
    way, at = road(), 0.0
    while way.open(at)[1]:
        way.start(at=at)
        at += 0.05
    assert way.ways.in_flight == bulk_in_flight(Limits()) == 7
    for _ in range(DELIVERIES_IN_FLIGHT):
        assert way.open(at)[0]
        way.start("answer", at=at)
        at += 0.05
    assert way.open(at) == (False, False)
    assert way.ways.in_flight == in_flight_max(Limits())
    assert in_flight_max(Limits(paid_per_second=1000)) == 108


def test_a_stopping_dispatcher_starts_nothing_of_the_bulk_lane() -> None:
    way = road()
    assert way.open(0) == (True, True)
    way.ways.hold_bulk()
    assert way.open(0) == (True, False)


def test_a_predecessors_flood_wait_is_obeyed_unless_it_is_over() -> None:
    way = road()
    way.ways.close_bulk(ticks(50), ticks(60))
    way.ways.end(way.start(at=60), Broken("says nothing"), ticks(60))
    way.start(at=60)
    assert way.open(60.1) == (True, True)
    way.ways.close_bulk(ticks(70), ticks(60))
    assert way.open(69) == (True, False)
    way.start(at=71)
    assert way.open(71.5) == (True, False)


# What is billed


def paying(**limits: int) -> Road:
    way = road(paid_per_second=1000, stars_budget=1000, **limits)
    way.postage.reservation()
    way.postage.reserved(written=True)
    return way


def test_within_the_free_rate_nothing_is_billed_and_replies_have_room() -> None:
    way = paying()
    fares = [way.start(paid=True).fare for _ in range(50)]
    assert all(fare.paid for fare in fares)
    free = [fare for fare in fares if not fare.extra]
    assert 0 < len(free) <= 30 - REPLIES_AT_ONCE
    assert way.postage.spent_tenths == 50 - len(free)
    assert way.open(0.5)[0]


def test_a_paid_broadcast_leaves_a_third_of_the_free_rate_to_replies() -> None:
    way = paying()
    fares = [way.start(paid=True, at=number / 40).fare for number in range(60)]
    assert sum(not fare.extra for fare in fares) == 30 - REPLIES_AT_ONCE
    for _ in range(REPLIES_AT_ONCE // 2):
        assert way.open(1.5)[0]
        way.start("answer", at=1.5)


def test_who_does_not_want_to_pay_is_not_billed() -> None:
    way = paying()
    assert way.start().fare == Fare(bulk=True)
    assert way.start("answer").fare == Fare()


def test_replies_beside_a_paid_broadcast_go_its_way_and_are_not_counted() -> None:
    way = paying()
    assert way.start("answer").fare == Fare()
    assert way.ways.paid_due(0) is None, "the reply might be overtaken, and refused"
    way = paying()
    entries = [way.start(paid=True) for _ in range(25)]
    spent = way.postage.spent_tenths
    assert way.start("answer").fare == Fare(paid=True)
    assert way.start().fare == Fare(bulk=True, paid=True)
    assert way.postage.spent_tenths == spent
    for entry in entries:
        way.ways.end(entry, SENT, ticks(1.0))
    assert way.start("answer", at=1.9).fare.paid
    assert not way.start("answer", at=2.1).fare.paid


def test_without_stars_the_paid_lane_is_the_free_one() -> None:
    way = road(paid_per_second=1000, stars_budget=1000)
    assert way.ways.paid_due(0) is None
    assert way.start(paid=True).fare == Fare(bulk=True)


def test_for_a_second_after_the_last_star_all_others_still_say_that_they_may_be_billed() -> None:
    way = road(paid_per_second=1000, stars_budget=1)
    way.postage.reservation()
    way.postage.reserved(written=True)
    fares = [way.start(paid=True).fare for _ in range(40)]
    assert sum(fare.extra for fare in fares) == 10
    assert way.postage.used_up
    assert way.start("answer").fare == Fare(paid=True)


@pytest.mark.parametrize("outcome", [NotSent("no route"), Flooded(3), Withdrawn(), Held("away")])
def test_what_telegram_did_not_take_costs_no_star(outcome: Ended) -> None:
    way = paying()
    entries = [way.start(paid=True) for _ in range(40)]
    spent = way.postage.spent_tenths
    billed = next(entry for entry in entries if entry.fare.extra)
    way.ways.end(billed, outcome, 0)
    assert way.postage.spent_tenths == spent - 1
