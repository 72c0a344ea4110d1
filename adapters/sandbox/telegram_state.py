"""What Telegram remembers of a bot's world: accounts, chats and the messages shown in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import trio

Json = dict[str, Any]
MEDIA = frozenset({"photo", "video", "animation", "document"})
"""Attachments with a caption."""
ChatType = Literal["private", "group", "supergroup", "channel"]


@dataclass(slots=True, kw_only=True)
class Account:
    """A Telegram user, or the bot itself."""

    id: int
    first_name: str
    last_name: str = ""
    username: str = ""
    language_code: str | None = None
    is_bot: bool = False
    deactivated: bool = False

    def as_json(self) -> Json:
        """The Bot API's `User`; empty fields are left out, as Telegram does."""
        optional = {
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        return {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name} | {
            name: value for name, value in optional.items() if value
        }


@dataclass(slots=True, kw_only=True)
class Message:
    """One message as it is shown now, and everything it showed before."""

    message_id: int
    chat: Chat
    sender: Account
    date: datetime
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    inline_keyboard: list[list[Json]] = field(default_factory=list)
    attachment: Json = field(default_factory=dict)
    """What is not text: `{"contact": {...}}`, `{"photo": [...]}`; merged into the JSON."""
    invoice_slug: str = ""
    """Which invoice its pay button pays."""
    edit_date: datetime | None = None
    history: list[str] = field(default_factory=list)
    """Earlier texts, oldest first."""

    @property
    def captioned(self) -> bool:
        """Whether its text stands below media."""
        return not MEDIA.isdisjoint(self.attachment)

    @property
    def buttons(self) -> list[str]:
        """The labels of its inline buttons, row by row."""
        return [button["text"] for row in self.inline_keyboard for button in row]

    def as_json(self) -> Json:
        """The Bot API's `Message`."""
        shown: Json = {
            "message_id": self.message_id,
            "from": self.sender.as_json(),
            "chat": self.chat.as_json(),
            "date": int(self.date.timestamp()),
        }
        if self.edit_date is not None:
            shown["edit_date"] = int(self.edit_date.timestamp())
        if self.text:
            shown["caption" if self.captioned else "text"] = self.text
        if self.entities:
            shown["caption_entities" if self.captioned else "entities"] = self.entities
        if self.inline_keyboard:
            shown["reply_markup"] = {"inline_keyboard": self.inline_keyboard}
        return shown | self.attachment

    def as_inaccessible_json(self) -> Json:
        """What is left of it in a callback query after it was deleted."""
        return {"message_id": self.message_id, "chat": self.chat.as_json(), "date": 0}


@dataclass(slots=True, kw_only=True)
class Chat:
    """A conversation; in a private one `peer` is the person on the other side."""

    id: int
    type: ChatType
    title: str = ""
    peer: Account | None = None
    started: bool = False
    """The person has written: before that a bot may not open the conversation."""
    blocked: bool = False
    """The person blocked the bot, or the group threw it out."""
    moved_to: int | None = None
    """The supergroup that this group became."""
    messages: dict[int, Message] = field(default_factory=dict)
    """What is shown now, oldest first; deleted messages are gone."""
    reply_keyboard: list[list[Json]] = field(default_factory=list)
    """The keyboard below the input field."""
    action: str | None = None
    """The last chat action (`typing`), until a message arrives."""
    changed: trio.Event = field(default_factory=trio.Event)
    """Set when what is seen here changes, and replaced."""

    def notice(self) -> None:
        """Wake whoever waits for something to be seen here."""
        self.changed.set()
        self.changed = trio.Event()

    def as_json(self) -> Json:
        """The Bot API's `Chat`."""
        if self.peer is None:
            return {"id": self.id, "type": self.type, "title": self.title}
        names = {"first_name": self.peer.first_name, "last_name": self.peer.last_name}
        named = {k: v for k, v in (names | {"username": self.peer.username}).items() if v}
        return {"id": self.id, "type": self.type} | named


@dataclass(slots=True, kw_only=True)
class Callback:
    """A pressed inline button: it spins until the bot answers, or for 15 seconds."""

    id: str
    message: Message
    pressed: datetime
    answered: bool = False
    text: str = ""
    """What the bot's answer showed as a toast."""
