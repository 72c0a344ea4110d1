"""The vendor's own library as the other side: it opens, pays, refunds, and reads what is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

import pytest
import trio
import yookassa  # type: ignore[import-untyped]
from yookassa.domain.common import SecurityHelper  # type: ignore[import-untyped]
from yookassa.domain.exceptions import (  # type: ignore[import-untyped]
    BadRequestError,
    NotFoundError,
    UnauthorizedError,
)
from yookassa.domain.notification import WebhookNotification  # type: ignore[import-untyped]

from actors.ingress.model import Delivery, Event, SourceName
from adapters.sandbox.server import serve
from adapters.sandbox.yookassa import SECRET_KEY, SHOP_ID, YooKassaSandbox
from adapters.yookassa.client import YooKassaClient
from adapters.yookassa.source import NETWORKS, YooKassaSource
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.shop import Listening
from tests.adapters.sandbox.test_yookassa import FIELDS, opened
from tests.adapters.yookassa.samples import CANCELED, PAID, PAYMENT_ID, notification


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """Its configuration belongs to the whole process."""
    yield
    yookassa.Configuration.account_id = yookassa.Configuration.secret_key = None


async def through(sandbox: YooKassaSandbox, secret: str, work: Callable[[], Any]) -> Any:
    """`work` in a thread of its own: the library blocks."""
    async with serve(sandbox) as url:
        yookassa.Configuration.configure(SHOP_ID, secret, api_url=f"{url}/v3")
        return await trio.to_thread.run_sync(work)


@pytest.mark.process  # it asks `lsb_release` which Linux this is
async def test_it_opens_reads_and_refunds() -> None:
    sandbox = YooKassaSandbox()

    def work() -> tuple[str, str]:
        payment = yookassa.Payment.create(FIELDS, "order-42")
        again = yookassa.Payment.create(FIELDS, "order-42")
        assert again.id == payment.id
        assert payment.confirmation.confirmation_url.endswith(payment.id)
        assert payment.test
        sandbox.pay(payment.id)
        found = yookassa.Payment.find_one(payment.id)
        assert (found.status, found.paid, found.amount.value) == ("succeeded", True, 990)
        amount = {"value": "90.00", "currency": "RUB"}
        refund = yookassa.Refund.create({"payment_id": payment.id, "amount": amount}, "refund-1")
        assert yookassa.Refund.find_one(refund.id).payment_id == payment.id
        return payment.id, refund.id

    payment_id, refund_id = await through(sandbox, SECRET_KEY, work)
    assert sandbox.payments[payment_id]["refunded_amount"]["value"] == "90.00"
    assert list(sandbox.refunds) == [refund_id]
    assert sandbox.payments[payment_id]["metadata"] == {
        "order_id": "42",
        "cms_name": "yookassa_sdk_python",  # its own idea
    }


@pytest.mark.process  # it asks `lsb_release` which Linux this is
async def test_its_errors_are_the_vendor_s() -> None:
    def work() -> None:
        with pytest.raises(NotFoundError):
            yookassa.Payment.find_one("none")
        yookassa.Payment.create(FIELDS, "k")
        with pytest.raises(BadRequestError) as caught:
            yookassa.Payment.create(FIELDS | {"description": "other"}, "k")
        assert caught.value.content["description"] == "Duplicate idempotence key"

    await through(YooKassaSandbox(), SECRET_KEY, work)

    def wrong() -> None:
        with pytest.raises(UnauthorizedError):
            yookassa.Payment.find_one("none")

    await through(YooKassaSandbox(), "wrong", wrong)


async def test_it_reads_every_notification_that_our_source_takes() -> None:
    sandbox, listening = YooKassaSandbox(now=virtual_now), Listening()
    async with serve(listening) as url, sandbox.deliveries:
        sandbox.webhooks_to(url)
        payment_id = await opened(sandbox, capture=False)
        sandbox.pay(payment_id)
        other = await opened(sandbox, key="key-2")
        sandbox.cancel(other)
        third = await opened(sandbox, key="key-3")
        sandbox.pay(third)
        sandbox.refund(third)
        await sandbox.deliveries.settled()
    kinds = set()
    for request, body in zip(listening.got, listening.bodies, strict=True):
        read = WebhookNotification(body)
        taken = source().verify(
            Delivery(
                source=SourceName.YOOKASSA,
                headers=request.headers,
                body=request.body,
                peer="185.71.76.1",
            ),
            now=virtual_now(),
        )
        assert isinstance(taken, Event)
        assert (taken.kind, taken.subject) == (read.event, read.object.id)
        kinds.add(read.event)
    assert kinds == {
        *("payment.waiting_for_capture", "payment.canceled"),
        *("payment.succeeded", "refund.succeeded"),
    }


def test_it_reads_the_samples_of_the_contract() -> None:
    paid = WebhookNotification(notification())
    assert (paid.object.id, paid.object.metadata) == (PAYMENT_ID, {"order_id": "42"})
    assert paid.object.income_amount.value == Decimal("955.35")
    canceled = WebhookNotification(notification("payment.canceled") | {"object": CANCELED})
    assert canceled.object.cancellation_details.reason == "expired_on_confirmation"
    assert WebhookNotification(notification("refund.succeeded")).object.payment_id == PAID["id"]


def test_our_networks_are_its_networks() -> None:
    """Compared at the edges of each of ours, and one address beyond."""
    helper = SecurityHelper()
    for network in map(ip_network, NETWORKS):
        for address in (network[0], network[-1], network[0] - 1, network[-1] + 1):
            assert helper.is_ip_trusted(str(address)) == source()._is_theirs(str(address))


def source() -> YooKassaSource:
    client = YooKassaClient(url="http://127.0.0.1:9/v3", shop_id=SHOP_ID, secret_key=SECRET_KEY)
    return YooKassaSource(client=client)
