"""What follows from an outcome."""

from __future__ import annotations

import math

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcast.model import (
    BACKOFF_MAX_SECONDS,
    FLOOD_MAX_SECONDS,
    FLOOD_MIN_SECONDS,
    LETTER_AGE_MAX_SECONDS,
    REDIRECTS_MAX,
    UNKNOWN_SAYS_MAX,
    Again,
    Blocked,
    Broken,
    Done,
    Flooded,
    Gone,
    History,
    Lost,
    Migrated,
    Moved,
    NotSent,
    Outcome,
    Refused,
    Sent,
    Unknown,
    Verdict,
    backoff_seconds,
    judge,
    obeyed_seconds,
)
from actors.kernel.ids import ChatId, LetterId, MessageId

CHAT = ChatId(7)
SAY = broadcast.Say(letter_id=LetterId("say"), chat_id=CHAT, text="hello")
ONCE = broadcast.Say(letter_id=LetterId("once"), chat_id=CHAT, text="hello", repeat=False)
EDIT = broadcast.Edit(
    letter_id=LetterId("edit"), chat_id=CHAT, message_id=MessageId(5), text="changed"
)
ERASE = broadcast.Erase(chat_id=CHAT, message_id=MessageId(5))
ANSWER = broadcast.AnswerCallback(chat_id=CHAT, callback_id="1")
EVERY: list[broadcast.Letter] = [SAY, ONCE, EDIT, ERASE, ANSWER]


def verdict(
    letter: broadcast.Letter, outcome: Outcome | Broken, history: History | None = None
) -> Verdict:
    return judge(letter, outcome, history or History(failures=1, unknowns=1), jitter=1.0)


def test_what_was_sent_is_done() -> None:
    assert verdict(SAY, Sent(MessageId(9))) == Done(MessageId(9))
    assert verdict(EDIT, Sent(MessageId(5))) == Done(MessageId(5))
    assert verdict(EDIT, Sent()) == Done(MessageId(5))
    assert verdict(ERASE, Sent()) == Done(MessageId(5))
    assert verdict(ANSWER, Sent()) == Done(None)


def test_a_new_message_without_its_id_is_not_called_delivered() -> None:
    assert isinstance(verdict(SAY, Sent()), Lost)


def test_a_message_that_is_gone_already_counts_as_deleted() -> None:
    assert verdict(ERASE, Gone()) == Done(MessageId(5))
    assert verdict(EDIT, Gone()) == Lost("gone", "the message does not exist any more")


@pytest.mark.parametrize("letter", EVERY)
def test_a_refusal_is_final_and_keeps_the_words_of_telegram(letter: broadcast.Letter) -> None:
    assert verdict(letter, Refused("can't parse entities")) == Lost(
        "refused", "can't parse entities"
    )
    assert verdict(letter, Blocked("bot was blocked")) == Lost(
        "blocked", "bot was blocked", whole_chat=True, closed="blocked"
    )


@pytest.mark.parametrize("letter", EVERY)
def test_what_certainly_was_not_sent_is_repeated_whatever_it_is(letter: broadcast.Letter) -> None:
    assert verdict(letter, NotSent("refused")) == Again(1.0, flooded=False)
    assert verdict(letter, NotSent("busy", retry_after_seconds=9)) == Again(9.0, flooded=False)
    assert verdict(letter, Flooded(35)) == Again(35, flooded=True)


@pytest.mark.parametrize("letter", [SAY, EDIT, ERASE, ANSWER])
def test_an_unknown_outcome_is_repeated_when_that_is_harmless_or_wanted(
    letter: broadcast.Letter,
) -> None:
    assert verdict(letter, Unknown("read time-out")) == Again(1.0, flooded=False)


def test_an_unknown_outcome_of_a_message_that_must_not_double_is_told() -> None:
    assert verdict(ONCE, Unknown("read time-out")) == Lost("unknown", "read time-out")


def test_a_message_whose_answer_is_lost_again_and_again_is_not_copied_for_ever() -> None:
    often = History(failures=UNKNOWN_SAYS_MAX, unknowns=UNKNOWN_SAYS_MAX)
    assert verdict(SAY, Unknown("HTML"), often) == Lost("unknown", "HTML")
    assert isinstance(verdict(EDIT, Unknown("HTML"), often), Again)


@pytest.mark.parametrize("outcome", [Flooded(5), NotSent("no route"), Unknown("HTML")])
def test_after_a_day_a_letter_is_given_up(outcome: Outcome) -> None:
    old = History(age_seconds=LETTER_AGE_MAX_SECONDS, failures=100)
    given_up = verdict(EDIT, outcome, old)
    assert isinstance(given_up, Lost)
    assert given_up.reason == "refused"
    assert given_up.detail.startswith("given up after 24 h")


def test_given_up_after_a_lost_answer_it_is_unknown_whether_it_was_shown() -> None:
    old = History(age_seconds=LETTER_AGE_MAX_SECONDS, failures=100, unknowns=1)
    given_up = verdict(EDIT, NotSent("no route"), old)
    assert isinstance(given_up, Lost)
    assert given_up.reason == "unknown"


@pytest.mark.parametrize("letter", EVERY)
def test_a_fault_of_the_messenger_is_not_repeated(letter: broadcast.Letter) -> None:
    assert verdict(letter, Broken("KeyError: 'x'")) == Lost("unknown", "KeyError: 'x'")


def test_a_moved_group_is_followed_but_not_in_circles() -> None:
    assert verdict(SAY, Migrated(ChatId(-100))) == Moved(ChatId(-100))
    circles = History(redirects=REDIRECTS_MAX)
    assert isinstance(verdict(SAY, Migrated(ChatId(-100)), circles), Lost)


@pytest.mark.parametrize(
    ("asked", "obeyed"),
    [
        (0.5, FLOOD_MIN_SECONDS),
        (-3, FLOOD_MIN_SECONDS),
        (35, 35),
        (10_072, 10_072),
        (math.inf, FLOOD_MAX_SECONDS),
        (math.nan, FLOOD_MIN_SECONDS),
        (10**30, FLOOD_MAX_SECONDS),
    ],
)
def test_a_wait_is_obeyed_within_bounds_whatever_it_is(asked: float, obeyed: float) -> None:
    assert obeyed_seconds(asked) == obeyed


def test_the_back_off_doubles_to_its_maximum_and_half_of_it_is_random() -> None:
    waits = [backoff_seconds(failures, jitter=1.0) for failures in range(1, 8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert backoff_seconds(3, jitter=0.0) == 2.0
    assert backoff_seconds(10**9, jitter=1.0) == BACKOFF_MAX_SECONDS
