"""Invoice, payer, notifications and what they mean, from one end to the other."""

from __future__ import annotations

from actors.ingress.model import Delivery, Event, PaymentSeen, SourceName, StoredEvent
from actors.kernel.charges import PaymentReport, Standing
from actors.kernel.ids import EventId
from actors.kernel.money import Money
from adapters.nowpayments.checkout import NowPaymentsCheckout
from adapters.nowpayments.client import NowPaymentsClient
from adapters.nowpayments.reports import Reader
from adapters.nowpayments.source import NowPaymentsSource
from adapters.sandbox.nowpayments import API_KEY, IPN_SECRET, NowPaymentsSandbox
from adapters.sandbox.server import serve
from tests.adapters.nowpayments.test_checkout import OFFER, opened
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.shop import Listening

READER = Reader(live=False)
SOURCE = NowPaymentsSource(secrets=("next", IPN_SECRET), reader=READER)


class Story:
    """What the events that arrived mean, each key once."""

    def __init__(self, listening: Listening) -> None:
        self._listening = listening

    async def reports(self) -> dict[str, PaymentReport]:
        """By the key of the event, in the order of arrival."""
        found: dict[str, PaymentReport] = {}
        for request in self._listening.got:
            event = SOURCE.verify(
                Delivery(
                    source=SourceName.NOWPAYMENTS,
                    headers=request.headers,
                    body=request.body,
                    peer="127.0.0.1",
                ),
                now=virtual_now(),
            )
            assert isinstance(event, Event)
            stored = StoredEvent(event_id=EventId(1), event=event, received_at=virtual_now())
            fact = await SOURCE.interpret(stored)
            assert isinstance(fact, PaymentSeen)
            assert fact.report == found.setdefault(event.key, fact.report)
        return found


async def test_half_too_late_and_twice_told_it_is_the_same_story() -> None:
    sandbox, listening = NowPaymentsSandbox(now=virtual_now), Listening()
    async with (
        serve(sandbox) as url,
        serve(listening) as shop_url,
        sandbox.deliveries,
        NowPaymentsClient(url=f"{url}/v1", api_key=API_KEY) as client,
    ):
        checkout = NowPaymentsCheckout(client=client, reader=READER, ipn_url=shop_url)
        payment_id = sandbox.choose((await opened(checkout)).checkout_id)
        await sandbox.deliveries.settled()
        sandbox.deliveries.duplicate_next(9)
        sandbox.deliveries.lose_answers_next(3)
        sandbox.deliveries.reorder_next(2)
        sandbox.pay(payment_id, share="0.5")
        rest = sandbox.pay(payment_id, share="0.5")
        await sandbox.deliveries.settled()
        sandbox.move(payment_id, "refunded")
        await sandbox.deliveries.settled()
    reports = await Story(listening).reports()

    assert len(listening.got) > len(reports) == 8
    half = Money.of("24.95", "USD")
    newest: dict[str, PaymentReport] = {}
    for report in reports.values():
        known = newest.get(report.payment_id)
        if known is None or report.standing.rank >= known.standing.rank:
            newest[report.payment_id] = report
    first, second = newest[str(payment_id)], newest[str(rest)]
    assert {report.order_id for report in reports.values()} == {OFFER.order_id}
    assert (first.standing, first.amount, first.refunded) == (Standing.REFUNDED, half, half)
    assert (second.standing, second.amount, second.parent) == (
        Standing.PAID,
        half,
        str(payment_id),
    )
