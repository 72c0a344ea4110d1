"""One HTTP client for one NocoDB table: requests go out paced, answers come in as two kinds.

`Reply`    2xx with JSON
`Refusal`  the server answered, and will answer the same until something changes
and `Unavailable` is raised for the rest: no connection, a time-out, 5xx, HTML, half an answer.

Nothing is repeated here, and the token appears in one header only, never in a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import msgspec
import trio

from actors.kernel.failures import Unavailable
from adapters.nocodb.gate import CLOUD_REQUESTS_PER_SECOND, Gate, is_cloud
from adapters.web.api import Answer, Api, ApiClient, printable

DEADLINE_SECONDS = 10.0
"""For one whole request, from the pool's queue to the last byte of the answer."""
ANSWER_BYTES_MAX = 4 * 1024 * 1024
"""A page of 1000 rows with three short columns is about 80 kB."""
CONNECTIONS_MAX = 8
IDLE_SECONDS = 60.0
"""Longer than the pause between two looks at who has paid, or each look is a new connection, with
a TLS handshake. A server that closes earlier (Node's default is 5 s) is noticed before it is asked.
"""
THROTTLED_SECONDS = 30.0
"""The pause after a 429 that names none: what NocoDB's cloud wants."""
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


class NocoClient(ApiClient):
    """The records of one table."""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        table_id: str,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        api = Api(
            "NocoDB",
            url=url,
            headers={"xc-token": token},
            connections_max=CONNECTIONS_MAX,
            bytes_max=ANSWER_BYTES_MAX,
            deadline_seconds=deadline_seconds,
            idle_seconds=IDLE_SECONDS,
        )
        super().__init__(api)
        self.host = api.host
        self.cloud = is_cloud(self.host)
        self.table_id = table_id
        self._token = token
        self._records = f"/api/v2/tables/{quote(table_id, safe='')}/records"
        self._gate = Gate(requests_per_second=CLOUD_REQUESTS_PER_SECOND if self.cloud else None)

    async def get(self, query: Mapping[str, str | int]) -> Reply | Refusal:
        """List records. Values are encoded here, with `(`, `)` and `,` left as they are."""
        parts = (f"{name}={quote(str(value), safe='(),')}" for name, value in query.items())
        return await self._send("GET", f"{self._records}?{'&'.join(parts)}", None)

    async def post(self, row: Mapping[str, object]) -> Reply | Refusal:
        """Add a record. `Unavailable` may mean that it was added all the same."""
        return await self._send("POST", self._records, msgspec.json.encode(row))

    async def patch(self, row: Mapping[str, object]) -> Reply | Refusal:
        """Change the record whose `Id` is in `row`."""
        return await self._send("PATCH", self._records, msgspec.json.encode(row))

    async def _send(self, method: str, target: str, body: bytes | None) -> Reply | Refusal:
        wait_seconds = await self._gate.enter()
        if wait_seconds > 0:
            return Refusal(status=THROTTLED, retry_after_seconds=wait_seconds)
        started = trio.current_time()
        headers = {} if body is None else {"content-type": "application/json"}
        answer = await self._api.ask(method, target, body, headers)
        latency_seconds = trio.current_time() - started
        return self._read(answer, latency_seconds=latency_seconds)

    def _read(self, answer: Answer, *, latency_seconds: float) -> Reply | Refusal:
        status = answer.status
        retry_after = _retry_after_seconds(answer.headers)
        if status >= BROKEN:
            raise self._api.unavailable(f"answered {status}", retry_after_seconds=retry_after)
        if REDIRECT <= status < REDIRECT + 100 or status < OK:
            raise self._api.unavailable(f"answered {status}: is NOCODB_URL its own address?")
        body, is_json = _decoded(answer.content)
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
            kind = printable(answer.headers.get("content-type", "something unnamed"))
            raise self._api.unavailable(
                f"answered {status} with {kind}, not JSON: is NOCODB_URL its address?"
            )
        return Reply(
            body=body,
            server_time=_time(answer.headers.get("date", "")),
            latency_seconds=latency_seconds,
        )

    def said(self, refusal: Refusal) -> str:
        """The refusal in words, for a person."""
        words = refusal.text or refusal.code
        return f"NocoDB at {self.host} answered {refusal.status} {words}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for JSON that is not what this API answers."""
        return self._api.unavailable(f"answered JSON that this bot does not understand: {what}")


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
        printable(code).removeprefix("ERR_") if isinstance(code, str) else "",
        printable(text) if isinstance(text, str) else "",
    )


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


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds, whether it came as a number or as a date."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit() and len(value) <= RETRY_AFTER_DIGITS_MAX:
        return float(value)
    until, now = _time(value), _time(headers.get("date", ""))
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())
