"""Invoices, and what becomes of them: asked about, paid, given back.

    createInvoiceLink/sendInvoice --> somebody presses Pay --> pre_checkout_query
        answerPreCheckoutQuery(ok) within 10 s --> successful_payment
                                                       refundStarPayment --> refunded_payment

Words of refusals: core.telegram.org/method/payments.exportInvoice (and its neighbours) and the
Bot API's. The most that one invoice in Stars may ask for was measured by others: 100,000.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import trio

from adapters.sandbox.telegram_parameters import Parameters, bad, flag, integer, parsed
from adapters.sandbox.telegram_state import Account, Json

STARS = "XTR"
STARS_MAX = 100_000
TOTAL_MAX = 999_999_999_999
PAYLOAD_BYTES_MAX = 128
TITLE_MAX, DESCRIPTION_MAX, LABEL_MAX = 32, 255, 64
ANSWER_SECONDS = 10
"""An answer that comes later finds nobody waiting (Bot API, `answerPreCheckoutQuery`)."""
LINK = "https://t.me/$"
TRANSACTIONS_MAX = 100
INT32_MAX = 2**31 - 1
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What is asked for; `payload` comes back with every payment, and is shown to nobody."""

    slug: str
    title: str
    description: str
    payload: str
    currency: str
    total_amount: int

    def as_json(self) -> Json:
        """The Bot API's `Invoice`, as a message shows it."""
        return {
            "title": self.title,
            "description": self.description,
            "start_parameter": "",
            "currency": self.currency,
            "total_amount": self.total_amount,
        }


@dataclass(slots=True, kw_only=True)
class PreCheckout:
    """Somebody has pressed Pay, and Telegram asks the bot whether he may."""

    id: str
    invoice: Invoice
    payer: Account
    asked: datetime
    ok: bool | None = None
    """None until the bot has answered."""
    error: str = ""
    answered: trio.Event = field(default_factory=trio.Event)


@dataclass(slots=True, kw_only=True)
class Charge:
    """Money that has come; `refunded` when it went back."""

    id: str
    provider_id: str
    invoice: Invoice
    payer: Account
    paid: datetime
    refunded: datetime | None = None

    def as_json(self) -> Json:
        """What `SuccessfulPayment` and `RefundedPayment` have in common."""
        return {
            "currency": self.invoice.currency,
            "total_amount": self.invoice.total_amount,
            "invoice_payload": self.invoice.payload,
            "telegram_payment_charge_id": self.id,
            "provider_payment_charge_id": self.provider_id,
        }


class Payments:
    """One bot's invoices and charges, whose ids count from `first_number`. `provider_token` is
    the one that BotFather gave it.
    """

    def __init__(
        self, now: Callable[[], datetime], provider_token: str, first_number: int = 1
    ) -> None:
        self._now, self._provider_token = now, provider_token
        self._numbers = count(first_number)
        self.invoices: dict[str, Invoice] = {}
        """By the last part of their links."""
        self.queries: dict[str, PreCheckout] = {}
        self.charges: dict[str, Charge] = {}
        """By `telegram_payment_charge_id`, oldest first."""

    def invoice(self, parameters: Parameters) -> Invoice:
        """A new one; raises Refusal."""
        title, description = parameters.get("title", ""), parameters.get("description", "")
        payload, currency = parameters.get("payload", ""), parameters.get("currency", "").upper()
        if not 0 < len(title) <= TITLE_MAX or not 0 < len(description) <= DESCRIPTION_MAX:
            raise bad("MEDIA_INVALID")
        if not 0 < len(payload.encode()) <= PAYLOAD_BYTES_MAX:
            raise bad("INVOICE_PAYLOAD_INVALID")
        amounts = _prices(parameters)
        if currency == STARS:
            if len(amounts) != 1 or flag(parameters, "is_flexible"):
                raise bad("STARS_INVOICE_INVALID")
        elif len(currency) != len("USD") or not currency.isalpha():
            raise bad("CURRENCY_INVALID")
        elif not parameters.get("provider_token") or (
            parameters["provider_token"] != self._provider_token
        ):
            raise bad("PAYMENT_PROVIDER_INVALID")
        if not 0 < sum(amounts) <= (STARS_MAX if currency == STARS else TOTAL_MAX):
            raise bad("CURRENCY_TOTAL_AMOUNT_INVALID")
        made = Invoice(
            slug=f"Sandbox{next(self._numbers):016d}",
            title=title,
            description=description,
            payload=payload,
            currency=currency,
            total_amount=sum(amounts),
        )
        self.invoices[made.slug] = made
        return made

    def ask(self, invoice: Invoice, payer: Account) -> PreCheckout:
        """Somebody presses Pay."""
        query = PreCheckout(
            id=f"{payer.id}{next(self._numbers):012d}",
            invoice=invoice,
            payer=payer,
            asked=self._now(),
        )
        self.queries[query.id] = query
        return query

    def answer(self, parameters: Parameters) -> bool:
        """Of answerPreCheckoutQuery; raises Refusal, also for an answer that comes too late."""
        query = self.queries.get(parameters.get("pre_checkout_query_id", ""))
        ok, error = flag(parameters, "ok"), parameters.get("error_message", "")
        if not ok and not error:
            raise bad("error_message is required when ok is false")
        limit = timedelta(seconds=ANSWER_SECONDS)
        if query is None or query.ok is not None or self._now() > query.asked + limit:
            raise bad(TOO_OLD)
        query.ok, query.error = ok, error
        query.answered.set()
        return True

    def charge(self, query: PreCheckout) -> Charge:
        """The money moves."""
        number = next(self._numbers)
        stars = query.invoice.currency == STARS
        charge = Charge(
            id=f"stxSandbox{number:024d}" if stars else f"{number:012d}_{query.payer.id}_1_9",
            provider_id=f"{query.payer.id}_{number}" if stars else f"pi_provider{number:016d}",
            invoice=query.invoice,
            payer=query.payer,
            paid=self._now(),
        )
        self.charges[charge.id] = charge
        return charge

    def refund(self, parameters: Parameters) -> Charge:
        """Of refundStarPayment, all of it; raises Refusal."""
        user_id = integer(parameters, "user_id", 0, -(2**52), 2**52)
        charge = self.charges.get(parameters.get("telegram_payment_charge_id", ""))
        if charge is None or charge.payer.id != user_id or charge.invoice.currency != STARS:
            raise bad("CHARGE_ID_INVALID")
        if charge.refunded is not None:
            raise bad("CHARGE_ALREADY_REFUNDED")
        charge.refunded = self._now()
        return charge

    def transactions(self, parameters: Parameters) -> Json:
        """Of getStarTransactions: comings and goings of Stars, oldest first."""
        offset = integer(parameters, "offset", 0, 0, INT32_MAX)
        limit = integer(parameters, "limit", TRANSACTIONS_MAX, 1, TRANSACTIONS_MAX)
        moved = [
            entry
            for charge in self.charges.values()
            if charge.invoice.currency == STARS
            for entry in _entries(charge)
        ]
        moved.sort(key=lambda entry: int(entry["date"]))
        return {"transactions": moved[offset : offset + limit]}


def _prices(parameters: Parameters) -> list[int]:
    """The amounts of `prices`; raises Refusal."""
    prices = parsed(parameters, "prices", "can't parse prices JSON object")
    if not isinstance(prices, list) or not prices:
        raise bad("expected an Array of labeled prices")
    for price in prices:
        if not isinstance(price, dict):
            raise bad("can't parse labeled price: expected an Object")
        label, amount = price.get("label"), price.get("amount")
        if not isinstance(label, str) or not 0 < len(label) <= LABEL_MAX:
            raise bad("can't parse labeled price: Can't find field \"label\"")
        if isinstance(amount, bool) or not isinstance(amount, int):
            raise bad('can\'t parse labeled price: Field "amount" must be an integer')
    return [price["amount"] for price in prices]


def _entries(charge: Charge) -> list[Json]:
    """A `StarTransaction` for the payment, and one for what went back, under the same id."""
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": charge.payer.as_json(),
        "invoice_payload": charge.invoice.payload,
    }
    shared: Json = {"id": charge.id, "amount": charge.invoice.total_amount}
    found = [shared | {"date": int(charge.paid.timestamp()), "source": partner}]
    if charge.refunded is not None:
        found.append(shared | {"date": int(charge.refunded.timestamp()), "receiver": partner})
    return found
