"""What a Telegram update means to us, decided without any I/O.

`read` never raises, whatever the body is. Only private chats have sessions; everything else
is ignored.

Text is cleaned before anybody sees it: lone surrogates become U+FFFD; NUL and the other
control characters are dropped, but for newline and tab; what is left is cut at the length
Telegram itself promises. Numbers are integers within Telegram's 52 bits, never booleans.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from actors.gateway.attachments import attached, contact_name
from actors.gateway.model import Arrival, Ignored, Malformed, Reading, Routed, Stored
from actors.kernel.ids import ChatId, MessageId, UpdateId
from actors.payments import messages as payments
from actors.sessions import messages as sessions

TEXT_MAX_CHARACTERS = 4_096
NAME_MAX_CHARACTERS = 64
USERNAME_MAX_CHARACTERS = 32
PHONE_MAX_CHARACTERS = 32
CALLBACK_DATA_MAX_CHARACTERS = 64
PAYLOAD_MAX_CHARACTERS = 128
DATE_MAX = 2**40
"""Of a message, in seconds since 1970; far beyond what a calendar holds is no date."""
DETAIL_MAX_CHARACTERS = 200
UPDATE_ID_MAX = 2**52
"""Telegram's are below 2**31; other servers may use a clock. What is larger is no id."""

MEDIA = (
    "animation",  # before `document`, which comes with it
    "audio",
    "checklist",
    "dice",
    "document",
    "game",
    "paid_media",
    "photo",
    "poll",
    "sticker",
    "story",
    "venue",  # before `location`, which comes with it
    "location",
    "video",
    "video_note",
    "voice",
)
"""What a user can send on purpose. A message with none of these is Telegram's own (a pinned
message, a changed timer) or newer than this list: answering it would be noise.
"""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@[A-Za-z0-9_]{1,32})?(?:\s+(.*))?", re.DOTALL)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,4}")


_PositiveId = Annotated[int, msgspec.Meta(gt=0, lt=2**52)]
_AnyId = Annotated[int, msgspec.Meta(gt=-(2**52), lt=2**52)]
_CallbackId = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")]


_Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
_Amount = Annotated[int, msgspec.Meta(ge=0, lt=2**52)]
_ChargeId = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")]


class _User(msgspec.Struct):
    id: _PositiveId
    is_bot: bool = False
    first_name: str = ""
    username: str | None = None
    language_code: str | None = None


class _Chat(msgspec.Struct):
    id: _AnyId
    type: str


class _Contact(msgspec.Struct):
    phone_number: str
    user_id: _AnyId | None = None


class _Payment(msgspec.Struct):
    """`successful_payment`, or `refunded_payment`."""

    currency: _Currency
    total_amount: _Amount
    invoice_payload: str
    telegram_payment_charge_id: _ChargeId


class _PreCheckout(msgspec.Struct):
    id: _CallbackId
    sender: _User = msgspec.field(name="from")
    currency: _Currency
    total_amount: _Amount
    invoice_payload: str


class _Message(msgspec.Struct):
    message_id: Annotated[int, msgspec.Meta(ge=0, lt=2**52)]
    chat: _Chat
    date: Annotated[int, msgspec.Meta(ge=0, lt=DATE_MAX)] = 0
    successful_payment: _Payment | None = None
    refunded_payment: _Payment | None = None
    sender: _User | None = msgspec.field(name="from", default=None)
    text: str | None = None
    contact: _Contact | None = None


class _Shown(msgspec.Struct):
    """The message under a button; `date` is 0 when Telegram no longer knows it."""

    message_id: Annotated[int, msgspec.Meta(ge=0, lt=2**52)]
    chat: _Chat
    date: int = 0


class _Callback(msgspec.Struct):
    id: _CallbackId
    sender: _User = msgspec.field(name="from")
    message: _Shown | None = None
    data: str | None = None


class _Member(msgspec.Struct):
    status: str


class _MemberChange(msgspec.Struct):
    chat: _Chat
    new_chat_member: _Member


class _Update(msgspec.Struct):
    message: _Message | None = None
    pre_checkout_query: _PreCheckout | None = None
    callback_query: _Callback | None = None
    my_chat_member: _MemberChange | None = None


def pushed(body: bytes) -> Arrival | None:
    """The update that Telegram sent to the webhook; None for what is none."""
    try:
        return arrival(json.loads(body))
    except (ValueError, RecursionError):
        return None


def arrival(raw: object) -> Arrival | None:
    """An update as JSON decoded it; None when it has no usable id."""
    update_id = update_id_of(raw)
    if update_id is None:
        return None
    try:
        return Arrival(update_id, json.dumps(raw))
    except RecursionError:
        # Read just below the limit of nesting, written just above it: keep the id, so that it
        # is confirmed and parked.
        return Arrival(update_id, json.dumps({"update_id": update_id}))


def update_id_of(raw: object) -> UpdateId | None:
    """The id of an update; None for what is none."""
    match raw:
        case {"update_id": int(found)} if not isinstance(found, bool):
            return UpdateId(found) if 0 <= found <= UPDATE_ID_MAX else None
        case _:
            return None


def read(arrival: Arrival | Stored) -> Reading:
    """What to do with one update. Never raises."""
    try:
        raw = json.loads(arrival.body)
        update = msgspec.convert(raw, _Update)
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        return Malformed(f"{type(error).__name__}: {error}"[:DETAIL_MAX_CHARACTERS])
    if update.message is not None:
        return _read_message(arrival.update_id, update.message, raw["message"])
    if update.pre_checkout_query is not None:
        return _read_pre_checkout(arrival.update_id, update.pre_checkout_query)
    if update.callback_query is not None:
        return _read_callback(arrival.update_id, update.callback_query)
    if update.my_chat_member is not None:
        return _read_member(arrival.update_id, update.my_chat_member)
    kind = next((key for key in raw if key != "update_id"), None)
    return Malformed("an update without content") if kind is None else Ignored(_name(kind))


def clean(text: str) -> str:
    """Text without lone surrogates and without control characters (newline and tab stay)."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROLS.sub("", whole)


def _read_message(update_id: UpdateId, message: _Message, raw: dict[str, Any]) -> Reading:
    if message.chat.type != "private":
        return Ignored(f"message:{_name(message.chat.type)}")
    if message.chat.id <= 0:
        return Malformed("a private chat with an id that is not positive")
    if message.sender is None:
        return Malformed("a private message without a sender")
    chat_id, profile = ChatId(message.chat.id), _profile(message.sender)
    # Whoever Telegram names as the sender of these (it does not say): money is the chat's.
    if message.successful_payment is not None:
        return Routed(chat_id, _payment(update_id, profile, message, message.successful_payment))
    if message.refunded_payment is not None:
        return Routed(chat_id, _refund(update_id, profile, message, message.refunded_payment))
    if message.sender.is_bot:
        return Ignored("message:bot")
    message_id = MessageId(message.message_id)
    if message.contact is not None:
        phone_number = _line(message.contact.phone_number, PHONE_MAX_CHARACTERS)
        own = message.contact.user_id == message.sender.id
        heard: sessions.Heard = sessions.ContactReceived(
            update_id=update_id,
            profile=profile,
            phone_number=phone_number,
            own=own,
            message_id=message_id,
            name=contact_name(raw, clean=clean),
        )
        return Routed(chat_id, heard)
    if message.text is not None:
        return Routed(chat_id, _text(update_id, profile, message_id, message.text))
    kind = next((kind for kind in MEDIA if kind in raw), None)
    if kind is None:
        return Ignored("message:service")
    heard = sessions.UnsupportedReceived(
        update_id=update_id,
        profile=profile,
        kind=kind,
        message_id=message_id,
        attached=attached(kind, raw, clean=clean),
    )
    return Routed(chat_id, heard)


def _text(
    update_id: UpdateId, profile: sessions.Profile, message_id: MessageId, text: str
) -> sessions.Heard:
    cleaned = clean(text)[:TEXT_MAX_CHARACTERS]
    if not cleaned:
        return sessions.UnsupportedReceived(update_id=update_id, profile=profile, kind="text")
    command = _COMMAND.fullmatch(cleaned)
    if command is None:
        return sessions.TextReceived(
            update_id=update_id, profile=profile, text=cleaned, message_id=message_id
        )
    return sessions.CommandReceived(
        update_id=update_id,
        profile=profile,
        name=command[1].lower(),
        argument=(command[2] or "").strip(),
    )


def _payment(
    update_id: UpdateId, profile: sessions.Profile, message: _Message, paid: _Payment
) -> payments.PaymentReceived:
    return payments.PaymentReceived(
        update_id=update_id,
        profile=profile,
        charge_id=paid.telegram_payment_charge_id,
        currency=paid.currency,
        total_amount=paid.total_amount,
        payload=_line(paid.invoice_payload, PAYLOAD_MAX_CHARACTERS),
        at=_moment(message.date),
    )


def _refund(
    update_id: UpdateId, profile: sessions.Profile, message: _Message, back: _Payment
) -> payments.PaymentRefunded:
    return payments.PaymentRefunded(
        update_id=update_id,
        profile=profile,
        charge_id=back.telegram_payment_charge_id,
        currency=back.currency,
        total_amount=back.total_amount,
        payload=_line(back.invoice_payload, PAYLOAD_MAX_CHARACTERS),
        at=_moment(message.date),
    )


def _read_pre_checkout(update_id: UpdateId, asked: _PreCheckout) -> Reading:
    chat_id = ChatId(asked.sender.id)  # a private chat has the id of its user
    heard = payments.PreCheckoutAsked(
        update_id=update_id,
        query_id=asked.id,
        chat_id=chat_id,
        profile=_profile(asked.sender),
        currency=asked.currency,
        total_amount=asked.total_amount,
        payload=_line(asked.invoice_payload, PAYLOAD_MAX_CHARACTERS),
    )
    return Routed(chat_id, heard)


def _read_callback(update_id: UpdateId, callback: _Callback) -> Reading:
    if callback.data is None:
        return Ignored("callback_query:game")
    shown = callback.message
    if shown is not None and shown.chat.type != "private":
        return Ignored(f"callback_query:{_name(shown.chat.type)}")
    pressed = sessions.ButtonPressed(
        update_id=update_id,
        profile=_profile(callback.sender),
        callback_id=callback.id,
        message_id=None if shown is None or shown.date == 0 else MessageId(shown.message_id),
        data=clean(callback.data)[:CALLBACK_DATA_MAX_CHARACTERS],
    )
    # Without a message there is no chat either; a private chat has the id of its user.
    chat_id = callback.sender.id if shown is None else shown.chat.id
    if chat_id <= 0:
        return Malformed("a private chat with an id that is not positive")
    return Routed(ChatId(chat_id), pressed)


def _read_member(update_id: UpdateId, change: _MemberChange) -> Reading:
    if change.chat.type != "private":
        return Ignored(f"my_chat_member:{_name(change.chat.type)}")
    if change.chat.id <= 0:
        return Malformed("a private chat with an id that is not positive")
    match change.new_chat_member.status:
        case "kicked" | "member" as status:
            heard = sessions.BotBlocked(update_id=update_id, blocked=status == "kicked")
            return Routed(ChatId(change.chat.id), heard)
        case status:
            return Ignored(f"my_chat_member:{_name(status)}")


def _profile(user: _User) -> sessions.Profile:
    tag = user.language_code
    return sessions.Profile(
        first_name=_line(user.first_name, NAME_MAX_CHARACTERS),
        username=_line(user.username or "", USERNAME_MAX_CHARACTERS) or None,
        language_code=tag if tag and _LANGUAGE.fullmatch(tag) else None,
    )


def _moment(date: int) -> datetime | None:
    """When a message was sent, where it tells a time that a calendar has."""
    try:
        return datetime.fromtimestamp(date, UTC) if date else None
    except (ValueError, OverflowError, OSError):
        return None


def _line(text: str, length: int) -> str:
    """One line without surrounding blanks, at most `length` characters."""
    return " ".join(clean(text).split())[:length]


def _name(word: str) -> str:
    """A word from outside, made fit for a log: 40 characters of `a-z0-9_`."""
    return re.sub(r"[^a-z0-9_]", "_", word[:40].lower())
