"""The second chapter: three purchases, one webhook that comes twice and one that nobody awaits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import trio

from actors.ingress.model import Chosen, EventState, SourceName, Summary
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, ProductId
from actors.kernel.language import Language
from actors.kernel.ledger import SALES, TrialBalance, customer
from actors.payments.orders import Order, State
from actors.payments.texts import rail as name_of
from adapters.sandbox.telegram_user import TelegramUser
from config.story_stage import STEP_SECONDS, Stage, StepFailed
from config.story_world import PRODUCT
from runtime import State as ActorState

EVENTS_MAX = 500
"""More than a story makes."""
KILLS = 4
"""In a row. The worker is back after 0.2 s, doubled for each; five in a minute are its budget."""
QUIET_SECONDS = 0.5
"""Many times longer than an event takes from the door to the buyer's screen."""
NOTICE = "Payment received: "
PAID = "payment_intent.succeeded"


class _Seen(NamedTuple):
    """Whatever a second delivery of a webhook might have changed."""

    events: tuple[Summary, ...]
    books: TrialBalance
    sold: tuple[object, ...]
    screen: str


@dataclass(slots=True)
class Purchases:
    """What people buy; the first is `registered`, whose name and number administrators are told."""

    stage: Stage
    registered: TelegramUser
    _orders: list[Order] = field(default_factory=list)
    """Granted, oldest first."""

    async def tell(self) -> None:
        """The whole chapter. Raises `StepFailed`."""
        await self._by_stars()
        buyer = await self._at_stripe()
        await self._delivered_again(buyer)
        await self._while_the_worker_is_down()
        await self._administrators_are_told()
        await self._books_balance()

    # Buying

    async def _by_stars(self) -> None:
        buyer = self.registered
        async with self.stage.step("he buys something, and pays with Stars") as step:
            link = await self._link(buyer, Rail.STARS)
            began = trio.current_time()
            await buyer.pays(link)
            answered_ms = (trio.current_time() - began) * 1000
            order = await self._granted(buyer)
            step.said = (
                f"asked whether he may pay {order.price}, the shop said yes in {answered_ms:.0f} "
                "ms; the receipt and the goods are there, the sale is booked"
            )

    async def _at_stripe(self) -> TelegramUser:
        async with self.stage.step("another buyer pays at Stripe") as step:
            buyer = await self.stage.newcomer("Grace")
            link = await self._link(buyer, Rail.STRIPE)
            sent = await self._pays_at_stripe(link)
            order = await self._granted(buyer)
            step.said = (
                f"{order.price}, told by {sent} signed webhooks, each stored before it was "
                "answered; one sale, one receipt"
            )
            return buyer

    async def _delivered_again(self, buyer: TelegramUser) -> None:
        async with self.stage.step("Stripe delivers that webhook again") as step:
            await self.stage.until(self._all_processed)
            before = await self._seen(buyer)
            paid = next(event for event in before.events if event.kind == PAID)
            self.stage.world.stripe.deliveries.resend(paid.key)
            await self._answered(1)
            await trio.sleep(QUIET_SECONDS)
            if await self._seen(buyer) != before:
                raise StepFailed("the second delivery has changed something")
            step.said = "it is answered like the first, and nothing changes: no event, no booking"

    async def _while_the_worker_is_down(self) -> None:
        worker = self.stage.shop.system.ref("root/webhooks/processor")
        async with self.stage.step("the worker is killed, and webhooks arrive") as step:
            buyer = await self.stage.newcomer("Charles")
            link = await self._link(buyer, Rail.STRIPE)
            await self.stage.until(self._all_processed)
            for _ in range(KILLS):
                worker.kill(RuntimeError("pulled the plug for the demo"))
            sent = await self._pays_at_stripe(link)
            waiting = await self._events(EventState.PENDING)
            if worker.state is ActorState.RUNNING:
                raise StepFailed("the worker was back before the webhooks were answered")
            if len(waiting) != sent:
                raise StepFailed(f"{len(waiting)} events wait, of {sent} that were acknowledged")
            acknowledged = trio.current_time()
            await self.stage.until(self._all_processed)
            later_seconds = trio.current_time() - acknowledged
            await self._granted(buyer)
            step.said = (
                f"{sent} are stored and acknowledged while nobody works on them; "
                f"{later_seconds:.1f} s later a fresh worker has, and the goods come"
            )

    # What others see of it

    async def _administrators_are_told(self) -> None:
        async with self.stage.step("administrators are told of each payment once") as step:

            async def all_told() -> bool:
                return all(map(self._notices, self._orders))

            await self.stage.until(all_told)
            for order in self._orders:
                told = self._notices(order)
                if len(told) != 1 or f"{NOTICE}{order.price}" not in told[0]:
                    raise StepFailed(f"told of order {order.order_id}: {told}")
            first = self._notices(self._orders[0])[0].splitlines()
            name = next(line for line in first if line.startswith("Name: "))
            step.said = f"{len(self._orders)} notices in their group; the first says {name}"

    async def _books_balance(self) -> None:
        store = self.stage.shop.store
        async with self.stage.step("the ledger balances") as step:
            trial = await store.books.trial_balance(thorough=True)
            unmatched = await store.books.unmatched(limit=1)
            counts = await store.orders.counts()
            if trial.imbalance or trial.drift or unmatched:
                raise StepFailed(f"{trial}, {unmatched}")
            buyers = {customer(order.chat_id) for order in self._orders}
            owed = [entry for entry in trial.balances if entry.account in buyers]
            if owed:
                raise StepFailed(f"paid, and not booked as sold: {owed}")
            sold = [str(-entry.amount) for entry in trial.balances if entry.account == SALES]
            step.said = (
                f"sold {' and '.join(sold)}, by {trial.transfers} transfers that are off by 0; "
                f"paid without an order: 0; paid and not delivered: {counts.ungranted}"
            )

    # Small steps

    async def _link(self, buyer: TelegramUser, rail: Rail) -> str:
        """He orders, and sees where to pay."""
        shop = self.stage.shop
        product = shop.catalogue.find(ProductId(PRODUCT))
        if product is None or (price := shop.catalogue.offers(product).get(rail)) is None:
            raise StepFailed(f"{PRODUCT} is not sold on {rail}")
        buyer.commands("/buy")
        await buyer.sees("What would you like to buy?", within=STEP_SECONDS)
        buyer.presses(product.title.in_language(Language.EN))
        await buyer.sees("How would you like to pay?", within=STEP_SECONDS)
        buyer.presses(f"{price}, {name_of(rail, Language.EN)}")
        panel = await buyer.sees("Please pay by", within=STEP_SECONDS)
        links = [key["url"] for row in panel.inline_keyboard for key in row if "url" in key]
        if len(links) != 1:
            raise StepFailed(f"the panel has {len(links)} links")
        return str(links[0])

    async def _granted(self, buyer: TelegramUser) -> Order:
        """He has the goods and the receipt, his panel says so, and his order is granted."""
        orders = self.stage.shop.store.orders
        await buyer.sees("Receipt", within=STEP_SECONDS)
        await buyer.sees("Paid and delivered", within=STEP_SECONDS)
        [order] = await orders.recent(ChatId(buyer.id), limit=2)
        receipts = [each.text for each in buyer.screen().shown if "Receipt" in each.text]
        if order.state is not State.GRANTED or order.sold != order.price:
            raise StepFailed(f"the order is {order.state}, sold for {order.sold}")
        if len(receipts) != 1 or order.goods not in receipts[0]:
            raise StepFailed(f"{len(receipts)} receipts")
        self._orders.append(order)
        return order

    async def _pays_at_stripe(self, link: str) -> int:
        """The card is charged, and the shop acknowledges what Stripe tells of it: how much."""
        stripe = self.stage.world.stripe
        before = len(stripe.deliveries.sendings)
        stripe.checkouts.pay(link.rpartition("/")[2])
        sent = len(stripe.deliveries.sendings) - before
        await self._answered(sent)
        return sent

    async def _answered(self, count: int) -> None:
        """The newest `count` webhooks were acknowledged, each at its first attempt."""
        sent = self.stage.world.stripe.deliveries.sendings[-count:]

        async def all_attempted() -> bool:
            return all(sending.attempts for sending in sent)

        await self.stage.until(all_attempted)
        answers = [attempt.status for sending in sent for attempt in sending.attempts]
        if answers != [200] * count:
            raise StepFailed(f"Stripe was answered {answers}")

    async def _events(self, state: EventState | None = None) -> tuple[Summary, ...]:
        """What Stripe has delivered."""
        chosen = Chosen(source=SourceName.STRIPE, state=state)
        return await self.stage.shop.store.events.listing(chosen, limit=EVENTS_MAX)

    async def _all_processed(self) -> bool:
        return not await self._events(EventState.PENDING)

    async def _seen(self, buyer: TelegramUser) -> _Seen:
        store = self.stage.shop.store
        [order] = await store.orders.recent(ChatId(buyer.id), limit=1)
        books = await store.books.trial_balance(thorough=False)
        sold = (order.state, order.sold, order.charges)
        return _Seen(await self._events(), books, sold, str(buyer.screen()))

    def _notices(self, order: Order) -> list[str]:
        """Of its payment, as administrators see them."""
        shown = [each.text for each in self.stage.world.office().shown if NOTICE in each.text]
        return [text for text in shown if order.order_id in text]
