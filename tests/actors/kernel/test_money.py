"""Money is exact, knows its currency, and never comes from a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.money import SCALE_MAX, STARS, Currency, Money, minor_digits

USD = Currency("USD")


@pytest.mark.parametrize(
    ("units", "currency", "text"),
    [
        (1999, "usd", "19.99 USD"),
        (100, "XTR", "100 XTR"),
        (500, "jpy", "500 JPY"),
        (1234, "KWD", "1.234 KWD"),
        (-5, "EUR", "-0.05 EUR"),
        (0, "RUB", "0.00 RUB"),
    ],
)
def test_minor_units_become_the_currencys_own_decimals_and_back(
    units: int, currency: str, text: str
) -> None:
    money = Money.of_minor(units, currency)
    assert str(money) == text
    assert money.minor == units


@given(st.integers(-(10**18), 10**18), st.sampled_from(["USD", "JPY", "KWD", "XTR", "EUR"]))
def test_minor_units_survive_the_way_through_text(units: int, currency: str) -> None:
    money = Money.of_minor(units, currency)
    assert Money.of(money.text, currency) == money
    assert Money.of(money.text, currency).minor == units


@pytest.mark.parametrize("text", ["990.00", "0.1", "-3", "165.652609", "0.000000001"])
def test_a_decimal_text_is_taken_exactly(text: str) -> None:
    assert Money.of(text, "usdttrc20").amount == Decimal(text)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1,5", "1e3", "NaN", "inf", "+1", ".5", "5.", "1_0", "١", "0x1", "--1", "1\n"],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="decimal amount"):
        Money.of(text, "USD")


@pytest.mark.parametrize("currency", ["", "U", "US$", "usd", "1USD", "U" * 17, "USD\n", "РУБ"])
def test_what_is_no_currency_code_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="not a currency"):
        Money(Decimal(1), Currency(currency))


@pytest.mark.parametrize(
    "amount", ["NaN", "sNaN", "Infinity", "1e-10", "1e29", "1e400", "1" * 39, "1e-999999"]
)
def test_what_the_ledger_cannot_keep_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match=r"digits|decimals"):
        Money(Decimal(amount), USD)


def test_the_largest_amounts_are_added_exactly() -> None:
    largest = Money.of("9" * 29 + "." + "9" * 9, "USD")
    least = Money.of("0.000000001", "USD")
    assert (largest - least).text == "9" * 29 + "." + "9" * 8 + "8"
    with pytest.raises(ValueError, match="digits"):
        _ = largest + least


def test_a_float_is_no_amount() -> None:
    amount: Any = 0.1
    with pytest.raises(TypeError):
        Money(amount, USD)


def test_sums_and_comparisons_stay_in_one_currency() -> None:
    dollars, stars = Money.of("1.50", "USD"), Money.of("3", STARS)
    assert dollars + Money.of("0.50", "USD") == Money.of("2.00", "USD")
    assert dollars - dollars == Money.zero(USD)
    assert -dollars < Money.zero(USD) < dollars
    assert dollars <= Money.of("1.5", "USD")
    assert dollars > Money.zero(USD)
    assert not Money.zero(USD)
    for mixed in (lambda: dollars + stars, lambda: dollars - stars, lambda: dollars < stars):
        with pytest.raises(ValueError, match="do not add up"):
            mixed()
    assert dollars != stars


def test_amounts_are_equal_however_many_zeros_were_written() -> None:
    assert Money.of("1.5", "USD") == Money.of("1.50", "USD")
    assert hash(Money.of("1.5", "USD")) == hash(Money.of("1.500", "USD"))


def test_parts_of_a_minor_unit_are_shown_and_have_no_minor_units() -> None:
    fine = Money.of("0.005", "USD")
    assert str(fine) == "0.005 USD"
    with pytest.raises(ValueError, match="parts of a minor unit"):
        _ = fine.minor


def test_an_unknown_currency_counts_in_hundredths() -> None:
    assert minor_digits("ZZZ") == 2
    assert SCALE_MAX == 9
