"""The methods that put messages on a screen, change them, and take them off again."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from adapters.sandbox import telegram_markup, telegram_text
from adapters.sandbox.telegram_parameters import (
    Parameters,
    Refusal,
    bad,
    flag,
    integer,
    parsed,
    too_many,
)
from adapters.sandbox.telegram_poll import INT32_MAX
from adapters.sandbox.telegram_state import Chat, Json, Message
from adapters.sandbox.telegram_world import World

DELETED_AT_ONCE_MAX = 100
_FILE = re.compile(r"[A-Za-z0-9_-]{6,}|https?://[^\s]+")
_SIZE = {"width": 512, "height": 512}
_FACTS: dict[str, Json] = {
    "photo": _SIZE,
    "video": _SIZE | {"duration": 3},
    "animation": _SIZE | {"duration": 3},
    "document": {},
}
"""What Telegram says of each kind of media, beside its file."""


def _send_message(world: World, parameters: Parameters) -> Json:
    text, entities = telegram_text.read(parameters)
    markup = telegram_markup.read(parameters)
    chat = chat_of(world, parameters)
    if markup.reply and chat.type != "private":
        for button in (button for row in markup.reply for button in row):
            if button.get("request_contact"):
                raise bad("phone number can be requested in private chats only")
    must_be_open(chat)
    spend(world, chat, parameters)
    message = Message(
        message_id=world.next_message_id(chat),
        chat=chat,
        sender=world.bot,
        date=world.now(),
        text=text,
        entities=entities,
        inline_keyboard=markup.inline or [],
    )
    if markup.reply is not None or markup.remove:
        chat.reply_keyboard = markup.reply or []
    world.show(message)
    return message.as_json()


def _send_media(kind: str, world: World, parameters: Parameters) -> Json:
    file = parameters.get(kind, "")
    if not file:
        raise bad(f"there is no {kind} in the request")
    if not _FILE.fullmatch(file):
        raise bad("wrong remote file identifier specified: Wrong character in the string")
    caption, entities = telegram_text.read_caption(parameters)
    markup = telegram_markup.read(parameters)
    chat = chat_of(world, parameters)
    must_be_open(chat)
    spend(world, chat, parameters)
    shown = {"file_id": file, "file_unique_id": file[-6:]} | _FACTS[kind]
    message = Message(
        message_id=world.next_message_id(chat),
        chat=chat,
        sender=world.bot,
        date=world.now(),
        text=caption,
        entities=entities,
        inline_keyboard=markup.inline or [],
        attachment={kind: [shown] if kind == "photo" else shown},
    )
    world.show(message)
    return message.as_json()


def _edit_message_text(world: World, parameters: Parameters) -> Json:
    text, entities = telegram_text.read(parameters)
    markup = telegram_markup.read(parameters)
    message = _own_message(world, parameters)
    if message.captioned:
        raise bad("there is no text in the message to edit")
    return _change(world, message, parameters, (text, entities, markup.inline or []))


def _edit_message_reply_markup(world: World, parameters: Parameters) -> Json:
    markup = telegram_markup.read(parameters)
    message = _own_message(world, parameters)
    shown = (message.text, message.entities, markup.inline or [])
    return _change(world, message, parameters, shown)


def _change(
    world: World,
    message: Message,
    parameters: Parameters,
    shown: tuple[str, list[Json], telegram_markup.Rows],
) -> Json:
    """Show something else in a message; an edit without a keyboard takes the keyboard away."""
    if shown == (message.text, message.entities, message.inline_keyboard):
        raise bad(
            "message is not modified: specified new message content and reply markup "
            "are exactly the same as a current content and reply markup of the message"
        )
    spend(world, message.chat, parameters)
    message.history.append(message.text)
    message.text, message.entities, message.inline_keyboard = shown
    message.edit_date = world.now()
    message.chat.notice()
    return message.as_json()


def _edit_message_caption(world: World, parameters: Parameters) -> Json:
    caption, entities = telegram_text.read_caption(parameters)
    markup = telegram_markup.read(parameters)
    message = _own_message(world, parameters)
    if not message.captioned:
        raise bad("there is no caption in the message to edit")
    return _change(world, message, parameters, (caption, entities, markup.inline or []))


def _delete_message(world: World, parameters: Parameters) -> bool:
    chat = chat_of(world, parameters)
    message_id = _message_id(parameters)
    if message_id not in chat.messages:
        raise bad("message to delete not found")
    del chat.messages[message_id]
    chat.notice()
    return True


def _delete_messages(world: World, parameters: Parameters) -> bool:
    """Those that are there; the others are passed over."""
    chat = chat_of(world, parameters)
    named = parsed(parameters, "message_ids", "can't parse message identifiers JSON object")
    if not isinstance(named, list):
        raise bad("expected an Array of message identifiers")
    if not named:
        raise bad("message identifiers are not specified")
    if len(named) > DELETED_AT_ONCE_MAX:
        raise bad("too many message identifiers specified")
    for message_id in named:
        chat.messages.pop(message_id, None)
    chat.notice()
    return True


def chat_of(world: World, parameters: Parameters) -> Chat:
    """The chat named by `chat_id`; a person who never wrote is nobody to a bot."""
    named = parameters.get("chat_id", "").strip()
    if not named:
        raise bad("chat_id is empty")
    try:
        chat = world.chats.get(int(named))
    except ValueError:
        chat = None
    if chat is None or not chat.started:
        raise bad("chat not found")
    if chat.moved_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise Refusal(400, text, migrate_to_chat_id=chat.moved_to)
    return chat


def must_be_open(chat: Chat) -> None:
    """A bot may be shut out."""
    if chat.peer is not None and chat.peer.deactivated:
        raise Refusal(403, "Forbidden: user is deactivated")
    if chat.blocked and chat.peer is not None:
        raise Refusal(403, "Forbidden: bot was blocked by the user")
    if chat.blocked:
        raise Refusal(403, f"Forbidden: bot was kicked from the {chat.type} chat")


def spend(world: World, chat: Chat, parameters: Parameters) -> None:
    """What a message costs its chat and the bot."""
    paid = flag(parameters, "allow_paid_broadcast")
    now_seconds = world.now().timestamp()
    if flooded_seconds := world.limits.wait_seconds(chat.id, now_seconds):
        raise too_many(flooded_seconds)
    wait_seconds = world.limits.spend(chat.id, now_seconds, paid=paid)
    if wait_seconds and world.rate_limited:
        raise too_many(wait_seconds)


def _message_id(parameters: Parameters) -> int:
    found = integer(parameters, "message_id", 0, 0, INT32_MAX)
    if not found:
        raise bad("message identifier is not specified")
    return found


def _own_message(world: World, parameters: Parameters) -> Message:
    chat = chat_of(world, parameters)
    message = chat.messages.get(_message_id(parameters))
    must_be_open(chat)
    if message is None:
        raise bad("message to edit not found")
    if message.sender is not world.bot:
        raise bad("message can't be edited")
    return message


METHODS: dict[str, Callable[[World, Parameters], object]] = {
    "sendmessage": _send_message,
    **{f"send{kind}": partial(_send_media, kind) for kind in _FACTS},
    "editmessagetext": _edit_message_text,
    "editmessagecaption": _edit_message_caption,
    "editmessagereplymarkup": _edit_message_reply_markup,
    "deletemessage": _delete_message,
    "deletemessages": _delete_messages,
}
