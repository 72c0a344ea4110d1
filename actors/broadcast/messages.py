"""What the dispatcher can be told, and what it tells back.

A *letter* is one request to Telegram. Letters of one chat leave in the order in which they
were told; text is HTML, every value in it already escaped.
"""

from __future__ import annotations

from typing import Literal

from actors.kernel.ids import ChatId, LetterId, MessageId
from runtime import Recipient, message


@message
class Button:
    """One inline button. It has one of both: `data` (1 to 64 bytes) comes back as
    `sessions.ButtonPressed`, `url` is opened by the user's Telegram and tells us nothing.
    """

    text: str
    data: str = ""
    url: str = ""


Keyboard = tuple[tuple[Button, ...], ...]
"""Rows of inline buttons, top to bottom."""


@message
class Delivered:
    """Telegram accepted the letter; `message_id` is the message that now shows it."""

    letter_id: LetterId
    chat_id: ChatId
    message_id: MessageId


@message
class Undelivered:
    """The letter will not be tried again.

    `blocked`  the user blocked the bot, or the chat is gone
    `gone`     the message to edit does not exist any more
    `refused`  Telegram will never accept this letter
    `unknown`  the request was sent and no answer came; only for letters with `repeat=False`
    """

    letter_id: LetterId
    chat_id: ChatId
    reason: Literal["blocked", "gone", "refused", "unknown"]
    detail: str


Receipt = Delivered | Undelivered


@message
class Say:
    """Send a new message. Told once, it is sent once, unless `repeat` allows a rare double.

    `repeat=True` is at-least-once: an answer that got lost is answered by sending again.
    `repeat=False` is at-most-once: the sender hears `Undelivered(reason="unknown")`.
    """

    letter_id: LetterId
    chat_id: ChatId
    text: str
    keyboard: Keyboard = ()
    contact_button: str | None = None
    """Text of a reply-keyboard button that shares the user's own phone number."""
    remove_keyboard: bool = False
    repeat: bool = True
    notify: Recipient[Receipt] | None = None


@message
class Edit:
    """Make an earlier message show this instead. Idempotent: repeated until it is known."""

    letter_id: LetterId
    chat_id: ChatId
    message_id: MessageId
    text: str
    keyboard: Keyboard = ()
    notify: Recipient[Receipt] | None = None


@message
class Erase:
    """Delete a message; one that is already gone counts as deleted."""

    chat_id: ChatId
    message_id: MessageId


@message
class AnswerCallback:
    """Stop the spinner on a pressed button; worthless after 15 s, then dropped."""

    chat_id: ChatId
    callback_id: str
    text: str = ""


Letter = Say | Edit | Erase | AnswerCallback

Command = Letter
