"""What the broadcaster can be told and asked.

What came from Telegram carries its `update_id`: it is marked handled in the transaction that saves
what was done with it.
"""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Literal
from uuid import UUID

from actors.broadcast import messages as broadcast
from actors.broadcasts.model import Audience, Broadcast, Content, Reach
from actors.kernel.ids import BroadcastId, MessageId, UpdateId
from actors.kernel.language import Phrase
from runtime import Asks, message

COMMAND = "broadcast"
"""What administrators type in their chat, behind a slash."""

BUTTON_PREFIX = "b:"
"""What the data of a pressed button begins with that is for the broadcaster."""


@message
class Shown:
    """A broadcast as it stands. `reach` is told at its creation, the pace while it runs."""

    broadcast: Broadcast
    reach: Reach | None = None
    per_second: float | None = None
    remaining_seconds: float | None = None


@message
class Refused:
    """It cannot be done; `detail` says why, and what to do instead."""

    detail: str
    conflict: bool = False
    """It could be at another time: what was asked for is not wrong in itself."""
    said: Phrase | None = field(default=None, compare=False)
    """The same, for whoever reads another language."""


Answer = Shown | Refused


@message
class Create(Asks[Answer]):
    """Begin a broadcast. It is shown to the administrators, and then starts at `starts_at` (at
    once with None), or with `hold` when somebody says so. Refused when nobody would get it.

    Told again under the same `creation_id`, it is the same broadcast; without one it is another.
    """

    content: Content
    audience: Audience = Audience()
    starts_at: datetime | None = None
    repeat: bool = False
    paid: bool = False
    hold: bool = False
    creation_id: UUID | None = None
    who: str
    why: str = ""


@message
class Show(Asks[Shown | None]):
    """How does it stand? None: there is no such broadcast."""

    broadcast_id: BroadcastId


@message
class Act(Asks[Answer | None]):
    """Do this with a broadcast, durably, before it is answered. None: there is no such one.

    After `pause` and `cancel` no further request begins. `resume` also starts what waits for
    somebody's word. `delete` stops it for ever and takes back what was sent, as a broadcast of its
    own, which is what is answered.
    """

    broadcast_id: BroadcastId
    what: Literal["resume", "pause", "cancel", "delete"]
    who: str
    why: str = ""


@message
class Retry(Asks[Answer | None]):
    """Try again for whoever it failed for; with `unknown` also where it may have arrived."""

    broadcast_id: BroadcastId
    unknown: bool = False
    who: str
    why: str = ""


@message
class Edit(Asks[Answer | None]):
    """Before it has started: send this instead. Later: change what was sent, as a broadcast of its
    own, which is what is answered; from its start on it is also what is sent to whoever is still
    pending or is tried again. Media stays as it was.
    """

    broadcast_id: BroadcastId
    content: Content
    who: str
    why: str = ""


@message
class Composed:
    """An administrator wrote `/broadcast` with what to send; `text` is HTML, and both are empty
    when there was nothing with it.
    """

    update_id: UpdateId
    who: str
    text: str
    media: broadcast.Media | None = None
    buttons: broadcast.Keyboard = ()


@message
class Pressed:
    """An administrator pressed one of our buttons."""

    update_id: UpdateId
    who: str
    callback_id: str
    message_id: MessageId | None
    data: str


Heard = Composed | Pressed
"""Whatever an update can become for the broadcaster."""

Question = Create | Show | Act | Retry | Edit

Told = Heard | broadcast.Receipt

Command = Heard | Question | broadcast.Receipt
