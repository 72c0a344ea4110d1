"""One queue: in order within a chat, in turns among chats."""

from __future__ import annotations

from dataclasses import replace

from actors.broadcast import messages as broadcast
from actors.broadcast.buckets import ticks
from actors.broadcast.queues import CALLBACK_WORTH_SECONDS, TYPING_WORTH_SECONDS, Entry, Queue
from actors.broadcast.tokens import Fare
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


def taken(queue: Queue, now: int = 0) -> list[str]:
    """Everything the queue gives when each letter ends at once."""
    texts = []
    while entry := queue.pick(now, at_once):
        texts.append(getattr(entry.letter, "text", ""))
        queue.finish(entry.to)
    return texts


def test_letters_of_a_chat_leave_in_the_order_told_and_chats_take_turns() -> None:
    queue = Queue()
    for text in ("a1", "a2", "a3"):
        queue.add(say(text))
    for text in ("b1", "b2"):
        queue.add(say(text, BORIS))
    assert (queue.depth, len(queue), queue.depth_of(ANNA)) == (5, 2, 3)
    assert taken(queue) == ["a1", "b1", "a2", "b2", "a3"]
    assert (queue.depth, len(queue), queue.depth_of(ANNA)) == (0, 0, 0)


def test_a_chat_has_one_letter_out_at_a_time() -> None:
    queue = Queue()
    queue.add(say("a1"))
    queue.add(say("a2"))
    first = queue.pick(0, at_once)
    assert first is not None
    assert queue.pick(0, at_once) is None
    assert queue.due() is None
    queue.repeat(ANNA)
    assert queue.pick(0, at_once) is first
    queue.finish(ANNA)
    assert taken(queue) == ["a2"]


def test_a_chat_that_must_wait_holds_up_nobody_and_comes_when_it_is_due() -> None:
    queue = Queue()
    queue.add(say("a1"))
    queue.add(say("b1", BORIS))

    def due(entry: Entry) -> int:
        return 100 if entry.to == ANNA else 0

    entry = queue.pick(0, due)
    assert entry is not None
    assert entry.to == BORIS
    queue.finish(BORIS)
    assert queue.pick(99, due) is None
    assert queue.due() == 100
    entry = queue.pick(100, due)
    assert entry is not None
    assert entry.to == ANNA


def test_a_deadline_that_moved_on_meanwhile_is_obeyed() -> None:
    queue = Queue()
    queue.add(say("a1"))
    assert queue.pick(0, lambda _: 100) is None
    assert queue.pick(100, lambda _: 200) is None
    assert queue.due() == 200


def test_clearing_a_chat_takes_out_everything() -> None:
    queue = Queue()
    for text in ("a1", "a2"):
        queue.add(say(text))
    queue.add(say("b1", BORIS))
    queue.pick(0, at_once)
    assert [entry.letter for entry in queue.clear(ANNA)] == [say("a1").letter, say("a2").letter]
    assert queue.depth == 1
    assert taken(queue) == ["b1"]


def test_a_newer_edit_takes_the_place_of_one_that_waits() -> None:
    queue = Queue()
    queue.add(Entry(edit("old"), to=ANNA, told_at=0))
    queue.add(answer())
    entry = queue.overtake(edit("new"), ANNA)
    assert entry is not None
    assert list(entry.receipts) == ["old", "new"]
    assert queue.depth == 3
    assert taken(queue) == ["new", ""]
    assert queue.depth == 0


def test_an_edit_never_overtakes_what_would_change_the_order_on_the_screen() -> None:
    queue = Queue()
    queue.add(Entry(edit("old"), to=ANNA, told_at=0))
    assert queue.overtake(edit("other", message_id=6), ANNA) is None
    assert queue.overtake(edit("elsewhere", chat_id=BORIS), BORIS) is None
    queue.add(say("between"))
    assert queue.overtake(edit("new"), ANNA) is None


def test_an_edit_that_is_under_way_is_not_overtaken_but_one_to_be_repeated_is() -> None:
    queue = Queue()
    queue.add(Entry(edit("old"), to=ANNA, told_at=0))
    queue.pick(0, at_once)
    assert queue.overtake(edit("new"), ANNA) is None
    queue.repeat(ANNA)
    assert queue.overtake(edit("new"), ANNA) is not None
    assert taken(queue) == ["new"]


def test_a_button_is_not_answered_when_nobody_waits_any_more() -> None:
    queue = Queue()
    queue.add(answer(told_at=0))
    queue.add(say("a1"))
    queue.add(answer(BORIS, told_at=0))
    assert taken(queue, now=ticks(CALLBACK_WORTH_SECONDS) + 1) == ["a1"]
    assert queue.dropped == 2
    assert (queue.depth, len(queue), queue.due()) == (0, 0, None)


def test_a_button_is_answered_while_somebody_may_wait() -> None:
    queue = Queue()
    queue.add(answer(told_at=0))
    assert queue.pick(ticks(CALLBACK_WORTH_SECONDS), at_once) is not None


def test_the_letter_that_waits_longest_is_known() -> None:
    queue = Queue()
    assert queue.oldest() is None
    queue.add(answer(told_at=70))
    queue.add(answer(BORIS, told_at=60))
    assert queue.oldest() == 60


def test_told_again_the_newest_recipient_gets_the_receipt() -> None:
    first, second = Pigeonhole(), Pigeonhole()
    letter = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", notify=first)
    again = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", notify=second)
    entry = Entry(letter, to=ANNA, told_at=0)
    entry.wanted_by(again)
    assert entry.receipts == {LetterId("x"): (ANNA, second)}
    assert entry.weight == 1


def test_a_chat_that_is_busy_elsewhere_stands_aside_until_it_is_released() -> None:
    queue = Queue()
    queue.add(say("a1"))
    queue.add(say("b1", BORIS))
    entry = queue.pick(0, lambda entry: None if entry.to == ANNA else 0)
    assert entry is not None
    assert entry.to == BORIS
    assert queue.pick(0, at_once) is None
    assert queue.due() is None
    queue.release(BORIS)
    assert queue.due() is None
    queue.release(ANNA)
    queue.release(ANNA)
    assert taken(queue) == ["a1"]


def test_a_chat_that_is_cleared_while_it_waits_keeps_one_place() -> None:
    queue = Queue()
    queue.add(say("a1"))
    assert queue.pick(0, lambda _: 50) is None
    assert [entry.letter for entry in queue.clear(ANNA)] == [say("a1").letter]
    assert (queue.depth, len(queue), queue.oldest()) == (0, 0, None)
    queue.add(say("a2"))
    queue.add(say("a3"))
    assert taken(queue, now=49) == []
    assert taken(queue, now=50) == ["a2", "a3"]
    assert queue.empty
    queue.add(say("b1", BORIS))
    queue.clear(BORIS)
    assert taken(queue) == []
    assert queue.empty


def test_what_is_put_back_goes_before_what_waits_and_behind_what_is_out() -> None:
    queue = Queue()
    for text in ("a1", "a2", "a3"):
        queue.add(say(text))
    first = queue.pick(0, at_once)
    assert first is not None
    queue.finish(ANNA)
    assert queue.pick(0, at_once) is not None
    queue.put_back(first)
    assert queue.depth == 3
    queue.finish(ANNA)
    assert taken(queue) == ["a1", "a3"]


def test_a_typing_that_is_too_old_is_not_shown() -> None:
    queue = Queue()
    queue.add(Entry(broadcast.Typing(chat_id=ANNA), to=ANNA, told_at=0))
    assert queue.pick(ticks(TYPING_WORTH_SECONDS) + 1, at_once) is None
    assert queue.dropped == 1


def test_only_what_goes_to_many_is_filed_in_the_outbox() -> None:
    letter = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", lane="bulk")
    assert Entry(letter, to=ANNA, told_at=0).filed == "x"
    assert Entry(replace(letter, lane="notice"), to=ANNA, told_at=0).filed is None
    erase = broadcast.Erase(chat_id=ANNA, message_id=MessageId(1), lane="bulk")
    assert Entry(erase, to=ANNA, told_at=0).filed is None
    named = replace(erase, letter_id=LetterId("y"))
    assert Entry(named, to=ANNA, told_at=0).filed == "y"
    assert answer().filed is None


def test_a_letter_goes_to_the_chat_that_its_own_became_and_is_paid_for_only_when_it_may() -> None:
    letter = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", lane="bulk", paid=True)
    entry = Entry(letter, to=BORIS, told_at=0)
    assert entry.addressed() == replace(letter, chat_id=BORIS, paid=False)
    entry.fare = Fare(bulk=True, paid=True)
    assert entry.addressed() == replace(letter, chat_id=BORIS)
