"""A provider that does what a test wants."""

from __future__ import annotations

import trio

from actors.kernel.charges import PaymentReport
from actors.payments.deeds import Refund
from actors.payments.looks import LookLimits
from actors.payments.ports import (
    Checkout,
    Declined,
    GivenBack,
    Offer,
    Opened,
    Refunding,
    UnderWay,
)


class Provider(Checkout, Refunding):
    """Opens checkouts and gives money back; it can be slow, away, or unwilling."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.failure: Exception | None = None
        self.cut_off: Exception | None = None
        """What becomes of the answer to a refund."""
        self.undecided = ""
        """The id under which it has a refund that it does not decide."""
        self.declines = False
        self.key_refused = False
        self.slow_seconds = 0.0
        self.reports: tuple[PaymentReport, ...] = ()
        self.looked: list[str] = []
        self.looking = self.looking_max = 0
        self._look_limits: LookLimits | None = LookLimits()
        self.given_back: list[Refund] = []
        """Whatever it was asked for, whether it did it or not."""

    @property
    def look_limits(self) -> LookLimits | None:
        return self._look_limits

    @look_limits.setter
    def look_limits(self, limits: LookLimits | None) -> None:
        self._look_limits = limits

    async def open(self, offer: Offer) -> Opened | Declined:
        self.offers.append(offer)
        await trio.sleep(self.slow_seconds)
        if self.failure is not None:
            raise self.failure
        if self.declines or self.key_refused:
            return Declined(detail="no such shop", key_refused=self.key_refused)
        named = f"cs_{offer.order_id}"
        return Opened(checkout_id=named, url=f"https://pay.example/{named}")

    async def give_back(self, refund: Refund) -> GivenBack | Declined | UnderWay:
        self.given_back.append(refund)
        await trio.sleep(self.slow_seconds)
        if self.failure or self.cut_off:
            raise self.failure or self.cut_off or AssertionError
        if self.undecided:
            return UnderWay(self.undecided)
        return Declined(detail="no money left") if self.declines else GivenBack()

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        self.looked.append(checkout_id)
        self.looking += 1
        self.looking_max = max(self.looking, self.looking_max)
        await trio.sleep(self.slow_seconds)
        self.looking -= 1
        if self.failure is not None:
            raise self.failure
        return self.reports
