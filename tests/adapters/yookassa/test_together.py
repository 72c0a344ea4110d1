"""Payment, payer, notifications and what they mean, from one end to the other."""

from __future__ import annotations

from actors.ingress.model import Delivery, Event, Fact, PaymentSeen, SourceName, StoredEvent
from actors.kernel.charges import Standing
from actors.kernel.ids import EventId
from actors.kernel.money import Money
from adapters.sandbox.server import Request, serve
from adapters.sandbox.yookassa import SECRET_KEY, SHOP_ID, YooKassaSandbox
from adapters.yookassa.checkout import YooKassaCheckout
from adapters.yookassa.client import YooKassaClient
from adapters.yookassa.source import YooKassaSource
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.shop import Listening
from tests.adapters.yookassa.test_checkout import OFFER, opened


async def meant(source: YooKassaSource, request: Request) -> tuple[str, Fact]:
    """Key and meaning of a notification as it arrived."""
    event = source.verify(
        Delivery(
            source=SourceName.YOOKASSA, headers=request.headers, body=request.body, peer="127.0.0.1"
        ),
        now=virtual_now(),
    )
    assert isinstance(event, Event)
    stored = StoredEvent(event_id=EventId(1), event=event, received_at=virtual_now())
    return event.key, await source.interpret(stored)


async def test_late_and_doubled_notifications_all_tell_the_newest_state() -> None:
    sandbox = YooKassaSandbox(now=virtual_now)
    listening = Listening(answers=[503, 204])
    async with (
        serve(sandbox) as url,
        serve(listening) as shop_url,
        sandbox.deliveries,
        YooKassaClient(url=f"{url}/v3", shop_id=SHOP_ID, secret_key=SECRET_KEY) as client,
    ):
        sandbox.webhooks_to(f"{shop_url}/v1/payments/webhook")
        source = YooKassaSource(client=client, networks=["127.0.0.0/8"])
        payment_id = (await opened(YooKassaCheckout(client=client))).checkout_id
        sandbox.deliveries.duplicate_next(2)
        sandbox.pay(payment_id)
        sandbox.refund(payment_id, "90.00")
        await sandbox.deliveries.settled()
        told = [await meant(source, request) for request in listening.got]

    assert len(told) == 6
    assert len({key for key, _ in told}) == 2
    for _, fact in told:
        assert isinstance(fact, PaymentSeen)
        assert fact.report.standing is Standing.REFUNDED
        assert fact.report.order_id == OFFER.order_id
        assert fact.report.amount == OFFER.price
        assert fact.report.refunded == Money.of("90", "RUB")
