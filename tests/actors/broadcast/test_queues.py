"""One lane: in order within a chat, in turns among chats."""

from __future__ import annotations

from actors.broadcast import messages as broadcast
from actors.broadcast.queues import CALLBACK_WORTH_SECONDS, Entry, Lane
from actors.broadcast.tokens import ticks
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import Pigeonhole

ANNA, BORIS = ChatId(1), ChatId(2)


def say(text: str, chat_id: ChatId = ANNA) -> Entry:
    letter = broadcast.Say(letter_id=LetterId(text), chat_id=chat_id, text=text)
    return Entry(letter, to=chat_id, told_at=0)


def edit(name: str, message_id: int = 5, chat_id: ChatId = ANNA) -> broadcast.Edit:
    return broadcast.Edit(
        letter_id=LetterId(name), chat_id=chat_id, message_id=MessageId(message_id), text=name
    )


def answer(chat_id: ChatId = ANNA, told_at: int = 0) -> Entry:
    letter = broadcast.AnswerCallback(chat_id=chat_id, callback_id="1")
    return Entry(letter, to=chat_id, told_at=told_at)


def at_once(_: Entry) -> int:
    return 0


def taken(lane: Lane, now: int = 0) -> list[str]:
    """Everything the lane gives when each letter ends at once."""
    texts = []
    while entry := lane.pick(now, at_once):
        texts.append(getattr(entry.letter, "text", ""))
        lane.finish(entry.to)
    return texts


def test_letters_of_a_chat_leave_in_the_order_told_and_chats_take_turns() -> None:
    lane = Lane()
    for text in ("a1", "a2", "a3"):
        lane.add(say(text))
    for text in ("b1", "b2"):
        lane.add(say(text, BORIS))
    assert (lane.depth, len(lane), lane.depth_of(ANNA)) == (5, 2, 3)
    assert taken(lane) == ["a1", "b1", "a2", "b2", "a3"]
    assert (lane.depth, len(lane), lane.depth_of(ANNA)) == (0, 0, 0)


def test_a_chat_has_one_letter_out_at_a_time() -> None:
    lane = Lane()
    lane.add(say("a1"))
    lane.add(say("a2"))
    first = lane.pick(0, at_once)
    assert first is not None
    assert lane.pick(0, at_once) is None
    assert lane.due() is None
    lane.repeat(ANNA)
    assert lane.pick(0, at_once) is first
    lane.finish(ANNA)
    assert taken(lane) == ["a2"]


def test_a_chat_that_must_wait_holds_up_nobody_and_comes_when_it_is_due() -> None:
    lane = Lane()
    lane.add(say("a1"))
    lane.add(say("b1", BORIS))

    def due(entry: Entry) -> int:
        return 100 if entry.to == ANNA else 0

    entry = lane.pick(0, due)
    assert entry is not None
    assert entry.to == BORIS
    lane.finish(BORIS)
    assert lane.pick(99, due) is None
    assert lane.due() == 100
    entry = lane.pick(100, due)
    assert entry is not None
    assert entry.to == ANNA


def test_a_deadline_that_moved_on_meanwhile_is_obeyed() -> None:
    lane = Lane()
    lane.add(say("a1"))
    assert lane.pick(0, lambda _: 100) is None
    assert lane.pick(100, lambda _: 200) is None
    assert lane.due() == 200


def test_clearing_a_chat_takes_out_everything() -> None:
    lane = Lane()
    for text in ("a1", "a2"):
        lane.add(say(text))
    lane.add(say("b1", BORIS))
    lane.pick(0, at_once)
    assert [entry.letter for entry in lane.clear(ANNA)] == [say("a1").letter, say("a2").letter]
    assert lane.depth == 1
    assert taken(lane) == ["b1"]


def test_a_newer_edit_takes_the_place_of_one_that_waits() -> None:
    lane = Lane()
    lane.add(Entry(edit("old"), to=ANNA, told_at=0))
    lane.add(answer())
    entry = lane.overtake(edit("new"), ANNA)
    assert entry is not None
    assert list(entry.receipts) == ["old", "new"]
    assert lane.depth == 3
    assert taken(lane) == ["new", ""]
    assert lane.depth == 0


def test_an_edit_never_overtakes_what_would_change_the_order_on_the_screen() -> None:
    lane = Lane()
    lane.add(Entry(edit("old"), to=ANNA, told_at=0))
    assert lane.overtake(edit("other", message_id=6), ANNA) is None
    assert lane.overtake(edit("elsewhere", chat_id=BORIS), BORIS) is None
    lane.add(say("between"))
    assert lane.overtake(edit("new"), ANNA) is None


def test_an_edit_that_is_under_way_is_not_overtaken_but_one_to_be_repeated_is() -> None:
    lane = Lane()
    lane.add(Entry(edit("old"), to=ANNA, told_at=0))
    lane.pick(0, at_once)
    assert lane.overtake(edit("new"), ANNA) is None
    lane.repeat(ANNA)
    assert lane.overtake(edit("new"), ANNA) is not None
    assert taken(lane) == ["new"]


def test_a_button_is_not_answered_when_nobody_waits_any_more() -> None:
    lane = Lane()
    lane.add(answer(told_at=0))
    lane.add(say("a1"))
    lane.add(answer(BORIS, told_at=0))
    assert taken(lane, now=ticks(CALLBACK_WORTH_SECONDS) + 1) == ["a1"]
    assert lane.dropped == 2
    assert (lane.depth, len(lane), lane.due()) == (0, 0, None)


def test_a_button_is_answered_while_somebody_may_wait() -> None:
    lane = Lane()
    lane.add(answer(told_at=0))
    assert lane.pick(ticks(CALLBACK_WORTH_SECONDS), at_once) is not None


def test_the_letter_that_waits_longest_is_known() -> None:
    lane = Lane()
    assert lane.oldest() is None
    lane.add(answer(told_at=70))
    lane.add(answer(BORIS, told_at=60))
    assert lane.oldest() == 60


def test_told_again_the_newest_recipient_gets_the_receipt() -> None:
    first, second = Pigeonhole(), Pigeonhole()
    letter = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", notify=first)
    again = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", notify=second)
    entry = Entry(letter, to=ANNA, told_at=0)
    entry.wanted_by(again)
    assert entry.receipts == {LetterId("x"): (ANNA, second)}
    assert entry.weight == 1
