"""Stripe's events: kept for a month, signed, and delivered to the shop's endpoint."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from adapters.sandbox.deliveries import Deliveries, Sending
from adapters.sandbox.outgoing import Webhook
from adapters.sandbox.stripe_errors import no_such
from adapters.sandbox.stripe_forms import Fields

Json = dict[str, Any]
API_VERSION = "2026-10-28.endive"
TEST_RETRIES_SECONDS = (600.0, 3600.0, 7200.0)
"""In test mode three over a few hours; the single pauses are not published."""
LISTED_MAX, LISTED = 100, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where events go. Several secrets sign each (while one is rolled, both do); `kinds` is what
    was chosen in the dashboard, None for everything.
    """

    url: str
    secrets: Sequence[str]
    kinds: Collection[str] | None = None


class Events:
    """One account's events, oldest first."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        live: bool,
        deliveries: Deliveries,
        first_number: int = 1,
    ) -> None:
        self._now, self._live, self._deliveries = now, live, deliveries
        self._numbers = count(first_number)
        self.endpoint: Endpoint | None = None
        self.all: dict[str, Json] = {}
        self._sendings: dict[str, Sending] = {}

    def emit(self, kind: str, thing: Json) -> Json:
        """Something happened to `thing`, which is told as it is right now."""
        event: Json = {
            "id": f"evt_1Sandbox{next(self._numbers):016d}",
            "object": "event",
            "api_version": API_VERSION,
            "created": int(self._now().timestamp()),
            "data": {"object": copy.deepcopy(thing)},
            "livemode": self._live,
            "pending_webhooks": 0,
            "request": {"id": None, "idempotency_key": None},
            "type": kind,
        }
        self.all[event["id"]] = event
        endpoint = self.endpoint
        if endpoint is not None and (endpoint.kinds is None or kind in endpoint.kinds):
            event["pending_webhooks"] = 1
            body = json.dumps(event, indent=2, ensure_ascii=False).encode()
            make = _Signer(endpoint, body, self._now)
            self._sendings[event["id"]] = self._deliveries.send(event["id"], make)
        return event

    def read(self, event_id: str) -> Json:
        """One event; raises Refused."""
        if event_id not in self.all:
            raise no_such("event", event_id)
        return self.all[event_id]

    def page(self, query: Fields) -> Json:
        """`GET /v1/events`: newest first; `type`, `types[]`, `delivery_success`, `limit`,
        `starting_after`, `ending_before`.
        """
        limit = min(max(query.integer("limit", LISTED), 1), LISTED_MAX)
        kinds = {kind for kind in [query.text("type", ""), *query.words("types")] if kind}
        wanted = query.text("delivery_success", "")
        after, before = query.text("starting_after", ""), query.text("ending_before", "")
        found = [
            event
            for event in reversed(self.all.values())
            if (not kinds or event["type"] in kinds)
            and (not wanted or (wanted == "true") is self._delivered(event["id"]))
            and (not after or event["id"] < after)
            and (not before or event["id"] > before)
        ]
        chosen = found[-limit:] if before else found[:limit]
        return {
            "object": "list",
            "data": chosen,
            "has_more": len(found) > limit,
            "url": "/v1/events",
        }

    def _delivered(self, event_id: str) -> bool:
        """An event that nobody wanted counts as delivered."""
        sending = self._sendings.get(event_id)
        return sending is None or sending.delivered


class _Signer:
    """Makes the webhook of one event anew for each attempt, with a fresh time."""

    def __init__(self, endpoint: Endpoint, body: bytes, now: Callable[[], datetime]) -> None:
        self._endpoint, self._body, self._now = endpoint, body, now

    def __call__(self) -> Webhook:
        second = str(int(self._now().timestamp()))
        signed = second.encode() + b"." + self._body
        proofs = [
            f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
            for secret in self._endpoint.secrets
        ]
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "stripe-signature": ",".join([f"t={second}", *proofs]),
        }
        return Webhook(url=self._endpoint.url, headers=headers, body=self._body)
