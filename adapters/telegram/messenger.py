"""One letter, one request: `broadcast.ports.Messenger` on the Bot API."""

from __future__ import annotations

from typing import Any, assert_never

from telegram import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyKeyboardRemove,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import TelegramError

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Outcome, Sent
from actors.broadcast.ports import Messenger
from actors.kernel.ids import MessageId
from adapters.telegram.bot import TrioBot
from adapters.telegram.refusals import outcome

CALLBACK_TEXT_MAX_CHARACTERS = 200
"""Bot API, `answerCallbackQuery`."""

_METHODS = {
    None: "sendMessage",
    "photo": "sendPhoto",
    "video": "sendVideo",
    "document": "sendDocument",
    "animation": "sendAnimation",
}
"""By the kind of media; its parameter has the name of its kind."""

_TEXT_STYLE = {
    "parse_mode": ParseMode.HTML,
    "link_preview_options": LinkPreviewOptions(is_disabled=True),
}


class TelegramMessenger(Messenger):
    """Carries letters over `bot`, as many at a time as it has connections."""

    def __init__(self, bot: TrioBot) -> None:
        self._bot = bot

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        try:
            match letter:
                case broadcast.Say():
                    method = _METHODS[letter.media.kind if letter.media else None]
                    return Sent(_message_id(await self._bot.call(method, _say(letter))))
                case broadcast.Edit():
                    method = "editMessageCaption" if letter.caption else "editMessageText"
                    # The Bot API answers `true` instead of the message for an inline one.
                    answer = await self._bot.call(method, _edit(letter))
                    return Sent(_message_id(answer) or letter.message_id)
                case broadcast.Erase():
                    await self._bot.call("deleteMessage", _place(letter))
                    return Sent()
                case broadcast.AnswerCallback():
                    await self._bot.call("answerCallbackQuery", _callback(letter))
                    return Sent()
                case broadcast.Typing():
                    await self._bot.call("sendChatAction", _typing(letter))
                    return Sent()
                case _:
                    assert_never(letter)
        except TelegramError as error:
            return outcome(letter, error)


def _say(letter: broadcast.Say) -> dict[str, Any]:
    return {
        "chat_id": letter.chat_id,
        "reply_markup": _markup(letter),
        "allow_paid_broadcast": True if letter.paid else None,
        **({} if letter.media is None else {letter.media.kind: letter.media.file}),
        **_words(letter.text, caption=letter.media is not None),
    }


def _edit(letter: broadcast.Edit) -> dict[str, Any]:
    # Always with a keyboard: without one Telegram removes the buttons, which is what an
    # empty keyboard says.
    return {
        **_place(letter),
        "reply_markup": _inline(letter.keyboard) if letter.keyboard else None,
        **_words(letter.text, caption=letter.caption),
    }


def _words(text: str, *, caption: bool) -> dict[str, Any]:
    if caption:
        return {"caption": _whole(text) or None, "parse_mode": ParseMode.HTML}
    return {"text": _whole(text), **_TEXT_STYLE}


def _place(letter: broadcast.Edit | broadcast.Erase) -> dict[str, Any]:
    return {"chat_id": letter.chat_id, "message_id": letter.message_id}


def _callback(letter: broadcast.AnswerCallback) -> dict[str, Any]:
    text = _whole(letter.text)[:CALLBACK_TEXT_MAX_CHARACTERS]
    return {"callback_query_id": letter.callback_id, "text": text or None}


def _typing(letter: broadcast.Typing) -> dict[str, Any]:
    return {"chat_id": letter.chat_id, "action": ChatAction.TYPING}


def _markup(
    letter: broadcast.Say,
) -> InlineKeyboardMarkup | ReplyKeyboardMarkup | ReplyKeyboardRemove | None:
    """A message carries one markup: inline buttons before the contact button."""
    if letter.keyboard:
        return _inline(letter.keyboard)
    if letter.contact_button is not None:
        button = KeyboardButton(_whole(letter.contact_button), request_contact=True)
        return ReplyKeyboardMarkup([[button]], resize_keyboard=True, one_time_keyboard=True)
    return ReplyKeyboardRemove() if letter.remove_keyboard else None


def _inline(keyboard: broadcast.Keyboard) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in keyboard])


def _button(button: broadcast.Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(_whole(button.text), url=_whole(button.url))
    return InlineKeyboardButton(_whole(button.text), callback_data=_whole(button.data))


def _whole(text: str) -> str:
    """Text that can be sent: a lone surrogate has no UTF-8, and would cost the whole letter."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _message_id(result: object) -> MessageId | None:
    """The id in a message that Telegram answered; None when the answer names none."""
    match result:
        case {"message_id": int(found)} if not isinstance(found, bool) and found > 0:
            return MessageId(found)
        case _:
            return None
