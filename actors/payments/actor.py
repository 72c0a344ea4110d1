"""One chat's purchases: from choosing a product to holding it, one message for each order.

Receives  payments.Command: what the user does, Telegram's payments, receipts, Due, what operators
          decide (asked), tracker.OrderPaymentChanged
Tells     broadcast.Say, Edit, Erase, AnswerCallback; tracker.Observed; publishes OrderMoved,
          DueBy and operations.Reported
Owns      the chat's orders, through ports.Orders; their checkouts, through ports.Checkout
Restarts  safely: everything is saved before anybody is told, and on_start tells again what
          nobody confirmed: a checkout to open, a view, what was bought

An order is stored before its checkout is asked for, and asked for under its own id, so that a
double tap or a crash makes no second one. Nothing is handed over but for a payment that the
tracker knows and that fits the order (`life`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.charges import PaymentReport, Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, OrderId, UpdateId
from actors.kernel.language import Language, language_of
from actors.operations import messages as operations
from actors.payments import counter, hearing, life, panel
from actors.payments import messages as payments
from actors.payments.catalogue import Catalogue
from actors.payments.deeds import Deed, What, is_going_back
from actors.payments.desk import Desk
from actors.payments.hearing import Verb
from actors.payments.keeping import Asked, OrderKeeper, Own, Retell
from actors.payments.orders import Order
from actors.payments.placing import placed
from actors.payments.ports import Orders, Recording, Refunds, Till
from actors.payments.rules import Effect, Event, Occurrence, Remark
from actors.payments.telegram import report_of
from actors.payments.views import View
from actors.sessions import messages as sessions
from actors.tracker import messages as tracker
from runtime import Recipient

RETELL_SECONDS = 30.0
"""A payment of Telegram's is told to the tracker again until it is known to be kept."""
TELLINGS_MAX = 40
"""After so many the books have refused it: it contradicts what is known of the charge, and a person
has to look. For an order that is not there two are enough: none will ever record it."""
COMPONENT = "telegram_payments"
ATTEMPTS_MAX = 3
"""So often a change is made anew when its order changed meanwhile."""

Decided = payments.Done | payments.Refused
_DECISIONS = {
    payments.Accept: (Event.ACCEPT, What.ACCEPT),
    payments.Dismiss: (Event.DISMISS, What.DISMISS),
}


class Purchases(OrderKeeper):
    def __init__(
        self,
        *,
        chat_id: ChatId,
        store: Orders,
        refunds: Refunds,
        catalogue: Catalogue,
        tills: Mapping[Rail, Till],
        dispatcher: Recipient[broadcast.Command],
        tracker: Recipient[tracker.Command],
        success_url: Callable[[Order], str],
        live: bool,
        admin_chat_id: ChatId | None,
        admin_language: Language = Language.EN,
        time_zone: tzinfo = UTC,
    ) -> None:
        super().__init__(
            chat_id=chat_id,
            store=store,
            tills=tills,
            dispatcher=dispatcher,
            success_url=success_url,
            time_zone=time_zone,
        )
        self._chat_id, self._catalogue, self._live = chat_id, catalogue, live
        self._tracker, self._refunds = tracker, refunds
        self._desk = Desk(
            chat_id=chat_id,
            catalogue=catalogue,
            dispatcher=dispatcher,
            admin_chat_id=admin_chat_id,
            admin_language=admin_language,
        )
        self._told: Counter[UpdateId] = Counter()
        """How often the tracker was told what each of these updates tells of a payment."""

    async def on_receive(self, message: payments.Command | Own) -> Decided | None:
        match message:
            case sessions.CommandReceived():
                await self._command(message)
            case sessions.ButtonPressed():
                await self._press(message)
            case payments.PaymentReceived() | payments.PaymentRefunded():
                await self._report(message)
            case payments.Due():
                await self._look()
            case payments.Accept() | payments.Dismiss():
                return await self._decide(message)
            case broadcast.Delivered():
                await self._shown(message)
            case broadcast.Undelivered():
                await self._not_shown(message)
            case tracker.OrderPaymentChanged():
                await self._payment(message)
            case Asked():
                await self._asked(message)
            case Retell():
                self.unstash()
            case _:
                assert_never(message)
        return None

    async def _command(self, told: sessions.CommandReceived) -> None:
        language = await self._language(told.profile)
        match told.name:
            case "orders":
                view = counter.orders(await self._recent(), language)
            case "paysupport":
                view = counter.support(await self._recent(), language)
            case _:
                view = self._desk.shop(language)
        self._desk.say(told.update_id, view)
        await self._store.finish(told.update_id)
        self._nudge()

    async def _press(self, told: sessions.ButtonPressed) -> None:
        language = await self._language(told.profile)
        bubble: Remark | None = None
        match hearing.pressed(told.data):
            case hearing.ShopAsked(anew=anew):
                await self._page(told, self._desk.shop(language), anew=anew)
            case hearing.ItemAsked(product_id=product_id):
                await self._page(told, self._desk.item(product_id, language))
            case hearing.RailChosen() as chosen:
                bubble = await self._choose(told, chosen, language)
            case hearing.OrderPressed() as about:
                bubble = await self._act(told, about, language)
            case None:
                bubble = Remark.STALE
                await self._store.finish(told.update_id)
        self._desk.answer(told.callback_id, bubble, language)
        self._nudge()

    async def _page(self, told: sessions.ButtonPressed, view: View, *, anew: bool = False) -> None:
        """Turn the message under the button into another page, unless an order has it now."""
        place = told.message_id
        if anew or place is None:
            self._desk.say(told.update_id, view)
        elif all(order.panel_message_id != place for order in self._orders):
            self._desk.turn(told.update_id, place, view)
        await self._store.finish(told.update_id)

    async def _choose(
        self, told: sessions.ButtonPressed, chosen: hearing.RailChosen, language: Language
    ) -> Remark | None:
        """Order it; whoever has the same order alive gets that one."""
        product, till = self._catalogue.find(chosen.product_id), self._tills.get(chosen.rail)
        price = None if product is None else self._catalogue.offers(product).get(chosen.rail)
        if product is None or till is None or price is None:
            await self._page(told, self._desk.shop(language))
            return Remark.STALE
        twin = self._orders.twin(chosen)
        if twin is not None:
            await self._show_again(twin, told)
            return None
        order = placed(
            product,
            till,
            price,
            order_id=OrderId(self.world.uuid().hex),
            chat_id=self._chat_id,
            language=language,
            live=self._live,
            now=self.now(),
        )
        order = replace(order, panel_message_id=told.message_id)
        after = panel.raised(order, order, now=self.now())
        if await self._keep(order, after, handled=told.update_id):
            self._follow(order, Effect.OPEN)
        return None

    async def _act(
        self, told: sessions.ButtonPressed, about: hearing.OrderPressed, language: Language
    ) -> Remark | None:
        order = await self._orders.find(about.order_id)
        if order is None:
            await self._store.finish(told.update_id)
            return Remark.STALE
        match about.verb:
            case Verb.CANCEL:
                heard = Occurrence(event=Event.CANCEL)
                return await self._occur(order, heard, handled=told.update_id)
            case Verb.TAKE if await self._is_going_back(order):
                await self._store.finish(told.update_id)
                return Remark.STALE
            case Verb.TAKE:
                sold = self._catalogue.still_sells(order.product_id, order.rail, order.price)
                heard = Occurrence(event=Event.TAKE, still_sold=sold)
                return await self._occur(order, heard, handled=told.update_id)
            case Verb.HELP:
                self._desk.help(order, told, language)
                await self._store.finish(told.update_id)
                return None
            case _:
                await self._show_again(order, told)
                return None

    async def _show_again(self, order: Order, told: sessions.ButtonPressed) -> None:
        """At the bottom of the chat, unless its panel is where the button was pressed."""
        anew = order.panel_message_id is None or told.message_id != order.panel_message_id
        after = panel.again(order, now=self.now(), anew=True) if anew else order
        await self._keep(order, after, handled=told.update_id)

    async def _report(self, told: payments.PaymentReceived | payments.PaymentRefunded) -> None:
        """Tell the tracker, until the order has recorded it: then the update is handled. Set
        aside meanwhile, the message outlives whatever befalls this incarnation.
        """
        report = report_of(told, live=self._live)
        order = None if report.order_id is None else await self._orders.find(report.order_id)
        if order is not None and _has_recorded(order, report):
            await self._store.finish(told.update_id)
            return
        self._tracker.tell(tracker.Observed(report=report))
        self._told[told.update_id] += 1
        enough = self._told[told.update_id] >= (2 if order is None else TELLINGS_MAX)
        if enough and await self._give_up(order, report, told.update_id):
            del self._told[told.update_id]
            return
        self.stash()
        self.after(RETELL_SECONDS, Retell(), key=Retell)

    async def _give_up(
        self, order: Order | None, report: PaymentReport, update_id: UpdateId
    ) -> bool:
        """No order will record it. One that is there goes to a person; where its state cannot say
        so, this process warns until it ends. False when the order changed meanwhile.
        """
        self.log.error("payment.unmatched", payment_id=report.payment_id, rail=report.rail)
        if order is None:
            await self._store.finish(update_id)
            return True
        step = await self._move(order, order, Occurrence(event=Event.STRANGE), handled=update_id)
        if step is not None and step.order.concern is None:
            why = f"the books refuse what Telegram tells of order {order.order_id}: see the log"
            self.publish(operations.Reported(component=COMPONENT, status="warn", output=why))
        return step is not None

    async def _payment(self, told: tracker.OrderPaymentChanged) -> None:
        payment = told.payment
        for _ in range(ATTEMPTS_MAX):
            order = await self._orders.find(told.order_id)
            if order is None:
                self.log.error("order.missing", order_id=told.order_id)
                return
            heard, event = life.heard_of(order, payment)
            recording = Recording(payment.rail, payment.payment_id, payment.version)
            if await self._move(order, heard, Occurrence(event=event), recorded=recording):
                self.unstash()  # the update that told of it is handled now
                return
        raise Unavailable(f"order {told.order_id} changes faster than it can be read")

    async def _decide(self, told: payments.Decision) -> Decided:
        event, what = _DECISIONS[type(told)]
        deed = Deed(
            deed_id=self.world.uuid(),
            order_id=told.order_id,
            what=what,
            who=told.who,
            why=told.why,
            at=self.now(),
        )
        for _ in range(ATTEMPTS_MAX):
            order = await self._orders.find(told.order_id)
            if order is None:
                return payments.Refused(why="there is no such order", missing=True)
            why = life.objection(order, event)
            if not why and event is Event.ACCEPT and await self._is_going_back(order):
                why = "money of this order is on its way back: wait until it has arrived"
            if why:
                before = {deed.what for deed in await self._store.deeds(order.order_id)}
                if what in before and life.has_come_of(order, event):
                    return payments.Done(state=order.state)
                return payments.Refused(why=why)
            step = await self._move(order, order, Occurrence(event=event), deed=deed)
            if step is not None:
                self.log.info("order.decided", what=what, order_id=told.order_id, who=told.who)
                return payments.Done(state=step.order.state)
        raise Unavailable(f"order {told.order_id} changes faster than it can be read")

    async def _is_going_back(self, order: Order) -> bool:
        """An operator gives its money back: it buys nothing any more, whoever asks for it."""
        return is_going_back(order, await self._refunds.of_order(order.order_id))

    async def _recent(self) -> tuple[Order, ...]:
        return await self._store.recent(self._chat_id, limit=counter.ORDERS_SHOWN)

    async def _language(self, profile: sessions.Profile) -> Language:
        """What the user chose in the chat's session comes before what Telegram says of him."""
        chosen = await self._store.language(self._chat_id)
        return chosen or language_of(profile.language_code)


def _has_recorded(order: Order, report: PaymentReport) -> bool:
    """The order knows at least as much of the charge as Telegram tells."""
    return any(
        charge.payment_id == report.payment_id and charge.standing.rank >= report.standing.rank
        for charge in order.charges
    )
