"""A Stripe that answers whatever a test wants, and what Stripe would send us."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import stripe

from adapters.sandbox.server import Request, Response
from adapters.stripe.client import StripeClient

KEY = "sk_test_canary_that_nobody_may_ever_print"
SECRET = "whsec_canary_that_nobody_may_ever_print"
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CREATED = int(NOW.timestamp()) - 5


@dataclass
class Scripted:
    """A server that gives every request the same answer."""

    answer: Response | None
    head_bytes_max: int = 16_384
    now: Callable[[], datetime] = lambda: NOW
    seen: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        return self.answer


def client_of(url: str) -> StripeClient:
    """A client that gives up after half a second."""
    return StripeClient(secret_key=KEY, url=url, deadline_seconds=0.5)


def event(kind: str, thing: dict[str, Any], **fields: object) -> dict[str, Any]:
    """An event about `thing`, built and written by Stripe's own classes."""
    values = {
        "id": "evt_1",
        "object": "event",
        "type": kind,
        "api_version": stripe.api_version,
        "created": CREATED,
        "livemode": False,
        "pending_webhooks": 1,
        "request": None,
        "data": {"object": thing},
    }
    built = stripe.Event.construct_from(values | fields, KEY)
    written: dict[str, Any] = json.loads(str(built))
    return written


def signed(body: str, secret: str = SECRET, *, at: datetime = NOW) -> str:
    """The header with which Stripe's own library signs `body`."""
    second = int(at.timestamp())
    return str(stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=second))
