"""What Telegram's own payments mean, as reports like those of any provider. Pure.

Only the charge's id, `currency` and `total_amount` count. The payload of an invoice is ours, and
names the order; who pays cannot change it, but an old invoice may be paid again.
"""

from __future__ import annotations

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.ids import PaymentId
from actors.kernel.money import STARS, Money
from actors.payments.hearing import order_id_of
from actors.payments.messages import PaymentReceived, PaymentRefunded


def report_of(told: PaymentReceived | PaymentRefunded, *, live: bool) -> PaymentReport:
    """The report; raises `ValueError` for an amount or currency that is none.

    `live`: the shop takes real money. Telegram does not say whether a payment was a test: a bot
    lives in one of its two worlds.
    """
    amount = Money.of_minor(told.total_amount, told.currency)
    refunded = isinstance(told, PaymentRefunded)
    return PaymentReport(
        rail=Rail.STARS if amount.currency == STARS else Rail.TELEGRAM,
        payment_id=PaymentId(told.charge_id),
        standing=Standing.REFUNDED if refunded else Standing.PAID,
        amount=amount,
        live=live,
        order_id=order_id_of(told.payload),
        refunded=amount if refunded else None,
        at=told.at,
    )
