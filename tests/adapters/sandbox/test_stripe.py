"""Stripe's front door: keys, replays, faults, webhooks over a socket, and Stripe's own library."""

from __future__ import annotations

import base64
import json

import pytest
import stripe as sdk
import trio

from adapters.sandbox.server import serve
from adapters.sandbox.stripe import KEY, WEBHOOK_SECRET, StripeSandbox
from tests.adapters.sandbox.calls import virtual_now
from tests.adapters.sandbox.stripe_shop import (
    FORM,
    ORDER,
    SESSIONS,
    Shop,
    answer,
    ask,
    opened,
    sandbox,
)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {KEY}", 200),
        ("Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), 200),
        ("", 401),
        ("Bearer sk_test_wrong", 401),
        (KEY, 401),
    ],
)
async def test_the_key_opens_the_account(given: str, status: int) -> None:
    assert (await ask(sandbox(), "POST", SESSIONS, FORM, authorization=given))[0] == status


async def test_an_answer_names_its_request_and_its_version() -> None:
    response = await answer(sandbox(), "GET", "/v1/events", stripe_version="2026-10-28.endive")
    assert response.headers["request-id"].startswith("req_")
    assert response.headers["stripe-version"] == "2026-10-28.endive"


async def test_the_same_key_opens_one_session() -> None:
    stripe = sandbox()
    first = await answer(stripe, "POST", SESSIONS, FORM, idempotency_key="k")
    again = await answer(stripe, "POST", SESSIONS, FORM, idempotency_key="k")
    other = await ask(stripe, "POST", SESSIONS, FORM | {"locale": "uk"}, idempotency_key="k")

    assert (again.status, again.body) == (200, first.body)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["request-id"] != first.headers["request-id"]
    assert (other[0], other[1]["error"]["type"]) == (400, "idempotency_error")
    assert len(stripe.checkouts.sessions) == 1


async def test_a_refused_request_leaves_its_key_free() -> None:
    stripe = sandbox()
    wrong = await ask(stripe, "POST", SESSIONS, FORM | {"mode": ""}, idempotency_key="k")
    right = await ask(stripe, "POST", SESSIONS, FORM, idempotency_key="k")
    assert (wrong[0], right[0]) == (400, 200)


async def test_a_key_in_use_is_a_conflict() -> None:
    stripe, statuses = sandbox(), list[int]()
    stripe.hang_next(1, 5)

    async def create() -> None:
        statuses.append((await ask(stripe, "POST", SESSIONS, FORM, idempotency_key="k"))[0])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(create)
        await trio.sleep(1)
        await create()
    await create()
    assert statuses == [409, 200, 200]
    assert len(stripe.checkouts.sessions) == 1


async def test_a_dropped_request_is_carried_out_and_can_be_asked_again() -> None:
    stripe = sandbox()
    stripe.drop_next(1)
    with pytest.raises(AssertionError):
        await ask(stripe, "POST", SESSIONS, FORM, idempotency_key="k")
    assert (await ask(stripe, "POST", SESSIONS, FORM, idempotency_key="k"))[0] == 200
    assert len(stripe.checkouts.sessions) == 1


async def test_a_failed_request_changes_nothing() -> None:
    stripe = sandbox()
    stripe.fail_next(1, 500, should_retry=True, kind=f"POST {SESSIONS}")
    stripe.fail_next(1, 429, {"error": {}})
    await ask(stripe, "GET", "/v1/events")
    response = await answer(stripe, "POST", SESSIONS, FORM)
    assert (response.status, response.headers["stripe-should-retry"]) == (500, "true")
    assert stripe.checkouts.sessions == {}
    assert stripe.calls == {"GET /v1/events": 1, f"POST {SESSIONS}": 1}


async def test_objects_are_read_by_id_and_expanded() -> None:
    stripe = sandbox()
    session_id = await opened(stripe)
    path, deep = f"{SESSIONS}/{session_id}", "payment_intent.latest_charge.balance_transaction"
    before = await ask(stripe, "GET", path, {"expand[]": deep})
    intent_id = stripe.checkouts.pay(session_id)
    after = await ask(stripe, "GET", path, {"expand[]": [deep, "payment_intent"]})
    plain = await ask(stripe, "GET", path)
    intent = await ask(stripe, "GET", f"/v1/payment_intents/{intent_id}")

    assert before[1]["payment_intent"] is None
    assert after[1]["payment_intent"]["latest_charge"]["balance_transaction"]["fee"] == 87
    assert plain[1]["payment_intent"] == intent[1]["id"] == intent_id
    assert stripe.calls[f"GET {SESSIONS}/*"] == 3


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", f"{SESSIONS}/cs_x", {}, 404),
        ("POST", f"{SESSIONS}/cs_x/expire", {}, 404),
        ("GET", "/v1/payment_intents/pi_x", {}, 404),
        ("GET", "/v1/events/evt_x", {}, 404),
        ("GET", "/v1/nothing", {}, 404),
        ("DELETE", SESSIONS, {}, 404),
        ("GET", "/v1/events", {"limit": "x"}, 400),
    ],
)
async def test_what_is_not_there_is_refused(
    method: str, path: str, query: dict[str, str], status: int
) -> None:
    assert (await ask(sandbox(), method, path, query))[0] == status


@pytest.mark.parametrize("expand", ["customer", "url", "payment_intent.a.b.c.d"])
async def test_only_references_can_be_expanded(expand: str) -> None:
    stripe = sandbox()
    path = f"{SESSIONS}/{await opened(stripe)}"
    assert (await ask(stripe, "GET", path, {"expand[]": expand}))[0] == 400


async def test_a_session_expires_by_itself_unless_it_was_paid() -> None:
    stripe = sandbox()
    async with stripe.deliveries:
        left, paid = await opened(stripe), await opened(stripe)
        stripe.checkouts.pay(paid)
        await trio.sleep(24 * 3600 + 1)
    assert stripe.checkouts.session(left)["status"] == "expired"
    assert stripe.checkouts.session(paid)["status"] == "complete"


async def test_webhooks_are_signed_and_repeated_over_a_socket() -> None:
    stripe, shop = sandbox(), Shop(500, 500)
    async with serve(shop) as hook, stripe.deliveries:
        stripe.webhooks_to(f"{hook}/webhooks/stripe", kinds=["checkout.session.completed"])
        stripe.deliveries.duplicate_next(1)
        stripe.checkouts.pay(await opened(stripe))
        await stripe.deliveries.settled()

    assert shop.kinds == ["checkout.session.completed"] * 4
    assert len({json.loads(request.body)["id"] for request in shop.seen}) == 1
    for request in shop.seen:
        proof = request.headers["stripe-signature"]
        event = sdk.Webhook.construct_event(request.body, proof, WEBHOOK_SECRET, tolerance=10**9)
        assert event.data.object.client_reference_id == ORDER
    assert trio.current_time() >= 600


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # stripe's use of httpx
async def test_stripes_own_library_opens_reads_and_expires() -> None:
    stripe = StripeSandbox(now=virtual_now)
    async with serve(stripe) as url:
        client = sdk.StripeClient(
            KEY, http_client=sdk.HTTPXClient(), base_addresses={"api": url}, max_network_retries=0
        )
        sessions = client.v1.checkout.sessions
        item = {
            "quantity": 1,
            "price_data": {
                "currency": "usd",
                "unit_amount": 1999,
                "product_data": {"name": "VIP access"},
            },
        }
        wanted = {
            "mode": "payment",
            "success_url": "https://t.me/bot?start=ok",
            "client_reference_id": "42",
            "metadata": {"order_id": "42"},
            "payment_intent_data": {"metadata": {"order_id": "42"}},
            "line_items": [item],
        }
        made = await sessions.create_async(wanted, {"idempotency_key": "order-42"})  # type: ignore[arg-type]
        again = await sessions.create_async(wanted, {"idempotency_key": "order-42"})  # type: ignore[arg-type]
        stripe.checkouts.pay(made.id)
        paid = await sessions.retrieve_async(made.id, {"expand": ["payment_intent"]})
        events = await client.v1.events.list_async({"types": ["payment_intent.succeeded"]})
        with pytest.raises(sdk.InvalidRequestError) as refused:
            await sessions.expire_async(made.id)
        with pytest.raises(sdk.InvalidRequestError) as missing:
            await sessions.create_async({"mode": "payment"})

    assert (made.id, made.url) == (again.id, again.url)
    assert made.to_dict()["metadata"] == {"order_id": "42"}
    assert paid.payment_intent.status == "succeeded"  # type: ignore[union-attr]
    assert [event.data.object.metadata["order_id"] for event in events.data] == ["42"]
    assert refused.value.request_id is not None
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "success_url")
