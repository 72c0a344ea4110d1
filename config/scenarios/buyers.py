"""People who buy: they write /buy, choose, pay at Stripe's page or by Stars, and want the goods.

A press or a page can get lost on the way, and then they do it again, minutes later; nobody
repeats a payment. What a buyer may do, as people do: think, tap twice, pay with a card that is
refused first, pay by a delayed method, cancel and pay nevertheless, change his mind.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import trio

from actors.kernel.charges import Rail, Standing
from actors.kernel.ids import ChatId
from actors.kernel.language import Language
from actors.payments import texts
from actors.payments.hearing import Verb, data
from actors.payments.orders import Order, State
from actors.payments.texts import Label, Refusal
from adapters.sandbox.stripe_checkout import CannotDo as CannotPay
from adapters.sandbox.telegram_payments import ANSWER_SECONDS
from adapters.sandbox.telegram_state import Message
from adapters.sandbox.telegram_user import CannotDo, TelegramUser
from config.scenarios.market import PRODUCT, Market
from config.scenarios.people import PATIENCE_SECONDS, PRESS_AGAIN_SECONDS

SHOP, RAILS, TO_PAY = "What would you like to buy", "How would you like to pay", "To pay:"
CANCELLED, GOODS = "The order is cancelled", "https://shop.example/atlas"
ON_ITS_WAY, PAID, LATE = "is on its way", "Paid", "arrived after the order had been closed"
AWAY = texts.refusal(Refusal.AWAY, Language.EN)
PAYS_AGAIN_SECONDS = 20.0
"""After this he presses Pay again, if the bot did not let him."""
FIRST_BUYER = 1_000
"""Their chats are others than those of the people who register."""
OVER = "The time to pay is over"
SEEN = (TO_PAY, OVER, CANCELLED, ON_ITS_WAY, PAID, LATE, GOODS)
"""What can follow on the choice of a rail; a panel that is older than its order tells less."""


class Regret(StrEnum):
    """What becomes of a payment afterwards."""

    NONE = "none"
    AT_ONCE = "at_once"
    """It is given back at once: who is faster, the goods or the money?"""
    REFUNDED = "refunded"
    """It is given back when he has had his goods."""
    DISPUTED = "disputed"
    """His bank takes it back then, and decides for him; Stripe only."""
    REINSTATED = "reinstated"
    """The same, and his bank decides for the shop."""


class Manner(StrEnum):
    """How somebody pays."""

    PROMPTLY = "promptly"
    REFUSED_FIRST = "refused_first"
    """His bank refuses the card, and then does not."""
    DELAYED = "delayed"
    """By a method whose money is on its way for a while; Stripe and NOWPayments only."""
    CANCELS_FIRST = "cancels_first"
    """He cancels, and pays nevertheless, where the provider lets him."""
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants, and what he is like; times in seconds."""

    rail: Rail
    manner: Manner = Manner.PROMPTLY
    comes_after: float = 0.0
    thinks_for: float = 0.0
    """At most, before he does anything."""
    takes_for: float = 0.0
    """How long a delayed method takes."""
    taps: int = 1
    """How often he taps where one tap would do."""
    regret: Regret = Regret.NONE


OUTCOMES = {
    Regret.NONE: (State.GRANTED, Standing.PAID),
    Regret.AT_ONCE: (State.REFUNDED, Standing.REFUNDED),
    Regret.REFUNDED: (State.REFUNDED, Standing.REFUNDED),
    Regret.DISPUTED: (State.DISPUTED, Standing.DISPUTED),
    Regret.REINSTATED: (State.GRANTED, Standing.REINSTATED),
}
"""Where the order and its charge stand at last."""
PAID_FOR = frozenset(state for state, _ in OUTCOMES.values()) | {
    State.PAID,
    State.LATE,
    State.HELD,
}
"""Where no order stands that nobody paid for."""


class Buyer:
    """One buyer, and what is known of him at the end."""

    def __init__(self, market: Market, number: int, wish: Wish) -> None:
        self._market = market
        self.temper = wish
        self._luck = random.Random(f"buyer {number}:{market.sim.seed}")  # noqa: S311 - repeatable
        self.name = f"Buyer {number}"
        self.user: TelegramUser = market.telegram.user(FIRST_BUYER + number, self.name)
        self.paid_at: float | None = None
        """When a provider took his money, in virtual seconds."""
        self.got_at: float | None = None
        """When he had what he paid for."""
        self.takes_goods = False
        """He has paid, and not taken his money back before he had anything."""
        self.under_way = True

    async def live(self) -> None:
        """From /buy to the goods, or for as long as he is interested."""
        await trio.sleep(self.temper.comes_after)
        await self._does(lambda: self.user.commands("/buy"), SHOP)
        await self._does(lambda: self._taps(data(Verb.ITEM, PRODUCT)), RAILS)
        await self._does(lambda: self._taps(data(Verb.RAIL, PRODUCT, self.temper.rail)), *SEEN)
        await self._until(TO_PAY, OVER)
        if self._find(TO_PAY) is None:
            self._market.sim.sometimes("the time to pay was over")
        elif self.temper.manner is not Manner.NEVER:
            await (self._pays_stars if self.temper.rail is Rail.STARS else self._pays_on_page)()
        if self.paid_at is not None:
            if self.takes_goods:
                await self._collects()
                self.got_at = trio.current_time()
            await self._regrets()
        self.under_way = False

    @property
    def orders(self) -> tuple[Order, ...]:
        """What is stored of his orders."""
        rows = self._market.tables.orders.values()
        return tuple(row.order for row in rows if row.order.chat_id == ChatId(self.user.id))

    def faults(self) -> list[str]:
        """What is wrong with the end of his story."""
        found = []
        if self.under_way:
            found.append(f"{self.name} is still under way and sees\n{self.user.screen()}")
        state, _ = OUTCOMES[self.temper.regret]
        paid = [order for order in self.orders if order.state in PAID_FOR]
        if [order.state for order in paid] != [state] * (self.paid_at is not None):
            found.append(f"{self.name} paid at {self.paid_at}, {self.temper}, has {self.orders}")
        given = self._find(GOODS) is not None
        if given < self.takes_goods or given > (self.paid_at is not None):
            found.append(f"{self.name} paid at {self.paid_at} and sees\n{self.user.screen()}")
        return found + [
            f"{self.name} does not see {order} but\n{self.user.screen()}"
            for order in self.orders
            if order.unshown
        ]

    async def _pays_on_page(self) -> None:
        provider = self._market.providers[self.temper.rail]
        page = provider.page(self._link())
        await self._think()
        try:
            match self.temper.manner:
                case Manner.REFUSED_FIRST:
                    self._market.stripe.sandbox.checkouts.decline(page)
                    self._market.sim.sometimes("a card was refused")
                    await self._think()
                    provider.pay(page)
                case Manner.DELAYED:
                    self._market.sim.sometimes("paid by a delayed method")
                    await self._pays_slowly(page)
                case Manner.CANCELS_FIRST:
                    await self._does(self._cancels, CANCELLED)
                    provider.pay(page)
                case _:
                    provider.pay(page)
        except CannotPay:
            self._market.sim.sometimes("came too late to pay")
        else:
            self._has_paid()

    async def _pays_slowly(self, page: str) -> None:
        market = self._market
        if self.temper.rail is Rail.NOWPAYMENTS:
            payment_id = market.nowpayments.begin(page)
            await trio.sleep(self.temper.takes_for)
            market.nowpayments.arrive(payment_id)
        else:
            market.stripe.sandbox.checkouts.pay_later(page)
            await trio.sleep(self.temper.takes_for)
            market.stripe.sandbox.checkouts.settle(page)

    async def _pays_stars(self) -> None:
        link = self._link()
        await self._think()
        if self.temper.manner is Manner.CANCELS_FIRST:
            self._cancels()  # and pays at the same time: who is faster?
        while self.paid_at is None:
            began = trio.current_time()
            try:
                await self.user.pays(link)
            except CannotDo:
                query = self.user.queries[-1]
                if query.ok is None:
                    self._unanswered(began)
                elif query.error != AWAY:
                    self._market.sim.sometimes("refused before paying")
                    return
                await trio.sleep(PAYS_AGAIN_SECONDS)
            else:
                self._has_paid()

    def _has_paid(self) -> None:
        self.paid_at = trio.current_time()
        self.takes_goods = self.temper.regret is not Regret.AT_ONCE
        self._market.paid()

    def _unanswered(self, began: float) -> None:
        if self._market.unhindered(since=began):
            self._market.wrong(f"{self.name} pressed Pay and waited {ANSWER_SECONDS} s in vain")
        self._market.sim.sometimes("pressed Pay in vain")

    async def _collects(self) -> None:
        """Wait for the goods; who paid late is asked whether he still wants them."""
        while not self._find(GOODS):
            await self._until(GOODS, LATE)
            if self._find(LATE):
                self._market.sim.sometimes("paid late")
                await self._does(lambda: self._presses(texts.label(Label.TAKE, Language.EN)), GOODS)

    async def _regrets(self) -> None:
        """The money goes back, and the bot comes to know of it."""
        regret, market = self.temper.regret, self._market
        if regret is Regret.NONE:
            return
        if self.takes_goods:
            await self._think()
        market.sim.sometimes(f"the money went back: {regret}")
        order_id = next(each.order_id for each in self.orders if market.taken(each.order_id))
        if regret in {Regret.DISPUTED, Regret.REINSTATED}:
            market.stripe.dispute(order_id)
            await self._think()
            market.stripe.decide(order_id, won=regret is Regret.REINSTATED)
        else:
            market.providers[self.temper.rail].refund(order_id)
        state, standing = OUTCOMES[regret]
        while not any(
            order.state is state and any(each.standing is standing for each in order.charges)
            for order in self.orders
        ):
            await market.moved.wait()

    def _cancels(self) -> None:
        self._market.sim.sometimes("cancelled")
        self._presses(texts.label(Label.CANCEL, Language.EN))

    def _taps(self, button: str) -> None:
        for _ in range(self.temper.taps):
            self._presses(button)

    def _presses(self, button: str) -> None:
        """If it is still there."""
        try:
            self.user.presses(button)
        except CannotDo:
            self._market.sim.sometimes("a button had gone")

    def _link(self) -> str:
        """Where the newest order is paid, as its button says."""
        pay = texts.label(Label.PAY, Language.EN)
        shown = self._find(TO_PAY)
        rows = [] if shown is None else shown.inline_keyboard
        return next(str(key["url"]) for row in rows for key in row if key["text"] == pay)

    async def _does(self, act: Callable[[], object], *until: str) -> None:
        """Do what leads to `until`, again when nothing has come of it for long."""
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                act()
                with trio.move_on_after(PRESS_AGAIN_SECONDS):
                    await self._until(*until)
                    break
                self._market.sim.sometimes("did it again")
        await self._think()

    async def _until(self, *texts_: str) -> None:
        while not any(self._find(text) for text in texts_):
            await self.user.chat.changed.wait()

    def _find(self, text: str) -> Message | None:
        return self.user.screen().find(text)

    async def _think(self) -> None:
        await trio.sleep(self._luck.random() * self.temper.thinks_for)
