"""What a chat's purchases can be told, and the facts they publish.

Everything that came from Telegram carries its `update_id`: it is marked handled in the
transaction that saves what was done with it.
"""

from __future__ import annotations

from datetime import datetime

from actors.broadcast import messages as broadcast
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId, PaymentId, ProductId, UpdateId
from actors.kernel.money import Money
from actors.sessions import messages as sessions
from actors.tracker import messages as tracker
from runtime import Asks, message

COMMANDS = frozenset({"buy", "orders", "paysupport"})
"""Names of `sessions.CommandReceived` that are for purchases, and not for the session."""

BUTTON_PREFIX = "p:"
"""What the data of a `sessions.ButtonPressed` begins with that is for purchases."""


@message
class PaymentReceived:
    """Telegram's `successful_payment`: `charge_id` (`telegram_payment_charge_id`) was paid.

    It may be told twice, and only `charge_id` tells one payment from another. `payload` is what
    we gave the invoice, the id of the order; it proves nothing. `total_amount` counts minor units.
    """

    update_id: UpdateId
    profile: sessions.Profile
    charge_id: str
    currency: str
    total_amount: int
    payload: str
    at: datetime | None = None


@message
class PaymentRefunded:
    """Telegram's `refunded_payment`: all of a payment of Stars went back."""

    update_id: UpdateId
    profile: sessions.Profile
    charge_id: str
    currency: str
    total_amount: int
    payload: str
    at: datetime | None = None


Heard = sessions.CommandReceived | sessions.ButtonPressed | PaymentReceived | PaymentRefunded
"""Whatever an update can become for the purchases of a chat."""


@message
class PreCheckoutAsked:
    """Telegram asks whether a payment may go ahead, and waits for 10 s. `chat_id` is the payer's
    private chat, whose id is his own; an invoice may have been passed on to somebody else.
    """

    update_id: UpdateId
    query_id: str
    chat_id: ChatId
    profile: sessions.Profile
    currency: str
    total_amount: int
    payload: str


@message
class Due:
    """Something of the chat's orders may be due: look."""


@message
class DueBy:
    """Published when an order is to be looked at by `at`, and was not before: `Due` is to be told
    then. Nobody repeats it: whoever must not miss one asks the store.
    """

    at: datetime


@message
class Done:
    """It is done, now or before."""

    state: str
    """How the order, or the refund, stands: `orders.State`, `deeds.RefundState`."""


@message
class Refused:
    """It is not done. `missing`: there is no such order."""

    why: str
    missing: bool = False


@message
class Accept(Asks[Done | Refused]):
    """An operator says that an order counts as paid. Told twice, it is accepted once; an order
    that is neither late, held nor underpaid stays as it is. Who and why is written down with it.
    """

    order_id: OrderId
    who: str
    why: str


@message
class Dismiss(Asks[Done | Refused]):
    """An operator has seen to an order: nobody has to look at it any more, until something new is
    heard of its charges. Told twice, it is dismissed once. Who and why is written down.
    """

    order_id: OrderId
    who: str
    why: str


@message
class GiveBack(Asks[Done | Refused]):
    """An operator wants `total` of a charge to have gone back to its payer in all; None is all of
    it, and `payment_id` None the only charge with money. Answered `Done` once it is kept; told
    twice, it goes back once. Who and why is written down.
    """

    order_id: OrderId
    payment_id: PaymentId | None
    total: Money | None
    who: str
    why: str


@message
class OrderMoved:
    """An order has come to another state. Published once per change as it happens, and not
    again: whoever must not miss one asks the store.
    """

    order_id: OrderId
    chat_id: ChatId
    rail: Rail
    was: str
    state: str
    """`orders.State`; `late`, `held` and `disputed` wait for a person."""


@message
class RailAnswered:
    """A provider was asked to collect for a product, or how a checkout stands (None). Published
    each time he was asked to collect, and when a look finds his mind about our key changed.
    """

    rail: Rail
    product_id: ProductId | None
    detail: str = ""
    """Why he declined, in his words; blank when he did not."""
    key_refused: bool = False
    """He does not take our credentials, whatever he is asked."""


Decision = Accept | Dismiss
"""What operators decide about one order."""
Command = Heard | Due | Decision | broadcast.Receipt | tracker.OrderPaymentChanged
