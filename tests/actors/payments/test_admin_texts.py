"""What administrators read: everything they need, in their language, and nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.language import Language
from actors.kernel.money import Money
from actors.payments.admin_texts import RAILS, call_for_help, notice
from actors.payments.orders import State
from actors.payments.ports import Notice
from tests.actors.payments.orders import NOON, charge, order

NOTICE = Notice(
    rail=Rail.YOOKASSA,
    payment_id=PaymentId("<p&i>"),
    amount=Money.of("1", "USD"),
    order_id=OrderId("<o>"),
    chat_id=ChatId(7),
    name="<n> {amount}",
    phone="<t>",
    noted_at=NOON,
)
TAGS = re.compile(r'</?(b|code|a)( href="tg://user\?id=[0-9]+")?>')


def bare(text: str) -> str:
    """Without the tags that we mean."""
    assert text.count("<b>") == text.count("</b>") == 1
    assert text.count("<code>") == text.count("</code>")
    return TAGS.sub("", text)


@pytest.mark.parametrize("language", Language)
def test_every_value_of_a_notice_is_there_and_escaped(language: Language) -> None:
    text = bare(notice(NOTICE, language))
    assert "<" not in text
    for value in ("&lt;p&amp;i&gt;", "&lt;o&gt;", "&lt;n&gt; {amount}", "&lt;t&gt;", "1.00 USD"):
        assert value in text
    assert "YooKassa" in text
    assert "7" in text


@pytest.mark.parametrize("language", Language)
def test_money_without_an_order_names_the_command_that_shows_it(language: Language) -> None:
    text = notice(replace(NOTICE, chat_id=None, order_id=None), language)
    assert "main.py report ledger" in bare(text)


@pytest.mark.parametrize("language", Language)
def test_who_did_not_tell_his_name_has_none(language: Language) -> None:
    text = notice(replace(NOTICE, name=None, phone=None), language)
    assert "None" not in text


@pytest.mark.parametrize("language", Language)
def test_a_call_for_help_leads_to_the_customer_and_nothing_in_it_is_unescaped(
    language: Language,
) -> None:
    odd = replace(order(State.LATE, charge(name="<pi>")), title="<x> {buyer}")
    text = call_for_help(odd, "<Anna>", language)
    assert f'<a href="tg://user?id={odd.chat_id}">&lt;Anna&gt;</a>' in text
    plain = bare(text)
    assert "<" not in plain
    for value in ("&lt;x&gt; {buyer}", "&lt;pi&gt;", "10.00 USD", "Stripe", odd.order_id):
        assert value in plain


def test_each_language_has_words_of_its_own() -> None:
    for told in (
        [notice(NOTICE, language) for language in Language],
        [notice(replace(NOTICE, chat_id=None), language) for language in Language],
        [call_for_help(order(), "A", language) for language in Language],
    ):
        assert len(set(told)) == len(Language)
    assert "no charge is known" in call_for_help(order(), None, Language.EN)


def test_every_rail_has_a_name() -> None:
    assert RAILS.keys() == set(Rail)
