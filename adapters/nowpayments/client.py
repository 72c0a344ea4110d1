"""One HTTP client for NOWPayments' API: an answer is JSON, or a refusal, or `Unavailable`.

Nothing is repeated here: the API knows no idempotency. The key stands in one header only.
Lists want the account's e-mail and password as well, which buy a token for five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object
from adapters.web.api import Answer, Api, ApiClient, printable

DEADLINE_SECONDS = 15.0
"""For one whole request. Invoices take NOWPayments a second or two."""
TOKEN_SECONDS = 240.0
"""How long a token is used; it lives about five minutes (contract, section 3.1)."""
CONNECTIONS_MAX = 4
OK, REDIRECT, REFUSED, BROKEN = 200, 300, 400, 500
UNAUTHORIZED, TIMEOUT, THROTTLED = 401, 408, 429
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A 4xx answer; `detail` is fit for an operator."""

    status: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a person logs in with at NOWPayments."""

    email: str
    password: str


class NowPaymentsClient(ApiClient):
    """`url` ends in `/v1`. Use it as `async with`; any number of tasks may share it."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        account: Account | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._secrets = (api_key, *((account.password,) if account else ()))
        self._account = account
        self._token, self._token_until = "", 0.0
        api = Api(
            "NOWPayments",
            url=url,
            headers={"x-api-key": api_key},
            connections_max=CONNECTIONS_MAX,
            bytes_max=BYTES_MAX,
            deadline_seconds=deadline_seconds,
        )
        super().__init__(api)

    @property
    def lists(self) -> bool:
        """Whether payments can be listed; otherwise each has to be known by its id."""
        return self._account is not None

    async def get(self, path: str) -> dict[str, Any] | Refusal:
        """Read one object."""
        return await self._send("GET", path)

    async def post(self, path: str, fields: Mapping[str, object]) -> dict[str, Any] | Refusal:
        """Make one object. `Unavailable` may mean that it was made all the same."""
        return await self._send("POST", path, fields)

    async def list(self, path: str, **query: str | int) -> dict[str, Any] | Refusal:
        """Read a page of a list, with a token; a token that ran out early is renewed once."""
        where = f"{path}?{urlencode(query)}"
        for _ in range(2):
            token = await self._authorized()
            if isinstance(token, Refusal):
                return token
            page = await self._send("GET", where, bearer=token)
            if not isinstance(page, Refusal) or page.status != UNAUTHORIZED:
                return page
            self._token_until = 0.0
        return page

    async def _authorized(self) -> str | Refusal:
        if trio.current_time() < self._token_until:
            return self._token
        if self._account is None:
            raise TypeError("lists want an account")
        fields = {"email": self._account.email, "password": self._account.password}
        answer = await self._send("POST", "/auth", fields)
        if isinstance(answer, Refusal):
            return answer
        token = answer.get("token")
        if not isinstance(token, str) or not token:
            raise self.unreadable("no token")
        self._token, self._token_until = token, trio.current_time() + TOKEN_SECONDS
        return token

    async def _send(
        self, method: str, path: str, fields: Mapping[str, object] | None = None, bearer: str = ""
    ) -> dict[str, Any] | Refusal:
        headers = {"authorization": f"Bearer {bearer}"} if bearer else {}
        body = None if fields is None else _ENCODER.encode(fields)
        if body is not None:
            headers["content-type"] = "application/json"
        return self._read(await self._api.ask(method, path, body, headers))

    def _read(self, answer: Answer) -> dict[str, Any] | Refusal:
        status = answer.status
        try:
            body = load_object(answer.content)
        except MalformedJson as error:
            if OK <= status < REDIRECT:
                raise self.unreadable(str(error)) from None
            body = {}
        if OK <= status < REDIRECT:
            return body
        if REFUSED <= status < BROKEN and status not in {TIMEOUT, THROTTLED}:
            return Refusal(status=status, detail=self._said(status, body))
        raise self._api.unavailable(
            f"answered {status}", retry_after_seconds=_seconds(answer.headers)
        )

    def _said(self, status: int, body: Mapping[str, Any]) -> str:
        """`code` and `message` of an error; some refusals are plain text, and say nothing here."""
        words = " ".join(str(body[name]) for name in ("code", "message") if body.get(name))
        for secret in self._secrets:
            words = words.replace(secret, "[secret]")
        return f"NOWPayments at {self._api.host} answered {status} {printable(words)}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for an answer that NOWPayments' documents do not describe."""
        return self._api.unavailable(f"answered what this shop does not understand: {what}")


def _seconds(headers: Mapping[str, str]) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 - a week
