"""The batcher speaks every language, and says nothing that needs to be escaped."""

from __future__ import annotations

from html import escape

from actors.debounce.texts import TOO_MUCH
from actors.kernel.language import Language


def test_the_notice_is_there_in_every_language() -> None:
    assert TOO_MUCH.keys() == set(Language)
    assert len(set(TOO_MUCH.values())) == len(Language)
    assert all(escape(text, quote=False) == text for text in TOO_MUCH.values())
