"""Every refusal of Telegram is one outcome, and what nobody knows is `Refused`."""

from __future__ import annotations

import pytest
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)

from actors.broadcast import messages as broadcast
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
from actors.kernel.ids import ChatId, LetterId, MessageId
from adapters.telegram import request
from adapters.telegram.refusals import outcome, unavailable

CHAT, MESSAGE, LETTER = ChatId(7), MessageId(5), LetterId("l")
SAY = broadcast.Say(letter_id=LETTER, chat_id=CHAT, text="hi")
EDIT = broadcast.Edit(letter_id=LETTER, chat_id=CHAT, message_id=MESSAGE, text="hi")
ERASE = broadcast.Erase(chat_id=CHAT, message_id=MESSAGE)
ANSWER = broadcast.AnswerCallback(chat_id=CHAT, callback_id="4")

NOT_MODIFIED = (
    "Message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)
KICKED = "bot was kicked from the group chat"
STRANGER = "bot can't initiate conversation with a user"
TOO_OLD = "Query is too old and response timeout expired or query ID is invalid"


@pytest.mark.parametrize(
    ("letter", "error", "expected"),
    [
        (SAY, request.TooManyRequests(3.5), Flooded(3.5)),
        (SAY, request.NotSent("ConnectError"), NotSent("ConnectError")),
        (SAY, request.OutcomeUnknown("ReadTimeout"), Unknown("ReadTimeout")),
        (SAY, ChatMigrated(-1001), Migrated(ChatId(-1001))),
        (SAY, Forbidden("bot was blocked by the user"), Blocked("bot was blocked by the user")),
        (SAY, Forbidden("user is deactivated"), Blocked("user is deactivated", "deactivated")),
        (SAY, BadRequest("Chat not found"), Blocked("Chat not found", "unknown")),
        (SAY, BadRequest("PEER_ID_INVALID"), Blocked("PEER_ID_INVALID", "unknown")),
        (EDIT, BadRequest("chat not found"), Blocked("chat not found", "unknown")),
        (SAY, Forbidden(KICKED), Blocked(KICKED)),
        (SAY, Forbidden(STRANGER), Blocked(STRANGER, "unknown")),
        (SAY, Forbidden("something new"), Blocked("something new")),
        (EDIT, BadRequest(NOT_MODIFIED), Sent(MESSAGE)),
        (EDIT, BadRequest("message to edit not found"), Gone()),
        (EDIT, BadRequest("Message can't be edited"), Gone()),
        (EDIT, BadRequest("MESSAGE_ID_INVALID"), Gone()),
        (ERASE, BadRequest("Message to delete not found"), Gone()),
        (ANSWER, BadRequest(TOO_OLD), Sent()),
        (ANSWER, BadRequest("QUERY_ID_INVALID"), Sent()),
        (SAY, NetworkError("Too Large"), Refused("NetworkError: Too Large")),
        (SAY, Conflict("odd"), Refused("Conflict: odd")),
        (SAY, TelegramError("odd"), Refused("TelegramError: odd")),
    ],
)  # fmt: skip
def test_a_refusal_is_one_outcome(
    letter: broadcast.Letter, error: TelegramError, expected: Outcome
) -> None:
    assert outcome(letter, error) == expected


@pytest.mark.parametrize(
    ("letter", "text"),
    [
        (SAY, 'can\'t parse entities: Unsupported start tag "b1" at byte offset 0'),
        (SAY, "Message is too long"),
        (SAY, "BUTTON_DATA_INVALID"),
        (SAY, "message to edit not found"),
        (SAY, NOT_MODIFIED),
        (ERASE, "Message can't be deleted for everyone"),
        (ANSWER, "MESSAGE_TOO_LONG"),
        (EDIT, "a text that this list does not know"),
    ],
)
def test_a_text_that_says_nothing_about_this_kind_of_letter_is_a_refusal(
    letter: broadcast.Letter, text: str
) -> None:
    assert outcome(letter, BadRequest(text)) == Refused(text)


def test_a_rejected_token_loses_no_letter() -> None:
    assert outcome(SAY, InvalidToken("Unauthorized")) == NotSent(
        "BOT_TOKEN was rejected: Unauthorized"
    )


def test_for_whoever_sends_no_letters_trouble_is_unavailability() -> None:
    limited = unavailable(request.TooManyRequests(7))
    assert (limited.retry_after_seconds, unavailable(BadRequest("odd")).retry_after_seconds) == (
        7,
        None,
    )
    assert "odd" in str(unavailable(BadRequest("odd")))
