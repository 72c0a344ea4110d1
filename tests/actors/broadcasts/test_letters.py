"""The letter of each recipient, and what its receipt means."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from actors.broadcast import messages as broadcast
from actors.broadcasts import letters
from actors.broadcasts.model import Audience, Broadcast, Content, Kind, Outcome
from actors.broadcasts.ports import letter_of, recipient_of
from actors.broadcasts.template import Person, Template
from actors.kernel.ids import BroadcastId, ChatId, LetterId, MessageId
from runtime.testing import Probe

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PHOTO = broadcast.Media(kind="photo", file="https://example.org/a.jpg")
LINK = ((broadcast.Button(text="Go", url="https://example.org"),),)
KEPT = Broadcast(
    broadcast_id=BroadcastId(3),
    content=Content(text="Hi {name|you}", media=PHOTO, buttons=LINK),
    audience=Audience(),
    version=2,
    created_at=NOON,
    starts_at=NOON,
)
CHAT = ChatId(-100_200)


@dataclass(frozen=True)
class Turn:
    person: Person = field(default_factory=lambda: Person(chat_id=CHAT, name="<Ann>"))
    message_id: MessageId | None = None


def letter(kept: Broadcast = KEPT, message_id: int | None = None) -> Any:
    turn = Turn(message_id=None if message_id is None else MessageId(message_id))
    return letters.letter(kept, Template.parse(kept.content.text), turn, Probe())


def test_a_letter_is_filled_in_and_goes_by_the_bulk_lane() -> None:
    told = letter(replace(KEPT, repeat=True, paid=True))
    assert (told.text, told.media, told.keyboard) == ("Hi &lt;Ann&gt;", PHOTO, LINK)
    assert (told.lane, told.source, told.repeat, told.paid) == ("bulk", "3", True, True)
    assert (letter().repeat, letter().paid) == (False, False)
    assert letter().letter_id == "broadcast:3:-100200"


def test_a_pass_that_changes_or_takes_back_names_the_message() -> None:
    change = letter(replace(KEPT, kind=Kind.EDIT), 9)
    assert isinstance(change, broadcast.Edit)
    assert (change.message_id, change.text, change.caption) == (9, "Hi &lt;Ann&gt;", True)
    plain = replace(KEPT, kind=Kind.EDIT, content=Content(text="x"))
    assert letter(plain, 9).caption is False
    back = letter(replace(KEPT, kind=Kind.DELETE), 9)
    assert isinstance(back, broadcast.Erase)
    assert letter(replace(KEPT, kind=Kind.EDIT)).message_id == 0
    for told in (change, back):
        assert (told.lane, told.source, told.letter_id) == ("bulk", "3", "broadcast:3:-100200")


def test_each_content_is_checked_under_a_name_of_its_own() -> None:
    shown = letters.check(KEPT, Person(chat_id=ChatId(1)), Probe())
    assert (shown.chat_id, shown.text, shown.lane, shown.repeat) == (1, "Hi you", "answer", True)
    assert letters.checked(shown.letter_id) == (3, 2)
    assert letters.checked(letters.check_letter(replace(KEPT, version=5))) == (3, 5)
    assert letters.panel_of(letters.panel_letter(BroadcastId(3))) == 3
    again = letters.panel_letter(BroadcastId(3), MessageId(7))
    assert letters.panel_of(again) == 3
    assert again != letters.panel_letter(BroadcastId(3))
    edit = letters.panel_edit(BroadcastId(3), MessageId(7), UUID(int=1))
    assert letters.panel_edited(edit) == (3, 7)
    assert letters.panel_edited(again) is None
    for other in ("notice:stars:1", "broadcast:3:5", letters.panel_letter(BroadcastId(3))):
        assert letters.checked(LetterId(other)) is None
    assert letters.panel_of(shown.letter_id) is None


def test_a_name_tells_whom_it_is_for_and_foreign_ones_nobody() -> None:
    for number in (1, -100_200, 2**51):
        named = letter_of(BroadcastId(7), ChatId(number))
        assert recipient_of(named) == (7, number)
    for other in ("", "broadcast", "broadcast:1", "broadcast:x:1", "broadcast:1:", "notice:1:1"):
        assert recipient_of(LetterId(other)) is None


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        ("blocked", Outcome.BLOCKED),
        ("gone", Outcome.FAILED),
        ("refused", Outcome.FAILED),
        ("unknown", Outcome.UNKNOWN),
        ("withdrawn", Outcome.PENDING),
    ],
)
def test_each_reason_is_an_outcome(reason: Any, outcome: Outcome) -> None:
    receipt = broadcast.Undelivered(
        letter_id=letter_of(BroadcastId(3), CHAT), chat_id=CHAT, reason=reason, detail="é\0" * 200
    )
    settled = letters.settled(receipt)
    assert settled is not None
    assert (settled.outcome, settled.chat_id, settled.message_id) == (outcome, CHAT, None)
    assert settled.detail.isascii()
    assert (settled.detail == "") is (reason == "withdrawn")
    assert len(settled.detail) <= letters.DETAIL_MAX_CHARACTERS


def test_what_arrived_is_sent_and_what_is_not_about_a_recipient_is_nothing() -> None:
    named = letter_of(BroadcastId(3), CHAT)
    arrived = broadcast.Delivered(letter_id=named, chat_id=CHAT, message_id=MessageId(9))
    settled = letters.settled(arrived)
    assert settled is not None
    assert (settled.outcome, settled.message_id) == (Outcome.SENT, 9)
    assert letters.settled(replace(arrived, letter_id=letters.check_letter(KEPT))) is None
