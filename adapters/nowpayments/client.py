"""One HTTP client for NOWPayments' API: an answer is JSON, or a refusal, or `Unavailable`.

Nothing is repeated here: the API knows no idempotency. The key stands in one header only.
Lists want the account's e-mail and password as well, which buy a token for five minutes.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object

DEADLINE_SECONDS = 15.0
"""For one whole request. Invoices take NOWPayments a second or two."""
TOKEN_SECONDS = 240.0
"""How long a token is used; it lives about five minutes (contract, section 3.1)."""
CONNECTIONS_MAX = 4
DETAIL_LENGTH_MAX = 200
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


class NowPaymentsClient:
    """`url` ends in `/v1`. Use it as `async with`; any number of tasks may share it."""

    def __init__(
        self,
        *,
        url: str,
        api_key: str,
        account: Account | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._url, self._host = url.rstrip("/"), urlsplit(url).hostname or ""
        self._secrets = (api_key, *((account.password,) if account else ()))
        self._account, self._deadline_seconds = account, deadline_seconds
        self._token, self._token_until = "", 0.0
        self._http = httpx.AsyncClient(
            headers={
                "x-api-key": api_key,
                "accept": "application/json",
                "accept-encoding": "identity",  # so that the limit on bytes is one on memory
                "user-agent": "factorage",
            },
            verify=_tls_for(url),
            timeout=None,  # noqa: S113 - one deadline for the whole request, in `_send`
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            follow_redirects=False,  # the key must not follow anybody
            trust_env=False,  # the settings say where to go, and nothing else does
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

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
        content = bytearray()
        try:
            with trio.move_on_after(self._deadline_seconds) as deadline:
                async with self._http.stream(
                    method, f"{self._url}{path}", content=body, headers=headers
                ) as response:
                    async for chunk in response.aiter_raw():
                        content += chunk
                        if len(content) > BYTES_MAX:
                            # Not `raise`: httpx's nested generators are only closed from inside.
                            deadline.cancel()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._unavailable(f"cannot be asked: {type(error).__name__}") from None
        if len(content) > BYTES_MAX:
            raise self._unavailable(f"answered more than {BYTES_MAX} bytes")
        if deadline.cancelled_caught:
            raise self._unavailable(f"did not answer within {self._deadline_seconds:g} s")
        return self._read(response, bytes(content))

    def _read(self, response: httpx.Response, content: bytes) -> dict[str, Any] | Refusal:
        status = response.status_code
        try:
            body = load_object(content)
        except MalformedJson as error:
            if OK <= status < REDIRECT:
                raise self.unreadable(str(error)) from None
            body = {}
        if OK <= status < REDIRECT:
            return body
        if REFUSED <= status < BROKEN and status not in {TIMEOUT, THROTTLED}:
            return Refusal(status=status, detail=self._said(status, body))
        raise self._unavailable(
            f"answered {status}", retry_after_seconds=_seconds(response.headers)
        )

    def _said(self, status: int, body: Mapping[str, Any]) -> str:
        """`code` and `message` of an error; some refusals are plain text, and say nothing here."""
        words = " ".join(str(body[name]) for name in ("code", "message") if body.get(name))
        for secret in self._secrets:
            words = words.replace(secret, "[secret]")
        printable = "".join(c if c.isprintable() else " " for c in words[:DETAIL_LENGTH_MAX])
        return f"NOWPayments at {self._host} answered {status} {printable}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for an answer that NOWPayments' documents do not describe."""
        return self._unavailable(f"answered what this shop does not understand: {what}")

    def _unavailable(self, what: str, *, retry_after_seconds: float | None = None) -> Unavailable:
        return Unavailable(
            f"NOWPayments at {self._host} {what}", retry_after_seconds=retry_after_seconds
        )


def _seconds(headers: httpx.Headers) -> float | None:
    value = headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None  # noqa: PLR2004 - a week


def _tls_for(url: str) -> ssl.SSLContext:
    """One that trusts nobody where no TLS is spoken: reading certificates takes a while."""
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
