"""The tracker's two questions to NocoDB: what changed, and how these rows stand.

Implements `actors.tracker.ports.PaidRecords`. Behaviours behind the code, each seen on real
servers (measured on NocoDB 0.262 and 0.301):

* `Paid` is 0/1 on sqlite and false/true on PostgreSQL; `(Paid,eq,true)` finds nothing on
  sqlite, `(Paid,checked)` works on both.
* Without `limit` only 25 rows come, and a larger `limit` than allowed is clipped silently.
* A request head above 16 KiB is answered with an empty 431, by nginx with 414 from 8 KiB on.
* On sqlite the id of a deleted newest row is given to the next one, and a row whose answer got
  lost may have a twin. Each row is therefore asked for its chat, too.
* A chat id comes as a number or as a text, from a text column of sqlite even as
  "5000000001.0" if it was written as a number.
* An unknown column is a 422 in `where` and a 404 in `fields`, each in two shapes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from math import inf

import trio

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.tracker.model import Answer, Page, Place, Refused, Requests, Row, Throttled, TooLong
from actors.tracker.ports import PaidRecords
from adapters.nocodb.client import NocoClient, Refusal, Reply

CHUNK_ROWS = 500
CLOUD_CHUNK_ROWS = 100
"""NocoDB's cloud sends at most 100 rows per page (NocoDB issue 7761)."""
PAGE_ROWS = 1000
"""The largest page of a server of one's own."""
RECORD_ID_MAX = CHAT_ID_MAX = 2**63 - 1
CHAT_ID = re.compile(r"(-?[0-9]{1,19})(?:\.0+)?")
CHAT_COLUMN_OFF_SECONDS = 600.0
"""How long a missing chat column is not asked for, before it is tried again."""
ID, UPDATED_AT = "Id", "UpdatedAt"
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404
TOO_LONG = frozenset({413, 414, 431})
THROTTLED = 429
TABLE_CODES = frozenset({"TABLE_NOT_FOUND", "BASE_NOT_FOUND", "SOURCE_NOT_FOUND"})


class NocoPaidRecords(PaidRecords):
    """Rows of one table: `paid_column` tells which are paid, `chat_id_column` whose they are."""

    def __init__(
        self, *, client: NocoClient, paid_column: str = "Paid", chat_id_column: str = "ChatId"
    ) -> None:
        self._client, self._paid_column = client, paid_column
        self._chat_id_column, self._chat_column_again_at = chat_id_column, -inf
        self._requests = Requests()
        self._chunk_rows = CLOUD_CHUNK_ROWS if client.cloud else CHUNK_ROWS

    @property
    def requests(self) -> Requests:
        return self._requests

    @property
    def chunk_rows(self) -> int:
        return self._chunk_rows

    async def changed(self, place: Place) -> Answer:
        after = place.after.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
        query: dict[str, str | int] = {
            "where": f"({self._paid_column},checked)~and({UPDATED_AT},gt,exactDate,{after})",
            "fields": f"{self._fields()},{UPDATED_AT}",
            "sort": f"{UPDATED_AT},{ID}",
            "limit": PAGE_ROWS,
        }
        answer = await self._ask(query | {"offset": place.skip} if place.skip else query)
        if isinstance(answer, TooLong):
            return Refused(
                reason="question",
                detail=f"NocoDB at {self._client.host} finds even a short question too long: "
                "look at the proxy before it",
            )
        return answer

    async def read(self, record_ids: Collection[RecordId]) -> Answer:
        if not record_ids:
            return Page(rows=(), size=0, last=True)
        answer = await self._ask(
            {
                "where": f"({ID},in,{','.join(map(str, record_ids))})",
                "fields": self._fields(),
                "limit": len(record_ids),
            }
        )
        if isinstance(answer, Page) and not answer.last and answer.size:
            self._chunk_rows = min(self._chunk_rows, answer.size)
        elif isinstance(answer, TooLong):
            self._chunk_rows = max(1, min(self._chunk_rows, len(record_ids)) // 2)
        return answer

    def _fields(self) -> str:
        columns = [ID, self._paid_column]
        if trio.current_time() >= self._chat_column_again_at:
            columns.append(self._chat_id_column)
        return ",".join(columns)

    async def _ask(self, query: Mapping[str, str | int]) -> Answer:
        """One request, and its outcome counted."""
        tally = self._requests
        try:
            reply = await self._client.get(query)
            answer = self._page(reply) if isinstance(reply, Reply) else self._refused(reply)
        except Unavailable:
            tally.total += 1
            tally.failed += 1
            raise
        if reply.latency_seconds is None:  # nothing was sent
            return answer
        tally.total += 1
        tally.latency_seconds = reply.latency_seconds
        match answer:
            case Page():
                tally.ok += 1
            case Throttled():
                tally.throttled += 1
            case _:
                tally.failed += 1
        return answer

    # --- answers --------------------------------------------------------------------------

    def _page(self, reply: Reply) -> Page | Refused:
        rows, is_last = self._listed(reply.body)
        if rows and not any(self._paid_column in row for row in rows):
            return self._missing(self._paid_column)
        return Page(
            rows=tuple(filter(None, map(self._row, rows))),
            size=len(rows),
            last=is_last,
            server_time=reply.server_time,
            nameless=""
            if any(self._chat_id_column in row for row in rows)
            or (not rows and trio.current_time() >= self._chat_column_again_at)
            else self._without_chats(),
        )

    def _listed(self, body: object) -> tuple[list[dict[str, object]], bool]:
        if not isinstance(body, dict):
            raise self._client.unreadable("no object")
        listed, info = body.get("list"), body.get("pageInfo")
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            raise self._client.unreadable("no list of rows")
        if not isinstance(info, dict) or not isinstance(info.get("isLastPage"), bool):
            raise self._client.unreadable("no pageInfo")
        return listed, info["isLastPage"]

    def _row(self, row: Mapping[str, object]) -> Row | None:
        record_id = row.get(ID)
        if type(record_id) is not int or not 0 < record_id <= RECORD_ID_MAX:
            return None
        return Row(
            record_id=RecordId(record_id),
            paid=paid_from(row.get(self._paid_column, "absent")),
            updated_at=_moment(row.get(UPDATED_AT)),
            chat_id=chat_id_from(row.get(self._chat_id_column)),
        )

    def _refused(self, refusal: Refusal) -> Answer:
        if refusal.status == THROTTLED:
            return Throttled(retry_after_seconds=refusal.retry_after_seconds)
        if refusal.status in TOO_LONG and self._chunk_rows > 1:
            return TooLong()
        said, table = self._client.said(refusal), self._client.table_id
        if refusal.status in {UNAUTHORIZED, FORBIDDEN}:
            return Refused(
                reason="token",
                detail=f"{said}: put a valid API token with access to table {table} into "
                "NOCODB_TOKEN",
            )
        missing = refusal.missing_columns((self._paid_column, UPDATED_AT, ID))
        if not missing and refusal.missing_columns((self._chat_id_column,)):
            self._chat_column_again_at = trio.current_time() + CHAT_COLUMN_OFF_SECONDS
            return Refused(reason="chat", detail=self._without_chats())
        if missing:
            return self._missing(missing[0])
        if refusal.status == NOT_FOUND and (refusal.code in TABLE_CODES or not refusal.code):
            return Refused(
                reason="table",
                detail=f"{said}: there is no table {table}; look at NOCODB_TABLE_ID and NOCODB_URL",
            )
        return Refused(reason="question", detail=said)

    def _without_chats(self) -> str:
        return (
            f"NocoDB table {self._client.table_id} has no column '{self._chat_id_column}': the Id "
            "of a row alone decides who has paid; add a column of that name, or name the right one "
            "in NOCODB_CHAT_ID_COLUMN"
        )

    def _missing(self, column: str) -> Refused:
        said = f"NocoDB table {self._client.table_id} has no column '{column}'"
        if column == self._paid_column:
            return Refused(
                reason="paid",
                detail=f"{said}: add a checkbox column of that name, or name the right one in "
                "NOCODB_PAID_COLUMN",
            )
        if column == UPDATED_AT:
            return Refused(
                reason="updated",
                detail=f"{said}: without it every row has to be read in turn; add a column of "
                "type 'Last modified time' with that name",
            )
        return Refused(reason="table", detail=f"{said}: NOCODB_TABLE_ID names an unfit table")


def paid_from(value: object) -> bool | None:
    """A checkbox's value: false/true, 0/1, or null for one that was never set.

    None for anything else: unknown, and unknown changes nothing.
    """
    match value:
        case bool():
            return value
        case int() if value in (0, 1):
            return value == 1
        case None:
            return False
        case _:
            return None


def chat_id_from(value: object) -> ChatId | None:
    """A chat id, written as a number or as a text; None for anything else, zero included."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= CHAT_ID_MAX:
        value = int(value)
    if type(value) is not int:
        written = CHAT_ID.fullmatch(value.strip()) if isinstance(value, str) else None
        value = int(written[1]) if written else 0
    return ChatId(value) if value and abs(value) <= CHAT_ID_MAX else None


def _moment(value: object) -> datetime | None:
    """`2026-11-21 00:06:02+00:00` as aware UTC; None for null and for what cannot be read."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
