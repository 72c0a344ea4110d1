"""The line to Telegram: what is asked next, and what an answer without updates means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from actors.gateway.model import Arrival, wait_seconds
from actors.gateway.ports import (
    Batch,
    Conflicted,
    Pushing,
    TokenRejected,
    Updates,
    Webhook,
    WebhookRefused,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from actors.operations import messages as operations

CONFLICT_WAIT_SECONDS = 15.0
PERSON_WAIT_SECONDS = 60.0
"""A rejected token or webhook stays rejected until a person acts."""
WEBHOOK_AGAIN_SECONDS = 60.0
"""The webhook is asked for again and again: somebody may have removed it."""
FAILURES_UNTIL_FAIL = 3
"""So many questions in a row may fail before it is more than a warning."""

Outcome = Batch | Conflicted | Pushing | WebhookRefused | TokenRejected | Exception
"""Of a poll, or of asking for the webhook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an outcome means: the report of it, and how long the next question waits."""

    status: operations.Status
    output: str = ""
    wait_seconds: float


class Line:
    """Polls `updates`; with a `webhook`, asks that Telegram pushes there instead."""

    def __init__(self, updates: Updates, webhook: Webhook | None) -> None:
        self._updates, self._webhook = updates, webhook
        self._offset: int | None = None
        self._failures = 0
        self._ahead: set[UpdateId] = set()
        """Taken out of batches that were not confirmed: they come again."""

    async def ask(self) -> Outcome:
        """The next question. Raises `Unavailable`."""
        if self._webhook is not None:
            return await self._updates.set_webhook(self._webhook)
        return await self._updates.poll(self._offset, patient=self._failures == 0)

    def taken(
        self, batch: Sequence[Arrival], *, full: bool, urgent: Callable[[Arrival], bool]
    ) -> tuple[Arrival, ...]:
        """What is taken of a batch: everything, or, when the store is `full` and the batch will
        come again, what is `urgent`; each update once.
        """
        new = tuple(update for update in batch if update.update_id not in self._ahead)
        if not full:
            self._ahead.clear()
            return new
        new = tuple(update for update in new if urgent(update))
        self._ahead.update(update.update_id for update in new)
        return new

    def confirm(self, offset: int | None) -> None:
        """The last batch is stored: the next poll confirms it."""
        self._failures, self._offset = 0, offset

    def left(self) -> None:
        """The last batch is not stored: the next poll brings it again."""
        self._failures = 0

    def heard(self, outcome: Outcome, *, jitter: float) -> Told:
        """What any outcome but a batch means; raises what is no trouble with Telegram."""
        match outcome:
            case Pushing():
                self._failures = 0
                return Told(status="pass", wait_seconds=WEBHOOK_AGAIN_SECONDS)
            case Conflicted(detail=detail):
                output = (
                    "another program receives this bot's updates; stop it, or remove its webhook "
                    f"with deleteWebhook ({detail})"
                )
                wait = CONFLICT_WAIT_SECONDS * (0.5 + jitter)
                return Told(status="fail", output=output, wait_seconds=wait)
            case WebhookRefused(detail=detail):
                output = f"TELEGRAM_WEBHOOK_URL was refused by Telegram, correct it: {detail}"
                return Told(status="fail", output=output, wait_seconds=PERSON_WAIT_SECONDS)
            case TokenRejected():
                output = rejected(outcome)
                return Told(status="fail", output=output, wait_seconds=PERSON_WAIT_SECONDS)
            case Unavailable():
                return self._unreachable(outcome, jitter)
            case Exception():
                raise outcome
            case Batch():
                raise TypeError("a batch is stored first, and then confirmed")

    def _unreachable(self, error: Unavailable, jitter: float) -> Told:
        # Whoever answers next may be another server, or the same one without its memory: ask
        # for everything that is not confirmed; the inbox knows what it has seen.
        self._failures, self._offset = self._failures + 1, None
        asked = "polled" if self._webhook is None else "given the webhook"
        wait = wait_seconds(
            self._failures, jitter=jitter, retry_after_seconds=error.retry_after_seconds
        )
        return Told(
            status="fail" if self._failures >= FAILURES_UNTIL_FAIL else "warn",
            output=(
                f"Telegram cannot be {asked}, check network and TELEGRAM_API_URL: {error.detail}"
            ),
            wait_seconds=wait,
        )


def rejected(outcome: TokenRejected) -> str:
    """What to do about a token that Telegram does not know."""
    return f"BOT_TOKEN was rejected by Telegram, correct it: {outcome.detail}"
