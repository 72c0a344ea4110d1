"""No schedule of letters breaks a promise, whatever Telegram answers.

Hypothesis invents who is told what and when; Telegram answers in every way it has, after any
latency; and counters that share no code with the desk look at what left.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast import messages as broadcast
from actors.broadcast.desk import DELIVERIES_IN_FLIGHT, Desk
from actors.broadcast.gate import PAUSE_FIRST_SECONDS
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
    Unknown,
    obeyed_seconds,
)
from actors.broadcast.tokens import Limits
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import BLINK, Answers, Pigeonhole, Post, most_within, sent

CHATS = [ChatId(chat) for chat in (1, 2, 3, 4, -1, -2)]


@st.composite
def letters(draw: st.DrawFn) -> list[tuple[float, broadcast.Letter]]:
    """Told when, and what; every `Say` and `Edit` wants a receipt."""
    clock, told = 0.0, []
    for number in range(draw(st.integers(1, 120))):
        clock += draw(st.sampled_from([0.0, 0.0, 0.0, 0.01, 0.3, 2.0, 20.0]))
        chat_id = draw(st.sampled_from(CHATS))
        letter_id, text = LetterId(str(number)), str(number)
        message_id, notify = MessageId(draw(st.integers(1, 3))), Pigeonhole()
        kind = draw(st.sampled_from(["say", "say", "once", "edit", "edit", "erase", "answer"]))
        letter: broadcast.Letter
        match kind:
            case "edit":
                letter = broadcast.Edit(
                    letter_id=letter_id,
                    chat_id=chat_id,
                    message_id=message_id,
                    text=text,
                    notify=notify,
                )
            case "erase":
                letter = broadcast.Erase(chat_id=chat_id, message_id=MessageId(1000 + number))
            case "answer":
                letter = broadcast.AnswerCallback(chat_id=chat_id, callback_id=text)
            case _:
                letter = broadcast.Say(
                    letter_id=letter_id,
                    chat_id=chat_id,
                    text=text,
                    repeat=kind == "say",
                    notify=notify,
                )
        told.append((clock, letter))
    return told


def moody(seed: int, *, trouble: float) -> Answers:
    """A Telegram that is in trouble with this probability, in every way there is."""
    chance = random.Random(seed)

    def answers(letter: broadcast.Letter, at: float) -> Outcome | Broken:
        if chance.random() >= trouble:
            return sent(letter, at)
        troubles: list[Outcome | Broken] = [
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
        return chance.choice(troubles)

    return answers


def run(
    told: list[tuple[float, broadcast.Letter]], answers: Answers, *, seed: int, slowest: float
) -> Post:
    office = Post(Desk(Limits()), answers, seed=seed, slowest_seconds=slowest)
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
    reached = [request.counted for request in office.requests if request.reached]
    assert most_within(reached, 1.0 - BLINK) <= 30
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
    def answers(letter: broadcast.Letter, at: float) -> Outcome | Broken:
        outcome = moods(letter, at)
        return Gone() if isinstance(outcome, Migrated) else outcome

    moods = moody(seed, trouble=trouble)
    office = run(told, answers, seed=seed, slowest=slowest)
    place = {letter: number for number, (_, letter) in enumerate(told)}
    for requests in office.by_chat().values():
        requests.sort(key=lambda request: request.began)
        assert all(one.ended <= two.began for one, two in pairwise(requests))
        # A newer edit takes an older one's place, and only answers to buttons stand between.
        for passed_over in (broadcast.AnswerCallback, broadcast.Edit):
            places = [
                place[request.letter]
                for request in requests
                if not isinstance(request.letter, passed_over)
            ]
            assert places == sorted(places)


@world
def test_a_flood_wait_closes_its_chat_and_shuts_the_way(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    assert all(request.began >= 0 for request in office.requests)
    for flood in office.requests:
        if not isinstance(flood.outcome, Flooded):
            continue
        wait = obeyed_seconds(flood.outcome.retry_after_seconds)
        for later in office.requests:
            if later.began <= flood.ended:
                continue
            assert later.began >= flood.ended + min(wait, PAUSE_FIRST_SECONDS) - BLINK
            if later.chat_id == flood.chat_id:
                assert later.began >= flood.ended + wait - BLINK


@world
def test_no_more_are_under_way_at_once_than_agreed(
    told: list[tuple[float, broadcast.Letter]], seed: int, trouble: float, slowest: float
) -> None:
    office = run(told, moody(seed, trouble=trouble), seed=seed, slowest=slowest)
    for one in office.requests:
        open_then = [two for two in office.requests if two.began <= one.began < two.ended]
        assert len(open_then) <= DELIVERIES_IN_FLIGHT
