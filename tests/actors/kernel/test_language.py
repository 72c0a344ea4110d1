"""Which language the bot begins with, and how it says things in each."""

from __future__ import annotations

import pytest

from actors.kernel.language import Language, Phrase, language_of


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", Language.RU),
        ("uk", Language.UK),
        ("uk-UA", Language.UK),
        ("RU_ru", Language.RU),
        ("be", Language.RU),
        ("kk", Language.RU),
        ("en-GB", Language.EN),
        ("pt-br", Language.EN),
        ("zh-hans", Language.EN),
        ("", Language.EN),
        (None, Language.EN),
        ("ruby", Language.EN),
    ],
)
def test_the_language_follows_the_language_code(code: str | None, language: Language) -> None:
    assert language_of(code) is language


def test_a_phrase_is_said_in_the_language_that_is_asked_for() -> None:
    phrase = Phrase(ru="да", uk="так", en="yes")
    assert [phrase.in_language(language) for language in Language] == ["да", "так", "yes"]
