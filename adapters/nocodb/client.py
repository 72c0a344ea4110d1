"""One HTTP client for one NocoDB table: requests go out paced, answers come in as two kinds.

`Reply`    2xx with JSON
`Refusal`  the server answered, and will answer the same until something changes
and `Unavailable` is raised for the rest: no connection, a time-out, 5xx, HTML, half an answer.

Nothing is repeated here, and the token appears in one header only, never in a text.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

import httpx
import msgspec
import trio

from actors.kernel.failures import Unavailable
from adapters.nocodb.gate import CLOUD_REQUESTS_PER_SECOND, Gate, is_cloud

DEADLINE_SECONDS = 10.0
"""For one whole request, from the pool's queue to the last byte of the answer."""
ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""A page of 1000 rows with three short columns is about 80 kB."""
CONNECTIONS_MAX = 8
THROTTLED_SECONDS = 30.0
"""The pause after a 429 that names none: what NocoDB's cloud wants."""
DETAIL_LENGTH_MAX = 200
RETRY_AFTER_DIGITS_MAX = 9
NOT_FOUND = re.compile(r"'(.*)' not found", re.DOTALL)
OK, REDIRECT, THROTTLED, BROKEN = 200, 300, 429, 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A 2xx answer: decoded JSON, and the server's clock when it told the time."""

    body: object
    server_time: datetime | None
    latency_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A 4xx answer. `code` and `text` are empty when the body was not NocoDB's.

    `latency_seconds` is None when nothing was sent, because the pause after a 429 still lasts.
    """

    status: int
    code: str = ""
    text: str = ""
    retry_after_seconds: float = 0.0
    latency_seconds: float | None = None

    def missing_columns(self, among: Iterable[str]) -> tuple[str, ...]:
        """Those of these columns that the table does not have, if that is the reason.

        `Column alias 'Paid' not found.` in a 422 names one, `Field 'Paid, UpdatedAt' not found`
        in a 404 may name several (seen on 0.262.5).
        """
        found = NOT_FOUND.search(self.text)
        named = {found[1], *found[1].split(", ")} if found else set()
        return tuple(title for title in among if title in named)


class NocoClient:
    """The records of one table. Use it as `async with`; it may be shared by any number of tasks."""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        table_id: str,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.host = urlsplit(url).hostname or ""
        self.cloud = is_cloud(self.host)
        self.table_id = table_id
        self._token, self._deadline_seconds = token, deadline_seconds
        self._records_url = f"{url.rstrip('/')}/api/v2/tables/{quote(table_id, safe='')}/records"
        self._gate = Gate(requests_per_second=CLOUD_REQUESTS_PER_SECOND if self.cloud else None)
        self._http = httpx.AsyncClient(
            headers={
                "xc-token": token,
                "accept": "application/json",
                "accept-encoding": "identity",  # so that the limit on bytes is one on memory
                "user-agent": "factorage",
            },
            verify=tls_for(url),
            timeout=None,  # noqa: S113 - one deadline for the whole request, in `_send`,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            follow_redirects=False,  # the token must not follow anybody
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

    async def get(self, query: Mapping[str, str | int]) -> Reply | Refusal:
        """List records. Values are encoded here, with `(`, `)` and `,` left as they are."""
        parts = (f"{name}={quote(str(value), safe='(),')}" for name, value in query.items())
        return await self._send("GET", f"{self._records_url}?{'&'.join(parts)}", None)

    async def post(self, row: Mapping[str, object]) -> Reply | Refusal:
        """Add a record. `Unavailable` may mean that it was added all the same."""
        return await self._send("POST", self._records_url, msgspec.json.encode(row))

    async def patch(self, row: Mapping[str, object]) -> Reply | Refusal:
        """Change the record whose `Id` is in `row`."""
        return await self._send("PATCH", self._records_url, msgspec.json.encode(row))

    async def _send(self, method: str, url: str, body: bytes | None) -> Reply | Refusal:
        wait_seconds = await self._gate.enter()
        if wait_seconds > 0:
            return Refusal(status=THROTTLED, retry_after_seconds=wait_seconds)
        started, content = trio.current_time(), bytearray()
        try:
            with trio.move_on_after(self._deadline_seconds) as deadline:
                response = await self._receive(method, url, body, content, deadline)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise self._unavailable(f"cannot be asked: {_named(error)}") from error
        if len(content) > ANSWER_BYTES_MAX:
            raise self._unavailable(f"answered more than {ANSWER_BYTES_MAX} bytes")
        if deadline.cancelled_caught:
            raise self._unavailable(f"did not answer within {self._deadline_seconds:g} s")
        latency_seconds = trio.current_time() - started
        return self._read(response, bytes(content), latency_seconds=latency_seconds)

    async def _receive(
        self,
        method: str,
        url: str,
        body: bytes | None,
        content: bytearray,
        deadline: trio.CancelScope,
    ) -> httpx.Response:
        headers = {} if body is None else {"content-type": "application/json"}
        async with self._http.stream(method, url, content=body, headers=headers) as response:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > ANSWER_BYTES_MAX:
                    # Not `raise`: httpx's nested generators are only closed from inside.
                    deadline.cancel()
        return response

    def _read(
        self, response: httpx.Response, content: bytes, *, latency_seconds: float
    ) -> Reply | Refusal:
        status = response.status_code
        retry_after = _retry_after_seconds(response.headers)
        if status >= BROKEN:
            raise self._unavailable(f"answered {status}", retry_after_seconds=retry_after)
        if REDIRECT <= status < REDIRECT + 100 or status < OK:
            raise self._unavailable(f"answered {status}: is NOCODB_URL its own address?")
        body, is_json = _decoded(content)
        if status >= REDIRECT:
            code, text = _error(body)
            if status == THROTTLED:
                retry_after = THROTTLED_SECONDS if retry_after is None else retry_after
                self._gate.close(retry_after)
            return Refusal(
                status=status,
                code=code.replace(self._token, "[token]"),
                text=text.replace(self._token, "[token]"),
                retry_after_seconds=retry_after or 0.0,
                latency_seconds=latency_seconds,
            )
        if not is_json:
            kind = _printable(response.headers.get("content-type", "something unnamed"))
            raise self._unavailable(
                f"answered {status} with {kind}, not JSON: is NOCODB_URL its address?"
            )
        return Reply(
            body=body,
            server_time=_time(response.headers.get("date", "")),
            latency_seconds=latency_seconds,
        )

    def said(self, refusal: Refusal) -> str:
        """The refusal in words, for a person."""
        words = refusal.text or refusal.code
        return f"NocoDB at {self.host} answered {refusal.status} {words}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for JSON that is not what this API answers."""
        return self._unavailable(f"answered JSON that this bot does not understand: {what}")

    def _unavailable(self, what: str, *, retry_after_seconds: float | None = None) -> Unavailable:
        return Unavailable(f"NocoDB at {self.host} {what}", retry_after_seconds=retry_after_seconds)


def _decoded(content: bytes) -> tuple[object, bool]:
    """The JSON value and True, or None and False."""
    try:
        return msgspec.json.decode(content), True
    except (msgspec.DecodeError, RecursionError, ValueError):  # ValueError: bad UTF-8, huge ints
        return None, False


def _error(body: object) -> tuple[str, str]:
    """Code and text of an error body: `{"msg"}`, or `{"error", "message"}`, the code with or
    without `ERR_` in front, depending on the version (measured on 0.262 and 0.301).
    """
    if not isinstance(body, dict):
        return "", ""
    code, text = body.get("error"), body.get("message", body.get("msg"))
    return (
        _printable(code).removeprefix("ERR_") if isinstance(code, str) else "",
        _printable(text) if isinstance(text, str) else "",
    )


def _printable(text: str) -> str:
    """One short line that is fit for a log."""
    return "".join(c if c.isprintable() else " " for c in text[:DETAIL_LENGTH_MAX]).strip()


def _named(error: Exception) -> str:
    """The error in words, without an address: where we asked is known, and may hold a token."""
    return f"{type(error).__name__} {_printable(str(error))}".strip()


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context for `url`; where that is not https, one that trusts nobody: reading the
    certificates of the machine takes longer than starting all the rest.
    """
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _time(header: str) -> datetime | None:
    """An HTTP date as aware UTC, or None."""
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except OverflowError:
        return None


def _retry_after_seconds(headers: httpx.Headers) -> float | None:
    """`Retry-After` in seconds, whether it came as a number or as a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) <= RETRY_AFTER_DIGITS_MAX:
        return float(value)
    until, now = _time(value), _time(headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())
