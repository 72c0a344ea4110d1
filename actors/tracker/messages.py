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
    """Wait for the payment of `record_id`. Told twice, it is tracked once."""

    record_id: RecordId
    chat_id: ChatId


@message
class Untrack:
    """Stop waiting for `record_id`, for instance because the user cancelled."""

    record_id: RecordId


@message
class PaymentStatusChanged:
    """A payment changed its status. Published once per change, and again after a restart
    for as long as the session has not recorded it: handle it idempotently.
    """

    record_id: RecordId
    chat_id: ChatId
    status: PaymentStatus


Command = Track | Untrack
