"""Telegram's deliveries to our webhook, proved by the secret that we gave it with `setWebhook`.

The updates themselves are the gateway's: it reads them, and knows which it has seen. A proved body
that cannot be read goes there too, to be counted: refused, Telegram would send it again for a day
and keep the chat's other updates behind it.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime

from actors.gateway.reading import pushed
from actors.ingress.model import Delivery, Event, Fact, Nothing, Rejected, SourceName, StoredEvent
from actors.ingress.ports import Source

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - its name
UNREADABLE = "unreadable"


class TelegramSource(Source):
    """Believes whoever knows one of `secrets`, each 1 to 256 of A-Z a-z 0-9 _ - (Bot API). While
    a secret is changed both count: updates that wait at Telegram still carry the old one.
    """

    def __init__(self, *, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("Telegram's webhooks need a secret, and none that is empty")
        self._secrets = tuple(secret.encode() for secret in secrets)

    @property
    def name(self) -> SourceName:
        return SourceName.TELEGRAM

    def verify(self, delivery: Delivery, *, now: datetime) -> Event | Rejected:  # noqa: ARG002 - no time is told
        """Keyed by `update_id`, which is the same whenever an update is sent again."""
        given = delivery.headers.get(SECRET_HEADER, "").encode("utf-8", "replace")
        # With each of them, whichever matches: how long it takes tells nothing.
        matches = [hmac.compare_digest(given, secret) for secret in self._secrets]
        if not any(matches):
            return Rejected(reason="signature", detail=f"{SECRET_HEADER} is missing or wrong")
        arrival = pushed(delivery.body)
        return Event(
            source=SourceName.TELEGRAM,
            key=UNREADABLE if arrival is None else str(arrival.update_id),
            kind="update",
            subject="",
            body=delivery.body,
            headers={},
        )

    async def interpret(self, stored: StoredEvent) -> Fact:  # noqa: ARG002 - whatever it is
        return Nothing(why="updates are the gateway's")
