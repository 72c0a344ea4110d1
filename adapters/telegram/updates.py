"""Long polling, or a webhook: `gateway.ports.Updates` on the Bot API.

Updates are kept as JSON and not as python-telegram-bot's objects: a typed batch of a hundred
costs 9 ms without a pause, and one malformed update costs the batch.
"""

from __future__ import annotations

from typing import Any

from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError

from actors.gateway.model import Arrival
from actors.gateway.ports import (
    Batch,
    Conflicted,
    Pushing,
    TokenRejected,
    Updates,
    Verified,
    Webhook,
    WebhookRefused,
)
from actors.gateway.reading import arrival, update_id_of
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from adapters.telegram.bot import TrioBot
from adapters.telegram.refusals import unavailable

POLL_SECONDS = 30
POLL_LIMIT = 100
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member", "pre_checkout_query")
"""Named at every poll: an omitted list keeps whatever an earlier program asked for."""


class TelegramUpdates(Updates):
    """Polls over `bot`, on a connection of its own."""

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def verify(self) -> Verified | TokenRejected:
        try:
            answer = await self._bot.call("getMe", {})
        except InvalidToken as error:
            return TokenRejected(error.message)
        except TelegramError as error:
            raise unavailable(error) from None
        match answer:
            case {"username": str(username)}:
                return Verified(username)
            case _:
                raise Unavailable("getMe: the answer is not a bot's")

    async def poll(
        self, offset: int | None, *, patient: bool
    ) -> Batch | Conflicted | TokenRejected:
        seconds = POLL_SECONDS if patient else 0
        parameters = {
            "offset": offset,
            "limit": POLL_LIMIT,
            "timeout": seconds,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        try:
            answer = await self._bot.call("getUpdates", parameters, waits_seconds=seconds)
        except Conflict as error:
            return Conflicted(error.message)
        except InvalidToken as error:
            return TokenRejected(error.message)
        except TelegramError as error:
            raise unavailable(error) from None
        if not isinstance(answer, list):
            raise Unavailable("getUpdates: the answer is not a list of updates")
        return batch(answer)

    async def set_webhook(self, webhook: Webhook) -> Pushing | WebhookRefused | TokenRejected:
        parameters = {
            "url": webhook.url,
            "secret_token": webhook.secret,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        try:
            answer = await self._bot.call("setWebhook", parameters)
        except BadRequest as error:
            return WebhookRefused(error.message)
        except InvalidToken as error:
            return TokenRejected(error.message)
        except TelegramError as error:
            raise unavailable(error) from None
        if answer is not True:
            raise Unavailable("setWebhook: the answer is not true")
        return Pushing()


def batch(answer: list[Any]) -> Batch:
    """The updates in `answer`, in its order, each id once.

    Raises `Unavailable` when there is something and nothing of it has an id: confirming is
    impossible then, and asking again at once would bring the same.
    """
    arrivals: dict[UpdateId, Arrival] = {}
    for raw in answer:
        found = arrival(raw)
        if found is not None:
            arrivals.setdefault(found.update_id, found)
    if answer and not arrivals:
        raise Unavailable(f"getUpdates: none of {len(answer)} updates has a usable id")
    return Batch(
        updates=tuple(arrivals.values()),
        next_offset=max(arrivals, default=-1) + 1 or None,
        unreadable=sum(update_id_of(raw) is None for raw in answer),
    )
