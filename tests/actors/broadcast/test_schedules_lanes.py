"""A broadcast beside people who are answered: no schedule of either lets one wait for the other."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from actors.broadcast import messages as broadcast
from actors.broadcast.desk import Desk
from actors.broadcast.model import Ended, Flooded
from actors.broadcast.tokens import Limits
from actors.kernel.ids import ChatId, LetterId
from tests.actors.broadcast.post import BLINK, Answers, Post, most_within, sent

RECIPIENTS = 90
SLOWEST_SECONDS = 0.1


def news(number: int, source: str = "1") -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId(f"{source}:{number}"),
        chat_id=ChatId(number),
        text=f"news {source}",
        repeat=False,
        lane="bulk",
        source=source,
    )


def reply(number: int) -> broadcast.Say:
    """To somebody who is no recipient, so that only the broadcast can be in its way."""
    return broadcast.Say(
        letter_id=LetterId(f"r{number}"), chat_id=ChatId(100_000 + number), text="reply"
    )


def flooding(seed: int, part: float) -> Answers:
    """So many letters of the broadcast find their chat in a flood wait."""
    chance = random.Random(seed)

    def answers(letter: broadcast.Letter, at: float) -> Ended:
        if letter.chat_id < 100_000 and chance.random() < part:
            return Flooded(chance.choice([1, 5, 30]))
        return sent(letter, at)

    return answers


def run(answers: Answers, replies: list[float], seed: int) -> Post:
    office = Post(Desk(Limits()), answers, seed=seed, slowest_seconds=SLOWEST_SECONDS)
    for number in range(1, RECIPIENTS + 1):
        office.tell(news(number, str(number % 3)), at=0.0)
    for number, at in enumerate(replies):
        office.tell(reply(number), at=at)
    office.run()
    return office


schedules = given(
    replies=st.lists(st.floats(0, 4), max_size=12),
    seed=st.integers(0, 2**32),
    floods=st.sampled_from([0.0, 0.02, 0.2]),
)


@schedules
def test_a_broadcast_delays_a_reply_by_no_letter_that_starts_after_it_was_told(
    replies: list[float], seed: int, floods: float
) -> None:
    office = run(flooding(seed, floods), replies, seed)
    told = dict(enumerate(replies))
    bulk = [request.began for request in office.requests if request.lane == "bulk"]
    for request in office.requests:
        if request.lane == "answer":
            at = told[request.chat_id - 100_000]
            assert not [began for began in bulk if at + BLINK < began < request.began - BLINK]
            assert request.began - at < 0.2 or len(replies) > 3


@schedules
def test_whatever_is_flooded_every_recipient_is_reached_once_at_the_pace_that_is_allowed(
    replies: list[float], seed: int, floods: float
) -> None:
    office = run(flooding(seed, floods), replies, seed)
    reached = [one for one in office.requests if not isinstance(one.outcome, Flooded)]
    chats = [one.chat_id for one in reached if one.lane == "bulk"]
    assert sorted(chats) == list(range(1, RECIPIENTS + 1))
    assert most_within([one.counted for one in office.requests], 1.0 - BLINK) <= 30


@schedules
def test_broadcasts_share_their_lane_letter_by_letter(
    replies: list[float], seed: int, floods: float
) -> None:
    del floods  # a flooded letter comes back later, whatever its turn was
    office = run(sent, replies, seed)
    bulk = [one for one in office.requests if one.lane == "bulk"]
    bulk.sort(key=lambda one: one.began)
    counts = dict.fromkeys(("0", "1", "2"), 0)
    for request in bulk:
        assert isinstance(request.letter, broadcast.Say)
        counts[request.letter.source] += 1
        assert max(counts.values()) - min(counts.values()) <= 3
