"""Long polling: `gateway.ports.Updates` on the Bot API.

Updates are kept as JSON and not as python-telegram-bot's objects: a typed batch of a hundred
costs 9 ms without a pause, and one malformed update costs the batch.
"""

from __future__ import annotations

import json
from typing import Any

from telegram.error import Conflict, InvalidToken, TelegramError

from actors.gateway.model import Arrival
from actors.gateway.ports import Batch, Conflicted, TokenRejected, Updates, Verified
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from adapters.telegram.bot import TrioBot
from adapters.telegram.request import TooManyRequests

POLL_SECONDS = 30
POLL_LIMIT = 100
ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
"""Named at every poll: an omitted list keeps whatever an earlier program asked for."""
UPDATE_ID_MAX = 2**52
"""Telegram's are below 2**31; other servers may use a clock. What is larger is no id."""


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
            raise _unavailable(error) from None
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
            raise _unavailable(error) from None
        if not isinstance(answer, list):
            raise Unavailable("getUpdates: the answer is not a list of updates")
        return batch(answer)


def batch(answer: list[Any]) -> Batch:
    """The updates in `answer`, in its order, each id once.

    Raises `Unavailable` when there is something and nothing of it has an id: confirming is
    impossible then, and asking again at once would bring the same.
    """
    arrivals: dict[UpdateId, Arrival] = {}
    for raw in answer:
        arrival = _arrival(raw)
        if arrival is not None:
            arrivals.setdefault(arrival.update_id, arrival)
    if answer and not arrivals:
        raise Unavailable(f"getUpdates: none of {len(answer)} updates has a usable id")
    return Batch(
        updates=tuple(arrivals.values()),
        next_offset=max(arrivals, default=-1) + 1 or None,
        unreadable=sum(_update_id(raw) is None for raw in answer),
    )


def _arrival(raw: object) -> Arrival | None:
    update_id = _update_id(raw)
    if update_id is None:
        return None
    try:
        return Arrival(update_id, json.dumps(raw))
    except RecursionError:
        # Read just below the limit of nesting, written just above it: keep the id, so that it
        # is confirmed and parked.
        return Arrival(update_id, json.dumps({"update_id": update_id}))


def _update_id(raw: object) -> UpdateId | None:
    match raw:
        case {"update_id": int(found)} if not isinstance(found, bool):
            return UpdateId(found) if 0 <= found <= UPDATE_ID_MAX else None
        case _:
            return None


def _unavailable(error: TelegramError) -> Unavailable:
    asked = error.retry_after_seconds if isinstance(error, TooManyRequests) else None
    return Unavailable(f"{type(error).__name__}: {error.message}", retry_after_seconds=asked)
