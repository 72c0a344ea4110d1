"""python-telegram-bot's transport under trio.

What became of a request is told by the error, because it decides who may repeat it:

```
telegram.error.TelegramError
├── NotSent          provably not carried out: repeat whatever it was
├── TooManyRequests  HTTP 429, not carried out either: repeat when the time is over
├── OutcomeUnknown   it left, and no usable answer came back: perhaps carried out
└── the rest         python-telegram-bot's own, for a refusal in the Bot API's words
```

The bot's token is part of every URL. No error text contains it.
"""

from __future__ import annotations

import logging
import math
import ssl
from typing import Final

import h11
import trio
from telegram.error import BadRequest, NetworkError, TelegramError
from telegram.request import BaseRequest, RequestData

from adapters.telegram import answers
from adapters.telegram.body import FORM, form, multipart
from adapters.telegram.connection import Answer, Interrupted, Patience
from adapters.telegram.pool import Pool
from adapters.telegram.route import NoWay, Place, place_of

CONNECT_SECONDS = 10.0
READ_SECONDS = 20.0
WRITE_SECONDS = 20.0
CONNECTION_SECONDS = 10.0
"""How long a request waits for one of the connections to be free."""
RESPONSE_BYTES_MAX = 64 * 1024 * 1024
"""A hundred updates of the largest texts, all of them escaped, take about 15 MB."""
RETRY_AFTER_DEFAULT_SECONDS = 5.0
"""When a 429 does not say for how long."""

_TOO_MANY = 429
_SERVER_ERROR = 500
_CLIENT_ERROR = 400


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
    needed; `tls` is shared, and so is `proxy`, the URL of the proxy on the way.

    An answer of more than `response_bytes_max` is not read to its end.
    """

    def __init__(
        self,
        *,
        connections: int,
        tls: ssl.SSLContext,
        proxy: str | None = None,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
    ) -> None:
        self.pool: Final = Pool(connections=connections, tls=tls, proxy=proxy)
        self._response_bytes_max = response_bytes_max
        hide_tokens_in_logs()

    @property
    def read_timeout(self) -> float:
        """Seconds between two bytes of an answer, unless a request says otherwise."""
        return READ_SECONDS

    async def initialize(self) -> None:
        """Nothing to do: a connection is opened by the first request that needs it."""

    async def shutdown(self) -> None:
        """Close every connection."""
        await self.pool.aclose()

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
        connect_seconds = _given(connect_timeout, CONNECT_SECONDS)
        turn_seconds = _given(pool_timeout, CONNECTION_SECONDS)
        write_seconds = _given(write_timeout, WRITE_SECONDS)
        read_seconds = _given(read_timeout, READ_SECONDS)
        limit_seconds = turn_seconds + connect_seconds + write_seconds + read_seconds
        patience = Patience(write_seconds, read_seconds, trio.current_time() + limit_seconds)
        try:
            place = place_of(url)
            head, body = _request(method, place, request_data)
            async with self.pool.connection(
                place.origin, patience_seconds=turn_seconds, connect_seconds=connect_seconds
            ) as connection:
                received = await connection.exchange(
                    head, body, patience=patience, bytes_max=self._response_bytes_max
                )
        except NoWay as error:
            raise NotSent(answers.detail(str(error))) from None
        except Interrupted as error:
            raise OutcomeUnknown(answers.detail(str(error))) from None
        except UnicodeError:
            raise BadRequest("the text is not valid Unicode") from None
        return _judged(received)

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, object]:
        """What `do_request` let through is an object; read as leniently as there."""
        loaded: dict[str, object] = answers.load(payload)
        return loaded


def _request(method: str, place: Place, data: RequestData | None) -> tuple[h11.Request, bytes]:
    """Head and body. Raises `UnicodeError` for text that cannot be sent."""
    fields = data.json_parameters if data else {}
    if data is not None and data.contains_files:
        kind, body = multipart(fields, data.multipart_data)
    else:
        kind, body = FORM, form(fields)
    headers = [
        ("Host", place.authority),
        ("User-Agent", BaseRequest.USER_AGENT),
        ("Accept-Encoding", "identity"),  # answers are small, and a limit on bytes is one on memory
        ("Content-Length", str(len(body))),
    ]
    if body:
        headers.append(("Content-Type", kind))
    if place.authorization:
        headers.append(("Authorization", place.authorization))
    return h11.Request(method=method, target=place.target, headers=headers), body


def _judged(received: Answer) -> tuple[int, bytes]:
    """The answer as python-telegram-bot wants to read it. Raises what is none of its business."""
    status, content, retry_after = received.status, received.content, received.retry_after
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


def hide_tokens_in_logs() -> None:
    """Keep the token out of what python-telegram-bot logs: the URLs that it asks.

    A logger keeps one filter once, however often it is added.
    """
    logging.getLogger("telegram.Bot").addFilter(_hide_token)


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


def _given(value: object, default: float) -> float:
    """A time-out as python-telegram-bot passes it: a number, None, or "not given"."""
    if isinstance(value, int | float):
        return float(value)
    return math.inf if value is None else default
