"""Stripe's v1 API over HTTP: forms go out, JSON comes in, and every answer is one of two kinds.

`Reply`    2xx with a JSON object
`Refusal`  Stripe has decided, and decides the same when asked again in the same words
and `Unavailable` is raised for the rest: no connection, a time-out, 409, 429, 5xx, HTML. What
was asked for may have been done then; asked again under the same key, Stripe does it once.
`Stripe-Should-Retry` has the last word where Stripe gives it (`contracts/providers.md`, 1.1).

Nothing is repeated here. The key is in one header only, never in a text; httpx's errors are not
chained, because the request they carry has that header.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import structlog

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object
from adapters.web.api import Answer, Api, ApiClient, printable

API_URL = "https://api.stripe.com"
API_VERSION = "2026-10-28.endive"
"""Pinned: the shape of the answers follows it. (That of webhooks follows their endpoint's.)"""
DEADLINE_SECONDS = 20.0
"""For one whole request; opening a checkout takes Stripe about one second."""
CONNECTIONS_MAX = 8
OK, REDIRECT, CLIENT_ERROR, BROKEN = 200, 300, 400, 500
UNDECIDED = frozenset({408, 409, 424, 429})
"""Refused for now: a time-out, the same key in use at this moment, somebody else's outage,
too many requests."""

_RETRY_AFTER = re.compile(r"[0-9]{1,5}")

Form = Sequence[tuple[str, str]]
"""Fields in order; nested ones as `a[b]`."""

log = structlog.get_logger("stripe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A 2xx answer. `request_id` is Stripe's name for the request, for its support."""

    body: dict[str, Any]
    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error that stays one. The texts are empty when the body was not Stripe's."""

    status: int
    type: str = ""
    code: str = ""
    param: str = ""
    message: str = ""
    request_id: str = ""

    def __str__(self) -> str:
        """In words, for an operator."""
        words = (self.type, self.code, self.param, self.message, self.request_id)
        return f"Stripe answered {self.status}: {', '.join(filter(None, words)) or 'no reason'}"


class StripeClient(ApiClient):
    """One account. Use it as `async with`; it may be shared by any number of tasks."""

    def __init__(
        self,
        *,
        secret_key: str,
        url: str = API_URL,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._secret_key = secret_key
        api = Api(
            "Stripe",
            url=url,
            headers={"authorization": f"Bearer {secret_key}", "stripe-version": API_VERSION},
            connections_max=CONNECTIONS_MAX,
            bytes_max=BYTES_MAX,
            deadline_seconds=deadline_seconds,
        )
        super().__init__(api)

    async def get(self, path: str, query: Form = ()) -> Reply | Refusal:
        """Read an object; `path` as in `/v1/invoices/in_1`."""
        target = f"{path}?{encoded(query)}" if query else path
        return await self._send("GET", target, None, {})

    async def post(self, path: str, form: Form, *, idempotency_key: str) -> Reply | Refusal:
        """Do something once: Stripe answers the same for the same key for at least 24 hours."""
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "idempotency-key": idempotency_key,
        }
        return await self._send("POST", path, encoded(form).encode("ascii"), headers)

    async def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Reply | Refusal:
        answer = await self._api.ask(method, target, body, headers)
        request_id = printable(answer.headers.get("request-id", ""))
        log.debug(
            "stripe.answered",
            method=method,
            path=target.partition("?")[0],
            status=answer.status,
            request_id=request_id,
        )
        return self._read(answer, request_id)

    def _read(self, answer: Answer, request_id: str) -> Reply | Refusal:
        status = answer.status
        try:
            body = load_object(answer.content)
        except MalformedJson:
            body = None
        if OK <= status < REDIRECT and body is not None:
            return Reply(body=body, request_id=request_id)
        refusal = self._refusal(status, body or {}, request_id)
        if not _decided(status, answer.headers.get("stripe-should-retry", "")):
            retry_after = _seconds(answer.headers.get("retry-after", ""))
            log.warning("stripe.unavailable", status=status, request_id=request_id)
            raise Unavailable(str(refusal), retry_after_seconds=retry_after)
        log.warning(
            "stripe.refused",
            status=status,
            type=refusal.type,
            code=refusal.code,
            param=refusal.param,
            request_id=request_id,
        )
        return refusal

    def _refusal(self, status: int, body: Mapping[str, Any], request_id: str) -> Refusal:
        error = body.get("error")
        fields = error if isinstance(error, dict) else {}

        def text(name: str) -> str:
            found = fields.get(name)
            known = found if isinstance(found, str) else ""
            return printable(known.replace(self._secret_key, "[key]"))

        return Refusal(
            status=status,
            type=text("type"),
            code=text("code"),
            param=text("param"),
            message=text("message"),
            request_id=request_id,
        )


def encoded(form: Form) -> str:
    """`a[b]=c&...` as Stripe's own library writes it: brackets stay, a space is a plus."""
    return "&".join(f"{quote(name, safe='[]')}={quote_plus(value)}" for name, value in form)


def _decided(status: int, should_retry: str) -> bool:
    """Whether Stripe would say the same again."""
    if status < CLIENT_ERROR:
        return False  # 2xx without JSON, or a redirect: somebody else has answered
    if should_retry in {"true", "false"}:
        return should_retry == "false"
    return status < BROKEN and status not in UNDECIDED


def _seconds(header: str) -> float | None:
    """`Retry-After` as a number; Stripe gives no dates."""
    return float(header) if _RETRY_AFTER.fullmatch(header) else None
