"""Letters by name: one name, one letter, one receipt."""

from __future__ import annotations

from dataclasses import replace

from actors.broadcast import messages as broadcast
from actors.broadcast.letterbox import Letterbox
from actors.broadcast.model import Done, Lost
from actors.broadcast.queues import Entry
from actors.kernel.ids import ChatId, LetterId, MessageId
from tests.actors.broadcast.post import Pigeonhole

ANNA = ChatId(1)


def erase(notify: Pigeonhole | None = None) -> broadcast.Erase:
    return broadcast.Erase(
        chat_id=ANNA, message_id=MessageId(5), letter_id=LetterId("e"), notify=notify
    )


def test_a_deletion_with_a_name_is_told_as_any_other_letter() -> None:
    box, hole = Letterbox(), Pigeonhole()
    letter = erase(hole)
    entry = Entry(letter, to=ANNA, told_at=0)
    assert box.known(letter) is None
    box.wait(letter, entry)
    newest = Pigeonhole()
    assert box.known(erase(newest)) == []
    receipt = broadcast.Delivered(letter_id=LetterId("e"), chat_id=ANNA, message_id=MessageId(5))
    assert box.deliver(entry, Done(MessageId(5))) == [(newest, receipt)]
    assert box.known(letter) == [(hole, receipt)]


def test_what_has_no_name_is_told_to_nobody_and_never_the_same() -> None:
    box = Letterbox()
    for letter in (
        replace(erase(), letter_id=None),
        broadcast.Typing(chat_id=ANNA),
        broadcast.AnswerCallback(chat_id=ANNA, callback_id="1"),
    ):
        entry = Entry(letter, to=ANNA, told_at=0)
        box.wait(letter, entry)
        assert box.known(letter) is None
        assert box.refuse(letter, Lost("refused", "full")) == []
        assert box.deliver(entry, Done(None)) == []
        assert box.lose(entry, Lost("refused", "no")) == []


def test_a_lost_letter_says_why_and_may_be_told_again() -> None:
    box, hole = Letterbox(), Pigeonhole()
    entry = Entry(erase(hole), to=ANNA, told_at=0)
    box.wait(entry.letter, entry)
    lost = Lost("blocked", "user is deactivated", whole_chat=True, closed="deactivated")
    [(recipient, receipt)] = box.lose(entry, lost)
    assert recipient is hole
    assert receipt == broadcast.Undelivered(
        letter_id=LetterId("e"),
        chat_id=ANNA,
        reason="blocked",
        detail="user is deactivated",
        closed="deactivated",
    )
    assert box.known(entry.letter) is None
    assert box.refuse(entry.letter, lost) == [(hole, receipt)]
