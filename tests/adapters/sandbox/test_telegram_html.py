"""The HTML subset: the same answers as td gives to its own test vectors, and more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.telegram_html import ENTITY_TYPES, MarkupError, parse, units


@pytest.mark.parametrize(
    ("html", "refusal"),
    [
        ("🏟 🏟&lt;<abacaba", "Unclosed start tag at byte offset 13"),
        ("🏟 🏟&lt;<abac aba>", 'Unsupported start tag "abac" at byte offset 13'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<br>", 'Unsupported start tag "br" at byte offset 0'),
        ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
        ("🏟 🏟&lt;<i   =aba>", 'Empty attribute name in the tag "i" at byte offset 13'),
        ("🏟 🏟&lt;<i    aba>", 'Can\'t find end tag corresponding to start tag "i"'),
        ("<b><i>x</i>", 'Can\'t find end tag corresponding to start tag "b"'),
        ("🏟 🏟&lt;<i    aba  =  ", 'Unclosed start tag "i" at byte offset 13'),
        ("🏟 🏟&lt;<i    aba  =  190azAz-.,", "Unexpected end of name token at byte offset 27"),
        ("<a href=x/>y</a>", "Unexpected end of name token at byte offset 8"),
        ('🏟 🏟&lt;<i    aba  =  "&lt;&gt;>', "Unclosed start tag at byte offset 13"),
        ("🏟 🏟&lt;</", "Unexpected end tag at byte offset 13"),
        ("🏟 🏟&lt;<b></b></", "Unexpected end tag at byte offset 20"),
        ("🏟 🏟&lt;<i>a</i   ", "Unclosed end tag at byte offset 17"),
        ("<i>a</i x>", "Unclosed end tag at byte offset 4"),
        (
            "🏟 🏟&lt;<i>a</em   >",
            'Unmatched end tag at byte offset 17, expected "</i>", found "</em>"',
        ),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
        ('<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"),
        (
            "&#57311;",
            (
                "Text contains invalid Unicode characters after decoding HTML entities, "
                "check for unmatched surrogate code units"
            ),
        ),
    ],
)
def test_what_telegram_cannot_parse_it_names_with_the_place(html: str, refusal: str) -> None:
    with pytest.raises(MarkupError) as caught:
        parse(html)
    assert str(caught.value) == refusal


@pytest.mark.parametrize(
    ("html", "text", "entities"),
    [
        ("", "", []),
        ("&ge;&lt;&gt;&amp;&quot;&laquo;&#12345678;", '&ge;<>&"&laquo;&#12345678;', []),
        ("&#1040;&#x42f", "АЯ", []),
        ("🏟 🏟<i>🏟 &lt🏟</i>", "🏟 🏟🏟 <🏟", [("italic", 5, 6)]),
        (
            "🏟 🏟<i>🏟 &gt;<b aba   =   caba>&lt🏟</b></i>",
            "🏟 🏟🏟 ><🏟",
            [("italic", 5, 7), ("bold", 9, 3)],
        ),
        ("🏟 🏟&lt;<i    aba  =  '&lt;&gt;'>a</>", "🏟 🏟<a", [("italic", 6, 1)]),
        ("🏟 🏟&lt;<i>a</    >", "🏟 🏟<a", [("italic", 6, 1)]),
        ("<B>a</b>", "a", [("bold", 0, 1)]),
        ("🏟 🏟&lt;<b></b>", "🏟 🏟<", []),
        ("<i>\t</i>", "\t", [("italic", 0, 1)]),
        ('<span class = "tg-spoiler">➡️</span>', "➡️", [("spoiler", 0, 2)]),
        (
            "<i><b> </b> <code> </code></i>",
            "   ",
            [("italic", 0, 3), ("bold", 0, 1), ("code", 2, 1)],
        ),
        ("<i><b> </b></i>", " ", [("bold", 0, 1), ("italic", 0, 1)]),
        ("<a> </a><a>telegram.org </a><a href='x y.z'>a</a>", " telegram.org a", []),
        ("<blockquote   cite='' asd>a</>", "a", [("blockquote", 0, 1)]),
        ("<blockquote expandable>a</>", "a", [("expandable_blockquote", 0, 1)]),
        ("<pre><code>🏟</code></>", "🏟", [("pre", 0, 2), ("code", 0, 2)]),
        ("<pre><code class='language-'>a</code></>", "a", [("pre", 0, 1), ("code", 0, 1)]),
    ],
)
def test_tags_become_entities_counted_in_utf16_units(
    html: str, text: str, entities: list[tuple[str, int, int]]
) -> None:
    plain, found = parse(html)

    assert plain == text
    assert [(e["type"], e["offset"], e["length"]) for e in found] == entities


@pytest.mark.parametrize(
    ("html", "url"),
    [
        ("<a href=telegram.org>a</a>", "http://telegram.org/"),
        ('<a href  ="telegram.org?&lt;"   >a</a>', "http://telegram.org/?<"),
        ("<a>https://telegram.org/a?b#c</a>", "https://telegram.org/a?b#c"),
        ("<a href='tg://user?id=7'>a</a>", "tg://user?id=7"),
    ],
)
def test_a_link_keeps_its_address(html: str, url: str) -> None:
    assert [entity["url"] for entity in parse(html)[1]] == [url]


def test_what_an_entity_carries_comes_along() -> None:
    assert parse('<pre><code class="language-fift">a</></>')[1] == [
        {"type": "pre", "offset": 0, "length": 1, "language": "fift"}
    ]
    assert parse('<tg-emoji emoji-id="12345">➡️</tg-emoji>')[1] == [
        {"type": "custom_emoji", "offset": 0, "length": 2, "custom_emoji_id": "12345"}
    ]


@given(st.text())
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert parse(escaped) == (text, [])


@given(st.text(alphabet="<>/= \"'&;#bixa1🏟", max_size=40))
def test_any_text_is_parsed_or_refused(html: str) -> None:
    try:
        text, entities = parse(html)
    except MarkupError:
        return
    assert all(0 <= e["offset"] < e["offset"] + e["length"] <= units(text) for e in entities)


@given(st.sampled_from(sorted(set(ENTITY_TYPES) - {"a", "span", "tg-emoji"})), st.text(min_size=1))
def test_every_tag_marks_all_of_its_text(tag: str, text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    assert parse(f"🏟<{tag}>{escaped}</{tag}>")[1] == [
        {"type": ENTITY_TYPES[tag], "offset": 2, "length": units(text)}
    ]
