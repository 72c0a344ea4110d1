"""python-telegram-bot's transport, on httpx under trio.

What became of a request is told by the error, because it decides who may repeat it:

```
telegram.error.TelegramError
├── NotSent          provably not carried out: repeat whatever it was
├── TooManyRequests  HTTP 429, not carried out either: repeat when the time is over
├── OutcomeUnknown   it left, and no usable answer came back: perhaps carried out
└── the rest         python-telegram-bot's own, for a refusal in the Bot API's words
```

httpx's pool looks through all its connections for every request, so one client with many
connections gets slower the more of them are in use (measured: 206 requests a second instead
of 719 with a hundred senders). Hence clients of one connection each, the most recently used
first, on one TLS context: a context costs 50 ms, a client 0.3 ms.

The bot's token is part of every URL. No error text contains it, and errors of httpx are not
chained: the request they carry has the URL.
"""

from __future__ import annotations

import logging
import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import httpx
import trio
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from adapters.telegram import answers

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
WRITE_SECONDS = 20.0
CONNECTION_SECONDS = 10.0
"""How long a request waits for one of the connections to be free."""
KEEPALIVE_SECONDS = 20.0
"""A connection idle for longer is not used again: the other side may be about to close it."""
RESPONSE_BYTES_MAX = 64 * 1024 * 1024
"""A hundred updates of the largest texts, all of them escaped, take about 15 MB."""
RETRY_AFTER_DEFAULT_SECONDS = 5.0
"""When a 429 does not say for how long."""

_TOO_MANY = 429
_SERVER_ERROR = 500
_CLIENT_ERROR = 400

_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


_HEADERS: Final = {"Accept-Encoding": "identity"}
"""Answers are small. A broken gzip would leave httpx's generators open half-way."""


class NotSent(NetworkError):  # noqa: N818 - a verdict, like the next two
    """Provably not carried out: no connection, or refused before the Bot API saw it."""


class TooManyRequests(TelegramError):  # noqa: N818 - a verdict
    """HTTP 429. `telegram.error.RetryAfter` cannot say fractions and warns when it is read."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"Too Many Requests: retry after {retry_after_seconds:g} s")
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(NetworkError):  # noqa: N818 - a verdict
    """The request left, and nobody knows whether it was carried out."""


class TrioRequest(BaseRequest):
    """One connection per concurrent request, at most `connections`, each made when it is first
    needed; `tls` is shared.

    With `proxies` the environment's HTTPS_PROXY and its kind are obeyed.
    An answer of more than `response_bytes_max` is not read to its end.
    """

    def __init__(
        self,
        *,
        connections: int,
        tls: ssl.SSLContext,
        proxies: bool = False,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
    ) -> None:
        timeout = httpx.Timeout(
            connect=CONNECT_SECONDS, read=READ_SECONDS, write=WRITE_SECONDS, pool=CONNECTION_SECONDS
        )
        limits = httpx.Limits(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=KEEPALIVE_SECONDS
        )
        self._response_bytes_max = response_bytes_max
        self._new = partial(
            httpx.AsyncClient,
            verify=tls,
            timeout=timeout,
            limits=limits,
            headers=_HEADERS,
            trust_env=proxies,
        )
        self._all = [self._new()]
        self._idle = list(self._all)
        self._free = trio.Semaphore(connections, max_value=connections)
        hide_tokens_in_logs()

    @property
    def read_timeout(self) -> float:
        """Seconds between two bytes of an answer, unless a request says otherwise."""
        return READ_SECONDS

    async def initialize(self) -> None:
        """Nothing to do: a connection is opened by the first request that needs it."""

    async def shutdown(self) -> None:
        """Close every connection."""
        for client in self._all:
            await client.aclose()

    async def do_request(  # noqa: PLR0917 - python-telegram-bot's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: object = BaseRequest.DEFAULT_NONE,
        write_timeout: object = BaseRequest.DEFAULT_NONE,
        connect_timeout: object = BaseRequest.DEFAULT_NONE,
        pool_timeout: object = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Ends within the sum of its time-outs, even when the answer comes byte by byte."""
        timeout = httpx.Timeout(
            connect=_given(connect_timeout, CONNECT_SECONDS),
            read=_given(read_timeout, READ_SECONDS),
            write=_given(write_timeout, WRITE_SECONDS),
            pool=_given(pool_timeout, CONNECTION_SECONDS),
        )
        status, content, retry_after = await self._exchange(url, method, request_data, timeout)
        answer = answers.decode(status, content)
        if answer is None:
            raise _not_the_bot_api(status, retry_after)
        if answer.code == _TOO_MANY:
            asked = answer.retry_after_seconds or answers.seconds(retry_after)
            raise TooManyRequests(asked or RETRY_AFTER_DEFAULT_SECONDS)
        if answer.code >= _SERVER_ERROR:
            raise OutcomeUnknown(f"HTTP {answer.code}: {answer.description}")
        if answer.code >= _CLIENT_ERROR:
            return answer.code, answers.encode(answer)
        return 200, content

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, object]:
        """What `do_request` let through is an object; read as leniently as there."""
        loaded: dict[str, object] = answers.load(payload)
        return loaded

    async def _exchange(
        self, url: str, method: str, data: RequestData | None, limits: httpx.Timeout
    ) -> tuple[int, bytes, str | None]:
        """Status, body and `Retry-After` of the answer."""
        fields = data.json_parameters if data else None
        files = data.multipart_data if data and data.contains_files else None
        limit_seconds = sum(part or math.inf for part in limits.as_dict().values())
        async with self._client(limits.pool) as client:
            try:
                with trio.fail_after(limit_seconds):
                    async with client.stream(
                        method, url, data=fields, files=files, timeout=limits
                    ) as response:
                        content = await self._content(response)
                        return response.status_code, content, response.headers.get("retry-after")
            except _NOT_SENT as error:
                raise NotSent(_detail(error)) from None
            except (httpx.HTTPError, httpx.StreamError, trio.TooSlowError) as error:
                raise OutcomeUnknown(_detail(error)) from None
            except UnicodeError:
                raise BadRequest("the text is not valid Unicode") from None

    async def _content(self, response: httpx.Response) -> bytes:
        content = bytearray()
        with trio.CancelScope() as reading:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > self._response_bytes_max:
                    # Not left by an exception: that would not end httpx's inner generators.
                    reading.cancel()
        if len(content) > self._response_bytes_max:
            raise httpx.ReadError(f"an answer of more than {self._response_bytes_max} bytes")
        return bytes(content)

    @asynccontextmanager
    async def _client(self, patience_seconds: float | None) -> AsyncIterator[httpx.AsyncClient]:
        with trio.move_on_after(math.inf if patience_seconds is None else patience_seconds) as wait:
            await self._free.acquire()
        if wait.cancelled_caught:
            raise NotSent("every connection is in use")
        if not self._idle:
            self._all.append(self._new())
            self._idle.append(self._all[-1])
        client = self._idle.pop()
        try:
            yield client
        finally:
            self._idle.append(client)
            self._free.release()


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context for `url`; one that trusts nobody when `url` is not https."""
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def hide_tokens_in_logs() -> None:
    """Keep the token out of what httpx (every URL) and python-telegram-bot (its own) log.

    A logger keeps one filter once, however often it is added.
    """
    for name in ("httpx", "telegram.Bot"):
        logging.getLogger(name).addFilter(_hide_token)


def _hide_token(record: logging.LogRecord) -> bool:
    text = record.getMessage()
    hidden = answers.hide_token(text)
    if hidden != text:
        record.msg, record.args = hidden, ()
    return True


def _not_the_bot_api(status: int, retry_after: str | None) -> TelegramError:
    """Whoever answered, it was not the Bot API: a proxy, a captive portal, a wrong URL."""
    if status == _TOO_MANY:
        return TooManyRequests(answers.seconds(retry_after) or RETRY_AFTER_DEFAULT_SECONDS)
    detail = f"HTTP {status}, and the answer is not the Bot API's"
    if _CLIENT_ERROR <= status < _SERVER_ERROR:
        return NotSent(detail)  # whoever refuses the request has not passed it on
    return OutcomeUnknown(detail)


def _given(value: object, default: float) -> float | None:
    """A time-out as python-telegram-bot passes it: a number, None, or "not given"."""
    if isinstance(value, int | float):
        return float(value)
    return None if value is None else default


def _detail(error: Exception) -> str:
    return answers.detail(f"{type(error).__name__}: {error}".rstrip(": "))
