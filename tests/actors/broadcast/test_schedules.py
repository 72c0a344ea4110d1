"""No schedule of letters breaks a promise, whatever Telegram answers.

Hypothesis invents who is told what and when; Telegram answers in every way it has, after any
latency; and counters that share no code with the desk look at what left.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast import messages as broadcast
from actors.broadcast.desk import Desk
from actors.broadcast.model import (
    Blocked,
    Broken,
    Ended,
    Flooded,
    Gone,
    Held,
    Migrated,
    NotSent,
    Refused,
    Sent,
    Unknown,
    Withdrawn,
    obeyed_seconds,
)
from actors.broadcast.queues import lane_of
from actors.broadcast.tokens import Limits
from actors.broadcast.ways import DELIVERIES_IN_FLIGHT
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import BLINK, Answers, Pigeonhole, Post, most_within, sent

STARS = 2
CHATS = [ChatId(chat) for chat in (1, 2, 3, 4, -1, -2)]
CROWDS = st.sampled_from([CHATS, CHATS, CHATS[3:5], CHATS[4:5]])
"""In a small one enough comes together for the limits of a chat and of a group."""
LANES: list[broadcast.Lane] = ["answer", "answer", "notice", "bulk", "bulk"]
KINDS = ["say", "say", "once", "edit", "edit", "erase", "answer", "typing"]
CHOICES = st.sampled_from(
    list(
        product(
            [0.0, 0.0, 0.0, 0.01, 0.3, 2.0, 20.0],  # seconds after the one before
            range(len(CHATS)),
            LANES,
            ["", "7", "8"],  # sources
            KINDS,
            [MessageId(1), MessageId(2), MessageId(3)],  # edited
            [False, True],  # paid
        )
    )
)
"""All that can differ in a letter, as one draw: a draw costs more than the letter's whole way."""
SCHEDULES = [st.lists(CHOICES, min_size=size, max_size=size) for size in range(1, 121)]
SIZES = st.integers(1, len(SCHEDULES))


@st.composite
def letters(draw: st.DrawFn) -> list[tuple[float, broadcast.Letter]]:
    """Told when, and what, in every lane; every `Say` and `Edit` wants a receipt."""
    clock = 0.0
    told: list[tuple[float, broadcast.Letter]] = []
    crowd = draw(CROWDS)
    for pause, chat, lane, source, kind, edited, paid in draw(SCHEDULES[draw(SIZES) - 1]):
        clock += pause
        number, chat_id = len(told), crowd[chat % len(crowd)]
        letter_id, text = LetterId(str(number)), str(number)
        letter: broadcast.Letter
        match kind:
            case "edit":
                letter = broadcast.Edit(
                    letter_id=letter_id,
                    chat_id=chat_id,
                    message_id=edited,
                    text=text,
                    lane=lane,
                    source=source,
                    notify=Pigeonhole(),
                )
            case "erase":
                message_id = MessageId(1000 + number)
                letter = broadcast.Erase(
                    chat_id=chat_id, message_id=message_id, lane=lane, source=source
                )
            case "answer":
                letter = broadcast.AnswerCallback(chat_id=chat_id, callback_id=text)
            case "typing":
                letter = broadcast.Typing(chat_id=chat_id)
            case _:
                letter = broadcast.Say(
                    letter_id=letter_id,
                    chat_id=chat_id,
                    text=text,
                    repeat=kind == "say",
                    lane=lane,
                    source=source,
                    paid=paid,
                    notify=Pigeonhole(),
                )
        told.append((clock, letter))
    return told


def moody(seed: int, *, trouble: float) -> Answers:
    """A Telegram, and an outbox, that are in trouble with this probability, in every way there
    is.
    """
    chance = random.Random(seed)

    def answers(letter: broadcast.Letter, at: float) -> Ended:
        if chance.random() >= trouble:
            return sent(letter, at)
        troubles: list[Ended] = [
            Flooded(chance.choice([1, 3, 35, 400])),
            NotSent("no route to host"),
            NotSent("busy", retry_after_seconds=chance.choice([1, 50])),
            Unknown("read time-out"),
            Unknown("HTML"),
            Blocked("Forbidden: bot was blocked by the user"),
            Refused("Bad Request: can't parse entities"),
            Gone(),
            Migrated(ChatId(letter.chat_id - 1000)),
            Broken("KeyError"),
        ]
        if lane_of(letter) == "bulk":
            troubles += [Withdrawn(), Held("the database is away")]
        return chance.choice(troubles)

    return answers


def run(
    told: list[tuple[float, broadcast.Letter]], answers: Answers, *, seed: int, slowest: float
) -> Post:
    limits = Limits(paid_per_second=100, stars_budget=STARS)
    office = Post(Desk(limits), answers, seed=seed, slowest_seconds=slowest)
    for at, letter in told:
        office.tell(letter, at=at)
    office.run()
    return office


world = given(
    told=letters(),
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from([0.0, 0.1, 0.5]),
    slowest=st.sampled_from([0.0, 0.05, 0.4, 20.0]),
)


@world
def test_no_schedule_exceeds_the_tokens(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    reached = [request for request in office.requests if request.reached]
    free = [request.counted for request in reached if not request.extra]
    assert most_within(free, 1.0 - BLINK) <= 30
    bulk = [one.counted for one in reached if not one.extra and one.lane == "bulk"]
    assert most_within(bulk, 1.0 - BLINK) <= 30
    billed = [one for one in reached if one.extra and not isinstance(one.outcome, Flooded)]
    assert len(billed) <= 10 * STARS
    for chat_id, requests in office.by_chat().items():
        shown = [request.counted for request in requests if request.reached and request.shown]
        for seconds in (1, 2, 5, 60):
            assert most_within(shown, seconds - BLINK) <= 3 + seconds
        if chat_id < 0:
            assert most_within(shown, 60.0 - BLINK) <= 20


@world
def test_every_letter_gets_exactly_one_receipt(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    for _, letter in told:
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            assert isinstance(letter.notify, Pigeonhole)
            [receipt] = letter.notify.receipts
            assert (receipt.letter_id, receipt.chat_id) == (letter.letter_id, letter.chat_id)


@given(
    told=letters(),
    again=st.lists(st.tuples(st.integers(0, 119), st.floats(0, 60)), max_size=60),
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from([0.0, 0.5]),
)
def test_told_again_at_any_time_it_is_sent_once_and_the_newest_teller_knows(
    told: list[tuple[float, broadcast.Letter]],
    again: list[tuple[int, float]],
    seed: int,
    trouble: float,
) -> None:
    for number, later in again:
        at, letter = told[number % len(told)]
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            told.append((at + later, replace(letter, notify=Pigeonhole())))
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=0.4)
    tellers: dict[LetterId, list[Pigeonhole]] = defaultdict(list)
    for _, letter in sorted(told, key=lambda pair: pair[0]):
        if isinstance(letter, broadcast.Say | broadcast.Edit):
            assert isinstance(letter.notify, Pigeonhole)
            tellers[letter.letter_id].append(letter.notify)
    for *earlier, newest in tellers.values():
        assert len(newest.receipts) == 1
        assert all(len(teller.receipts) <= 1 for teller in earlier)
    shown = [
        request.letter.letter_id
        for request in office.requests
        if isinstance(request.outcome, Sent) and isinstance(request.letter, broadcast.Say)
    ]
    assert len(set(shown)) == len(shown)


@world
def test_letters_of_a_chat_leave_one_at_a_time_in_the_order_told(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    def answers(letter: broadcast.Letter, at: float) -> Ended:
        outcome = moods(letter, at)
        return Gone() if isinstance(outcome, Migrated) else outcome

    moods = moody(seed, trouble=trouble)
    office = run(told, answers, seed=seed, slowest=slowest)
    place = {unpaid(letter): number for number, (_, letter) in enumerate(told)}
    for requests in office.by_chat().values():
        requests.sort(key=lambda request: request.began)
        assert all(one.ended <= two.began for one, two in pairwise(requests))
        everything = [unpaid(request.letter) for request in requests]
        # A newer edit takes an older one's place, and only answers to buttons stand between. What
        # goes to many has no order in which a chat could see it: it goes once to each.
        for lane in ("answer", "notice"):
            line = [letter for letter in everything if lane_of(letter) == lane]
            for passed_over in (broadcast.AnswerCallback, broadcast.Edit):
                places = [place[letter] for letter in line if not isinstance(letter, passed_over)]
                assert places == sorted(places)


@world
def test_a_flood_wait_closes_its_chat_and_the_bulk_lane(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    for flood in office.requests:
        if not isinstance(flood.outcome, Flooded):
            continue
        wait = obeyed_seconds(flood.outcome.retry_after_seconds)
        for later in office.requests:
            if later.began > flood.ended and (
                later.chat_id == flood.chat_id or later.lane == "bulk"
            ):
                assert later.began >= flood.ended + wait - BLINK
    assert all(
        closing in {chat for page in office.pages for chat in page.closings}
        for closing in {one.chat_id for one in office.requests if isinstance(one.outcome, Flooded)}
    )


@world
def test_no_more_are_under_way_at_once_than_agreed(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    for one in office.requests:
        open_then = [two for two in office.requests if two.began <= one.began < two.ended]
        bulk = sum(two.lane == "bulk" for two in open_then)
        assert bulk <= 10
        assert len(open_then) - bulk <= DELIVERIES_IN_FLIGHT


def unpaid(letter: broadcast.Letter) -> broadcast.Letter:
    """The letter, whoever pays for it."""
    return replace(letter, paid=False) if isinstance(letter, broadcast.Say) else letter
