"""Names, numbers and languages as people and phones really send them."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.sessions.model import NAME_LENGTH_MAX, Note, Session, clean, clean_name, clean_phone

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Анна Коваль", "Анна Коваль"),
        ("  Anna \n\t  K.  ", "Anna K."),
        ("O’Brien-Łukasz", "O’Brien-Łukasz"),
        ("<b>Anna</b> & Co", "<b>Anna</b> & Co"),
        ("\u202eannA\u202c\u200b", "annA"),
        ("An\x00na\x1b[31m", "Anna[31m"),
        ("Zoe\u0308", "Zoë"),
        ("李小龍", "李小龍"),
        ("🔥", "🔥"),
        ("Anna\ud800", "Anna"),
        ("a" * NAME_LENGTH_MAX, "a" * NAME_LENGTH_MAX),
    ],
)
def test_a_name_is_kept_as_what_can_be_seen_of_it(typed: str, name: str) -> None:
    assert clean_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["", "   ", "\u200b\u200d", "\u3164", "\x00\x07", "\u0301\u0302", "\u2800 \u115f"]
)
def test_a_name_that_cannot_be_seen_is_none(typed: str) -> None:
    assert clean_name(typed) is Note.NAME_EMPTY


@pytest.mark.parametrize("typed", ["a" * (NAME_LENGTH_MAX + 1), "a " * 2_000, "Ж" * 1_000_000])
def test_a_name_longer_than_80_characters_is_none(typed: str) -> None:
    assert clean_name(typed) is Note.NAME_LONG


@given(st.text())
def test_a_cleaned_text_has_nothing_left_to_clean(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert not any(unicodedata.category(character).startswith("C") for character in cleaned)
    cleaned.encode()  # no lone surrogate


@given(st.text())
def test_every_text_is_a_name_or_a_reason(text: str) -> None:
    name = clean_name(text)
    assert isinstance(name, Note) or 1 <= len(name) <= NAME_LENGTH_MAX


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("+380501234567", "+380501234567"),
        ("+38 (050) 123-45-67", "+380501234567"),
        ("+44 7911\u00a0123\u2011456", "+447911123456"),
        ("00380501234567", "+380501234567"),
        ("380501234567", "+380501234567"),
        ("＋３８０５０１２３４５６７", "+380501234567"),
        ("\u202a+380501234567\u202c", "+380501234567"),
        ("+1234567", "+1234567"),
        ("+123456789012345", "+123456789012345"),
    ],
)
@pytest.mark.parametrize("language", Language)
def test_an_international_number_is_understood_however_it_is_written(
    typed: str, number: str, language: Language
) -> None:
    assert clean_phone(typed, language) == number


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "call me",
        "+38050123456789012",
        "+123456",
        "1234567",
        "+0501234567",
        "++380501234567",
        "+380501234567 ext. 5",
        "+380 50 123 45 6x",
        "a@b.example",
        "+" + "1" * 4_000,
    ],
)
def test_what_is_not_a_number_is_refused(typed: str) -> None:
    assert clean_phone(typed, Language.EN) is None


def test_national_forms_are_understood_in_their_own_language_only() -> None:
    assert clean_phone("8 (916) 123-45-67", Language.RU) == "+79161234567"
    assert clean_phone("050 123 45 67", Language.UK) == "+380501234567"
    assert clean_phone("050 123 45 67", Language.RU) is None
    assert clean_phone("9161234567", Language.RU) is None


def test_a_shared_number_needs_no_plus() -> None:
    assert clean_phone("380501234567", Language.EN, shared=True) == "+380501234567"
    assert clean_phone("6421234567", Language.EN, shared=True) == "+6421234567"
    assert clean_phone("89161234567", Language.RU, shared=True) == "+89161234567"


@given(st.text(), st.sampled_from(Language), st.sampled_from(["typed", "shared"]))
def test_every_text_is_a_normalised_number_or_none(
    text: str, language: Language, source: str
) -> None:
    shared = source == "shared"
    number = clean_phone(text, language, shared=shared)
    if number is not None:
        assert number[0] == "+"
        assert number[1] in "123456789"
        assert 7 <= len(number) - 1 <= 15
        assert clean_phone(number, language) == number


def test_a_session_is_due_at_whatever_comes_first() -> None:
    session = Session(chat_id=ChatId(1))
    later = NOON + timedelta(hours=1)
    assert session.due_at is None
    assert replace(session, deadline=later).due_at == later
    assert replace(session, deadline=later, show_by=NOON).due_at == NOON


def test_a_view_counts_as_unshown_only_for_somebody_who_could_see_it() -> None:
    session = Session(chat_id=ChatId(1), view_version=2, shown_version=1)
    assert session.unshown
    assert not replace(session, shown_version=2).unshown
    assert not replace(session, blocked=True).unshown
