"""What the gateway needs from the outside: Telegram's updates, and an inbox to keep them in.

How an update travels:

```
Telegram --poll--> Inbox.add --tell--> the chat's session --its own save--> handled
          or push     |
                      +-- Inbox.park   (malformed, or its session crashed on it)
```

The offset is not stored. A poll without one asks for everything that was never confirmed, and
the inbox knows what it has seen; so the offset only lives from one batch to the next poll, and
ids that start anew at random after a week of silence (Bot API, `Update`) confuse nobody.

An update is *unhandled* while it is neither handled nor parked. The session marks it handled
in the transaction that saves what it did with it (`adapters/postgres/sessions.py`, column
`handled_at` of the table in `migrations/0001_gateway.sql`). Sessions may be told the same
update twice, after a restart of the gateway or of the process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from actors.gateway.model import Arrival, Counts, Entry, Stored
from actors.kernel.ids import UpdateId
from actors.kernel.language import Phrase


@dataclass(frozen=True, slots=True)
class Batch:
    """What one poll brought, in Telegram's order; empty when nothing came in time.

    Polling with `next_offset` confirms it: Telegram then forgets these updates. None when
    the batch is empty, because then nothing is left to confirm. `unreadable` counts entries
    that were no update at all (no usable id) and cannot be kept.
    """

    updates: tuple[Arrival, ...] = ()
    next_offset: int | None = None
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class Conflicted:
    """HTTP 409: another poller or a webhook takes this bot's updates; `detail` is Telegram's."""

    detail: str


@dataclass(frozen=True, slots=True)
class TokenRejected:
    """HTTP 401 or 404 in Telegram's own words: there is no bot with this token."""

    detail: str


@dataclass(frozen=True, slots=True)
class Verified:
    """Telegram knows the token; `username` is the bot's, without `@`."""

    username: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where Telegram is to send updates to, and what it sends along to prove itself."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pushing:
    """Telegram sends updates to the webhook."""


@dataclass(frozen=True, slots=True)
class WebhookRefused:
    """Telegram does not accept the webhook (no https, an unknown host); `detail` is its own."""

    detail: str


class Updates(Protocol):
    """Where updates come from. Refusals are values; raises only `Unavailable`.

    `Unavailable` stands for 429, 5xx, network trouble and everything that is not the Bot
    API's answer; its `retry_after_seconds` is what the other side asked for, if it did.
    """

    async def verify(self) -> Verified | TokenRejected:
        """Ask Telegram whose token this is."""
        ...

    async def poll(
        self, offset: int | None, *, patient: bool
    ) -> Batch | Conflicted | TokenRejected:
        """The next updates, at most 100; `patient` waits for them, up to about 30 s.

        `offset` confirms all updates with a lower id; None asks from the earliest update
        that was never confirmed. One call at a time: a second one ends the first (409).
        May be cancelled at any point; nothing is confirmed then.
        """
        ...

    async def set_webhook(self, webhook: Webhook) -> Pushing | WebhookRefused | TokenRejected:
        """Have updates sent to `webhook` from now on, what is waiting first. Asked again, the
        same; nobody can poll meanwhile.
        """
        ...


class Menu(Protocol):
    """What Telegram offers whoever types a slash."""

    async def show(self, commands: Mapping[str, Phrase]) -> str:
        """Offer these and no others, in every language; what Telegram has against them, or "".

        May be repeated. Raises only `Unavailable`.
        """
        ...


class Inbox(Protocol):
    """Every update of the last days, so that none is lost and none is routed twice.

    Every method is one transaction, may be repeated after an outcome that is not known, and
    raises only `Unavailable`.
    """

    async def add(
        self, entries: Sequence[Entry], *, batch_id: UUID, at: datetime
    ) -> frozenset[UpdateId]:
        """Keep these, and say which of them are new. Told again under the same `batch_id`
        (never used for another batch), it says the same again.

        An id is new when it is unknown, or when it was dealt with (handled or parked) under
        a different body: then Telegram counts anew, and the entry takes the old one's place.
        """
        ...

    async def unhandled(
        self, *, after: UpdateId | None = None, limit: int | None = None
    ) -> tuple[Stored, ...]:
        """Every unhandled update, in the order of arrival; the first `limit` of them, behind
        `after`, which arrived and may have been handled since.

        None that was to be added before comes after it, whatever its `add` was told: who
        recovers by this has seen everything.
        """
        ...

    async def unfinished(self, update_ids: Collection[UpdateId]) -> frozenset[UpdateId]:
        """Which of these are unhandled."""
        ...

    async def find(self, update_id: UpdateId) -> Stored | None:
        """One unhandled update; None when it is handled, parked or unknown."""
        ...

    async def find_all(self, update_ids: Collection[UpdateId]) -> tuple[Stored, ...]:
        """Those of them that `find` finds, in the order of arrival."""
        ...

    async def set_attempts(self, attempts: Mapping[UpdateId, int]) -> None:
        """Remember how often the process died while it may have worked on these."""
        ...

    async def finish(self, update_id: UpdateId, *, at: datetime) -> None:
        """Mark as handled an unhandled update for which there is nothing to do."""
        ...

    async def park(self, update_id: UpdateId, reason: str) -> bool:
        """Put an unhandled update aside. False when it is not parked for this reason now:
        it was handled before, parked for another reason, or forgotten. A reason is ASCII.
        """
        ...

    async def counts(self) -> Counts:
        """How many updates are unhandled, and how many parked."""
        ...

    async def prune(self, *, handled_before: datetime, parked_before: datetime, limit: int) -> int:
        """Forget what was handled before `handled_before`, and what is parked and arrived
        before `parked_before`, at most `limit` of them; says how many. An unhandled update is
        never forgotten.
        """
        ...
