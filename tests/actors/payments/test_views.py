"""What an order looks like."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import chain, product
from zoneinfo import ZoneInfo

import pytest

from actors.kernel.charges import Rail, Standing
from actors.kernel.language import Language
from actors.kernel.money import Money
from actors.payments.orders import State
from actors.payments.views import goods_of, line_of, reference, view_of
from tests.actors.payments.orders import NOON, charge, order, usd

NASTY = "<b>&\"'{x}"


@pytest.mark.parametrize("state", State)
def test_every_state_looks_right_in_every_language(state: State) -> None:
    for language, rail in product(Language, Rail):
        view = view_of(order(state, charge(), language=language, rail=rail))
        assert "Ticket" in view.text
        assert not re.search(r"[{}]", view.text)
        assert len(view.text) < 4_096
        for button in chain.from_iterable(view.keyboard):
            assert bool(button.data) is not bool(button.url)
            assert len(button.text) <= 24
            assert len(button.data.encode()) <= 64


def test_what_comes_from_outside_is_escaped() -> None:
    odd = order(State.WAITING, title=NASTY, description=NASTY, goods=NASTY, sold=usd("10"))
    for text in (view_of(odd).text, goods_of(odd)):
        assert "&lt;b&gt;&amp;\"'{x}" in text
        assert '<b>&"' not in text


def test_who_waits_can_pay_and_cancel() -> None:
    view = view_of(order())
    (pay,), (cancel,) = view.keyboard
    assert pay.url == "https://pay.example/cs_1"
    assert cancel.data.startswith("p:cancel:")
    assert "2026-11-21 13:00 UTC" in view.text


def test_a_provider_that_does_not_answer_is_admitted() -> None:
    assert "Preparing" in view_of(order(State.OPENING)).text
    assert "keep trying" in view_of(order(State.OPENING, attempts=1)).text


def test_what_is_missing_and_what_is_too_much_is_said() -> None:
    short = view_of(order(State.UNDERPAID, charge(received=usd("4"))))
    assert "4.00 USD" in short.text
    assert "6.00 USD" in short.text
    more = order(State.GRANTED, charge(received=usd("12")), charge(name="b", parent="charge"))
    assert "12.00 USD more" in view_of(more).text


def test_strange_money_and_money_on_its_way_are_said() -> None:
    odd = order(State.HELD, charge(received=Money.of("3", "EUR")), charge(live=False, name="b"))
    assert "did not expect has arrived too: 3.00 EUR, 10.00 USD" in view_of(odd).text
    assert "on its way" in view_of(order(State.EXPIRED, charge(Standing.PROCESSING))).text
    coming = view_of(order(State.PROCESSING, charge(Standing.PROCESSING))).text
    assert coming.count("on its way") == 1


def test_what_went_back_is_said_once() -> None:
    part = view_of(order(State.GRANTED, charge(refunded=usd("3")))).text
    assert part.endswith("Given back: 3.00 USD.")
    whole = view_of(order(State.REFUNDED, charge(refunded=usd("10")))).text
    assert whole.count("10.00 USD") == 2  # the price, and what went back


def test_the_receipt_says_what_when_and_how_much() -> None:
    text = goods_of(order(State.PAID, charge(), sold=usd("10"), paid_at=NOON, goods="Code <7>"))
    assert "Ticket: 10.00 USD, card (Stripe)" in text
    assert "2026-11-21 12:00 UTC" in text
    assert reference(order()) in text
    assert text.endswith("Code &lt;7&gt;")


def test_times_are_told_by_the_clocks_of_the_shop() -> None:
    paid = order(State.PAID, charge(), sold=usd("10"), paid_at=NOON)
    kyiv = ZoneInfo("Europe/Kyiv")
    assert "2026-11-21 14:00 UTC+2" in goods_of(paid, kyiv)
    assert "2026-11-21 15:00 UTC+2" in view_of(order(), kyiv).text


def test_the_longest_goods_fit_into_one_message() -> None:
    longest = order(State.PAID, title="T" * 32, goods="x" * 3_000, sold=usd("10"), paid_at=NOON)
    for language in Language:
        assert len(goods_of(replace(longest, language=language))) < 4_096


def test_a_list_names_an_order_in_a_line() -> None:
    assert line_of(order()) == "Ticket, 10.00 USD: to be paid"
    assert reference(order()) == "01234567"
