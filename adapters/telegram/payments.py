"""Telegram's own rails: `payments.ports.Checkout` by invoice links, and the answer to whoever
is about to pay one.

An invoice link can be paid by anybody, and again and again: what keeps an order from being paid
twice is the answer to `pre_checkout_query`, and nothing here. That a link was paid is told by an
update (`successful_payment`), or, for Stars, found in the list of transactions.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import trio
from telegram.error import BadRequest, Forbidden, TelegramError

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import OrderId, PaymentId
from actors.kernel.money import STARS, Money
from actors.payments.looks import LookLimits, MoreToRead
from actors.payments.ports import (
    Checkout,
    Declined,
    Offer,
    Opened,
    PreCheckoutAnswers,
)
from adapters.telegram.bot import TrioBot
from adapters.telegram.refusals import EXPIRED, unavailable

WRONG_PROVIDER = "PAYMENT_PROVIDER_INVALID"
TITLE_MAX_CHARACTERS = 32
DESCRIPTION_MAX_CHARACTERS = 255
ERROR_MAX_CHARACTERS = 200
"""Ours: Telegram shows it in a small window."""
ANSWER_SECONDS = 9.0
"""Telegram waits for 10, and tells the payer that something went wrong."""
PAGE = 100
"""Transactions of one answer; the Bot API gives no more."""
PAGES_MAX = 100
"""Read in one go."""
ORDERS_MAX = 10_000
"""Orders whose transactions are remembered, those that moved last, about 10 MB; far more than are
open at a time."""
TRANSACTIONS_MAX = 2 * ORDERS_MAX
"""Of what is older hardly anything would still be remembered at the end of the list."""
TIME_MAX_SECONDS = 4_102_444_800


class TelegramCheckout(Checkout):
    """Stars, or with `provider_token` (as BotFather gives it) money through that provider.

    A checkout is known by its order's id, the payload of its invoice; each `open` makes another
    link to the same. `live` is the shop's mode: Telegram tells nobody which one a payment was made
    in. (Tokens of providers do: `...:TEST:...` takes test money.) Of a longer list of transactions
    only the `newest_max` are read after a start.
    """

    def __init__(
        self,
        bot: TrioBot,
        *,
        live: bool,
        provider_token: str = "",
        newest_max: int = TRANSACTIONS_MAX,
    ) -> None:
        self._bot, self._provider_token, self._live = bot, provider_token, live
        self._transactions = _Transactions(bot, newest_max)

    async def open(self, offer: Offer) -> Opened | Declined:
        stars = not self._provider_token
        if stars is not (offer.price.currency == STARS):
            return Declined(detail=f"{offer.price.currency} is not what this rail takes")
        try:
            amount = offer.price.minor
        except ValueError as error:
            return Declined(detail=str(error))
        title = offer.title[:TITLE_MAX_CHARACTERS]
        parameters = {
            "title": title,
            "description": (offer.description or offer.title)[:DESCRIPTION_MAX_CHARACTERS],
            "payload": offer.order_id,
            "provider_token": self._provider_token,
            "currency": offer.price.currency,
            "prices": [{"label": title, "amount": amount}],
        }
        try:
            link = await self._bot.call("createInvoiceLink", parameters)
        except (BadRequest, Forbidden) as error:
            said = self._said(error)
            return Declined(detail=said, key_refused=WRONG_PROVIDER in said.upper())
        except TelegramError as error:
            raise unavailable(error) from None
        if not isinstance(link, str) or not link.startswith("https://"):
            raise Unavailable("createInvoiceLink: the answer is not a link")
        return Opened(checkout_id=offer.order_id, url=link)

    @property
    def look_limits(self) -> LookLimits | None:
        """All read one list, and one after the other; there is none of a provider's payments."""
        return None if self._provider_token else LookLimits(at_a_time=1)

    async def look(self, checkout_id: str) -> tuple[PaymentReport, ...]:
        """What was paid in Stars for an order. Of a provider's payments Telegram keeps no list."""
        if self._provider_token:
            return ()
        await self._transactions.read_on()
        found = self._transactions.of(checkout_id)
        return tuple(self._report(checkout_id, moved) for moved in found)

    def _report(self, order_id: str, moved: _Moved) -> PaymentReport:
        amount = Money.of_minor(moved.amount, STARS)
        return PaymentReport(
            rail=Rail.STARS,
            payment_id=PaymentId(moved.charge_id),
            standing=Standing.REFUNDED if moved.back else Standing.PAID,
            amount=amount,
            live=self._live,
            order_id=OrderId(order_id),
            refunded=amount if moved.back else None,
            at=moved.at,
        )

    def _said(self, error: TelegramError) -> str:
        """Without the token, in whatever case python-telegram-bot passes the text on."""
        if not self._provider_token:
            return error.message
        return re.sub(
            re.escape(self._provider_token), "[token]", error.message, flags=re.IGNORECASE
        )


class TelegramPreCheckoutAnswers(PreCheckoutAnswers):
    """Answers over `bot`; one of its own, so that no letter holds up the only 10 seconds."""

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def answer(self, query_id: str, *, ok: bool, error: str) -> None:
        parameters = {
            "pre_checkout_query_id": query_id,
            "ok": ok,
            "error_message": None if ok else error[:ERROR_MAX_CHARACTERS],
        }
        try:
            with trio.fail_after(ANSWER_SECONDS):
                await self._bot.call("answerPreCheckoutQuery", parameters)
        except trio.TooSlowError:
            raise Unavailable(f"Telegram did not answer within {ANSWER_SECONDS:g} s") from None
        except BadRequest as refused:
            if not any(words in refused.message.lower() for words in EXPIRED):
                raise unavailable(refused) from None
        except TelegramError as failed:
            raise unavailable(failed) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """Stars that came for an invoice, or went `back`."""

    charge_id: str
    payload: str
    amount: int
    back: bool
    at: datetime


class _Transactions:
    """The bot's transactions in Stars, read once each: Telegram lists them oldest first, so that
    what is new stands behind what has been read: a refund with the newest, however old its payment.
    The orders of which nothing was heard for the longest time are forgotten.

    How far it has read is not stored. After a start the newest are read again, some 400 questions
    at most however long the list is, and told again, which changes nothing.
    """

    def __init__(self, bot: TrioBot, newest_max: int) -> None:
        self._bot, self._newest_max = bot, newest_max
        self._read = 0
        self._has_skipped = False
        self._moved: OrderedDict[str, dict[tuple[str, bool], _Moved]] = OrderedDict()
        self._reading = trio.Lock()

    def of(self, payload: str) -> list[_Moved]:
        """What moved for an invoice; of a charge that went back only that."""
        moved = self._moved.get(payload, {})
        return [
            entry
            for (charge_id, back), entry in moved.items()
            if back or (charge_id, True) not in moved
        ]

    async def read_on(self) -> None:
        """Read what is new. Raises `Unavailable`, and `MoreToRead` when that is too much for one
        go: the next begins where this one ends.
        """
        async with self._reading:
            for _ in range(PAGES_MAX):
                if self._read >= self._newest_max and not self._has_skipped:
                    self._read = max(self._read, await self._end() - self._newest_max)
                    self._has_skipped = True
                page = await self._page(self._read, PAGE)
                for entry in _moved(page):
                    self._moved.setdefault(entry.payload, {})[entry.charge_id, entry.back] = entry
                    self._moved.move_to_end(entry.payload)
                while len(self._moved) > ORDERS_MAX:
                    self._moved.popitem(last=False)
                self._read += len(page)
                if len(page) < PAGE:
                    return
        raise MoreToRead("getStarTransactions: there is more to read")

    async def _page(self, offset: int, limit: int) -> list[Any]:
        try:
            answer = await self._bot.call("getStarTransactions", {"offset": offset, "limit": limit})
        except TelegramError as error:
            raise unavailable(error) from None
        page = answer.get("transactions") if isinstance(answer, dict) else None
        if not isinstance(page, list):
            raise Unavailable("getStarTransactions: the answer is not a list")
        return page

    async def _end(self) -> int:
        """About how many there are: some up to a page more. Asks twice for each doubling."""
        there, beyond = self._read, 2 * self._read
        while await self._page(beyond, 1):
            there, beyond = beyond, 2 * beyond
        while beyond - there > PAGE:
            middle = (there + beyond) // 2
            if await self._page(middle, 1):
                there = middle
            else:
                beyond = middle
        return there


def _moved(page: list[Any]) -> Iterator[_Moved]:
    """Payments of invoices and what went back of them; gifts and the like are passed over."""
    for raw in page:
        match raw:
            case {"id": str(charge_id), "amount": int(amount), "date": int(date), **rest} if (
                amount > 0 and 0 <= date <= TIME_MAX_SECONDS
            ):
                partner = rest.get("source") or rest.get("receiver")
                payload = partner.get("invoice_payload") if isinstance(partner, dict) else None
                if isinstance(payload, str):
                    yield _Moved(
                        charge_id=charge_id,
                        payload=payload,
                        amount=amount,
                        back=not rest.get("source"),
                        at=datetime.fromtimestamp(date, UTC),
                    )
