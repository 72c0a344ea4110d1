"""One HTTP client for YooKassa's API v3: an answer is an object, a refusal, or `Unavailable`.

    200        the object
    202        not finished: asked again after `retry_after`, with the same key, a few times
    4xx        a refusal; the same question will be refused again
    429, 5xx   `Unavailable`; after a 500 nobody knows whether something was made

Whoever makes something names it by an `Idempotence-Key` and asks again with the same key and
the same fields (contract, section 2.1). The secret stands in one header only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX, MalformedJson, load_object
from adapters.web.api import Api, ApiClient, printable

DEADLINE_SECONDS = 20.0
"""For one question, its repetitions after a 202 included."""
ATTEMPTS_MAX = 3
RETRY_AFTER_SECONDS = 1.8
"""After a 202 that names no time. Both are what the vendor's SDK does."""
RETRY_AFTER_SECONDS_MAX = 5.0
CONNECTIONS_MAX = 12
"""Eight for notifications that are read again (`source`), the others for what is opened, looked at
and given back."""
OK, ACCEPTED, REFUSED, BROKEN = 200, 202, 400, 500
TIMEOUT, THROTTLED = 408, 429
MILLISECONDS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A 4xx answer; `detail` is fit for an operator."""

    status: int
    detail: str


Answer = dict[str, Any] | Refusal


class YooKassaClient(ApiClient):
    """`url` ends in `/v3`. Use it as `async with`; any number of tasks may share it."""

    def __init__(
        self,
        *,
        url: str,
        shop_id: str,
        secret_key: str,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._secret_key, self._deadline_seconds = secret_key, deadline_seconds
        api = Api(
            "YooKassa",
            url=url,
            headers={},
            auth=httpx.BasicAuth(shop_id, secret_key),
            connections_max=CONNECTIONS_MAX,
            bytes_max=BYTES_MAX,
            deadline_seconds=deadline_seconds,
        )
        super().__init__(api)

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
            raise self._api.unavailable(f"did not answer within {self._deadline_seconds:g} s")
        raise self._api.unavailable("has not finished yet")

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, dict[str, Any]]:
        """Status and object of one answer; the object is empty where there was none."""
        told = await self._api.ask(method, path, body, headers)
        try:
            return told.status, load_object(told.content)
        except MalformedJson as error:
            if told.status == OK:
                raise self.unreadable(str(error)) from None
            return told.status, {}

    def _read(self, status: int, answer: dict[str, Any]) -> Answer:
        if status == OK:
            return answer
        if REFUSED <= status < BROKEN and status not in {TIMEOUT, THROTTLED}:
            return Refusal(status=status, detail=self._said(status, answer))
        wait_seconds = _retry_after_seconds(answer, 0.0) or None
        raise self._api.unavailable(f"answered {status}", retry_after_seconds=wait_seconds)

    def _said(self, status: int, answer: Mapping[str, Any]) -> str:
        """`code`, `description` and `parameter` of an error, and its id for their support."""
        names = ("code", "description", "parameter", "id")
        words = " ".join(str(answer[name]) for name in names if answer.get(name))
        words = printable(words.replace(self._secret_key, "[secret]"))
        return f"YooKassa at {self._api.host} answered {status} {words}".rstrip()

    def unreadable(self, what: str) -> Unavailable:
        """The error for an answer that YooKassa's documents do not describe."""
        return self._api.unavailable(f"answered what this shop does not understand: {what}")


def _retry_after_seconds(answer: Mapping[str, Any], otherwise: float) -> float:
    """`retry_after` of the body, in milliseconds there."""
    told = answer.get("retry_after")
    if not isinstance(told, int) or isinstance(told, bool) or told <= 0:
        return otherwise
    return min(told / MILLISECONDS, RETRY_AFTER_SECONDS_MAX)
