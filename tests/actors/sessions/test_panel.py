"""The one message of a chat: which letter shows the newest view, and what receipts mean."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, LetterId, MessageId
from actors.sessions import panel
from actors.sessions.model import Note, Session, State
from actors.sessions.rules import Event, Occurrence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
CHAT = ChatId(1)
SEEN = Session(
    chat_id=CHAT,
    state=State.NAME,
    view_version=4,
    shown_version=4,
    panel_message_id=MessageId(10),
)
UNSEEN = replace(SEEN, view_version=5, show_by=NOON)

COMMAND = Occurrence(event=Event.STATUS, source="command")
TYPED = Occurrence(event=Event.TEXT, source="typed")
BUTTON = Occurrence(event=Event.STALE_BUTTON, source="button")
INSIDE = Occurrence(event=Event.TIMED_OUT)


class Nobody:
    def tell(self, message: broadcast.Receipt) -> None:
        raise AssertionError(message)


def letters(session: Session) -> tuple[broadcast.Say | broadcast.Edit, ...]:
    return panel.letters(session, Nobody())


def delivered(letter_id: str, message_id: int) -> broadcast.Delivered:
    return broadcast.Delivered(
        letter_id=LetterId(letter_id), chat_id=CHAT, message_id=MessageId(message_id)
    )


def undelivered(
    letter_id: str, reason: Literal["blocked", "gone", "refused", "unknown"]
) -> broadcast.Undelivered:
    return broadcast.Undelivered(
        letter_id=LetterId(letter_id), chat_id=CHAT, reason=reason, detail=""
    )


def test_a_change_is_an_edit_in_place() -> None:
    noted = replace(SEEN, note=Note.NAME_EMPTY)
    raised = panel.raised(SEEN, noted, TYPED, now=NOON)
    assert (raised.view_version, raised.renew) == (5, False)
    (edit,) = letters(raised)
    assert isinstance(edit, broadcast.Edit)
    assert (edit.letter_id, edit.message_id) == ("1:5:10", 10)


@pytest.mark.parametrize("heard", [BUTTON, INSIDE])
def test_nothing_is_sent_when_nothing_changed(heard: Occurrence) -> None:
    assert panel.raised(SEEN, SEEN, heard, now=NOON) == SEEN


@pytest.mark.parametrize("heard", [COMMAND, TYPED])
def test_whoever_types_gets_an_answer_he_can_see(heard: Occurrence) -> None:
    raised = panel.raised(SEEN, SEEN, heard, now=NOON)
    (say,) = letters(raised)
    assert isinstance(say, broadcast.Say)
    assert say.letter_id == "1:5"


def test_a_panel_that_replaces_another_has_it_erased_once_it_is_there() -> None:
    renewed = panel.raised(SEEN, SEEN, COMMAND, now=NOON)
    after = panel.delivered(renewed, delivered("1:5", 12), now=NOON)
    assert after.stray_message_id == 10
    assert (after.panel_message_id, after.shown_version, after.renew) == (12, 5, False)
    assert after.show_by is None


def test_around_the_contact_keyboard_there_is_always_a_new_message() -> None:
    asked = replace(SEEN, state=State.CONTACT)
    asking = panel.raised(SEEN, asked, TYPED, now=NOON)
    (say,) = letters(asking)
    assert isinstance(say, broadcast.Say)
    assert say.contact_button
    assert not say.keyboard
    shown = panel.delivered(asking, delivered("1:5", 12), now=NOON)
    assert shown.contact_keyboard
    answered = replace(shown, state=State.SUMMARY, name="Anna", contact="+380501234567")
    summary = panel.raised(shown, answered, TYPED, now=NOON)
    hide, show = letters(summary)
    assert isinstance(hide, broadcast.Say)
    assert (hide.letter_id, hide.remove_keyboard) == ("1:6:hide", True)
    assert isinstance(show, broadcast.Say)
    assert show.keyboard
    gone = panel.delivered(summary, delivered("1:6:hide", 14), now=NOON)
    in_the_way = replace(summary, stray_message_id=MessageId(14))
    assert gone == replace(in_the_way, contact_keyboard=False, renew=True)
    assert [letter.letter_id for letter in letters(gone)] == ["1:6"]
    asked_again = replace(summary, view_version=7)
    assert panel.delivered(asked_again, delivered("1:6:hide", 14), now=NOON).contact_keyboard
    done = panel.delivered(summary, delivered("1:6", 15), now=NOON)
    assert (done.stray_message_id, done.contact_keyboard) == (12, False)


def test_a_receipt_of_an_older_view_leaves_the_newest_to_be_shown() -> None:
    first = replace(UNSEEN, panel_message_id=None, view_version=6, shown_version=0)
    confirmed = panel.delivered(first, delivered("1:5", 12), now=NOON)
    assert confirmed.unshown
    assert confirmed.panel_message_id == 12
    (edit,) = letters(confirmed)
    assert edit.letter_id == "1:6:12"


def test_of_two_panels_the_later_one_stays() -> None:
    late = panel.delivered(UNSEEN, delivered("1:3", 7), now=NOON)
    assert (late.panel_message_id, late.stray_message_id) == (10, 7)
    twice = panel.delivered(SEEN, delivered("1:4", 11), now=NOON)
    assert (twice.panel_message_id, twice.stray_message_id) == (11, 10)


def test_what_a_stray_shows_is_not_what_the_panel_shows() -> None:
    """A panel told again comes late, after the edit of the first one has gone out."""
    edited, repeated = delivered("1:5:10", 10), delivered("1:4", 11)
    for receipts in ((edited, repeated), (repeated, edited)):
        session = UNSEEN
        for receipt in receipts:
            session = panel.delivered(session, receipt, now=NOON)
        assert (session.panel_message_id, session.stray_message_id) == (11, 10)
        (edit,) = letters(session)
        assert (session.unshown, edit.letter_id) == (True, "1:5:11")


def test_a_receipt_told_twice_changes_nothing() -> None:
    once = panel.delivered(UNSEEN, delivered("1:5:10", 10), now=NOON)
    assert panel.delivered(once, delivered("1:5:10", 10), now=LATER) == once


@pytest.mark.parametrize("reason", ["gone", "refused"])
def test_a_panel_that_cannot_be_edited_is_replaced(reason: Literal["gone", "refused"]) -> None:
    after = panel.undelivered(UNSEEN, undelivered("1:5:10", reason), now=NOON)
    (say,) = letters(after)
    assert isinstance(say, broadcast.Say)
    assert not panel.is_hopeless(UNSEEN, undelivered("1:5:10", reason))


def test_an_older_panel_that_is_gone_concerns_nobody() -> None:
    assert panel.undelivered(UNSEEN, undelivered("1:3:7", "gone"), now=NOON) == UNSEEN


@pytest.mark.parametrize(
    ("letter_id", "reason"), [("1:5", "refused"), ("1:5", "unknown"), ("1:5:10", "unknown")]
)
def test_what_would_only_fail_again_is_tried_much_later(
    letter_id: str, reason: Literal["refused", "unknown"]
) -> None:
    receipt = undelivered(letter_id, reason)
    assert panel.is_hopeless(UNSEEN, receipt)
    after = panel.undelivered(UNSEEN, receipt, now=NOON)
    assert after.show_by == NOON + timedelta(seconds=panel.REFUSED_PATIENCE_SECONDS)
    assert (after.unshown, after.renew) == (True, False)


def test_what_became_of_an_older_view_or_of_the_keyboard_stops_nothing() -> None:
    for letter_id in ("1:4", "1:4:10", "1:5:hide"):
        receipt = undelivered(letter_id, "unknown")
        assert not panel.is_hopeless(UNSEEN, receipt)
        assert panel.undelivered(UNSEEN, receipt, now=NOON) == UNSEEN


def test_who_blocks_the_bot_is_left_alone_and_finds_the_newest_view_later() -> None:
    left = panel.undelivered(UNSEEN, undelivered("1:5:10", "blocked"), now=NOON)
    assert (left.blocked, left.unshown, left.show_by) == (True, False, None)
    paid = panel.raised(left, replace(left, state=State.SUCCESS), INSIDE, now=NOON)
    assert (paid.view_version, paid.show_by) == (6, None)
    back = panel.unblocked(paid, now=NOON)
    assert (back.unshown, back.renew) == (True, True)


def test_who_never_saw_anything_is_shown_nothing_when_he_unblocks() -> None:
    stranger = Session(chat_id=CHAT, blocked=True)
    assert panel.unblocked(stranger, now=NOON) == Session(chat_id=CHAT)


def test_who_writes_after_blocking_gets_a_new_message() -> None:
    assert panel.raised(replace(SEEN, blocked=True), SEEN, BUTTON, now=NOON).renew


def test_waiting_for_a_receipt_does_not_begin_anew_with_each_change() -> None:
    assert panel.again(UNSEEN, now=LATER).show_by == UNSEEN.show_by
    assert panel.patient(UNSEEN, now=LATER).show_by == LATER + timedelta(
        seconds=panel.SHOW_PATIENCE_SECONDS
    )


def test_a_stranger_is_shown_nothing() -> None:
    stranger = Session(chat_id=CHAT)
    assert panel.raised(stranger, stranger, INSIDE, now=NOON) == stranger


def test_a_panel_before_the_present_one_is_a_stray() -> None:
    assert panel.is_stray(SEEN, MessageId(9))
    assert not panel.is_stray(SEEN, MessageId(10))
    assert not panel.is_stray(SEEN, MessageId(11))
    assert not panel.is_stray(replace(SEEN, panel_message_id=None), MessageId(9))
