"""What typing may take, what a new process begins with, and where a moved group's letter ends."""

from __future__ import annotations

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import ticks
from actors.broadcast.desk import Desk
from actors.broadcast.model import Migrated, Moved, Sent
from actors.broadcast.ports import Page
from actors.broadcast.tokens import Limits
from actors.kernel.ids import ChatId, MessageId
from tests.actors.broadcast.post import Pigeonhole, Post, Request, most_within, sent, wall
from tests.actors.broadcast.test_desk_lanes import leaving, out, receipt, say

ANNA, GROUP, MOVED = ChatId(1), ChatId(-5), ChatId(-7)


# Typing


def post(*, typing: int, bulk: int, seconds: float, slowest: float = 0.0) -> Post:
    """So many people are written to each second, and a broadcast is under way."""
    office = Post(Desk(Limits()), sent, seed=7, slowest_seconds=slowest)
    for number in range(int(typing * seconds)):
        chat_id = ChatId(1_000_000 + number % 200)
        office.tell(broadcast.Typing(chat_id=chat_id), at=number / typing)
    for number in range(1, bulk + 1):
        office.tell(say(f"b{number}", ChatId(number), lane="bulk"), at=0.0)
    office.run()
    return office


def began(office: Post, lane: str) -> list[float]:
    return [request.began for request in office.requests if request.lane == lane]


@pytest.mark.parametrize("slowest", [0.0, 0.05])
def test_whoever_types_takes_nothing_from_a_broadcast(slowest: float) -> None:
    office = post(typing=30, bulk=28 * 10, seconds=10.0, slowest=slowest)
    last = max(began(office, "bulk"))
    assert last < 10 * 1.03
    typed = [second for second in began(office, "typing") if second < last]
    assert 9 <= len(typed) <= 11, "some of it is shown all the same"


def test_typing_has_a_rate_of_its_own_and_what_is_above_it_is_not_shown() -> None:
    office = post(typing=30, bulk=0, seconds=20.0)
    typed = began(office, "typing")
    assert most_within(typed, 1.0) <= 5
    assert 95 <= len(typed) <= 105
    assert max(typed) < 21.5, "what was refused is not shown later"


def test_a_reply_goes_before_any_typing() -> None:
    desk = Desk(Limits())
    for number in range(9):
        desk.add(broadcast.Typing(chat_id=ChatId(100 + number)), 0)
    assert desk.figures(0).totals.typing_refused == 4
    desk.add(say("reply"), 0)
    assert leaving(desk) == ["reply", "typing"]
    assert leaving(desk, ticks(0.1)) == []
    assert leaving(desk, ticks(0.3)) == ["typing"]


# A process that begins


def requests(desk: Desk, *, chats: list[ChatId], seed: int, from_second: float) -> list[Request]:
    office = Post(desk, sent, seed=seed)
    office.now = from_second
    for number, chat_id in enumerate(chats):
        office.tell(say(f"{seed}:{number}", chat_id), at=from_second)
    office.run(until=from_second + 0.5)
    return office.requests


def test_processes_that_are_killed_again_and_again_together_exceed_nothing() -> None:
    counted: list[Request] = []
    for life in range(6):
        desk = Desk(Limits())
        desk.restore(Page(is_new=life == 0), ticks(life * 0.6), wall(life * 0.6))
        people = [ChatId(1 + number) for number in range(40)]
        counted += requests(desk, chats=people, seed=life, from_second=life * 0.6)
    assert most_within([each.counted for each in counted], 1.0) <= 30
    assert len(counted) > 0


def test_after_a_kill_nobody_is_written_to_for_a_second_and_no_group_for_a_minute() -> None:
    desk = Desk(Limits())
    desk.restore(Page(), 0, wall(0))
    desk.add(say("anna"), 0)
    desk.add(say("group", GROUP), 0)
    assert leaving(desk) == leaving(desk, ticks(0.9)) == []
    assert leaving(desk, ticks(1.1)) == ["anna"]
    assert leaving(desk, ticks(59.9)) == []
    assert leaving(desk, ticks(60.1)) == ["group"]


def test_after_an_orderly_end_a_groups_minute_goes_on() -> None:
    before = Desk(Limits())
    before.restore(Page(is_new=True), 0, wall(0))
    for number in range(20):
        at = ticks(2.0 * number)
        entry = out(before, say(f"g{number}", GROUP), at)
        before.ended(entry, Sent(MessageId(1)), at, jitter=0.0)
    page = before.last_page(ticks(40), wall(40))
    assert page is not None
    assert (page.quiet_since, len(page.groups[GROUP])) == (wall(38), 20)
    after, began_at = Desk(Limits()), 50.0
    after.restore(page, ticks(began_at), wall(began_at))
    after.add(say("anna"), ticks(began_at))
    after.add(say("one more", GROUP), ticks(began_at))
    assert leaving(after, ticks(began_at)) == ["anna"], "the last request was long ago"
    assert leaving(after, ticks(59.9)) == []
    assert leaving(after, ticks(60.1)) == ["one more"]


def test_what_is_under_way_at_the_end_may_arrive_later_so_it_was_no_orderly_one() -> None:
    desk = Desk(Limits())
    desk.restore(Page(is_new=True), 0, wall(0))
    out(desk, say("under way"))
    page = desk.last_page(0, wall(0))
    assert page is None or page.quiet_since is None


@pytest.mark.parametrize("clock", [-90_000.0, 90_000.0])
def test_a_wall_clock_that_was_set_meanwhile_makes_nothing_wait_longer(clock: float) -> None:
    desk = Desk(Limits())
    until = (wall(10.0 + clock),)
    desk.restore(Page(quiet_since=wall(clock), groups={GROUP: until * 20}), 0, wall(0))
    desk.add(say("group", GROUP), 0)
    assert leaving(desk, ticks(60.1)) == ["group"]


def test_flood_waits_that_were_cut_are_told() -> None:
    desk = Desk(Limits())
    desk.restore(Page(is_new=True, cut=3), 0, wall(0))
    assert desk.figures(0).flood_waits_cut == 3


# A group that moved


def test_the_outbox_hears_that_nothing_was_sent_to_a_group_that_moved() -> None:
    desk, hole = Desk(Limits()), Pigeonhole()
    first = out(desk, say("b1", GROUP, lane="bulk", notify=hole))
    desk.add(say("b2", GROUP, lane="bulk"), 0)
    ending = desk.ended(first, Migrated(MOVED), 0, jitter=0.0)
    assert ending.postponed
    assert isinstance(ending.verdict, Moved)
    desk.back(first)
    entry = desk.next(ticks(1))
    assert entry is first, "it is still before the others"
    assert entry.addressed().chat_id == MOVED
    ending = desk.ended(entry, Sent(MessageId(9)), ticks(1), jitter=0.0)
    assert [told for _, told in ending.mails] == [
        broadcast.Delivered(letter_id=say("b1").letter_id, chat_id=GROUP, message_id=MessageId(9))
    ]
    assert leaving(desk, ticks(5)) == ["b2"]


def test_a_group_that_moves_for_ever_has_an_outcome_too() -> None:
    desk, hole, now = Desk(Limits()), Pigeonhole(), 0
    desk.add(say("b1", GROUP, lane="bulk", notify=hole), now)
    while entry := desk.next(now):
        ending = desk.ended(entry, Migrated(ChatId(entry.to - 1)), now, jitter=0.0)
        if ending.postponed:
            desk.back(entry)
        for recipient, told in ending.mails:
            recipient.tell(told)
        now += ticks(70)
    assert receipt(hole).reason == "refused"


def test_a_reply_to_a_group_that_moved_needs_nobodys_leave() -> None:
    desk = Desk(Limits())
    ending = desk.ended(out(desk, say("reply", GROUP)), Migrated(MOVED), 0, jitter=0.0)
    assert not ending.postponed
    entry = desk.next(ticks(1))
    assert entry is not None
    assert entry.addressed().chat_id == MOVED
