"""The tracker's half that deals with charges: reports are settled beside the mailbox (`till`),
what changed is published, and published again until its order has recorded it.
"""

from __future__ import annotations

from typing import Any

from actors.kernel.charges import Payment, Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import PaymentId
from actors.tracker import messages as tracker
from actors.tracker.ports import OrderBook, Payments
from actors.tracker.repeats import Repeats
from actors.tracker.settlement import Observation
from actors.tracker.till import Outcome, Queue, Till, why_refused
from runtime import Actor, message

REPEAT_SECONDS = 60.0
"""What an order has not recorded by then is published again."""
PAGE_MAX = 500
"""Charges whose news are published again at once."""
PAGE_SECONDS = 1.0
"""Between two such pages."""


@message
class Repeat:
    """Time to publish again what orders have not recorded, from behind `after`."""

    after: tuple[Rail, PaymentId] | None = None


@message
class Ended:
    """What came of a report, or why nothing did."""

    told: tracker.Observed
    outcome: Outcome | Exception


class Charges:
    """Works in the name of `actor`, which passes on to it what is its own."""

    def __init__(
        self, actor: Actor[Any], *, payments: Payments, orders: OrderBook, live: bool
    ) -> None:
        self._actor, self._payments = actor, payments
        self._till = Till(payments=payments, orders=orders, live=live, now=actor.now)
        self._queue = Queue()
        self._told: Repeats[tuple[Rail, PaymentId, int]] = Repeats(REPEAT_SECONDS)

    def observe(self, told: tracker.Observed) -> None:
        """Settle it when it is its turn."""
        if self._queue.add(told):
            self._settle(told)

    def _settle(self, told: tracker.Observed) -> None:
        self._actor.pipe(
            self._till.settle,
            told,
            then=lambda outcome: Ended(told=told, outcome=outcome),
            failed=lambda error: Ended(told=told, outcome=error),
        )

    def end(self, told: tracker.Observed, outcome: Outcome | Exception) -> None:
        """Publish what it changed, say that it is settled, and go on with the same charge.

        Raises `Unavailable` where that is the outcome: whoever told it tells it again.
        """
        if isinstance(outcome, Unavailable):
            raise outcome
        following = self._queue.next(told)
        if following is not None:
            self._settle(following)
        refused = self._heed(told, outcome)
        if told.notify is not None and told.event_id is not None:
            told.notify.tell(tracker.Settled(event_id=told.event_id, refused=refused))

    def _heed(self, told: tracker.Observed, outcome: Outcome | Exception) -> str:
        report = told.report
        log = self._actor.log.bind(
            rail=report.rail.value, payment_id=report.payment_id, event_id=told.event_id
        )
        if isinstance(outcome, Exception):
            # One report that we cannot settle must not stop all others: a person looks at it.
            log.error("tracker.report_broke", exc_info=outcome)
            return f"a fault of ours, see the log: {type(outcome).__name__}"
        refused = why_refused(outcome)
        if refused:
            log.warning("tracker.report_refused", reason=refused)
        elif isinstance(outcome, Observation) and outcome.news:
            self._publish(outcome.after)
        return refused

    async def repeat(self, told: Repeat) -> None:
        """Publish again what no order recorded in good time; and so on."""
        now = self._actor.monotonic()
        self._told.forget(now)
        page = await self._payments.unrecorded(limit=PAGE_MAX, after=told.after)
        for payment in page:
            if self._told.due(_news(payment), now):
                self._publish(payment)
        if len(page) < PAGE_MAX:
            self._actor.after(REPEAT_SECONDS, Repeat(), key=Repeat)
        else:
            behind = Repeat(after=(page[-1].rail, page[-1].payment_id))
            self._actor.after(PAGE_SECONDS, behind, key=Repeat)

    def _publish(self, payment: Payment) -> None:
        if payment.order_id is None or payment.chat_id is None:
            return  # unmatched: nobody waits for it
        self._told.published(_news(payment), self._actor.monotonic())
        self._actor.log.info(
            "tracker.charge_changed",
            rail=payment.rail.value,
            payment_id=payment.payment_id,
            order_id=payment.order_id,
            standing=payment.standing.value,
        )
        self._actor.publish(
            tracker.OrderPaymentChanged(
                order_id=payment.order_id, chat_id=payment.chat_id, payment=payment
            )
        )


def _news(payment: Payment) -> tuple[Rail, PaymentId, int]:
    return payment.rail, payment.payment_id, payment.news_version
