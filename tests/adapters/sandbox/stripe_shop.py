"""A shop of the sandbox's Stripe: asks its API, takes its webhooks."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from adapters.sandbox.server import Request, Response
from adapters.sandbox.stripe import StripeSandbox
from tests.adapters.sandbox.calls import virtual_now

SESSIONS = "/v1/checkout/sessions"
ORDER = "8f14e45fceea167a5a36dedd4bea2543"
FORM = {
    "mode": "payment",
    "success_url": "https://t.me/bot?start=ok",
    "cancel_url": "https://t.me/bot?start=no",
    "client_reference_id": ORDER,
    "metadata[order_id]": ORDER,
    "payment_intent_data[metadata][order_id]": ORDER,
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "1999",
    "line_items[0][price_data][product_data][name]": "VIP access",
}


class Shop:
    """Answers webhooks with the next of `answers`, then 200, and remembers them."""

    head_bytes_max = 16_384

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.now: Callable[[], datetime] = virtual_now
        self.seen: list[Request] = []

    async def __call__(self, request: Request) -> Response:
        self.seen.append(request)
        return Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def kinds(self) -> list[str]:
        """The types of the events that came, in order."""
        return [json.loads(request.body)["type"] for request in self.seen]


def sandbox() -> StripeSandbox:
    return StripeSandbox(now=virtual_now)


async def ask(
    stripe: StripeSandbox, method: str, path: str, form: object = None, **headers: str
) -> tuple[int, Any]:
    """Status and body of one request; `form` is the body or the query."""
    response = await answer(stripe, method, path, form, **headers)
    return response.status, json.loads(response.body)


async def answer(
    stripe: StripeSandbox, method: str, path: str, form: Any = None, **headers: str
) -> Response:
    text = urlencode(form or {}, doseq=True)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = Request(
        method=method,
        path=path,
        query=text if method == "GET" else "",
        headers={"authorization": f"Bearer {stripe.key}"} | named,
        body=b"" if method == "GET" else text.encode(),
    )
    response = await stripe(request)
    assert response is not None
    return response


async def opened(stripe: StripeSandbox, **fields: str) -> str:
    """The id of a new session."""
    status, session = await ask(stripe, "POST", SESSIONS, FORM | fields)
    assert status == 200, session
    return str(session["id"])
