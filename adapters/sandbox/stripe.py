"""Stripe on loopback: checkout sessions over its v1 API, and signed webhooks to the shop.

    stripe = StripeSandbox()
    async with serve(stripe) as url, stripe.deliveries:      # STRIPE_API_URL
        stripe.webhooks_to("http://127.0.0.1:8080/webhooks/stripe", secrets=[SECRET])
        ...                                                  # the shop opens a checkout
        stripe.checkouts.pay(session_id)

What happens on the payment page, at banks and in the dashboard is `checkouts`
(`stripe_checkout`); what goes wrong on the way to the shop is `deliveries`; control over HTTP is
in `stripe_control`. Stripe's own library, pointed here, works (`tests/adapters/sandbox`).
"""

from __future__ import annotations

import base64
import copy
import hmac
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from datetime import datetime
from itertools import count
from typing import Any

import trio

from adapters.sandbox.deliveries import Deliveries, any_2xx
from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.server import Request, Response, utc_now
from adapters.sandbox.stripe_checkout import Checkouts
from adapters.sandbox.stripe_errors import Refused, invalid, unauthorized
from adapters.sandbox.stripe_events import TEST_RETRIES_SECONDS, Endpoint, Events
from adapters.sandbox.stripe_forms import Fields, decoded
from adapters.sandbox.stripe_replays import Replays

Json = dict[str, Any]
KEY = "sk_test_sandbox0000000000000000"
WEBHOOK_SECRET = "whsec_sandbox0000000000000000000000"  # noqa: S105 - opens nothing
HEAD_BYTES_MAX = 32_768
PAGE_URL = "https://checkout.stripe.com"
EXPAND_DEPTH_MAX = 4


class StripeSandbox:
    """One account, in memory. `now` is the wall clock of this world; it may be replaced.

    `retries_seconds` are the pauses before webhooks are repeated; any 2xx ends them. Ids count
    from `first_number`: a shop that remembers an earlier sandbox must not meet one of them again.
    """

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(
        self,
        *,
        key: str = KEY,
        live: bool = False,
        first_number: int = 1,
        retries_seconds: Sequence[float] = TEST_RETRIES_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.key, self.now = key, now
        self.calls: Counter[str] = Counter()
        """Requests per kind (`POST /v1/checkout/sessions`, ids as `*`), refused ones included."""
        self.deliveries = Deliveries(schedule=retries_seconds, accepted=any_2xx)
        self.events = Events(
            now=lambda: self.now(),  # noqa: PLW0108 - replaceable
            live=live,
            deliveries=self.deliveries,
            first_number=first_number,
        )
        self.checkouts = Checkouts(
            now=lambda: self.now(),  # noqa: PLW0108 - the same
            live=live,
            events=self.events,
            page_url=PAGE_URL,
            first_number=first_number,
        )
        self._replays, self._faults, self._requests = Replays(), Faults(), count(1)

    # What tests and the demo do with it.

    def webhooks_to(
        self,
        url: str,
        *,
        secrets: Sequence[str] = (WEBHOOK_SECRET,),
        kinds: Collection[str] | None = None,
    ) -> None:
        """Send events (of `kinds`; None: all) there from now on, signed with each secret."""
        self.events.endpoint = Endpoint(url=url, secrets=tuple(secrets), kinds=kinds)

    def fail_next(
        self,
        times: int,
        status: int,
        body: object = None,
        *,
        should_retry: bool | None = None,
        kind: str | None = None,
    ) -> None:
        """Refuse the next requests (of `kind`, see `calls`); nothing happens."""
        said = {"error": {"type": "api_error", "message": "Sandbox"}} if body is None else body
        advice = {} if should_retry is None else {"stripe-should-retry": str(should_retry).lower()}
        self._faults.plan(Fail(Response.of(said, status, advice)), times=times, kind=kind)

    def hang_next(self, times: int, seconds: float, *, kind: str | None = None) -> None:
        """Carry out the next requests only after `seconds`; meanwhile their keys are in use."""
        self._faults.plan(Hang(seconds), times=times, kind=kind)

    def drop_next(self, times: int, *, kind: str | None = None) -> None:
        """Carry out the next requests, then hang up: the client never learns the outcome."""
        self._faults.plan(Drop(), times=times, kind=kind)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        parts = request.path.strip("/").split("/")
        kind = f"{request.method} {_kind(parts)}"
        self.calls[kind] += 1
        fault = self._faults.take(kind.lower())
        headers = {
            "request-id": f"req_Sandbox{next(self._requests):07d}",
            "stripe-version": request.headers.get("stripe-version", ""),
        }
        if isinstance(fault, Fail):
            response = fault.answer
        else:
            pause_seconds = fault.seconds if isinstance(fault, Hang) else 0.0
            response = await self._answer(request, parts, pause_seconds)
        response = Response(
            status=response.status, body=response.body, headers={**response.headers, **headers}
        )
        return None if isinstance(fault, Drop) else response

    async def _answer(self, request: Request, parts: list[str], pause_seconds: float) -> Response:
        try:
            self._authorize(request)
            keyed = self._replays.working(request) if request.method == "POST" else nullcontext()
            with keyed:
                await trio.sleep(pause_seconds)
                if (known := self._replays.answer(request)) is not None:
                    return known
                text = request.body.decode("utf-8", "replace")
                fields = Fields(decoded(text if request.method == "POST" else request.query))
                response = Response.of(self._result(request.method, parts, fields))
                self._replays.keep(request, response)
                return response
        except Refused as refused:
            return Response.of(refused.as_json(), refused.status)

    def _authorize(self, request: Request) -> None:
        """`Bearer <key>`, or Basic with the key as the user's name."""
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = base64.b64decode(given.encode()).decode("utf-8", "replace").partition(":")[0]
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            raise unauthorized(given)

    def _result(self, method: str, parts: list[str], fields: Fields) -> object:
        match method, parts:
            case "POST", ["v1", "checkout", "sessions"]:
                session = self.checkouts.create(fields)
                left = session["expires_at"] - session["created"]
                self.deliveries.later(left, lambda: self.checkouts.expire_when_due(session["id"]))
                return session
            case "POST", ["v1", "checkout", "sessions", session_id, "expire"]:
                return self.checkouts.expire(session_id)
            case "GET", ["v1", "checkout", "sessions", session_id]:
                return self._expanded(self.checkouts.session(session_id), fields)
            case "GET", ["v1", "payment_intents", intent_id]:
                return self._expanded(self.checkouts.intent(intent_id), fields)
            case "POST", ["v1", "refunds"]:
                return self.checkouts.give_back(fields)
            case "GET", ["v1", "disputes"]:
                return self.checkouts.disputes_of(fields)
            case "GET", ["v1", "events"]:
                return self.events.page(fields)
            case "GET", ["v1", "events", event_id]:
                return self.events.read(event_id)
            case _:
                raise Refused(404, f"Unrecognized request URL ({method}: /{'/'.join(parts)}).")

    def _expanded(self, thing: Json, fields: Fields) -> Json:
        """`expand[]=a.b`: the objects instead of their ids."""
        whole = copy.deepcopy(thing)
        for path in fields.words("expand"):
            names = path.split(".")
            if len(names) > EXPAND_DEPTH_MAX:
                raise invalid("expand", f"You cannot expand more than {EXPAND_DEPTH_MAX} levels")
            self._expand(whole, names, path)
        return whole

    def _expand(self, place: Json, names: list[str], path: str) -> None:
        known = {
            "payment_intent": self.checkouts.intents,
            "latest_charge": self.checkouts.charges,
            "balance_transaction": self.checkouts.balances,
        }
        for name in names:
            if name not in place or name not in known:
                raise invalid("expand", f"This property cannot be expanded ({path}).")
            if place[name] is None:
                return
            if isinstance(place[name], str):
                place[name] = copy.deepcopy(known[name][place[name]])
            place = place[name]


def _kind(parts: list[str]) -> str:
    """The path, ids as `*`."""
    ids = ("cs_", "pi_", "evt_")
    return "/" + "/".join("*" if part.startswith(ids) else part for part in parts)
