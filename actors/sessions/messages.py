"""What one chat's session can be told, and what it publishes.

Everything that came from Telegram carries its `update_id`: the session marks it handled in
the transaction that saves what it did with it.
"""

from __future__ import annotations

from datetime import datetime

from actors.broadcast import messages as broadcast
from actors.kernel.ids import MessageId, UpdateId
from actors.tracker import messages as tracker
from runtime import message


@message
class Profile:
    """Who writes, as Telegram tells it; `language_code` is an IETF tag or None."""

    first_name: str
    username: str | None = None
    language_code: str | None = None


@message
class CommandReceived:
    """`/name argument`, lower-cased, without the slash and the bot's name."""

    update_id: UpdateId
    profile: Profile
    name: str
    argument: str = ""


@message
class TextReceived:
    """Any other text, as typed (1 to 4096 characters)."""

    update_id: UpdateId
    profile: Profile
    text: str
    message_id: MessageId


@message
class ContactReceived:
    """A shared contact; `own` when it is the sender's own number."""

    update_id: UpdateId
    profile: Profile
    phone_number: str
    own: bool
    message_id: MessageId
    name: str = ""
    """Whose contact it is."""


@message
class ButtonPressed:
    """An inline button was pressed on `message_id` (None when Telegram no longer knows it)."""

    update_id: UpdateId
    profile: Profile
    callback_id: str
    message_id: MessageId | None
    data: str


@message
class Attached:
    """What came with a message that is no text; what it has not is empty."""

    file_id: str = ""
    caption: str = ""
    media_group_id: str = ""
    latitude: float | None = None
    longitude: float | None = None


@message
class UnsupportedReceived:
    """A message that no conversation has a use for (`kind`: photo, sticker, voice ...): say so
    politely, or pass it on with what is `attached`. Without a `message_id` there is nothing in it.
    """

    update_id: UpdateId
    profile: Profile
    kind: str
    message_id: MessageId | None = None
    attached: Attached = Attached()


@message
class BotBlocked:
    """The user blocked the bot (`blocked=False`: and let it in again)."""

    update_id: UpdateId
    blocked: bool


Heard = (
    CommandReceived
    | TextReceived
    | ContactReceived
    | ButtonPressed
    | UnsupportedReceived
    | BotBlocked
)
"""Whatever a Telegram update can become."""


@message
class Due:
    """A time-out of the flow, or a view nobody has seen yet, may be due: look."""


@message
class DueBy:
    """Published when a session is to be looked at by `at`, and was not before: `Due` is to be told
    then. Nobody repeats it: whoever must not miss one asks the store.
    """

    at: datetime


Command = Heard | Due | broadcast.Receipt | tracker.PaymentStatusChanged
