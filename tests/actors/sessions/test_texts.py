"""The catalogue: complete, and the same places to fill in, in every language."""

from __future__ import annotations

from itertools import chain
from string import Formatter

import pytest

from actors.kernel.language import Language, Phrase
from actors.payments import messages as payments
from actors.sessions import hearing, texts
from actors.sessions.model import Note
from actors.sessions.texts import (
    BUTTON_LENGTH_MAX,
    LABELS,
    LANGUAGE_NAMES,
    NOTES,
    TEXTS,
    Label,
    Text,
    commands_of,
)

BUBBLE_LENGTH_MAX = 200
"""Characters of the answer to a callback query (Bot API)."""

PHRASES = [*TEXTS.items(), *NOTES.items(), *LABELS.items()]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_everything_that_can_be_said_is_in_the_catalogue() -> None:
    assert set(TEXTS) == set(Text)
    assert set(NOTES) == set(Note)
    assert set(LABELS) == set(Label)
    assert set(LANGUAGE_NAMES) == set(Language)


@pytest.mark.parametrize(("key", "phrase"), PHRASES)
def test_every_language_says_it_with_the_same_placeholders(key: str, phrase: Phrase) -> None:
    assert all(said.strip() == said and said for said in phrase), key
    assert len({frozenset(placeholders(said)) for said in phrase}) == 1, key


@pytest.mark.parametrize(("key", "phrase"), PHRASES)
def test_no_language_was_copied_from_another(key: str, phrase: Phrase) -> None:
    cyrillic = {letter for letter in chain(phrase.ru, phrase.uk) if "а" <= letter.lower() <= "я"}
    assert cyrillic, key
    assert not any("а" <= letter.lower() <= "я" for letter in phrase.en), key
    assert not set("ыэъёЫЭЪЁ") & set(phrase.uk), key
    assert not set("іїєґІЇЄҐ’") & set(phrase.ru), key


def test_notes_are_plain_and_fit_into_a_bubble() -> None:
    for phrase in NOTES.values():
        for said in phrase:
            assert len(said) <= BUBBLE_LENGTH_MAX
            assert not set("<>&{}") & set(said)


def test_whoever_asks_for_help_in_a_shop_hears_of_it() -> None:
    for language in Language:
        told = texts.note(Note.HELP_IN_SHOP, language)
        assert texts.note(Note.HELP, language) in told
        unknown = texts.note(Note.UNKNOWN_IN_SHOP, language)
        for name in (*payments.COMMANDS, *hearing.COMMANDS.keys() - {"help"}):
            assert f"/{name} – " in told
            assert f"/{name}" in unknown
        assert not any(name in texts.note(Note.HELP, language) for name in payments.COMMANDS)


def test_telegram_is_told_of_every_command_that_is_answered() -> None:
    assert commands_of(sells=False).keys() == hearing.COMMANDS.keys()
    assert commands_of(sells=True).keys() == hearing.COMMANDS.keys() | payments.COMMANDS
    for phrase in commands_of(sells=True).values():
        assert all(1 <= len(said) <= 256 for said in phrase)


def test_labels_fit_on_a_narrow_phone() -> None:
    for phrase in LABELS.values():
        for said in phrase:
            assert len(said) <= BUTTON_LENGTH_MAX
            assert not set("<>&{}") & set(said)


@pytest.mark.parametrize("language", Language)
def test_what_is_filled_in_is_never_read_as_a_placeholder(language: Language) -> None:
    values = {"name": "{record_id} {0} {x!r}", "contact": "+1", "record_id": 7}
    assert "{record_id} {0} {x!r}" in texts.say(Text.SUMMARY, language, **values)
