"""Money: an exact amount in one currency, from texts and integers only, never from a float.

What providers write is read here (`Money.of` for decimal texts, `Money.of_minor` for integer
minor units) and written back (`str`, `minor`). Sums of different currencies do not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import NewType, Self

Currency = NewType("Currency", str)
"""An upper-case code: ISO 4217 (`USD`), Telegram's stars (`XTR`), or a coin (`USDTTRC20`)."""

SCALE_MAX = 9
"""Digits after the point that the ledger keeps: NUMERIC(38,9)."""
WHOLE_DIGITS_MAX = 29
"""Digits before the point that the ledger keeps."""

DIGITS_MAX = SCALE_MAX + WHOLE_DIGITS_MAX

STARS = Currency("XTR")

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
"""Python's own context would round a long amount to 28 digits, and say nothing."""

_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{1,15}")
_AMOUNT = re.compile(r"-?[0-9]{1,29}(\.[0-9]{1,18})?")

_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF XTR"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
MINOR_DIGITS = {**dict.fromkeys(_WHOLE.split(), 0), **dict.fromkeys(_THOUSANDTHS.split(), 3)}
"""Digits after the point of a currency's minor unit where they are not two (ISO 4217; Stripe and
Telegram count stars and these currencies in whole units)."""

_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT
LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR
NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG
XOF XPF YER ZAR ZMW ZWG
"""
FIAT = frozenset(map(Currency, _ISO_4217.split()))
"""The money of countries, by the codes of ISO 4217."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`amount` in `currency`; equal when both are. Raises `ValueError` for what is no money:
    a currency that is no code, a number that is not finite or finer than the ledger keeps.
    """

    amount: Decimal
    currency: Currency

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError(f"an amount is a Decimal, not {type(self.amount).__name__}")
        if _CURRENCY.fullmatch(self.currency) is None:
            raise ValueError(f"not a currency: {self.currency[:20]!r}")
        digits, exponent = self.amount.as_tuple()[1:]
        if not isinstance(exponent, int) or len(digits) > DIGITS_MAX:
            raise ValueError(f"not an amount of at most {DIGITS_MAX} digits")
        if exponent < -SCALE_MAX:  # some digits may be superfluous zeros
            exponent = self.amount.normalize(_EXACT).as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -SCALE_MAX:
            raise ValueError(f"not an amount of at most {SCALE_MAX} decimals")
        if self.amount.adjusted() >= WHOLE_DIGITS_MAX and self.amount:
            raise ValueError(f"more than {WHOLE_DIGITS_MAX} digits before the point")

    @classmethod
    def of(cls, amount: str | Decimal, currency: str) -> Self:
        """From a decimal text such as `"990.00"`; raises `ValueError` for any other."""
        if isinstance(amount, str):
            if _AMOUNT.fullmatch(amount) is None:
                raise ValueError("not a decimal amount: write 4.99, with a dot")
            amount = Decimal(amount)
        return cls(amount, Currency(currency.upper()))

    @classmethod
    def of_minor(cls, units: int, currency: str) -> Self:
        """From integer minor units, as Stripe and Telegram count: 1999 of USD is 19.99."""
        code = Currency(currency.upper())
        return cls(Decimal(units).scaleb(-minor_digits(code), _EXACT), code)

    @classmethod
    def zero(cls, currency: Currency) -> Self:
        """None of it."""
        return cls(Decimal(0), currency)

    @property
    def minor(self) -> int:
        """In integer minor units; raises `ValueError` where that would lose a part."""
        units = self.amount.scaleb(minor_digits(self.currency), _EXACT)
        if units != units.to_integral_value():
            digits = minor_digits(self.currency) or "no"
            raise ValueError(f"{self} has parts of a minor unit: it has {digits} decimals")
        return int(units)

    def __add__(self, other: Money) -> Money:
        return Money(_EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(_EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __neg__(self) -> Money:
        return Money(_EXACT.minus(self.amount), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        """As people read it: `19.99 USD`, `100 XTR`; at least the currency's own decimals."""
        return f"{self.text} {self.currency}"

    @property
    def text(self) -> str:
        """The amount alone, with at least the currency's own decimals: `990.00`."""
        digits = minor_digits(self.currency)
        exponent = self.amount.normalize(_EXACT).as_tuple().exponent
        finer = -exponent if isinstance(exponent, int) else 0
        return f"{self.amount:.{max(digits, finer)}f}"

    def _same(self, other: Money) -> Decimal:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.amount


def minor_digits(currency: str) -> int:
    """Digits after the point of the currency's minor unit."""
    return MINOR_DIGITS.get(currency, 2)
