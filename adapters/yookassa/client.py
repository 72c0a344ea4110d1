"""One HTTP client for YooKassa's API v3: an answer is an object, a refusal, or `Unavailable`.

    200        the object
    202        not finished: asked again after `retry_after`, with the same key, a few times
    4xx        a refusal; the same question will be refused again
    429, 5xx   `Unavailable`; after a 500 nobody knows whether something was made

Whoever makes something names it by an `Idempotence-Key` and asks again with the same key and
the same fields (contract, section 2.1). The secret stands in one header only.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object

DEADLINE_SECONDS = 20.0
"""For one question, its repetitions after a 202 included."""
ATTEMPTS_MAX = 3
RETRY_AFTER_SECONDS = 1.8
"""After a 202 that names no time. Both are what the vendor's SDK does."""
RETRY_AFTER_SECONDS_MAX = 5.0
CONNECTIONS_MAX = 4
DETAIL_LENGTH_MAX = 200
OK, ACCEPTED, REFUSED, BROKEN = 200, 202, 400, 500
TIMEOUT, THROTTLED = 408, 429
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A 4xx answer; `detail` is fit for an operator."""

    status: int
    detail: str


Answer = dict[str, Any] | Refusal


class YooKassaClient:
    """`url` ends in `/v3`. Use it as `async with`; any number of tasks may share it."""

    def __init__(
        self,
        *,
        url: str,
        shop_id: str,
        secret_key: str,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._url, self._host = url.rstrip("/"), urlsplit(url).hostname or ""
        self._secret_key, self._deadline_seconds = secret_key, deadline_seconds
        self._http = httpx.AsyncClient(
            auth=httpx.BasicAuth(shop_id, secret_key),
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",  # so that the limit on bytes is one on memory
                "user-agent": "factorage",
            },
            verify=_tls_for(url),
            timeout=None,  # noqa: S113 - one deadline for the whole question, in `_ask`
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            follow_redirects=False,  # the secret must not follow anybody
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

    async def get(self, path: str) -> Answer:
        """Read one object."""
        return await self._ask("GET", path, {}, None)

    async def post(self, path: str, fields: Mapping[str, object], *, key: str) -> Answer:
        """Make one object, once for each `key` (within 24 hours)."""
        headers = {"content-type": "application/json", "idempotence-key": key}
        return await self._ask("POST", path, headers, msgspec.json.encode(fields))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        with trio.move_on_after(self._deadline_seconds) as deadline:
            for _ in range(ATTEMPTS_MAX):
                status, answer = await self._send(method, path, headers, body)
                if status != ACCEPTED:
                    return self._read(status, answer)
                await trio.sleep(_retry_after_seconds(answer, RETRY_AFTER_SECONDS))
        if deadline.cancelled_caught:
            raise self._unavailable(f"did not answer within {self._deadline_seconds:g} s")
        raise self._unavailable("has not finished yet")

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        """Status and object of one answer; the object is empty where there was none."""
        content, whole = bytearray(), trio.CancelScope()
        try:
            with whole:
                async with self._http.stream(
                    method, f"{self._url}{path}", content=body, headers=dict(headers)
                ) as response:
                    async for chunk in response.aiter_raw():
                        content += chunk
                        if len(content) > BYTES_MAX:
                            # Not `raise`: httpx's nested generators are only closed from inside.
                            whole.cancel()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self._unavailable(f"cannot be asked: {type(error).__name__}") from None
        if whole.cancelled_caught:
            raise self._unavailable(f"answered more than {BYTES_MAX} bytes")
        try:
            return response.status_code, load_object(bytes(content))
        except MalformedJson as error:
            if response.status_code == OK:
                raise self.unreadable(str(error)) from None
            return response.status_code, {}

    def _read(self, status: int, answer: dict[str, Any]) -> Answer:
        if status == OK:
            return answer
        if REFUSED <= status < BROKEN and status not in {TIMEOUT, THROTTLED}:
            return Refusal(status=status, detail=self._said(status, answer))
        wait_seconds = _retry_after_seconds(answer, 0.0) or None
        raise self._unavailable(f"answered {status}", retry_after_seconds=wait_seconds)

    def _said(self, status: int, answer: Mapping[str, Any]) -> str:
        """`code`, `description` and `parameter` of an error, and its id for their support."""
        names = ("code", "description", "parameter", "id")
        words = " ".join(str(answer[name]) for name in names if answer.get(name))
        words = words.replace(self._secret_key, "[secret]")[:DETAIL_LENGTH_MAX]
        printable = "".join(c if c.isprintable() else " " for c in words)
        return f"YooKassa at {self._host} answered {status} {printable}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for an answer that YooKassa's documents do not describe."""
        return self._unavailable(f"answered what this shop does not understand: {what}")

    def _unavailable(self, what: str, *, retry_after_seconds: float | None = None) -> Unavailable:
        return Unavailable(
            f"YooKassa at {self._host} {what}", retry_after_seconds=retry_after_seconds
        )


def _retry_after_seconds(answer: Mapping[str, Any], otherwise: float) -> float:
    """`retry_after` of the body, in milliseconds there."""
    told = answer.get("retry_after")
    if not isinstance(told, int) or isinstance(told, bool) or told <= 0:
        return otherwise
    return min(told / MILLISECONDS, RETRY_AFTER_SECONDS_MAX)


def _tls_for(url: str) -> ssl.SSLContext:
    """One that trusts nobody where no TLS is spoken: reading certificates takes a while."""
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
