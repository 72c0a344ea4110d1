"""What the payment tracker can be told, the facts it broadcasts, and what it answers."""

from __future__ import annotations

from enum import StrEnum

from actors.kernel.charges import Payment, PaymentReport
from actors.kernel.ids import ChatId, EventId, OrderId, RecordId
from runtime import Recipient, message


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
class Settled:
    """All that the provider's event asked of the tracker has been done, and is durable.

    `refused` says in one line why it cannot be done, "" when it could: nothing was booked then,
    nor was the event marked as processed; trying again does not help, a person has to look.
    """

    event_id: EventId
    refused: str = ""


@message
class Observed:
    """A provider says how one of its charges stands. Whoever tells it, however often and in
    whichever order: the same facts are kept and booked once.

    `event_id` is marked as processed in the transaction that keeps what it told, and `notify`
    then hears `Settled` of it. While the store is away nobody hears anything: tell it again.
    """

    report: PaymentReport
    event_id: EventId | None = None
    notify: Recipient[Settled] | None = None


@message
class Recheck:
    """These rows of the record table may have changed: those that anybody waits for are read
    with the next question, which is asked at once unless the table wants to be left alone.

    `notify` hears `Settled` when they have been read; the event is not marked as processed.
    """

    record_ids: tuple[RecordId, ...]
    event_id: EventId | None = None
    notify: Recipient[Settled] | None = None


@message
class OrderPaymentChanged:
    """What is known about a charge for an order has changed: `payment`, whole and durable.

    Published once per change, and again for as long as the order has not recorded
    `payment.news_version`: handle it idempotently. `payment.order_id` and `payment.chat_id` are
    those of here.
    """

    order_id: OrderId
    chat_id: ChatId
    payment: Payment


@message
class PaymentStatusChanged:
    """The payment for a record changed its status. Published once per change, and again after
    a restart for as long as the session has not recorded it: handle it idempotently.
    """

    record_id: RecordId
    chat_id: ChatId
    status: PaymentStatus


Command = Track | Observed | Recheck
