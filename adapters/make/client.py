"""One webhook, over HTTPS: `relay.ports.Destination` (contracts/providers.md section 6).

Credentials go nowhere but to the address that was looked at (`addresses`): redirects are answers,
and proxies of the environment are not asked. What Make says is told apart by its status and, of
400, by its words; a 2xx has taken the event, whatever becomes of the rest of the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

import trio

from actors.relay.answers import heard
from actors.relay.model import Accepted, Failed, Gone, Outcome, QueueFull, Refused, Throttled
from actors.relay.ports import Destination
from adapters.make.addresses import Forbidden, Place, Unresolved
from adapters.make.signature import signed
from adapters.web.api import Answer, Api, ApiClient, printable

DEADLINE_SECONDS = 40.0
"""A scenario with a "Webhook response" answers when it is through; finding its host included."""
CONNECTIONS_MAX = 40
ANSWER_BYTES_MAX = 256 * 1024
TLS_PORT, PLAIN_PORT = 443, 80
QUEUE_FULL = b"queue is full"

OK, BAD_REQUEST, GONE, TOO_MANY, BROKEN = 200, 400, 410, 429, 500
LATER = frozenset({408, 425})
"""Of the 4xx, those that say "again", and not "never"."""


class MakeWebhook(ApiClient, Destination):
    """The webhook at `url`.

    `signing_keys` sign every request where there are any; `private_hosts` are names that may be
    inside our network, and may be plain http. Raises `ValueError` for another plain http.
    """

    def __init__(
        self,
        *,
        url: str,
        api_key: str | None = None,
        signing_keys: Sequence[bytes] = (),
        private_hosts: Collection[str] = (),
        now: Callable[[], datetime],
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        place = urlsplit(url)
        self._place = place_of(url, private_hosts)
        self._target = (place.path or "/") + (f"?{place.query}" if place.query else "")
        self._keys, self._now, self._deadline_seconds = tuple(signing_keys), now, deadline_seconds
        headers = {"content-type": "application/json", "accept": "application/json, text/plain"}
        if api_key is not None:
            headers["x-make-apikey"] = api_key
        api = Api(
            "the webhook",
            url=f"{place.scheme}://{place.netloc}",
            headers=headers,
            connections_max=CONNECTIONS_MAX,
            bytes_max=ANSWER_BYTES_MAX,
            deadline_seconds=deadline_seconds,
        )
        super().__init__(api)

    async def send(self, event_id: UUID, body: bytes) -> Outcome:
        deadline = trio.current_time() + self._deadline_seconds
        address = ""
        try:
            with trio.move_on_at(deadline):
                address = await self._place.address()
        except Forbidden as forbidden:
            return Gone(str(forbidden))
        except Unresolved as unresolved:
            return Failed(str(unresolved))
        if not address:
            return Failed(f"nobody has said in time what {self._place.host} means")
        headers = signed(str(event_id), body, keys=self._keys, now=self._now())
        answer = await self._api.ask(
            "POST", self._target, body, headers, address=address, deadline=deadline, whole=False
        )
        return outcome_of(answer)


def place_of(url: str, private_hosts: Collection[str]) -> Place:
    """Where `url` is. Raises `ValueError` for plain http to a host that was not named."""
    place = urlsplit(url)
    found = Place(
        place.hostname or "",
        place.port or (TLS_PORT if place.scheme == "https" else PLAIN_PORT),
        private_hosts=private_hosts,
    )
    if place.scheme != "https" and not found.may_be_private:
        raise ValueError("a webhook is asked by https, unless RELAY_PRIVATE_HOSTS names its host")
    return found


def outcome_of(answer: Answer) -> Outcome:
    """What an answer says. Pure."""
    detail = f"HTTP {answer.status}: {printable(answer.content.decode('utf-8', 'replace'))}"
    match answer.status:
        case status if status // 100 == OK // 100:
            return _taken(answer)
        case status if status == TOO_MANY:
            return Throttled(_seconds(answer.headers.get("retry-after", "")))
        case status if status == GONE:
            return Gone(detail)
        case status if status == BAD_REQUEST and QUEUE_FULL in answer.content.lower():
            return QueueFull()
        case status if status >= BROKEN or status in LATER:
            return Failed(detail)
        case _:
            return Refused(detail)


def _taken(answer: Answer) -> Outcome:
    """The event has arrived, whatever else is said."""
    if answer.fault:
        return Accepted(fault=f"the webhook {answer.fault}")
    if encoding := answer.headers.get("content-encoding", "").strip().lower():
        return Accepted(fault=f"an answer that is {encoding[:40]!r} was not asked for")
    return heard(answer.headers.get("content-type", ""), answer.content)


def _seconds(text: str) -> float:
    """`Retry-After` in seconds; as a date, or anything else, it says nothing."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0.0  # noqa: PLR2004 - digits
