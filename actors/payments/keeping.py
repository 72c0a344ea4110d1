"""Keeping the orders of one chat in step with the store, with their providers and with the chat.

The part of `actor.Purchases` that knows how an order is changed, whatever the reason: it is
moved (`life`), saved, and only then are others told: the provider, the dispatcher, whoever
subscribed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, timedelta, tzinfo

from actors.broadcast import messages as broadcast
from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, OrderId, UpdateId
from actors.kernel.ledger import Transfer
from actors.payments import life, panel
from actors.payments import messages as payments
from actors.payments.deeds import Deed
from actors.payments.drawer import Drawer
from actors.payments.orders import Order, State
from actors.payments.placing import offer_of, pause_seconds
from actors.payments.ports import Declined, Opened, Orders, Recording, Till
from actors.payments.rules import Effect, Event, Occurrence, Remark
from runtime import Actor, Recipient, message


@message
class Asked:
    """The provider has answered whether it collects the money, or has not."""

    order_id: OrderId
    outcome: Opened | Declined | Exception


@message
class Retell:
    """The tracker may have missed what Telegram told us, and was set aside."""


Own = Asked | Retell
"""What an actor of this kind tells itself."""


class OrderKeeper(Actor[payments.Command | Own]):
    """Changes the orders of one chat, and makes their panels follow."""

    def __init__(
        self,
        *,
        chat_id: ChatId,
        store: Orders,
        tills: Mapping[Rail, Till],
        dispatcher: Recipient[broadcast.Command],
        success_url: Callable[[Order], str],
        time_zone: tzinfo = UTC,
    ) -> None:
        super().__init__()
        self._store, self._tills, self._success_url = store, tills, success_url
        self._dispatcher, self._time_zone = dispatcher, time_zone
        self._orders = Drawer(store, chat_id)
        self._opening: set[OrderId] = set()
        self._letters: dict[OrderId, LetterId] = {}
        """The letter of each panel whose receipt is awaited; the next view waits for it."""

    async def on_start(self) -> None:
        await self._recover()

    async def _recover(self) -> None:
        """Take over what was saved, and tell again what may not have been heard."""
        for order in await self._orders.load():
            if order.state is State.OPENING and not order.attempts:
                self._follow(order, Effect.OPEN)
            elif order.state is State.PAID:
                self._follow(order, Effect.DELIVER)
            await self._tidy(order)
            self._show(self._orders.now(order))

    async def _look(self) -> None:
        now = self.now()
        for order in self._orders:
            times = (order.deadline, order.deliver_by)
            if any(time is not None and time <= now for time in times):
                await self._occur(order, Occurrence(event=Event.TIMED_OUT))
            seen = self._orders.now(order)
            if seen.show_by is not None and seen.show_by <= now:
                # No receipt for too long. The dispatcher knows a letter by its name, so
                # telling it again costs nobody a second message.
                self._letters.pop(seen.order_id, None)
                await self._keep(seen, panel.patient(seen, now=now))

    async def _occur(
        self, order: Order, heard: Occurrence, *, handled: UpdateId | None = None
    ) -> Remark | None:
        """Move the order; what the bubble of a button says."""
        step = await self._move(order, order, heard, handled=handled)
        return None if step is None else step.bubble

    async def _move(
        self,
        before: Order,
        known: Order,
        heard: Occurrence,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        deed: Deed | None = None,
    ) -> life.Step | None:
        """Save what `heard` makes of the order, then do what follows; None when it had changed."""
        now = self.now()
        step = life.step(known, heard, now=now, before=before)
        after = panel.raised(before, step.order, now=now)
        if not await self._keep(
            *(before, after),
            handled=handled,
            recorded=recorded,
            transfers=step.transfers,
            deed=deed,
        ):
            return None
        self._follow(self._orders.now(before), step.effect)
        return step

    async def _keep(
        self,
        before: Order,
        after: Order,
        *,
        handled: UpdateId | None = None,
        recorded: Recording | None = None,
        transfers: tuple[Transfer, ...] = (),
        deed: Deed | None = None,
    ) -> bool:
        """Save, if there is anything to save, and show it. False when the order, or the update,
        was not what it was taken for: then everything has been read again.
        """
        if after == before and recorded is None:
            if handled is not None:
                await self._store.finish(handled)
            return True
        saved = await self._orders.save(
            before, after, handled=handled, recorded=recorded, transfers=transfers, deed=deed
        )
        if not saved:
            await self._recover()
            return False
        due_at, was = after.due_at, before.due_at if before.version else None
        if due_at is not None and (was is None or due_at < was):
            self.publish(payments.DueBy(at=due_at))
        self._moved(before, after)
        await self._tidy(self._orders.now(after))
        self._show(self._orders.now(after))
        return True

    def _follow(self, order: Order, effect: Effect | None) -> None:
        match effect:
            case Effect.OPEN:
                self._open(order)
            case Effect.DELIVER:
                self._dispatcher.tell(panel.goods(order, self.actor_ref, self._time_zone))
            case None:
                pass

    def _open(self, order: Order) -> None:
        """Ask for the checkout beside the mailbox; asked again, it is the same one."""
        if order.order_id in self._opening:
            return
        self._opening.add(order.order_id)
        order_id, till = order.order_id, self._tills.get(order.rail)
        if till is None:
            declined = Declined(detail=f"the rail {order.rail} is not configured any more")
            self.actor_ref.tell(Asked(order_id=order_id, outcome=declined))
            return
        self.pipe(
            till.checkout.open,
            offer_of(order, self._success_url(order)),
            then=lambda outcome: Asked(order_id=order_id, outcome=outcome),
            failed=lambda error: Asked(order_id=order_id, outcome=error),
        )

    async def _asked(self, told: Asked) -> None:
        self._opening.discard(told.order_id)
        order = await self._orders.find(told.order_id)
        if order is None:
            return
        self._answered(order, told.outcome)
        match told.outcome:
            case Opened(checkout_id=checkout_id, url=url):
                heard = Occurrence(event=Event.OPENED, checkout_id=checkout_id, url=url)
            case Declined(detail=detail):
                self.log.error("checkout.declined", order_id=order.order_id, detail=detail)
                heard = Occurrence(event=Event.DECLINED)
            case Unavailable() as error:
                pause = pause_seconds(
                    order.attempts,
                    jitter=self.world.random.random(),
                    asked=error.retry_after_seconds,
                )
                self.log.warning("checkout.postponed", detail=str(error), seconds=pause)
                retry_at = self.now() + timedelta(seconds=pause)
                heard = Occurrence(event=Event.POSTPONED, retry_at=retry_at)
            case Exception() as error:
                raise error
        await self._occur(order, heard)

    def _answered(self, order: Order, outcome: Opened | Declined | Exception) -> None:
        """Whoever watches the rails hears what the provider said, if he said anything."""
        if isinstance(outcome, Exception):
            return
        declined = outcome if isinstance(outcome, Declined) else None
        self.publish(
            payments.RailAnswered(
                rail=order.rail,
                product_id=order.product_id,
                detail=declined.detail if declined else "",
                key_refused=declined is not None and declined.key_refused,
            )
        )

    async def _shown(self, receipt: broadcast.Delivered) -> None:
        shown = panel.parts(receipt.letter_id)
        order = None if shown is None else await self._orders.find(shown.order_id)
        if shown is None or order is None:
            return
        if shown.version is None:
            await self._occur(order, Occurrence(event=Event.DELIVERED))
            return
        self._heard_back(order, receipt)
        after = panel.delivered(order, shown, receipt.message_id, now=self.now())
        await self._keep(order, after)

    async def _not_shown(self, receipt: broadcast.Undelivered) -> None:
        failed = panel.parts(receipt.letter_id)
        order = None if failed is None else await self._orders.find(failed.order_id)
        if failed is None or order is None:
            return
        self.log.warning("order.undelivered", reason=receipt.reason, detail=receipt.detail)
        after = panel.undelivered(order, failed, receipt, now=self.now())
        if not panel.is_hopeless(after, failed):
            self._heard_back(order, receipt)
        await self._keep(order, after)

    def _nudge(self) -> None:
        """Whoever is there again gets at once what he could not be brought."""
        for order in self._orders:
            if panel.waits_long(order.show_by, now=self.now()):
                self._letters.pop(order.order_id, None)
                self._show(order)
            if panel.waits_long(order.deliver_by, now=self.now()):
                self._follow(order, Effect.DELIVER)

    def _moved(self, before: Order, after: Order) -> None:
        if after.state is before.state and before.version:
            return
        self.log.info("order.moved", order_id=after.order_id, was=before.state, to=after.state)
        self.publish(
            payments.OrderMoved(
                order_id=after.order_id,
                chat_id=after.chat_id,
                rail=after.rail,
                was=before.state if before.version else "",
                state=after.state,
            )
        )

    async def _tidy(self, order: Order) -> None:
        """Erase a panel that is in the way, and then forget it."""
        if order.stray_message_id is not None:
            self._dispatcher.tell(
                broadcast.Erase(chat_id=order.chat_id, message_id=order.stray_message_id)
            )
            await self._keep(order, replace(order, stray_message_id=None))

    def _show(self, order: Order) -> None:
        """Tell the newest view, unless the user sees it or another letter of the panel is out."""
        if order.unshown and order.order_id not in self._letters:
            letter = panel.letter(order, self.actor_ref, self._time_zone)
            self._letters[order.order_id] = letter.letter_id
            self._dispatcher.tell(letter)

    def _heard_back(self, order: Order, receipt: broadcast.Receipt) -> None:
        if self._letters.get(order.order_id) == receipt.letter_id:
            del self._letters[order.order_id]
