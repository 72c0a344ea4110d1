"""What the payment tracker can be told, and the fact it broadcasts."""

from __future__ import annotations

from enum import StrEnum

from actors.kernel.ids import ChatId, RecordId
from runtime import message


class PaymentStatus(StrEnum):
    """What is known about a payment; `unknown` is never broadcast."""

    WAITING = "waiting"
    PAID = "paid"


@message
class Track:
    """Look for the payment of `record_id`, and of no other of this chat.

    Told twice, it is tracked once. `cancelled`: the user does not wait any more. Should he have
    paid, he is told all the same; should his row be deleted, nobody misses it.
    """

    record_id: RecordId
    chat_id: ChatId
    cancelled: bool = False


@message
class PaymentStatusChanged:
    """A payment changed its status. Published once per change, and again after a restart
    for as long as the session has not recorded it: handle it idempotently.
    """

    record_id: RecordId
    chat_id: ChatId
    status: PaymentStatus


Command = Track
