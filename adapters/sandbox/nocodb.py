"""A NocoDB server with one table: `/api/v2/tables/<table>/records`, over real HTTP.

    nocodb = NocodbSandbox(flavour="0.301", booleans="postgres")
    async with serve(nocodb) as url:                        # NOCODB_URL
        ...
        nocodb.tick(1)

Behaves as real servers did when they were measured: `flavour` is the version whose words it
speaks, `booleans` the database below it. What it does with records is in `nocodb_records`,
the filter language in `nocodb_where`, control over HTTP in `nocodb_control`.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta

import trio

from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.nocodb_errors import Flavour, Refused, not_found, unauthorized
from adapters.sandbox.nocodb_records import ROWS_PER_PAGE_MAX, Records
from adapters.sandbox.nocodb_table import Kind, Row, Storage, Table, standard_columns
from adapters.sandbox.server import Request, Response, utc_now

TOKEN = "sandbox-token-of-forty-characters-000000"  # noqa: S105 - opens nothing
TABLE_ID = "msandboxrecords"
HEAD_BYTES_MAX = 16_384
"""Node's limit; beyond it an empty 431 before NocoDB sees anything."""
CLOUD_REQUESTS_PER_SECOND = 5
CLOUD_PAUSE_SECONDS = 30

_ROUTE = re.compile(r"/api/v2/tables/(?P<table>[^/]+)/records(?:/(?P<record>[^/]+))?/?")
_KINDS = {"GET": "list", "POST": "create", "PATCH": "update", "DELETE": "delete"}


class NocodbSandbox:
    """One NocoDB, in memory. `now` is the wall clock of this world; it may be replaced."""

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(
        self,
        *,
        token: str = TOKEN,
        table_id: str = TABLE_ID,
        flavour: Flavour = "0.301",
        booleans: Storage = "postgres",
        rows_per_page_max: int = ROWS_PER_PAGE_MAX,
        latency_seconds: float = 0.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.token, self.table_id, self.now = token, table_id, now
        self.flavour, self.booleans, self.latency_seconds = flavour, booleans, latency_seconds
        self.table = Table(standard_columns(), lambda: self.now())  # noqa: PLW0108 - replaceable
        self.calls: Counter[str] = Counter()
        """Requests per kind: list, count, read, create, update, delete; refused ones included."""
        self.wheres: list[str] = []
        """The `where` of every list and count, in order."""
        self._records = Records(
            self.table, flavour=flavour, booleans=booleans, rows_per_page_max=rows_per_page_max
        )
        self._faults = Faults()
        self._cloud: _CloudLimit | None = None

    # What tests and the demo do with it.

    @property
    def rows(self) -> list[Row]:
        """The rows as they are stored, by id."""
        return list(self.table.rows.values())

    def insert(self, **values: object) -> int:
        """Somebody else enters a row; its id."""
        return self.table.insert([values])[0]

    def tick(self, record_id: int, *, paid: bool = True) -> None:
        """An operator ticks the box (or clears it); raises KeyError for an unknown row."""
        self.table.update({record_id: {self.table.title(Kind.CHECKBOX): paid}})

    def delete(self, record_id: int) -> None:
        """An operator deletes a row; raises KeyError for an unknown one."""
        self.table.delete(record_id)

    def rename_column(self, old: str, new: str) -> None:
        """An operator renames a column; raises KeyError for an unknown one."""
        self.table.rename(old, new)

    def fail_next(
        self,
        times: int,
        status: int,
        body: object = None,
        *,
        html: bool = False,
        retry_after: int | None = None,
        kind: str | None = None,
    ) -> None:
        """Refuse the next requests (of `kind`, see `calls`) with `body` as JSON.

        `html=True` answers the page of a proxy instead. Nothing happens in the table.
        """
        headers = {} if retry_after is None else {"retry-after": str(int(retry_after))}
        said = {"msg": "Sandbox"} if body is None else body
        answer = Response.page(status, headers) if html else Response.of(said, status, headers)
        self._faults.plan(Fail(answer), times=times, kind=kind)

    def hang_next(self, times: int, seconds: float, *, kind: str | None = None) -> None:
        """Look at the next requests only after `seconds`, and carry them out even then."""
        self._faults.plan(Hang(seconds), times=times, kind=kind)

    def drop_next(self, times: int, *, kind: str | None = None) -> None:
        """Carry out the next requests, then hang up: the client never learns the outcome."""
        self._faults.plan(Drop(), times=times, kind=kind)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()

    def cloud_limit(self, *, on: bool) -> None:
        """Answer like NocoDB's cloud: 429 beyond 5 requests a second, for 30 s."""
        self._cloud = _CloudLimit() if on else None

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        kind = _kind(request)
        self.calls[kind] += 1
        if kind in {"list", "count"}:
            self.wheres.append(request.parameters.get("where", ""))
        fault = self._faults.take(kind)
        if isinstance(fault, Fail):
            return fault.answer
        pause_seconds = fault.seconds if isinstance(fault, Hang) else self.latency_seconds
        await trio.sleep(pause_seconds)
        if self._cloud is not None and self._cloud.refuses(self.now()):
            body = {"statusCode": 429, "message": "ThrottlerException: Too Many Requests"}
            return Response.of(body, 429, {"retry-after": str(CLOUD_PAUSE_SECONDS)})
        try:
            response = Response.of(self._result(kind, request))
        except Refused as refused:
            response = Response.of(refused.as_json(self.flavour), refused.status)
        return None if isinstance(fault, Drop) else response

    def _result(self, kind: str, request: Request) -> object:
        found = _ROUTE.fullmatch(request.path)
        if found is None or kind == "unknown":
            raise Refused(404, f"Cannot {request.method} {request.path}")
        if not self._authorized(request):
            raise unauthorized(self.flavour)
        if found["table"] != self.table_id:
            raise not_found("TABLE", found["table"])
        match kind:
            case "list":
                return self._records.page(request.parameters)
            case "count":
                return self._records.count(request.parameters)
            case "read":
                return self._records.read(found["record"], request.parameters)
            case _:
                return self._records.write(kind, request.body)

    def _authorized(self, request: Request) -> bool:
        """`xc-token`, and from 0.301 on also `Authorization: Bearer`."""
        given = request.headers.get("xc-token", "")
        bearer = request.headers.get("authorization", "")
        if not given and self.flavour == "0.301" and bearer.startswith("Bearer "):
            given = bearer.removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self.token.encode())


class _CloudLimit:
    """NocoDB's cloud: five requests a second, or 30 seconds of 429."""

    def __init__(self) -> None:
        self._recent: deque[datetime] = deque(maxlen=CLOUD_REQUESTS_PER_SECOND)
        self._paused_until: datetime | None = None

    def refuses(self, now: datetime) -> bool:
        if self._paused_until is not None and now < self._paused_until:
            return True
        second_ago = now - timedelta(seconds=1)
        if len(self._recent) == CLOUD_REQUESTS_PER_SECOND and self._recent[0] > second_ago:
            self._paused_until = now + timedelta(seconds=CLOUD_PAUSE_SECONDS)
            return True
        self._recent.append(now)
        return False


def _kind(request: Request) -> str:
    """What a request is counted as."""
    found = _ROUTE.fullmatch(request.path)
    if found is None:
        return "unknown"
    if found["record"] is None:
        return _KINDS.get(request.method, "unknown")
    if request.method != "GET":
        return "unknown"
    return "count" if found["record"] == "count" else "read"
