"""Booking in PostgreSQL, for the transactions of other stores: `0007_payments_and_ledger.sql`."""

from __future__ import annotations

from actors.kernel.ledger import Transfer
from adapters.postgres.database import Statement

KEY_REUSED = "LE001"
"""The SQLSTATE of a key that stands for another transfer; it ends the transaction."""


def posting(transfer: Transfer) -> Statement:
    """Book the transfer, in the transaction of whatever it books; repeating it changes nothing.

    A key that stands for other entries ends the transaction with SQLSTATE `KEY_REUSED`.
    """
    entries = transfer.entries
    return Statement(
        """
        select ledger_post(
            %(key)s, %(accounts)s::text[], %(currencies)s::text[], %(amounts)s::numeric[]
        )
        """,
        {
            "key": transfer.key,
            "accounts": [each.account for each in entries],
            "currencies": [each.amount.currency for each in entries],
            "amounts": [each.amount.amount for each in entries],
        },
    )
