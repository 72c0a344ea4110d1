"""The text of a broadcast: what is filled in, and what is refused before anybody gets it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.broadcasts.template import (
    PLACEHOLDERS,
    VALUE_UNITS_MAX,
    Person,
    Template,
    TemplateError,
    visible_units,
)
from actors.kernel.ids import ChatId
from actors.kernel.language import Language

ANN = Person(chat_id=ChatId(7), first_name="Ann <b>", name="Ann O'Hara", language=Language.UK)
STRANGER = Person(chat_id=ChatId(-100))


def filled(text: str, person: Person = ANN) -> str:
    return Template.parse(text).fill(person)


def test_values_are_escaped_and_the_rest_is_the_authors_html() -> None:
    text = '<b>{first_name}</b>, <a href="x?{chat_id}">{name}</a> {language}'
    assert filled(text) == ('<b>Ann &lt;b&gt;</b>, <a href="x?7">Ann O&#x27;Hara</a> Українська')


def test_what_is_not_known_is_said_otherwise() -> None:
    text = "Hi {first_name|<i>friend</i>}, {name|you}{language|?}{name}"
    assert filled(text, STRANGER) == "Hi <i>friend</i>, you?"
    named = Person(chat_id=ChatId(1), name="Bo")
    assert filled("{first_name|friend} {name|friend}", named) == "Bo Bo"
    told = Person(chat_id=ChatId(1), first_name="Bo")
    assert filled("{ name }", told) == "Bo"


def test_braces_themselves_are_doubled() -> None:
    assert filled("{{name}} {{{name}}}") == "{name} {Ann O&#x27;Hara}"
    for text in ("{", "}", "a { b", "{name", "name}", "{name}}", "{na{me}"):
        with pytest.raises(TemplateError, match=r"single|not known"):
            Template.parse(text)


@pytest.mark.parametrize("name", ["nme", "", "Name", "first name", "0", "name.x", "name!r"])
def test_an_unknown_placeholder_is_an_error_that_names_the_known(name: str) -> None:
    with pytest.raises(TemplateError, match=r"\{first_name\}, \{name\}, \{language\}, \{chat_id\}"):
        Template.parse(f"Hi {{{name}}}")
    assert PLACEHOLDERS == ("first_name", "name", "language", "chat_id")


def test_its_length_is_that_of_the_longest_copy() -> None:
    assert Template.parse("<b>Hi</b> &lt;").units() == 4
    assert Template.parse("🔥").units() == 2
    assert Template.parse("Hi{name}").units() == 2 + VALUE_UNITS_MAX
    assert Template.parse(f"{{name|{'x' * 500}}}").units() == 500
    longest = Person(chat_id=ChatId(-(2**51)), first_name="🔥" * 80, language=Language.UK)
    text = "{first_name}{name}{language}{chat_id} <i>x</i>"
    assert visible_units(filled(text, longest)) <= Template.parse(text).units()


PIECES = st.sampled_from(["{{", "}}", "{name}", "{first_name|x}", "a", "<b>", "</b>", "&amp;", " "])


@given(st.lists(PIECES, max_size=12), st.text(max_size=20))
def test_no_copy_is_longer_than_was_promised(pieces: list[str], name: str) -> None:
    template = Template.parse("".join(pieces))
    person = Person(chat_id=ChatId(1), name=name.replace("\0", "") or None)
    told = template.fill(person)
    assert visible_units(told) <= template.units()


@given(st.text(alphabet="{}|name<x ", max_size=15))
def test_a_text_is_understood_or_refused(text: str) -> None:
    try:
        Template.parse(text).fill(ANN)
    except TemplateError as error:
        assert str(error)  # noqa: PT017 - most are understood
