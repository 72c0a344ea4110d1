"""The languages the bot speaks, and a phrase in all of them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, assert_never


class Language(StrEnum):
    """The languages the bot speaks."""

    RU = "ru"
    UK = "uk"
    EN = "en"


class Phrase(NamedTuple):
    """One thing to say; a language cannot be forgotten."""

    ru: str
    uk: str
    en: str

    def in_language(self, language: Language) -> str:
        """The phrase as its speakers read it."""
        match language:
            case Language.RU:
                return self.ru
            case Language.UK:
                return self.uk
            case Language.EN:
                return self.en
            case _:
                assert_never(language)


def language_of(language_code: str | None) -> Language:
    """The language to begin with, from Telegram's IETF tag: `ru`, `uk-UA`, None.

    Belarusian and Kazakh are answered in Russian, which their speakers read far more often
    than English; everybody can change it.
    """
    match (language_code or "").lower().replace("_", "-").partition("-")[0]:
        case "ru" | "be" | "kk":
            return Language.RU
        case "uk":
            return Language.UK
        case _:
            return Language.EN
