"""What becomes of a message from Telegram, forged buttons included."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.kernel.language import Language
from actors.sessions import messages as sessions
from actors.sessions.flow import BUTTONS
from actors.sessions.hearing import acquainted, button_data, occurrence
from actors.sessions.model import Session, State
from actors.sessions.rules import Event, Occurrence

ANNA = sessions.Profile(first_name="Anna", language_code="uk")
SESSION = Session(chat_id=ChatId(1), state=State.SUMMARY, step=4, first_name="Anna")


def command(name: str, argument: str = "") -> Occurrence:
    told = sessions.CommandReceived(
        update_id=UpdateId(1), profile=ANNA, name=name, argument=argument
    )
    return occurrence(SESSION, told)


def pressed(data: str, session: Session = SESSION) -> Occurrence:
    told = sessions.ButtonPressed(
        update_id=UpdateId(1),
        profile=ANNA,
        callback_id="c",
        message_id=MessageId(1),
        data=data,
    )
    return occurrence(session, told)


@pytest.mark.parametrize("name", ["start", "cancel", "status", "lang", "help"])
def test_known_commands_are_events_of_their_name(name: str) -> None:
    assert command(name) == Occurrence(event=Event(name), source="command")


def test_other_commands_are_unknown() -> None:
    assert command("paid").event is Event.UNKNOWN_COMMAND
    assert command("").event is Event.UNKNOWN_COMMAND


def test_lang_may_name_the_language() -> None:
    assert command("lang", " EN ") == Occurrence(
        event=Event.LANGUAGE_CHOSEN, source="command", text="en"
    )
    assert command("lang", "klingon").event is Event.LANG


def test_messages_are_typed() -> None:
    text = sessions.TextReceived(
        update_id=UpdateId(1), profile=ANNA, text="hi", message_id=MessageId(1)
    )
    assert occurrence(SESSION, text) == Occurrence(event=Event.TEXT, source="typed", text="hi")
    photo = sessions.UnsupportedReceived(update_id=UpdateId(1), profile=ANNA, kind="photo")
    assert occurrence(SESSION, photo).event is Event.UNSUPPORTED


@pytest.mark.parametrize(
    ("owner", "event"), [("Anna", Event.PHONE_SHARED), ("Berta", Event.FOREIGN_CONTACT)]
)
def test_a_contact_counts_only_when_it_is_the_users_own(owner: str, event: Event) -> None:
    own = owner == ANNA.first_name
    told = sessions.ContactReceived(
        update_id=UpdateId(1), profile=ANNA, phone_number="38050", own=own, message_id=MessageId(1)
    )
    assert occurrence(SESSION, told).event is event


@pytest.mark.parametrize("event", [event for event in BUTTONS if event != "language_chosen"])
def test_a_button_of_the_present_step_says_what_it_carries(event: Event) -> None:
    data = button_data(SESSION, event)
    assert pressed(data).event is event
    assert pressed(data).source == "button"


def test_a_language_button_carries_the_language() -> None:
    data = button_data(SESSION, Event.LANGUAGE_CHOSEN, Language.UK)
    assert pressed(data).text == "uk"


def test_the_name_button_stands_for_telegrams_name() -> None:
    assert pressed("4:use_name").text == "Anna"
    assert pressed("4:use_name", replace(SESSION, first_name=None)).text == ""


@pytest.mark.parametrize(
    "data",
    [
        *("3:save", "5:save", "04:save", "\u0664:save", "4:save\x00", "4:language_chosen:fr"),
        *("4:paid", "4:recorded", "4:start", "4:text:boo", "4:", "4", "", ":", "save"),
    ],
)
def test_buttons_of_other_steps_and_forged_ones_are_stale(data: str) -> None:
    assert pressed(data).event is Event.STALE_BUTTON


def test_whoever_is_not_known_has_no_buttons() -> None:
    assert pressed("0:save", Session(chat_id=ChatId(1))).event is Event.STALE_BUTTON


@given(st.text(max_size=64))
def test_no_button_says_what_only_happens_inside(data: str) -> None:
    assert pressed(data).event in {*BUTTONS, Event.STALE_BUTTON}


@given(st.integers(min_value=0, max_value=10**9), st.sampled_from(BUTTONS))
def test_buttons_fit_into_64_bytes(step: int, event: Event) -> None:
    data = button_data(replace(SESSION, step=step), event, "uk")
    assert len(data.encode()) <= 64


def test_the_language_is_taken_over_from_telegram_once() -> None:
    new = acquainted(Session(chat_id=ChatId(1)), ANNA)
    assert new.language is Language.UK
    chosen = replace(new, state=State.NAME, language=Language.EN)
    assert acquainted(chosen, ANNA).language is Language.EN


def test_telegrams_name_is_offered_only_if_it_is_one() -> None:
    assert acquainted(SESSION, sessions.Profile(first_name=" A\x00nna\u202e ")).first_name == "Anna"
    assert acquainted(SESSION, sessions.Profile(first_name="\u3164")).first_name is None


def test_whoever_writes_has_let_the_bot_in() -> None:
    assert not acquainted(replace(SESSION, blocked=True), ANNA).blocked
