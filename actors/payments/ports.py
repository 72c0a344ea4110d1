"""What payments need from the outside."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from actors.kernel.charges import Payment, PaymentReport, Rail
from actors.kernel.ids import ChatId, OrderId, PaymentId, UpdateId
from actors.kernel.language import Language
from actors.kernel.ledger import Transfer, TrialBalance
from actors.kernel.money import Currency, Money
from actors.payments.deeds import Deed, Refund, RefundState
from actors.payments.looks import Checkouts, LookLimits
from actors.payments.orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a provider is asked to collect for us. `return_url` is where a browser goes after
    paying (a page of ours, or the bot), never proof of a payment. `metadata` is ours, short.
    """

    order_id: OrderId
    title: str
    description: str
    price: Money
    expires_at: datetime
    return_url: str
    cancel_url: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The provider waits for the payer at `url`; `checkout_id` is its own id of the checkout."""

    checkout_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """The provider will never open this checkout; `detail` tells an operator why, no secrets."""

    detail: str
    key_refused: bool = False
    """It is our credentials that he does not take: he would decline any other checkout, too."""


class Checkout(Protocol):
    """One rail's way to collect money. Raises only `Unavailable`: outcome unknown or not sent;
    ask again with the same order, which is the idempotency key.
    """

    @property
    def look_limits(self) -> LookLimits | None:
        """How often `look` may be asked; None where the provider lists no charges."""
        return LookLimits()

    async def open(self, offer: Offer) -> Opened | Declined:
        """Open a checkout; told twice for one order, the provider opens one, wherever it can."""
        ...

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        """How the charges of one checkout stand now; empty when there are none yet.

        For the slow reconciliation, and for what providers never tell. Raises `MoreToRead` where
        one look is not enough.
        """
        ...


class Charges(Protocol):
    """A rail whose charges can be read by their own id."""

    async def read(self, payment_id: PaymentId) -> PaymentReport | None:
        """How a charge stands; None when the provider does not know it. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class GivenBack:
    """The provider has taken the refund on; its own report says when it is done."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The provider has the refund under this id of his own, and has yet to decide; told again with
    `Refund.refund_id`, he is asked what has become of it.
    """

    refund_id: str


class Refunding(Protocol):
    """A rail on which money can be given back by its API."""

    async def give_back(self, refund: Refund) -> GivenBack | Declined | UnderWay:
        """Give `refund.amount` back. Told twice under the same `refund.key`, it goes back once,
        for as long as the provider remembers the key (`refunding.KEY_SECONDS`). One that has a
        `refund_id` is never made again: only what became of it is read.

        Raises only `Unavailable`: outcome unknown or not sent.
        """
        ...


class Books(Protocol):
    """The ledger, to be looked at. Both methods raise only `Unavailable`."""

    async def trial_balance(self, *, thorough: bool) -> TrialBalance:
        """The ledger at this moment; `thorough` adds all entries up again, which takes longer."""
        ...

    async def unmatched(self, *, limit: int) -> tuple[Payment, ...]:
        """Charges with money for which no order of ours is known, oldest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An administrator has to be told of a payment: `amount` has arrived. Who paid is as he told
    himself to us; None is "not known".
    """

    rail: Rail
    payment_id: PaymentId
    amount: Money
    order_id: OrderId | None
    chat_id: ChatId | None
    name: str | None
    phone: str | None
    noted_at: datetime


NoticeState = Literal["pending", "sending", "sent", "unknown", "failed", "late"]
"""`sending` is stored before it is told; what was left in it by a crash is `unknown`: it is not
told again. `late` was never told, because it was no news any more. `failed`: refused by Telegram.
"""


class Pause(Protocol):
    """Lets some seconds pass for whoever awaits it; `trio.sleep` is one."""

    async def __call__(self, seconds: float) -> None: ...


class Notices(Protocol):
    """Which payments administrators have been told of. `Payments.record` adds them.

    All methods may be repeated after an outcome that is not known; they raise only `Unavailable`.
    """

    async def pending(self, *, limit: int) -> tuple[Notice, ...]:
        """Those that nobody has begun to tell, oldest first."""
        ...

    async def claim(self, rail: Rail, payment_id: PaymentId, *, at: datetime) -> None:
        """What is `pending` is `sending` from now on: to be asked for before it is told."""
        ...

    async def end(
        self, rail: Rail, payment_id: PaymentId, state: NoticeState, *, detail: str, at: datetime
    ) -> None:
        """What became of it; nothing happens to what was `sent` or has `failed` before.

        `detail` is ASCII.
        """
        ...

    async def interrupted(self, *, claimed_before: datetime | None, at: datetime) -> None:
        """Whatever is `sending` since before then (None: at all) will not be heard of any more:
        it is `unknown`.
        """
        ...

    async def counts(self, *, since: datetime) -> Mapping[NoticeState, int]:
        """How many have come into each state since then; those without any may be missing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """One rail as the shop has it: how it collects money, in which currencies, and for how long
    an order on it can be paid.
    """

    rail: Rail
    checkout: Checkout
    currencies: Container[Currency]
    lifetime_seconds: int = 3_600
    """Stripe takes 30 min to 24 h."""
    refunding: Refunding | None = None
    """None where money can be given back at the provider's own pages alone."""
    charges: Charges | None = None
    """None where a charge is seen by looking at its checkout alone."""


class OrderAlarm(NamedTuple):
    """An order that wants to be looked at, and since when."""

    due_at: datetime
    order_id: OrderId
    chat_id: ChatId


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCounts:
    """How many orders wait for something, and since when the one that has waited longest does."""

    ungranted: int
    """Paid, and Telegram has not confirmed that what was bought is there."""
    ungranted_since: datetime | None
    for_a_person: int
    """Those with a `concern`."""
    for_a_person_since: datetime | None


class Recording(NamedTuple):
    """The order records what is known of one of its charges, up to this version."""

    rail: Rail
    payment_id: PaymentId
    version: int


class Orders(Checkouts, Protocol):
    """Every order. All methods raise only `Unavailable`, and `save` also `Conflict`; every call
    may be repeated after an outcome that is not known.
    """

    async def load(self, order_id: OrderId) -> Order | None:
        """The order as it was saved last; None when there is none of this id.

        No save that was asked for before happens after it, whatever its caller was told.
        """
        ...

    async def named(self, beginning: str, *, limit: int) -> tuple[Order, ...]:
        """Orders whose id begins with these hexadecimal digits, small letters, by their id. People
        name an order by the first few (`views.reference`).
        """
        ...

    async def unfinished(self, chat_id: ChatId) -> tuple[Order, ...]:
        """The chat's orders of which anything may be due, oldest first; as `load` has them."""
        ...

    async def recent(self, chat_id: ChatId, *, limit: int) -> tuple[Order, ...]:
        """The chat's newest orders, the newest first."""
        ...

    async def language(self, chat_id: ChatId) -> Language | None:
        """The language that the chat's session speaks; None for a chat without one."""
        ...

    async def save(
        self,
        order: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> None:
        """Keep `order` (its `version` is one more than that of the order it was made from), mark
        the update as handled and the charge as recorded, book the transfers and write the
        operator's deed down: all or nothing.

        Raises `Conflict`, and keeps nothing, when the order is at another version, when the
        update was handled before, or when the chat has another order alive for the same product
        on the same rail. Read again then.
        """
        ...

    async def finish(self, update_id: UpdateId) -> None:
        """Mark as handled an unhandled update that changed no order."""
        ...

    async def due(
        self, *, now: datetime, limit: int, after: OrderAlarm | None = None
    ) -> tuple[OrderAlarm, ...]:
        """Orders whose `due_at` is not later than `now`, oldest first, at most `limit`.

        `after` continues behind the last alarm of the page before.
        """
        ...

    async def next_due(self, *, after: datetime) -> datetime | None:
        """The earliest `due_at` that is later than `after`; None when there is none."""
        ...

    async def counts(self) -> OrderCounts:
        """How many orders wait for us."""
        ...

    async def concerning(self, *, limit: int, after: OrderId | None = None) -> tuple[Order, ...]:
        """Orders with a `concern`, the oldest first, at most `limit`; `after` turns the page."""
        ...

    async def deeds(self, order_id: OrderId) -> tuple[Deed, ...]:
        """What operators did about the order, the first first."""
        ...


class Refunds(Protocol):
    """What operators want to be given back. All methods raise only `Unavailable`; every call may
    be repeated after an outcome that is not known.
    """

    async def want(self, refund: Refund, deed: Deed) -> bool:
        """Keep a refund in its newest round, and the deed with it. False, and nothing is kept,
        when the charge has another one that is open.
        """
        ...

    async def of_order(self, order_id: OrderId) -> tuple[Refund, ...]:
        """The order's refunds, the first wanted first."""
        ...

    async def pending(self, *, limit: int) -> tuple[Refund, ...]:
        """Refunds whose provider is to be asked, the longest due first."""
        ...

    async def asking(self, refund: Refund, *, again_at: datetime) -> None:
        """Before the provider is asked once more: should nobody hear of it, `again_at`."""
        ...

    async def under_way(self, refund: Refund, refund_id: str) -> None:
        """Its provider has it under this id; nothing happens to a refund that has ended."""
        ...

    async def end(self, refund: Refund, state: RefundState, *, detail: str) -> None:
        """What became of the refund; nothing happens to one that has ended before."""
        ...

    async def unknown(self) -> int:
        """How many refunds a person has to look after."""
        ...

    async def unshown(self, *, now: datetime) -> int:
        """How many of those that are done no report shows after a day (`deeds.is_unshown`)."""
        ...


class PreCheckoutAnswers(Protocol):
    """Telegram, waiting for a word on a payment that is about to be made."""

    async def answer(self, query_id: str, *, ok: bool, error: str) -> None:
        """Let the payment go ahead, or refuse it with `error`, a sentence for the payer ("" when
        `ok`). A query that Telegram does not wait for any more is nobody's failure.

        One request, at once, outside of every queue. Raises `Unavailable`.
        """
        ...
