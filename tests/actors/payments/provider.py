"""A provider that does what a test wants."""

from __future__ import annotations

import trio

from actors.kernel.charges import PaymentReport
from actors.payments.deeds import Refund
from actors.payments.ports import Checkout, Declined, GivenBack, Offer, Opened, Refunding


class Provider(Checkout, Refunding):
    """Opens checkouts and gives money back; it can be slow, away, or unwilling."""

    def __init__(self) -> None:
        self.offers: list[Offer] = []
        self.failure: Exception | None = None
        self.declines = False
        self.slow_seconds = 0.0
        self.reports: tuple[PaymentReport, ...] = ()
        self.looked: list[str] = []
        self.looking = self.looking_max = 0
        self.given_back: list[Refund] = []
        """Whatever it was asked for, whether it did it or not."""

    async def open(self, offer: Offer) -> Opened | Declined:
        self.offers.append(offer)
        await trio.sleep(self.slow_seconds)
        if self.failure is not None:
            raise self.failure
        if self.declines:
            return Declined(detail="no such shop")
        named = f"cs_{offer.order_id}"
        return Opened(checkout_id=named, url=f"https://pay.example/{named}")

    async def give_back(self, refund: Refund) -> GivenBack | Declined:
        self.given_back.append(refund)
        await trio.sleep(self.slow_seconds)
        if self.failure is not None:
            raise self.failure
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
