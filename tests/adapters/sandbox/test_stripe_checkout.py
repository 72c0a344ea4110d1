"""What people and banks do with a checkout, and what the shop is told of it."""

from __future__ import annotations

import pytest

from adapters.sandbox.stripe import StripeSandbox
from adapters.sandbox.stripe_checkout import CannotDo, Checkouts
from adapters.sandbox.stripe_errors import Refused
from tests.adapters.sandbox.stripe_shop import ORDER, opened, sandbox


def told(stripe: StripeSandbox) -> list[str]:
    return [event["type"] for event in stripe.events.all.values()]


async def shop() -> tuple[StripeSandbox, Checkouts, str]:
    stripe = sandbox()
    return stripe, stripe.checkouts, await opened(stripe)


async def test_a_card_pays_at_once_and_two_events_tell_of_it() -> None:
    stripe, checkouts, session_id = await shop()
    intent_id = checkouts.pay(session_id)
    session, intent = checkouts.session(session_id), checkouts.intent(intent_id)

    assert (session["status"], session["payment_status"]) == ("complete", "paid")
    assert (session["payment_intent"], session["url"]) == (intent_id, None)
    assert (intent["status"], intent["amount_received"]) == ("succeeded", 1999)
    assert intent["metadata"] == {"order_id": ORDER}
    assert told(stripe) == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


async def test_metadata_of_the_session_do_not_flow_to_the_payment() -> None:
    stripe = sandbox()
    session_id = await opened(stripe, **{"payment_intent_data[metadata][order_id]": "other"})
    intent = stripe.checkouts.intent(stripe.checkouts.pay(session_id))
    assert intent["metadata"] == {"order_id": "other"}


async def test_a_declined_card_leaves_the_page_open_for_another() -> None:
    stripe, checkouts, session_id = await shop()
    first = checkouts.decline(session_id)
    assert checkouts.session(session_id)["status"] == "open"
    assert checkouts.pay(session_id) == first
    assert told(stripe)[:2] == ["payment_intent.created", "payment_intent.payment_failed"]


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_delayed_method_is_told_twice(arrives: bool) -> None:
    stripe, checkouts, session_id = await shop()
    checkouts.pay_later(session_id)
    assert checkouts.session(session_id)["payment_status"] == "unpaid"
    checkouts.settle(session_id, arrives=arrives)

    word = "succeeded" if arrives else "failed"
    assert told(stripe)[1:3] == ["payment_intent.processing", "checkout.session.completed"]
    assert told(stripe)[-1] == f"checkout.session.async_payment_{word}"
    assert checkouts.session(session_id)["payment_status"] == ("paid" if arrives else "unpaid")
    with pytest.raises(CannotDo):
        checkouts.settle(session_id)


async def test_money_goes_back_in_parts_and_never_more_than_came() -> None:
    stripe, checkouts, session_id = await shop()
    checkouts.pay(session_id)
    checkouts.refund(session_id, units=500)
    checkouts.refund(session_id)

    first, second = list(stripe.events.all.values())[-2:]
    assert [event["data"]["object"]["amount_refunded"] for event in (first, second)] == [500, 1999]
    assert [event["data"]["object"]["refunded"] for event in (first, second)] == [False, True]
    with pytest.raises(CannotDo):
        checkouts.refund(session_id)


async def test_a_bank_takes_it_back_and_decides() -> None:
    stripe, checkouts, session_id = await shop()
    intent_id = checkouts.pay(session_id)
    checkouts.close_dispute(checkouts.dispute(session_id), "won")

    created, closed = (event["data"]["object"] for event in list(stripe.events.all.values())[-2:])
    assert (created["status"], closed["status"]) == ("needs_response", "won")
    assert created["payment_intent"] == intent_id
    assert told(stripe)[-2:] == ["charge.dispute.created", "charge.dispute.closed"]


async def test_an_expired_session_takes_no_money() -> None:
    stripe, checkouts, session_id = await shop()
    checkouts.decline(session_id)
    checkouts.expire(session_id)
    assert told(stripe)[-2:] == ["payment_intent.canceled", "checkout.session.expired"]
    for do in (checkouts.pay, checkouts.pay_later, checkouts.decline):
        with pytest.raises(CannotDo):
            do(session_id)
    with pytest.raises(Refused, match="expired"):
        checkouts.expire(session_id)


async def test_another_amount_than_was_asked_for_can_be_received() -> None:
    _, checkouts, session_id = await shop()
    assert checkouts.intent(checkouts.pay(session_id, units=7))["amount_received"] == 7


async def test_nobody_can_give_back_or_settle_what_was_not_paid() -> None:
    _, checkouts, session_id = await shop()
    for do in (checkouts.refund, checkouts.dispute, checkouts.settle):
        with pytest.raises(CannotDo):
            do(session_id)
    checkouts.pay_later(session_id)
    with pytest.raises(CannotDo):
        checkouts.refund(session_id)


async def test_what_is_not_there_is_refused() -> None:
    _, checkouts, _ = await shop()
    for read in (checkouts.session, checkouts.intent, checkouts.expire):
        with pytest.raises(Refused, match="No such"):
            read("x")
    with pytest.raises(CannotDo):
        checkouts.pay("x")
