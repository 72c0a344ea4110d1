"""NocoDB's webhooks: rows of the record table that may have changed. They are read again.

NocoDB signs nothing and tries once (contract, section 5.6). What proves a delivery is a header of
our own, `X-Hook-Secret`, which an operator enters beside the address; what it says is only used
to know which rows to look at. Edits made in the database itself tell nobody: the tracker's slow
reading remains.

Two shapes: hooks of version v2 (0.262, one event for single changes, another for bulk ones) and of
v3 (0.301). Both hold the rows as they are afterwards in `data.rows`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from actors.ingress.model import (
    Delivery,
    Event,
    Fact,
    Nothing,
    RecordsTouched,
    Rejected,
    SourceName,
    StoredEvent,
    Unusable,
)
from actors.ingress.ports import Source
from actors.kernel.ids import RecordId
from actors.kernel.strict_json import MalformedJson, load_object

SECRET_HEADER = "x-hook-secret"  # noqa: S105 - its name
KEPT_HEADERS = ("content-type", "user-agent")
KIND = re.compile(r"records\.after\.[A-Za-z]{1,20}")
DELIVERY_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
ID, UPDATED_AT = "Id", "UpdatedAt"
RECORD_ID_MAX = 2**63 - 1


class _Unreadable(ValueError):  # noqa: N818 - a verdict
    """The payload is none of NocoDB's; the text says which part, not what it holds."""


class NocoDbSource(Source):
    """Webhooks of one table; any of `secrets` proves a delivery."""

    def __init__(self, *, secrets: Sequence[str], table_id: str, paid_column: str = "Paid") -> None:
        if not secrets or not all(secrets):
            raise ValueError("NocoDB's webhooks need a secret, and none that is empty")
        self._secrets, self._table_id = tuple(secrets), table_id
        self._paid_column = paid_column

    @property
    def name(self) -> SourceName:
        return SourceName.NOCODB

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:  # noqa: ARG002 - no time is told
        if not self._is_proved(delivery.headers.get(SECRET_HEADER, "")):
            return Rejected(reason="signature", detail="X-Hook-Secret is missing or wrong")
        try:
            payload = load_object(delivery.body)
            rows = _rows(payload)
            key = self._key(payload, rows)
        except (MalformedJson, _Unreadable) as error:
            return Rejected(reason="malformed", detail=str(error))
        ids = _record_ids(rows)
        return Event(
            source=SourceName.NOCODB,
            key=key,
            kind=payload["type"],
            subject=str(ids[0]) if ids else "",
            body=delivery.body,
            headers={
                name: delivery.headers[name] for name in KEPT_HEADERS if name in delivery.headers
            },
        )

    async def interpret(self, stored: StoredEvent) -> Fact:
        try:
            payload = load_object(stored.event.body)
            rows = _rows(payload)
        except (MalformedJson, _Unreadable) as error:
            return Unusable(why=f"NocoDB: {error}")
        if payload["data"].get("table_id") != self._table_id:
            return Nothing(why="another table")
        ids = _record_ids(rows)
        return RecordsTouched(record_ids=ids) if ids else Nothing(why="no rows")

    def _is_proved(self, given: str) -> bool:
        """All secrets are compared, whichever fits."""
        told = given.encode("utf-8", "replace")
        fits = [hmac.compare_digest(secret.encode(), told) for secret in self._secrets]
        return any(fits)

    def _key(self, payload: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
        """What each row has become, and when.

        The payload's own `id` is new for each hook and each delivery: two hooks tell of one change
        under two ids. It counts only where a row does not say when it was changed.
        """
        changes = [
            [row.get(ID), row.get(self._paid_column), row.get(UPDATED_AT, payload["id"])]
            for row in rows
        ]
        text = json.dumps([payload["data"].get("table_id"), changes], default=str)
        return hashlib.sha256(text.encode()).hexdigest()


def _rows(payload: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The changed rows of a payload whose other parts are as they should be."""
    kind, delivery_id, data = payload.get("type"), payload.get("id"), payload.get("data")
    if not isinstance(kind, str) or KIND.fullmatch(kind) is None:
        raise _Unreadable("type is no 'records.after....'")
    if not isinstance(delivery_id, str) or DELIVERY_ID.fullmatch(delivery_id) is None:
        raise _Unreadable("id is no id")
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _Unreadable("data.rows is no list of rows")
    return rows


def _record_ids(rows: Sequence[Mapping[str, Any]]) -> tuple[RecordId, ...]:
    """Each once, in their order."""
    ids = (row.get(ID) for row in rows)
    return tuple(
        dict.fromkeys(RecordId(i) for i in ids if type(i) is int and 0 < i <= RECORD_ID_MAX)
    )
