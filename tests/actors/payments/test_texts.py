"""What is said, in all languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from actors.kernel.charges import Rail
from actors.kernel.language import Language, Phrase
from actors.payments import panel_texts, texts
from actors.payments.orders import State
from actors.payments.rules import Remark
from actors.payments.texts import LABELS, RAILS, REFUSALS, REMARKS, TEXTS, Label, Refusal, Text

TABLES: list[tuple[Mapping[Any, Phrase], type]] = [
    (TEXTS, Text),
    (LABELS, Label),
    (RAILS, Rail),
    (REMARKS, Remark),
    (REFUSALS, Refusal),
    (panel_texts.PANELS, State),
    (panel_texts.WORDS, State),
    (panel_texts.LINES, panel_texts.Line),
]
PHRASES = [(str(key), phrase) for table, _ in TABLES for key, phrase in table.items()]
SAME_IN_TWO = {"yookassa", "nowpayments", "back"}
"""Words that two of the languages share."""


@pytest.mark.parametrize(("table", "keys"), TABLES)
def test_everything_has_its_words(table: Mapping[Any, Phrase], keys: Any) -> None:
    assert set(table) == set(keys)


@pytest.mark.parametrize(("key", "phrase"), [*PHRASES, ("slow", panel_texts.OPENING_SLOWLY)])
def test_every_language_says_it_with_the_same_placeholders(key: str, phrase: Phrase) -> None:
    placeholders = [sorted(re.findall(r"{\w+}", text)) for text in phrase]
    assert placeholders[0] == placeholders[1] == placeholders[2]
    tags = [re.findall(r"<[^>]+>", text) for text in phrase]
    assert tags[0] == tags[1] == tags[2]
    if key not in SAME_IN_TWO:
        assert len(set(phrase)) == len(phrase)


@pytest.mark.parametrize("table", [REMARKS, REFUSALS])
def test_a_bubble_and_a_refusal_are_short_and_plain(table: Mapping[Any, Phrase]) -> None:
    for phrase in table.values():
        assert all(len(text) <= 200 and not re.search("[<>&]", text) for text in phrase)


def test_the_words_are_found() -> None:
    assert texts.label(Label.PAY, Language.UK) == "Сплатити"
    assert texts.rail(Rail.STARS, Language.EN) == "Telegram Stars"
    assert texts.remark(None, Language.RU) == ""
    assert texts.remark(Remark.CANCELLED, Language.EN) == "The order is cancelled."
    assert texts.refusal(Refusal.PAID, Language.EN) == "This order is paid already."
    assert "Ticket" in texts.say(Text.SUPPORT_ASKED, Language.EN, title="Ticket", reference="1")
