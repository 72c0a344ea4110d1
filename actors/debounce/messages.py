"""What the batcher can be told.

Whatever it is told of is stored already: the session does that in the transaction that marks the
update as handled.
"""

from __future__ import annotations

from datetime import datetime

from actors.broadcast import messages as broadcast
from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.kernel.language import Language
from actors.relay import messages as relay
from runtime import message


@message
class Passed:
    """One message of a user, as it is passed on. Text is cleaned; what it lacks is empty.

    `kind` is Telegram's own word for it (`text`, `photo`, `voice`, `contact` ...), `file_id` and
    `media_group_id` are Telegram's, the group's members being one album. Of a contact
    `phone_number` and `contact_name` are told, of a place `latitude` and `longitude` in degrees.
    """

    update_id: UpdateId
    message_id: MessageId
    kind: str
    text: str = ""
    caption: str = ""
    file_id: str = ""
    media_group_id: str = ""
    phone_number: str = ""
    contact_name: str = ""
    latitude: float | None = None
    longitude: float | None = None


@message
class Collect:
    """A user has written; `received_at` is when his session heard of it.

    Told twice, it is collected once. `language` is the one he is spoken to in.
    """

    chat_id: ChatId
    received_at: datetime
    language: Language
    passed: Passed


Command = Collect | relay.Answered | broadcast.Receipt
