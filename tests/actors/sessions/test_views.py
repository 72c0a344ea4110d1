"""What the panel shows: escaped, within Telegram's limits, and with a way on in every state."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId, RecordId
from actors.kernel.language import Language
from actors.sessions.hearing import button_data
from actors.sessions.model import NAME_LENGTH_MAX, Note, Session, State, clean_name
from actors.sessions.rules import Event
from actors.sessions.views import View, view_of

FULL = Session(
    chat_id=ChatId(1),
    language=Language.EN,
    name="Anna",
    contact="+380501234567",
    record_id=RecordId(55),
    first_name="Anna",
    step=3,
)


class Tags(HTMLParser):
    """What Telegram's HTML makes of a text: its tags, and what is left to read."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.read = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.read += data


def labels(view: View) -> list[list[str]]:
    return [[button.text for button in row] for row in view.keyboard]


def data(view: View) -> set[str]:
    return {button.data for row in view.keyboard for button in row}


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("state", State)
def test_every_view_is_acceptable_to_telegram(state: State, language: Language) -> None:
    name = "<&>" * 26
    session = replace(FULL, state=state, language=language, name=name, first_name=name)
    for choosing, note in product((False, True), (None, *Note)):
        view = view_of(replace(session, choosing_language=choosing, note=note))
        html = Tags(view.text)
        assert set(html.tags) <= {"b", "/b", "code", "/code"}
        assert html.tags.count("b") == html.tags.count("/b")
        assert 1 <= len(html.read) <= 4_096
        assert view.keyboard or view.contact_button
        assert all(1 <= len(button.data.encode()) <= 64 for row in view.keyboard for button in row)
        assert all(button.text for row in view.keyboard for button in row)


@given(st.text())
def test_a_name_is_shown_as_it_was_typed_whatever_it_contains(text: str) -> None:
    name = clean_name(text)
    if not isinstance(name, Note):
        html = Tags(view_of(replace(FULL, state=State.SUMMARY, name=name)).text)
        assert html.tags == ["b", "/b"]
        assert f"Name: {name}\n" in html.read


def test_the_summary_offers_to_save_or_to_change() -> None:
    view = view_of(replace(FULL, state=State.SUMMARY))
    assert labels(view) == [["Save", "Change"], ["Cancel"]]
    assert data(view) == {"3:save", "3:change", "3:cancel"}
    assert "Anna" in view.text
    assert "+380501234567" in view.text


def test_the_language_is_chosen_with_one_tap() -> None:
    view = view_of(replace(FULL, state=State.LANGUAGE))
    assert labels(view) == [["Русский", "Українська", "English"]]
    assert button_data(FULL, Event.LANGUAGE_CHOSEN, "uk") in data(view)


def test_the_language_choice_can_be_left_where_it_covers_a_panel() -> None:
    view = view_of(replace(FULL, state=State.SUCCESS, choosing_language=True))
    assert labels(view)[-1] == ["Back"]


def test_telegrams_name_can_be_taken_over() -> None:
    asked = replace(FULL, state=State.NAME, name=None, contact=None)
    assert labels(view_of(asked)) == [["Anna"], ["Cancel"]]
    assert labels(view_of(replace(asked, first_name=None))) == [["Cancel"]]


def test_a_long_name_on_a_button_is_cut() -> None:
    asked = replace(FULL, state=State.NAME, name=None, first_name="a" * NAME_LENGTH_MAX)
    ((shown,), _) = labels(view_of(asked))
    assert shown == "a" * 23 + "…"


def test_the_phone_number_is_asked_for_with_the_button_that_shares_it() -> None:
    asked = replace(FULL, state=State.CONTACT, contact=None)
    assert view_of(asked).contact_button == "Share my phone number"
    assert view_of(asked).keyboard == ()


def test_while_a_form_is_changed_the_way_back_stays_open() -> None:
    for state in (State.NAME, State.CONTACT):
        view = view_of(replace(FULL, state=state))
        assert labels(view)[-1] == ["Back"]
        assert view.contact_button is None


def test_a_cancelled_registration_is_resumed_or_begun_anew() -> None:
    cancelled = replace(FULL, state=State.CANCELLED)
    assert labels(view_of(cancelled)) == [["Resume"]]
    assert labels(view_of(replace(cancelled, record_id=None))) == [["Start again"]]


def test_a_note_stands_above_the_panel() -> None:
    view = view_of(replace(FULL, state=State.SUMMARY, note=Note.UNSUPPORTED))
    assert view.text.startswith("We cannot read messages of this kind, only text.\n\n<b>Please")


def test_saving_says_so_when_it_takes_long() -> None:
    saving = replace(FULL, state=State.SAVING)
    assert view_of(saving) != view_of(replace(saving, attempts=1))
    assert view_of(replace(saving, attempts=1)) == view_of(replace(saving, attempts=2))
