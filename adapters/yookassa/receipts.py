"""Fiscal data of a payment (54-FZ), for shops whose YooKassa makes receipts (contract, 2.2).

The law wants a contact of the buyer. A bot knows none before he has paid, so receipts go to an
address of the shop's own, and the shop passes them on. The goods are handed over at once, hence
`full_payment`.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.kernel.money import Money

DESCRIPTION_LENGTH_MAX = 128
MODE = "full_payment"
"""Paid in full, and handed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipts:
    """How this shop's receipts are made out. `vat_code` is YooKassa's number of a rate (1: without
    VAT), `subject` its word for what is sold (`service`, `commodity`, ...).
    """

    email: str
    vat_code: int
    subject: str

    def of(self, title: str, price: Money) -> dict[str, object]:
        """The receipt of one thing at its price; the same for the same, as its key wants."""
        item = {
            "description": title[:DESCRIPTION_LENGTH_MAX],
            "quantity": "1.00",
            "amount": {"value": price.text, "currency": price.currency},
            "vat_code": self.vat_code,
            "payment_subject": self.subject,
            "payment_mode": MODE,
        }
        return {"customer": {"email": self.email}, "items": [item]}
