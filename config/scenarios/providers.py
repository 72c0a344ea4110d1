"""Who takes the money in a simulated market: what payers and owners do there, and what was taken.

Each is a sandbox on a machine of its own (Stars are Telegram's). Its own list of what was taken
and given back is the truth against which the bot's books are held.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from actors.kernel.charges import Rail
from actors.kernel.ids import OrderId
from actors.kernel.money import STARS, Currency, Money
from adapters.sandbox.deliveries import Deliveries, Sending
from adapters.sandbox.nowpayments import FINISHED, ON_THE_WAY, NowPaymentsSandbox
from adapters.sandbox.nowpayments_books import Payment as Coins
from adapters.sandbox.stripe import StripeSandbox
from adapters.sandbox.stripe_checkout import CannotDo
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_methods import METHODS
from adapters.sandbox.telegram_parameters import Parameters
from adapters.sandbox.telegram_payments import Charge
from adapters.sandbox.yookassa import YooKassaSandbox

DOLLARS, RUBLES = Currency("USD"), Currency("RUB")
TAKEN_BACK = ("charge.refunded", "charge.dispute", "refund.succeeded")
"""Events which nobody asks for once an order is served: they have to come."""


class Provider(ABC):
    """One rail. A `page` is what its checkout is called there; `None` for an order means all."""

    rail: Rail
    currency: Currency

    @property
    def deliveries(self) -> Deliveries | None:
        """Its webhooks; None where it sends none."""
        return None

    def page(self, link: str) -> str:
        """The checkout behind the link of a button."""
        return link.rpartition("=")[2]

    @abstractmethod
    def pay(self, page: str) -> None:
        """Pay there; raises `CannotDo` when it is too late."""

    @abstractmethod
    def refund(self, order_id: OrderId) -> None:
        """The owner gives all of it back."""

    @abstractmethod
    def taken(self, order_id: OrderId | None) -> Iterator[Money]:
        """What was taken, payment by payment, whatever became of it."""

    @abstractmethod
    def gone(self, order_id: OrderId | None) -> Iterator[Money]:
        """What went back of it and did not come again."""

    def unheard(self) -> Iterator[Sending]:
        """Webhooks that an operator would have sent again: the shop does not ask for those."""
        for sending in self.deliveries.sendings if self.deliveries else ():
            if not sending.delivered and self.must_come(sending.name):
                yield sending

    def must_come(self, name: str) -> bool:
        """Whether nothing but this webhook tells of what it tells."""
        return name.startswith(TAKEN_BACK)


class Stripe(Provider):
    """Cards, whose banks may take back what was paid."""

    rail, currency = Rail.STRIPE, DOLLARS

    def __init__(self, sandbox: StripeSandbox) -> None:
        self.sandbox = sandbox
        self._disputes: dict[str, dict[str, Any]] = {}
        """By session."""

    @property
    def deliveries(self) -> Deliveries:
        return self.sandbox.deliveries

    def page(self, link: str) -> str:
        return link.rpartition("/")[2]

    def pay(self, page: str) -> None:
        self.sandbox.checkouts.pay(page)

    def refund(self, order_id: OrderId) -> None:
        self.sandbox.checkouts.refund(self._paid(order_id))

    def dispute(self, order_id: OrderId) -> None:
        """The payer's bank takes it back, for the time being."""
        page = self._paid(order_id)
        self._disputes[page] = self.sandbox.checkouts.dispute(page)

    def decide(self, order_id: OrderId, *, won: bool) -> None:
        """The bank has decided; `won`: it gives the money to the shop again."""
        dispute = self._disputes[self._paid(order_id)]
        self.sandbox.checkouts.close_dispute(dispute, "won" if won else "lost")

    def taken(self, order_id: OrderId | None) -> Iterator[Money]:
        for _, session in self._sessions(order_id):
            yield Money.of_minor(session["amount_total"], DOLLARS)

    def gone(self, order_id: OrderId | None) -> Iterator[Money]:
        for page, session in self._sessions(order_id):
            intent = self.sandbox.checkouts.intents[session["payment_intent"]]
            charge = self.sandbox.checkouts.charges[intent["latest_charge"]]
            yield Money.of_minor(charge["amount_refunded"], DOLLARS)
            dispute = self._disputes.get(page)
            if dispute is not None and dispute["status"] != "won":
                yield Money.of_minor(dispute["amount"], DOLLARS)

    def must_come(self, name: str) -> bool:
        return super().must_come(self.sandbox.events.all[name]["type"])

    def _paid(self, order_id: OrderId) -> str:
        return next(page for page, _ in self._sessions(order_id))

    def _sessions(self, order_id: OrderId | None) -> Iterator[tuple[str, dict[str, Any]]]:
        for page, session in self.sandbox.checkouts.sessions.items():
            named = order_id in {None, session["client_reference_id"]}
            if named and session["payment_status"] == "paid":
                yield page, session


class Stars(Provider):
    """Telegram's own money: there is no page, and no webhook."""

    rail, currency = Rail.STARS, STARS

    def __init__(self, telegram: TelegramSandbox) -> None:
        self._telegram = telegram

    def pay(self, page: str) -> None:
        raise CannotDo(f"{page}: Stars are paid in the chat")

    def refund(self, order_id: OrderId) -> None:
        for charge in tuple(self._charges(order_id)):
            told = {"user_id": str(charge.payer.id), "telegram_payment_charge_id": charge.id}
            METHODS["refundstarpayment"](self._telegram.world, Parameters(told))

    def taken(self, order_id: OrderId | None) -> Iterator[Money]:
        for charge in self._charges(order_id):
            yield Money.of_minor(charge.invoice.total_amount, STARS)

    def gone(self, order_id: OrderId | None) -> Iterator[Money]:
        for charge in self._charges(order_id):
            if charge.refunded is not None:
                yield Money.of_minor(charge.invoice.total_amount, STARS)

    def _charges(self, order_id: OrderId | None) -> Iterator[Charge]:
        for charge in self._telegram.payments.charges.values():
            if order_id in {None, charge.invoice.payload}:
                yield charge


class YooKassa(Provider):
    """Payments in rubles."""

    rail, currency = Rail.YOOKASSA, RUBLES

    def __init__(self, sandbox: YooKassaSandbox) -> None:
        self.sandbox = sandbox

    @property
    def deliveries(self) -> Deliveries:
        return self.sandbox.deliveries

    def pay(self, page: str) -> None:
        try:
            self.sandbox.pay(page)
        except ValueError as error:
            raise CannotDo(str(error)) from error

    def refund(self, order_id: OrderId) -> None:
        for payment in tuple(self._payments(order_id)):
            self.sandbox.refund(payment["id"])

    def taken(self, order_id: OrderId | None) -> Iterator[Money]:
        for payment in self._payments(order_id):
            yield Money.of(payment["amount"]["value"], RUBLES)

    def gone(self, order_id: OrderId | None) -> Iterator[Money]:
        his = {payment["id"] for payment in self._payments(order_id)}
        for refund in self.sandbox.refunds.values():
            if refund["payment_id"] in his:
                yield Money.of(refund["amount"]["value"], RUBLES)

    def _payments(self, order_id: OrderId | None) -> Iterator[dict[str, Any]]:
        for payment in self.sandbox.payments.values():
            named = order_id in {None, payment["metadata"].get("order_id")}
            if named and payment["status"] == "succeeded":
                yield payment


class NowPayments(Provider):
    """Nobody can ask which payments an invoice has (`adapters.nowpayments.checkout`), so each of
    its notifications has to come at last.
    """

    rail, currency = Rail.NOWPAYMENTS, DOLLARS

    def __init__(self, sandbox: NowPaymentsSandbox) -> None:
        self.sandbox = sandbox

    @property
    def deliveries(self) -> Deliveries:
        return self.sandbox.deliveries

    def pay(self, page: str) -> None:
        self.sandbox.pay(self.sandbox.choose(page))

    def begin(self, page: str) -> int:
        """Coins are on their way; the payment that they belong to."""
        return self.sandbox.pay(self.sandbox.choose(page), until=ON_THE_WAY[0])

    def arrive(self, payment_id: int) -> None:
        """The chain has confirmed them."""
        for status in (*ON_THE_WAY[1:], FINISHED):
            self.sandbox.move(payment_id, status)

    def refund(self, order_id: OrderId) -> None:
        for payment in tuple(self._payments(order_id)):
            self.sandbox.move(payment.payment_id, "refunded")

    def taken(self, order_id: OrderId | None) -> Iterator[Money]:
        for payment in self._payments(order_id):
            yield _worth(payment)

    def gone(self, order_id: OrderId | None) -> Iterator[Money]:
        for payment in self._payments(order_id):
            if payment.status == "refunded":
                yield _worth(payment)

    def must_come(self, name: str) -> bool:
        return bool(name)

    def _payments(self, order_id: OrderId | None) -> Iterator[Coins]:
        for payment in self.sandbox.payments.values():
            named = order_id in {None, payment.invoice.echo["order_id"]}
            if named and FINISHED in payment.history:
                yield payment


def _worth(payment: Coins) -> Money:
    """All that was asked for: nobody pays less here."""
    return Money.of(Decimal(payment.invoice.price_amount), DOLLARS)
