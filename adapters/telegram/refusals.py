"""Telegram's refusals in the dispatcher's words. Pure.

The texts are the Bot API server's (tdlib/telegram-bot-api, `Client.cpp`); they are compared
in lower case, because a newer server has changed their case before. A text that is not known
is `Refused`: nothing is dropped silently, and nothing is repeated for ever.
"""

from __future__ import annotations

from collections.abc import Mapping

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    TelegramError,
)

from actors.broadcast import messages as broadcast
from actors.broadcast.messages import Closed
from actors.broadcast.model import (
    Blocked,
    Flooded,
    Gone,
    Migrated,
    NotSent,
    Outcome,
    Refused,
    Sent,
    Unknown,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId
from adapters.telegram import request

CLOSED_CHAT: Mapping[str, Closed] = {
    "chat not found": "unknown",
    "user not found": "unknown",
    "peer_id_invalid": "unknown",
    "bot can't initiate conversation": "unknown",
    "user_is_blocked": "blocked",
    "bot was blocked by the user": "blocked",
    "bot was kicked": "blocked",
    "chat_write_forbidden": "blocked",
    "input_user_deactivated": "deactivated",
    "user_deactivated": "deactivated",
    "user is deactivated": "deactivated",
    "group chat was deactivated": "deactivated",
}
"""400 about the chat rather than the letter. 403 is always about the chat."""

LOST_MESSAGE = (
    "message to edit not found",
    "message can't be edited",
    "message to delete not found",
    "message_id_invalid",
    "message identifier is not specified",
)

UNCHANGED = ("message is not modified",)
"""The message already shows what it was to show: an answer to an edit sent before got lost."""

EXPIRED = ("query is too old", "query id is invalid", "query_id_invalid")
"""The spinner has stopped by itself: there is nothing left to do."""


def outcome(letter: broadcast.Letter, error: TelegramError) -> Outcome:
    """What became of `letter`, whose request ended with `error`."""
    match error:
        case request.TooManyRequests():
            return Flooded(error.retry_after_seconds)
        case request.NotSent():
            return NotSent(error.message)
        case request.OutcomeUnknown():
            return Unknown(error.message)
        case InvalidToken():
            # Letters wait until an operator has corrected the token; none of them is lost.
            return NotSent(f"BOT_TOKEN was rejected: {error.message}")
        case ChatMigrated():
            return Migrated(ChatId(error.new_chat_id))
        case Forbidden():
            return Blocked(error.message, _closed(error.message) or "blocked")
        case BadRequest():
            return _bad_request(letter, error.message)
        case _:
            # What is left are refusals with other codes (409, 413): decided by the Bot API.
            return Refused(f"{type(error).__name__}: {error.message}")


def unavailable(error: TelegramError) -> Unavailable:
    """The same for whoever sends no letters: Telegram has not done what it was asked for."""
    asked = error.retry_after_seconds if isinstance(error, request.TooManyRequests) else None
    return Unavailable(f"{type(error).__name__}: {error.message}", retry_after_seconds=asked)


def _bad_request(letter: broadcast.Letter, text: str) -> Outcome:
    lower = text.lower()
    if isinstance(letter, broadcast.Edit) and _any(UNCHANGED, lower):
        return Sent(letter.message_id)
    if isinstance(letter, broadcast.AnswerCallback) and _any(EXPIRED, lower):
        return Sent()
    if isinstance(letter, broadcast.Edit | broadcast.Erase) and _any(LOST_MESSAGE, lower):
        return Gone()
    if closed := _closed(text):
        return Blocked(text, closed)
    return Refused(text)


def _closed(text: str) -> Closed | None:
    """What a refusal says about its chat; None when it is about something else."""
    lower = text.lower()
    return next((closed for words, closed in CLOSED_CHAT.items() if words in lower), None)


def _any(fragments: tuple[str, ...], text: str) -> bool:
    return any(fragment in text for fragment in fragments)
