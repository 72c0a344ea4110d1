"""Every reason is there in three languages, with the same places in it."""

from __future__ import annotations

import re

import pytest

from actors.broadcasts import faults, panel_texts
from actors.broadcasts.faults import FaultError, filled
from actors.broadcasts.rules import Remark
from actors.kernel.language import Phrase

PHRASES = {
    f"{module.__name__}.{name}[{key}]": phrase
    for module in (faults, panel_texts)
    for name, value in vars(module).items()
    for key, phrase in (value.items() if isinstance(value, dict) else [("", value)])
    if isinstance(phrase, Phrase)
}


@pytest.mark.parametrize("name", PHRASES)
def test_what_is_filled_in_is_the_same_in_every_language(name: str) -> None:
    phrase = PHRASES[name]
    places = [sorted(re.findall(r"(?<!\{)\{(\w+)", text)) for text in phrase]
    assert set(places[0]) == set(places[1]) == set(places[2])
    assert all(text.strip() for text in phrase)
    assert not re.search(r"[ыъэё]", phrase.uk.lower())
    assert not re.search(r"[іїєґ]", phrase.ru.lower())


def test_a_fault_says_it_to_operators_in_english() -> None:
    fault = FaultError(filled(faults.UNKNOWN_PLACE, place="{x}", known="{name}"))
    assert str(fault) == "{x} is not known; there are {name}"
    assert fault.said.uk == "підстановки {x} немає; є {name}"


def test_every_remark_can_be_read() -> None:
    assert set(panel_texts.REMARKS) == set(Remark)
    for remark, phrase in panel_texts.REMARKS.items():
        assert phrase.en == remark.value
