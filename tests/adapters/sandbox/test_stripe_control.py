"""A Stripe sandbox in another process, moved over HTTP."""

from __future__ import annotations

from adapters.sandbox.server import serve
from adapters.sandbox.stripe_control import controlled
from tests.adapters.sandbox.calls import ask_control
from tests.adapters.sandbox.stripe_shop import SESSIONS, Shop, opened, sandbox


async def test_a_purchase_from_outside() -> None:
    stripe, shop = sandbox(), Shop()
    app = controlled(stripe)
    async with serve(shop) as hook, stripe.deliveries:
        wanted = ["charge.refunded", "checkout.session.completed"]
        await ask_control(app, "POST", "/_control/webhooks_to", {"url": hook, "kinds": wanted})
        await ask_control(app, "POST", "/_control/deliveries/duplicate_next", {"times": 1})
        session_id = await opened(stripe)
        paid = await ask_control(app, "POST", "/_control/pay", {"session_id": session_id})
        await stripe.deliveries.settled()
        await ask_control(app, "POST", "/_control/refund", {"session_id": session_id})
        await stripe.deliveries.settled()
        events = (await ask_control(app, "GET", "/_control/events"))[1]
        last = {"event_id": events[-1]["id"]}
        assert await ask_control(app, "POST", "/_control/resend", last) == (200, True)
        await stripe.deliveries.settled()

    assert paid == (200, stripe.checkouts.session(session_id)["payment_intent"])
    assert shop.kinds == [wanted[1], wanted[1], wanted[0], wanted[0]]
    counters = (await ask_control(app, "GET", "/_control/counters"))[1]
    assert counters["calls"] == {f"POST {SESSIONS}": 1}
    assert (counters["sent"], counters["delivered"], counters["attempts"]) == (3, 3, 4)
    assert len((await ask_control(app, "GET", "/_control/sessions"))[1]) == 1


async def test_what_nobody_can_do_is_told() -> None:
    app = controlled(sandbox())
    assert (await ask_control(app, "POST", "/_control/pay", {"session_id": "x"}))[0] == 409
    assert (await ask_control(app, "POST", "/_control/pay", {"wrong": 1}))[0] == 400
    assert (await ask_control(app, "POST", "/_control/deliveries/send", {}))[0] == 404
    assert (await ask_control(app, "POST", "/_control/resend", {"event_id": "x"}))[0] == 400
    assert (await ask_control(app, "GET", "/_control/nothing"))[0] == 404


async def test_faults_are_planned_from_outside() -> None:
    stripe = sandbox()
    app = controlled(stripe)
    await ask_control(app, "POST", "/_control/fail_next", {"times": 1, "status": 503})
    assert (await ask_control(app, "GET", "/v1/events"))[0] == 503
    assert (await ask_control(app, "GET", "/v1/events"))[0] == 401
