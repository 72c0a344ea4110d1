"""The methods of the Bot API that a shop calls; each answers what Telegram would."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from adapters.sandbox import telegram_markup, telegram_messages
from adapters.sandbox.telegram_messages import chat_of, must_be_open, spend
from adapters.sandbox.telegram_parameters import (
    Parameters,
    Refusal,
    bad,
    parsed,
)
from adapters.sandbox.telegram_payments import LINK
from adapters.sandbox.telegram_state import Json, Message
from adapters.sandbox.telegram_world import World

CALLBACK_SECONDS = 15
"""A pressed button stops spinning by itself; answering later is refused."""
CALLBACK_TEXT_MAX = 200
COMMANDS_MAX = 100
CHAT_ACTIONS = frozenset(
    {"typing", "upload_photo", "upload_video", "upload_voice", "upload_document"}
    | {"upload_video_note", "record_video", "record_voice", "record_video_note"}
    | {"choose_sticker", "find_location", "cancel"}
)
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")


async def call(world: World, method: str, parameters: Parameters) -> object:
    """The result of a method (its name in lower case); raises Refusal."""
    if method == "getupdates":
        return await world.polling.poll(parameters)
    if method not in METHODS:
        raise Refusal(404, "Not Found: method not found")
    return METHODS[method](world, parameters)


def _get_me(world: World, _: Parameters) -> Json:
    return world.bot.as_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


def _set_webhook(world: World, parameters: Parameters) -> bool:
    return world.webhooks.set(parameters)


def _delete_webhook(world: World, parameters: Parameters) -> bool:
    return world.webhooks.delete(parameters)


def _get_webhook_info(world: World, _: Parameters) -> Json:
    return world.webhooks.info()


def _create_invoice_link(world: World, parameters: Parameters) -> str:
    return LINK + world.payments.invoice(parameters).slug


def _send_invoice(world: World, parameters: Parameters) -> Json:
    chat = chat_of(world, parameters)
    invoice = world.payments.invoice(parameters)
    markup = telegram_markup.read(parameters)
    must_be_open(chat)
    spend(world, chat, parameters)
    pay: Json = {"text": f"Pay {invoice.currency} {invoice.total_amount}", "pay": True}
    message = Message(
        message_id=world.next_message_id(chat),
        chat=chat,
        sender=world.bot,
        date=world.now(),
        inline_keyboard=markup.inline or [[pay]],
        attachment={"invoice": invoice.as_json()},
        invoice_slug=invoice.slug,
    )
    world.show(message)
    return message.as_json()


def _answer_pre_checkout_query(world: World, parameters: Parameters) -> bool:
    return world.payments.answer(parameters)


def _refund_star_payment(world: World, parameters: Parameters) -> bool:
    charge = world.payments.refund(parameters)
    # Telegram's own message in the chat with the bot, which is its sender there.
    service = {"refunded_payment": charge.as_json()}
    world.tell(world.chats[charge.payer.id], world.bot, service)
    return True


def _get_star_transactions(world: World, parameters: Parameters) -> Json:
    return world.payments.transactions(parameters)


def _answer_callback_query(world: World, parameters: Parameters) -> bool:
    """Answering twice in time is harmless; the first text has been shown."""
    callback = world.callbacks.get(parameters.get("callback_query_id", ""))
    text = parameters.get("text", "")
    if len(text) > CALLBACK_TEXT_MAX:
        raise bad("MESSAGE_TOO_LONG")
    expired = timedelta(seconds=CALLBACK_SECONDS)
    if callback is None or world.now() > callback.pressed + expired:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if not callback.answered:
        callback.answered, callback.text = True, text
    callback.message.chat.notice()
    return True


def _send_chat_action(world: World, parameters: Parameters) -> bool:
    chat = chat_of(world, parameters)
    action = parameters.get("action", "").lower()
    if action not in CHAT_ACTIONS:
        raise bad("wrong parameter action in request")
    must_be_open(chat)
    chat.action = None if action == "cancel" else action
    chat.notice()
    return True


def _set_my_commands(world: World, parameters: Parameters) -> bool:
    commands = parsed(parameters, "commands", "can't parse commands JSON object")
    if not isinstance(commands, list):
        raise bad("expected an Array of BotCommand")
    if len(commands) > COMMANDS_MAX:
        raise bad("too many commands specified")
    for command in commands:
        if not isinstance(command, dict) or not _COMMAND.fullmatch(str(command.get("command"))):
            raise bad("BOT_COMMAND_INVALID")
        if not command.get("description"):
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[str(parameters.get("language_code") or "")] = commands
    return True


def _get_my_commands(world: World, parameters: Parameters) -> list[Json]:
    return world.commands.get(str(parameters.get("language_code") or ""), [])


def _get_chat(world: World, parameters: Parameters) -> Json:
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    return chat_of(world, parameters).as_json() | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*gifts, "gifts_from_channels"), False),
    }


METHODS: dict[str, Callable[[World, Parameters], object]] = {
    **telegram_messages.METHODS,
    "getme": _get_me,
    "setwebhook": _set_webhook,
    "deletewebhook": _delete_webhook,
    "getwebhookinfo": _get_webhook_info,
    "createinvoicelink": _create_invoice_link,
    "sendinvoice": _send_invoice,
    "answerprecheckoutquery": _answer_pre_checkout_query,
    "refundstarpayment": _refund_star_payment,
    "getstartransactions": _get_star_transactions,
    "answercallbackquery": _answer_callback_query,
    "sendchataction": _send_chat_action,
    "setmycommands": _set_my_commands,
    "getmycommands": _get_my_commands,
    "getchat": _get_chat,
}
"""Everything but getUpdates, which is the only one that waits."""
