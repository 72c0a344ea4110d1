"""What the dispatcher can be told, and what it tells back.

A *letter* is one request to Telegram. Letters of one chat and one lane leave in the order in
which they were told; text is HTML, every value in it already escaped.
"""

from __future__ import annotations

from typing import Literal

from actors.kernel.ids import ChatId, LetterId, MessageId
from runtime import Recipient, message

Lane = Literal["answer", "notice", "bulk"]
"""What goes first: the answer to somebody who waits for it, what somebody should know, and what
is sent to many. A letter of an earlier lane overtakes those of later ones, also in its own chat.
"""

Closed = Literal["blocked", "deactivated", "unknown"]
"""Why a chat cannot be written to: the user (or the group) shut the bot out, the account or the
group is no more, or Telegram knows no such chat.
"""


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
class Media:
    """What a message shows above its text, which is then a caption.

    `file` is a `file_id` that Telegram gave us, or an https URL that Telegram fetches itself.
    """

    kind: Literal["photo", "video", "document", "animation"]
    file: str


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
    `withdrawn`  nothing was sent: the outbox did not let it go (see `ports.Outbox`)

    With `blocked`, `closed` says what is wrong with the chat. `turned_away`: too many letters
    wait already; told again later, it may be taken.
    """

    letter_id: LetterId
    chat_id: ChatId
    reason: Literal["blocked", "gone", "refused", "unknown", "withdrawn"]
    detail: str
    closed: Closed | None = None
    turned_away: bool = False


Receipt = Delivered | Undelivered


@message
class Say:
    """Send a new message. Told once, it is sent once, unless `repeat` allows a rare double.

    `repeat=True` is at-least-once: an answer that got lost is answered by sending again.
    `repeat=False` is at-most-once: the sender hears `Undelivered(reason="unknown")`.

    `text` is the caption of `media`, of at most 1,024 characters, and may then be empty.
    `source` is whose letter it is: in the bulk lane sources take turns. `paid` allows Telegram to
    bill it, as long as there are Stars for it.
    """

    letter_id: LetterId
    chat_id: ChatId
    text: str
    keyboard: Keyboard = ()
    contact_button: str | None = None
    """Text of a reply-keyboard button that shares the user's own phone number."""
    remove_keyboard: bool = False
    media: Media | None = None
    repeat: bool = True
    lane: Lane = "answer"
    source: str = ""
    paid: bool = False
    notify: Recipient[Receipt] | None = None


@message
class Edit:
    """Make an earlier message show this instead. Idempotent: repeated until it is known.

    `caption`: the message shows media, and `text` goes below it. Media itself stays.
    """

    letter_id: LetterId
    chat_id: ChatId
    message_id: MessageId
    text: str
    keyboard: Keyboard = ()
    caption: bool = False
    lane: Lane = "answer"
    source: str = ""
    notify: Recipient[Receipt] | None = None


@message
class Erase:
    """Delete a message; one that is already gone counts as deleted.

    With a `letter_id` its outcome is told to `notify`, as that of any other letter; the
    `message_id` of `Delivered` is that of the deleted message.
    """

    chat_id: ChatId
    message_id: MessageId
    letter_id: LetterId | None = None
    lane: Lane = "answer"
    source: str = ""
    notify: Recipient[Receipt] | None = None


@message
class AnswerCallback:
    """Stop the spinner on a pressed button; worthless after 15 s, then dropped."""

    chat_id: ChatId
    callback_id: str
    text: str = ""


@message
class Typing:
    """Show "typing" in the chat for some 5 s, or until a message arrives.

    Costs no message token. Worth 4 s, and nothing once the answer is here: told while another one
    waits to be shown, it is that one; what comes too late is dropped.
    """

    chat_id: ChatId


Letter = Say | Edit | Erase | AnswerCallback | Typing

Command = Letter
