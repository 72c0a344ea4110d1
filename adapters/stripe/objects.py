"""Stripe's objects, as much of them as money needs, read strictly. Pure.

Both shapes of a field that moved are here (`contracts/providers.md` section 1.4,
"Version-dependent fields"): what is sent follows the version of the webhook endpoint, not ours.
`read` raises `Odd` for anything else than what Stripe documents; unknown fields are ignored.
Identifiers are plain words, so that whatever is read can be stored as text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec

Id = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_]{1,255}\Z")]
Word = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_.]{1,100}\Z")]
Currency = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z]{3}\Z")]
Units = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
"""Integer minor units as Stripe counts them."""
Seconds = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800)]
"""Unix seconds, up to the year 2100."""
Metadata = dict[str, object]

PREVENTED = "prevented"
"""Of a dispute: settled before the bank took anything, by a refund that its charge tells."""


class Odd(ValueError):  # noqa: N818 - a verdict
    """Not what Stripe documents; the text names the field, and nothing of the content."""


class Named(msgspec.Struct):
    """Any object, for its id."""

    id: Id | None = None


class BalanceTransaction(msgspec.Struct):
    """What a charge brought, in the currency of the account."""

    id: Id
    fee: Units
    currency: Currency


class Charge(msgspec.Struct):
    """An attempt to take money that went through, and what was given back of it."""

    id: Id
    amount: Units
    currency: Currency
    amount_captured: Units | None = None
    amount_refunded: Units = 0
    disputed: bool = False
    """And stays so when the shop has won."""
    payment_intent: Id | Named | None = None
    balance_transaction: Id | BalanceTransaction | None = None
    metadata: Metadata | None = None


class PaymentIntent(msgspec.Struct):
    """One payment, with all attempts at it."""

    id: Id
    status: Word
    currency: Currency
    amount_received: Units = 0
    latest_charge: Id | Charge | None = None
    metadata: Metadata | None = None


class Session(msgspec.Struct):
    """A hosted checkout page; its PaymentIntent may not exist until somebody pays."""

    id: Id
    mode: Word
    payment_status: Word
    status: Word | None = None
    payment_intent: Id | PaymentIntent | None = None
    amount_total: Units | None = None
    currency: Currency | None = None
    client_reference_id: str | None = None
    metadata: Metadata | None = None
    livemode: bool | None = None
    url: str | None = None


class Refunded(msgspec.Struct):
    """An amount on its way back (a Refund)."""

    id: Id
    status: Word | None = None
    charge: Id | Named | None = None
    payment_intent: Id | Named | None = None

    @property
    def has_failed(self) -> bool:
        """Nothing goes back, or what did has come again; `pending` and `requires_action` may
        take days.
        """
        return self.status in {"failed", "canceled"}


class Dispute(msgspec.Struct):
    """A chargeback, or (status `warning_...`) a bank's question before one."""

    id: Id
    amount: Units
    currency: Currency
    status: Word
    charge: Id | Named | None = None
    payment_intent: Id | Named | None = None

    @property
    def moved_money(self) -> bool:
        """Neither a mere question, nor settled before the bank took anything."""
        return not self.status.startswith("warning_") and self.status != PREVENTED


class Disputes(msgspec.Struct):
    """The disputes of one charge, the newest first."""

    data: list[Dispute]


class _InvoicePaymentOf(msgspec.Struct):
    payment_intent: Id | Named | None = None


class _InvoicePayment(msgspec.Struct):
    status: Word | None = None
    payment: _InvoicePaymentOf | None = None


class _InvoicePayments(msgspec.Struct):
    data: list[_InvoicePayment] = []


class _SubscriptionDetails(msgspec.Struct):
    metadata: Metadata | None = None


class _Parent(msgspec.Struct):
    subscription_details: _SubscriptionDetails | None = None


class Invoice(msgspec.Struct):
    """One bill of a subscription."""

    id: Id
    amount_paid: Units
    currency: Currency
    status: Word | None = None
    paid: bool | None = None
    """Old versions."""
    payment_intent: Id | Named | None = None
    """Old versions."""
    payments: _InvoicePayments | None = None
    parent: _Parent | None = None
    subscription_details: _SubscriptionDetails | None = None
    """Versions before `parent`."""
    metadata: Metadata | None = None

    @property
    def is_paid(self) -> bool:
        """Whether money came for it, in either shape."""
        return self.status == "paid" or self.paid is True

    @property
    def intent(self) -> str | None:
        """The PaymentIntent that paid it, if the invoice tells."""
        payments = self.payments.data if self.payments else []
        found = [
            id_of(entry.payment.payment_intent)
            for entry in payments
            if entry.payment is not None and entry.status in {None, "paid"}
        ]
        return id_of(self.payment_intent) or next(filter(None, found), None)

    @property
    def metadatas(self) -> list[Metadata]:
        """Where a subscription's metadata are copied to, in every shape."""
        details = [self.parent.subscription_details if self.parent else None]
        details.append(self.subscription_details)
        found = [detail.metadata for detail in details if detail is not None]
        return [metadata for metadata in [*found, self.metadata] if metadata]


class _Item(msgspec.Struct):
    current_period_end: Seconds | None = None


class _Items(msgspec.Struct):
    data: list[_Item] = []


class Subscription(msgspec.Struct):
    """A recurring payment's standing."""

    id: Id
    status: Word
    cancel_at_period_end: bool = False
    current_period_end: Seconds | None = None
    """Old versions."""
    items: _Items | None = None
    metadata: Metadata | None = None

    @property
    def period_end(self) -> int | None:
        """When what has been paid for ends; the latest of its items."""
        ends = [item.current_period_end for item in (self.items.data if self.items else [])]
        return max((end for end in [self.current_period_end, *ends] if end), default=None)


class _Data(msgspec.Struct):
    object: dict[str, Any]


class Event(msgspec.Struct):
    """A webhook: something happened to `data.object`, which is as it was right then."""

    id: Id
    type: Word
    object: Literal["event"]
    data: _Data
    created: Seconds | None = None
    livemode: bool | None = None


Shape = TypeVar("Shape")


def read(raw: object, shape: type[Shape]) -> Shape:
    """`raw`, as it came out of JSON, as a `shape`. Raises `Odd`."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise Odd(f"{shape.__name__}: {error}") from None


def subject(event: Event) -> str:
    """The id of what the event is about; "" where it has none, or one that is no plain word
    (those of coupons and plans are chosen by people).
    """
    try:
        return read(event.data.object, Named).id or ""
    except Odd:
        return ""


def id_of(reference: str | Named | PaymentIntent | Charge | None) -> str | None:
    """The id of an object that may be given by its id alone, or expanded."""
    return reference if reference is None or isinstance(reference, str) else reference.id
