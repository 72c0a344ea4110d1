"""A broadcast: what is sent, to whom, where it stands, and what came of it. Pure.

A broadcast is one *pass* over its recipients. To edit or to delete what an earlier one has sent is
a pass of its own, over those who got it (`Kind`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

import msgspec

from actors.broadcast import messages as broadcast
from actors.broadcasts import faults
from actors.broadcasts.faults import FaultError, filled
from actors.broadcasts.template import Template, TemplateError
from actors.kernel.ids import BroadcastId, ChatId, MessageId, ProductId
from actors.kernel.language import Language

TEXT_UNITS_MAX = 4_096
CAPTION_UNITS_MAX = 1_024
"""UTF-16 code units without the markup (Bot API, `sendMessage` and `sendPhoto`)."""
SOURCE_CHARACTERS_MAX = 16_000
"""Of the text with its markup; Telegram takes 32 KiB of it."""
BUTTON_TEXT_MAX = 64
BUTTONS_PER_ROW_MAX = 8
BUTTONS_MAX = 100
URL_MAX_CHARACTERS = 2_048
CHAT_IDS_MAX = 20_000
CHAT_ID_BITS = 52
WHY_MAX_CHARACTERS = 300

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{10,256}")
_URL = re.compile(r"([A-Za-z]+)://[^\s/?#\[\]]+(?:[/?#]\S*)?")
_SCHEMES = frozenset({"http", "https", "tg"})
_OF_MEDIA = frozenset({"https"})


class State(StrEnum):
    """Where a broadcast stands."""

    CHECKING = "checking"
    """It is being shown to the administrators: what Telegram refuses there is sent to nobody."""
    DRAFT = "draft"
    """It cannot start as it is; `trouble` says why."""
    READY = "ready"
    """It starts when somebody says so."""
    SCHEDULED = "scheduled"
    """It starts by itself when its time has come."""
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    """Every recipient has an outcome."""
    CANCELLED = "cancelled"
    """Whoever is still pending gets nothing."""
    DELETED = "deleted"
    """The same; and what was sent is taken back, by a pass of its own."""


OVER = (State.FINISHED, State.CANCELLED, State.DELETED)
OPEN = tuple(state for state in State if state not in OVER)
UNSTARTED = (State.CHECKING, State.DRAFT, State.READY, State.SCHEDULED)


class Kind(StrEnum):
    """What a pass does for each of its recipients."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"


class Outcome(StrEnum):
    """What became of one recipient."""

    PENDING = "pending"
    SENDING = "sending"
    """A request was begun, and its answer is not known yet."""
    SENT = "sent"
    BLOCKED = "blocked"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A request was begun, and nobody will ever know its answer."""


FINAL = (Outcome.SENT, Outcome.BLOCKED, Outcome.FAILED, Outcome.UNKNOWN)


class ContentError(FaultError):
    """What was asked for cannot be broadcast; says why, for whoever asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What is sent: HTML with placeholders (`template`), below `media` if there is some."""

    text: str
    media: broadcast.Media | None = None
    buttons: broadcast.Keyboard = ()
    """Each opens a URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who gets it: those to whom all of this applies; whatever is empty applies to everybody."""

    chat_ids: tuple[ChatId, ...] = ()
    """These only, whether or not we have talked to them."""
    languages: tuple[Language, ...] = ()
    states: tuple[str, ...] = ()
    """Where their conversation stands (`sessions.model.State`)."""
    products: tuple[ProductId, ...] = ()
    """They have bought one of these, and it was not given back."""
    active_since: datetime | None = None
    """Their conversation has moved since then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How many an audience has."""

    reachable: int
    left_out: int
    """Chats that cannot be written to, as far as we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How the recipients stand; `pending` includes those whose request is under way."""

    total: int = 0
    left_out: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0

    @property
    def done(self) -> int:
        """Those with an outcome."""
        return self.sent + self.blocked + self.failed + self.unknown

    @property
    def pending(self) -> int:
        """Those without one."""
        return self.total - self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """One pass, as it is kept. Times are aware UTC."""

    broadcast_id: BroadcastId
    kind: Kind = Kind.SEND
    of: BroadcastId | None = None
    """The broadcast whose messages are edited or deleted."""
    content: Content
    """For a deletion that of the broadcast itself, to know it by."""
    audience: Audience
    repeat: bool = False
    """At-least-once: a request whose answer is lost is made again, and somebody may get two."""
    paid: bool = False
    """Telegram may bill it, within the budget of the dispatcher."""
    hold: bool = False
    """It waits for somebody's word after it was checked."""
    in_chat: bool = False
    """It was begun in the administrators' chat, and shows its progress there."""
    state: State = State.CHECKING
    trouble: str = ""
    version: int = 0
    """Counts the saves; 0 is not kept yet."""
    created_at: datetime
    starts_at: datetime
    """Not before."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    panel_message_id: MessageId | None = None
    """Where its progress is shown."""
    prepared: bool = False
    """Whoever is to be told next is written down as pending; nobody is told before."""
    again: tuple[Outcome, ...] = ()
    """The outcomes that are tried again; without any it is the first time."""
    edition: int = 0
    """The store's: how often its content was changed after it had started."""
    counts: Counts = Counts()
    """The store's: a save does not touch them."""

    @property
    def timed(self) -> bool:
        """It starts at a time that somebody chose, and not at once."""
        return self.starts_at > self.created_at

    @property
    def idempotent(self) -> bool:
        """A request whose answer is lost does no harm when it is made again."""
        return self.repeat or self.kind is not Kind.SEND

    @property
    def preparing(self) -> bool:
        """It has started, and whom it is for is being written down."""
        return self.state in {State.RUNNING, State.PAUSED} and not self.prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient; `message_id` is the message that was sent, or is to be changed."""

    chat_id: ChatId
    outcome: Outcome
    message_id: MessageId | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of one recipient. `pending`: nothing was sent, and it goes on waiting."""

    broadcast_id: BroadcastId
    chat_id: ChatId
    outcome: Outcome
    message_id: MessageId | None = None
    detail: str = ""


def settles(was: Outcome, becomes: Outcome) -> bool:
    """Whether news of one recipient is taken. What is final stays so; of an `unknown` one the
    outcome may become known after all; only who is `sending` can go back to `pending`.
    """
    if becomes is Outcome.PENDING:
        return was is Outcome.SENDING
    if was is Outcome.UNKNOWN:
        return becomes is not Outcome.UNKNOWN
    return was in {Outcome.PENDING, Outcome.SENDING}


Deed = Literal["create", "choose", "resume", "pause", "cancel", "retry", "edit", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What somebody did to a broadcast, for the audit."""

    action_id: UUID
    what: Deed
    who: str
    why: str
    at: datetime


def check_content(content: Content) -> None:
    """Raises `ContentError` for what no copy of may be sent; the rest Telegram itself judges."""
    text = content.text
    if not text.strip() and content.media is None:
        raise ContentError(faults.NO_TEXT)
    if len(text) > SOURCE_CHARACTERS_MAX:
        raise ContentError(filled(faults.LONG_SOURCE, most=SOURCE_CHARACTERS_MAX))
    if _CONTROL.search(text):
        raise ContentError(faults.CONTROL)
    try:
        units = Template.parse(text).units()
    except TemplateError as error:
        raise ContentError(error.said) from None
    most, fault = (
        (TEXT_UNITS_MAX, faults.LONG_MESSAGE)
        if content.media is None
        else (CAPTION_UNITS_MAX, faults.LONG_CAPTION)
    )
    if units > most:
        raise ContentError(filled(fault, units=units, most=most))
    if content.media is not None:
        _check_media(content.media)
    _check_buttons(content.buttons)


def check_audience(audience: Audience) -> None:
    """Raises `ContentError`."""
    if len(audience.chat_ids) > CHAT_IDS_MAX:
        raise ContentError(filled(faults.MANY_CHATS, most=CHAT_IDS_MAX))
    if any(not 0 < abs(chat_id) < 1 << CHAT_ID_BITS for chat_id in audience.chat_ids):
        raise ContentError(filled(faults.CHAT_ID, bits=CHAT_ID_BITS))


def packed(value: Content | Audience) -> str:
    """As JSON, for a store."""
    return msgspec.json.encode(value).decode()


def content_of(text: str) -> Content:
    """What `packed` made of it."""
    return msgspec.json.decode(text, type=Content)


def audience_of(text: str) -> Audience:
    """What `packed` made of it."""
    return msgspec.json.decode(text, type=Audience)


def _check_media(media: broadcast.Media) -> None:
    if _FILE_ID.fullmatch(media.file):
        return
    if not _is_url(media.file, _OF_MEDIA):
        raise ContentError(filled(faults.MEDIA, kind=media.kind))


def _check_buttons(rows: broadcast.Keyboard) -> None:
    buttons = [button for row in rows for button in row]
    if len(buttons) > BUTTONS_MAX or any(not 0 < len(row) <= BUTTONS_PER_ROW_MAX for row in rows):
        raise ContentError(filled(faults.BUTTONS, most=BUTTONS_MAX, row=BUTTONS_PER_ROW_MAX))
    for button in buttons:
        if not button.text.strip() or len(button.text) > BUTTON_TEXT_MAX:
            raise ContentError(filled(faults.BUTTON_TEXT, most=BUTTON_TEXT_MAX))
        if not button.text.isprintable():
            raise ContentError(faults.BUTTON_CONTROL)
        if button.data or not _is_url(button.url, _SCHEMES):
            raise ContentError(filled(faults.BUTTON_ADDRESS, text=button.text))


def _is_url(text: str, schemes: frozenset[str]) -> bool:
    found = _URL.fullmatch(text) if len(text) <= URL_MAX_CHARACTERS else None
    return found is not None and text.isprintable() and found[1].lower() in schemes
