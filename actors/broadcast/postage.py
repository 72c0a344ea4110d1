"""Stars for messages that Telegram bills: never more of them than the operator allows. Pure.

`allow_paid_broadcast` costs 0.1 Star for each message above the free rate. What Telegram really
billed is known a day later, so each message that may be billed counts here, before it is sent.

A thousand messages a second are not written down one by one. An amount is *reserved* in the book
before it is used: after a crash all of it counts as spent, so the book is never below what
Telegram takes, and above it by `RESERVE_SECONDS` of the rate at most.
"""

from __future__ import annotations

import math

TENTHS_PER_STAR = 10
TENTHS_PER_MESSAGE = 1
"""Bot API, `allow_paid_broadcast`: 0.1 Star per message."""

RESERVE_SECONDS = 0.5
"""Enough to write the next amount down while half of this one is used."""


class Postage:
    """What may be spent, in tenths of a Star, and what was."""

    def __init__(self, *, budget_tenths: int, per_second: int) -> None:
        self.budget_tenths = budget_tenths if per_second else 0
        self.spent_tenths = 0
        """Ever, and by whatever process."""
        self._reserved = 0
        self._asked = 0
        self._amount = max(1, math.ceil(per_second * TENTHS_PER_MESSAGE * RESERVE_SECONDS))

    @property
    def used_up(self) -> bool:
        """Whether the budget has no room for one more message."""
        return self.spent_tenths + TENTHS_PER_MESSAGE > self.budget_tenths

    def restore(self, tenths: int) -> None:
        """The book says that so much was reserved."""
        self.spent_tenths = self._reserved = self._asked = tenths

    def affordable(self) -> bool:
        """Whether one more message is paid for out of what is reserved."""
        return self.spent_tenths + TENTHS_PER_MESSAGE <= min(self._reserved, self.budget_tenths)

    def spend(self) -> None:
        """One more message may be billed."""
        self.spent_tenths += TENTHS_PER_MESSAGE

    def refund(self) -> None:
        """It certainly never reached Telegram."""
        self.spent_tenths -= TENTHS_PER_MESSAGE

    def reservation(self) -> int | None:
        """What the book is to say now; None while it says enough. `reserved` must follow."""
        if self._asked > self._reserved or self.used_up:
            return None
        if self._reserved >= min(self.budget_tenths, self.spent_tenths + self._amount / 2):
            return None
        self._asked = min(self.budget_tenths, self.spent_tenths + self._amount)
        return self._asked

    def reserved(self, *, written: bool) -> None:
        """The last reservation is in the book, or could not be put there."""
        if written:
            self._reserved = self._asked
        self._asked = self._reserved

    def settlement(self) -> int | None:
        """What the book is to say when nothing more is sent; None when it says so."""
        return self.spent_tenths if self.spent_tenths < self._reserved else None
