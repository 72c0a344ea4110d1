"""RefundClerk: gives money back when an operator says so.

Receives  asked: payments.GiveBack; its own answers
Tells     tracker.Observed, what the provider says of the charge afterwards; publishes
          operations.Reported
Owns      which refunds are wanted and what became of them (ports.Refunds)
Restarts  safely: whatever is pending is asked for again, under the key it had

A refund is kept before its provider is asked, and counted before it is asked each time. Whoever
asks looks at the charge first: it may have gone back, after an answer that got lost, or by hand;
where a part of it has, a person says how it goes on. While the provider remembers the key it is
asked under the same one; after that nobody asks, and a person has to look. A refund that the
provider has, and has not decided (`UnderWay`), is read by its own id until he has. What is booked,
and what the buyer is told, follows from the provider's own report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from actors.kernel.charges import PaymentReport, Rail
from actors.kernel.failures import Unavailable
from actors.kernel.wording import several
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.payments.deeds import Deed, Impossible, Refund, RefundState, What, refund_of
from actors.payments.placing import pause_seconds
from actors.payments.ports import Declined, GivenBack, Orders, Refunds, Till, UnderWay
from actors.tracker import messages as tracker
from runtime import Actor, Recipient, message

COMPONENT = "refunds"

KEY_SECONDS = 20 * 3_600.0
"""So long the same key is used: YooKassa and Stripe remember it for 24 h."""
AGAIN_SECONDS = 60.0
"""A provider that did not answer, or whose answer got lost, is asked again after this and a pause
that doubles each time (`placing.pause_seconds`)."""
COUNT_SECONDS = 3_600.0
"""So often it is counted how many refunds a person has to look at."""
PAGE_MAX = 20


@dataclass(frozen=True, slots=True)
class Unclear:
    """Nobody was asked: part of the money went back in another way, `why` in one sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a refund, and how the charges that were read stand now."""

    verdict: GivenBack | Declined | UnderWay | Unclear
    reports: tuple[PaymentReport, ...] = ()


@message
class _Look:
    """Refunds may be due."""


@message
class _Count:
    """Time to say how many refunds wait for a person."""


@message
class _Asked:
    """What the provider says to a refund."""

    refund: Refund
    outcome: Outcome | Exception


class RefundClerk(Actor[payments.GiveBack | _Look | _Count | _Asked]):
    """See the four headings above."""

    def __init__(
        self,
        *,
        orders: Orders,
        refunds: Refunds,
        tills: Mapping[Rail, Till],
        tracker: Recipient[tracker.Command],
    ) -> None:
        super().__init__()
        self._orders, self._refunds, self._tills = orders, refunds, tills
        self._tracker = tracker
        self._out: set[str] = set()
        """Keys of the refunds whose provider is being asked."""

    async def on_start(self) -> None:
        await self._report()
        self.actor_ref.tell(_Look())

    async def on_receive(
        self, message: payments.GiveBack | _Look | _Count | _Asked
    ) -> payments.Done | payments.Refused | None:
        match message:
            case payments.GiveBack():
                return await self._want(message)
            case _Look():
                await self._look()
            case _Count():
                await self._report()
            case _Asked():
                await self._asked(message)
            case _:
                assert_never(message)
        return None

    async def _want(self, told: payments.GiveBack) -> payments.Done | payments.Refused:
        order = await self._orders.load(told.order_id)
        if order is None:
            return payments.Refused(why="there is no such order", missing=True)
        till = self._tills.get(order.rail)
        if till is None or till.refunding is None:
            return payments.Refused(why=f"money that came by {order.rail} goes back by hand only")
        known = await self._refunds.of_order(order.order_id)
        refund = refund_of(
            order, known, payment_id=told.payment_id, total=told.total, now=self.now()
        )
        if isinstance(refund, Impossible):
            return payments.Refused(why=refund.why)
        if refund not in known:
            deed = Deed(
                deed_id=self.world.uuid(),
                order_id=order.order_id,
                what=What.REFUND,
                who=told.who,
                why=f"{refund.amount} of {refund.payment_id}: {told.why}",
                at=self.now(),
            )
            if not await self._refunds.want(refund, deed):
                return payments.Refused(why="another refund of this charge is open")
            self.log.info("refund.wanted", order_id=order.order_id, who=told.who)
            self.actor_ref.tell(_Look())
        return payments.Done(state=refund.state)

    async def _look(self) -> None:
        for refund in await self._refunds.pending(limit=PAGE_MAX):
            if refund.key in self._out:
                continue
            wait = (refund.due_at - self.now()).total_seconds()
            if wait > 0:  # so it is for all behind it
                self.after(wait, _Look(), key=_Look)
                return
            await self._ask(refund)

    async def _ask(self, refund: Refund) -> None:
        order, till = await self._orders.load(refund.order_id), self._tills.get(refund.rail)
        if order is None or till is None or till.refunding is None:
            state = RefundState.UNKNOWN if refund.asked else RefundState.DECLINED
            await self._end(refund, state, "its rail is not configured any more")
            return
        now = self.now()
        forgotten = now - refund.wanted_at > timedelta(seconds=KEY_SECONDS)
        if refund.asked and not refund.refund_id and forgotten:
            await self._end(refund, RefundState.UNKNOWN, "its provider has not answered in time")
            return
        pause = pause_seconds(refund.asked, jitter=self.world.random.random(), asked=None)
        again_at = now + timedelta(seconds=AGAIN_SECONDS + pause)
        await self._refunds.asking(refund, again_at=again_at)
        self._out.add(refund.key)
        self.pipe(
            give_back,
            till,
            refund,
            order.checkout_id,
            then=lambda outcome: _Asked(refund=refund, outcome=outcome),
            failed=lambda error: _Asked(refund=refund, outcome=error),
        )

    async def _asked(self, told: _Asked) -> None:
        self._out.discard(told.refund.key)
        match told.outcome:
            case Outcome() as outcome:
                await self._follow(told.refund, outcome.verdict)
                for report in outcome.reports:
                    self._tracker.tell(tracker.Observed(report=report))
            case Unavailable() as error:
                self.log.warning("refund.postponed", detail=str(error))
            case Exception() as error:
                raise error
        self.actor_ref.tell(_Look())

    async def _follow(
        self, refund: Refund, verdict: GivenBack | Declined | UnderWay | Unclear
    ) -> None:
        match verdict:
            case GivenBack():
                await self._end(refund, RefundState.DONE, "")
            case Declined(detail=detail):
                await self._end(refund, RefundState.DECLINED, detail)
            case Unclear(why=why):
                await self._end(refund, RefundState.UNKNOWN, why)
            case UnderWay(refund_id=refund_id):
                await self._refunds.under_way(refund, refund_id)
            case _:
                assert_never(verdict)

    async def _end(self, refund: Refund, state: RefundState, detail: str) -> None:
        log = self.log.info if state is RefundState.DONE else self.log.error
        log("refund.ended", order_id=refund.order_id, state=state, detail=detail)
        await self._refunds.end(refund, state, detail=detail)
        await self._report()

    async def _report(self) -> None:
        unknown = await self._refunds.unknown()
        unshown = await self._refunds.unshown(now=self.now())
        warnings = []
        if unknown:
            warnings.append(
                f"nobody knows what became of {several(unknown, 'refund', 'refunds')}: look at the "
                "provider's page, then ask for each once more, or leave it"
            )
        if unshown:
            warnings.append(
                f"{several(unshown, 'refund is done', 'refunds are done')}, and no report shows it "
                "after a day: look at the provider's page, then ask for each once more"
            )
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="warn" if warnings else "pass",
                output="; ".join(warnings),
                measurements=(
                    operations.Measurement(name="unknown", value=float(unknown)),
                    operations.Measurement(name="unshown", value=float(unshown)),
                ),
            )
        )
        self.after(COUNT_SECONDS, _Count(), key=_Count)


async def give_back(till: Till, refund: Refund, checkout_id: str | None) -> Outcome:
    """Give it back, unless it went back before, or some of it did.

    Raises `Unavailable`. What came of it is read at once where that can be done; the provider
    will tell it, too.
    """
    if till.refunding is None:
        raise TypeError(f"nothing is given back on {till.rail}")
    if not refund.refund_id:
        reports = await _seen(till, refund, checkout_id)
        known = _known(refund, reports)
        if known is not None:
            return Outcome(known, reports)
    verdict = await till.refunding.give_back(refund)
    if not isinstance(verdict, GivenBack):
        return Outcome(verdict)
    try:
        return Outcome(verdict, await _seen(till, refund, checkout_id))
    except Unavailable:
        return Outcome(verdict)


async def _seen(till: Till, refund: Refund, checkout_id: str | None) -> tuple[PaymentReport, ...]:
    """How the charge stands. Its order may have been paid twice, and its checkout shows one of the
    charges alone: by its own id each can be read.
    """
    if till.charges is not None:
        report = await till.charges.read(refund.payment_id)
        return () if report is None else (report,)
    return () if checkout_id is None else await till.checkout.look(checkout_id)


def _known(refund: Refund, reports: tuple[PaymentReport, ...]) -> GivenBack | Unclear | None:
    """What the charge itself says of the refund; None when nothing has gone back since."""
    back = next(
        (
            report.refunded
            for report in reports
            if report.payment_id == refund.payment_id and report.refunded is not None
        ),
        None,
    )
    if back is None or back <= refund.total - refund.amount:
        return None
    if back >= refund.total:
        return GivenBack()
    before = refund.total - refund.amount
    return Unclear(f"{back} of the charge went back, and {before} had when this was wanted")
