"""A person with a phone: writes, presses what he sees, and sees what the bot shows now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count

import trio

from adapters.sandbox.telegram_html import units
from adapters.sandbox.telegram_payments import ANSWER_SECONDS, LINK, PreCheckout
from adapters.sandbox.telegram_state import Account, Callback, Chat, Json, Message
from adapters.sandbox.telegram_world import World

SEES_SECONDS = 5.0
_COMMAND = re.compile(r"/[A-Za-z0-9_]{1,64}(@[A-Za-z0-9_]+)?")
_FILE = {"file_id": "file-1", "file_unique_id": "1"}
_SIZE = {"width": 512, "height": 512}
ATTACHMENTS: dict[str, Json] = {
    "photo": {"photo": [_FILE | _SIZE]},
    "voice": {"voice": _FILE | {"duration": 3}},
    "sticker": {
        "sticker": _FILE | _SIZE | {"type": "regular", "is_animated": False, "is_video": False}
    },
    "document": {"document": _FILE},
    "location": {"location": {"latitude": 50.45, "longitude": 30.52}},
}
"""What a person may send that is not text, by kind."""


class CannotDo(Exception):  # noqa: N818 - a verdict
    """The person cannot do that: he sees no such button, or there is no such thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a person sees now: the messages, oldest first, and the keyboard below."""

    messages: tuple[Message, ...]
    reply_keyboard: tuple[str, ...]
    typing: bool

    @property
    def shown(self) -> list[Message]:
        """The bot's messages only."""
        return [message for message in self.messages if message.sender.is_bot]

    def find(self, text: str) -> Message | None:
        """The newest of the bot's messages that shows this text, on itself or a button."""
        for message in reversed(self.shown):
            if any(text in part for part in (message.text, *message.buttons)):
                return message
        return None

    def __str__(self) -> str:
        lines = []
        for message in self.messages:
            lines.append(f"{'bot' if message.sender.is_bot else 'user'}: {message.text}")
            lines += [
                "     " + " ".join(f"[{button['text']}]" for button in row)
                for row in message.inline_keyboard
            ]
        if self.reply_keyboard:
            lines.append("     " + " ".join(f"({label})" for label in self.reply_keyboard))
        return "\n".join(lines) or "(an empty chat)"

    def as_json(self) -> Json:
        """The same for control over HTTP."""
        shown = [message.as_json() | {"history": message.history} for message in self.messages]
        return {
            "messages": shown,
            "reply_keyboard": list(self.reply_keyboard),
            "typing": self.typing,
        }


class TelegramUser:
    """One person and his private chat with the bot; made by `TelegramSandbox.user`."""

    def __init__(self, world: World, account: Account, chat: Chat) -> None:
        self._world, self.account, self.chat = world, account, chat
        self._presses = count(1)

    @property
    def id(self) -> int:
        """His id, which is also the id of his private chat."""
        return self.account.id

    # What he does.

    def says(self, text: str) -> Message:
        """He writes a message (and lets the bot in again if he had blocked it)."""
        message = self._message()
        message.text = text
        if command := _COMMAND.match(text):
            length = units(command[0])
            message.entities = [{"type": "bot_command", "offset": 0, "length": length}]
        return self._send(message)

    def commands(self, text: str) -> Message:
        """He sends a command, `/start` or `/start argument`."""
        if not _COMMAND.match(text):
            raise CannotDo(f"{text!r} is no command")
        return self.says(text)

    def shares_contact(self, phone_number: str, *, own: bool = True) -> Message:
        """He shares a phone number: his own, or one from his address book."""
        contact: Json = {"phone_number": phone_number, "first_name": self.account.first_name}
        message = self._message()
        message.attachment = {"contact": contact | ({"user_id": self.id} if own else {})}
        return self._send(message)

    def sends(self, kind: str) -> Message:
        """He sends something that is not text: a key of ATTACHMENTS."""
        if kind not in ATTACHMENTS:
            raise CannotDo(f"{kind!r} is none of {', '.join(ATTACHMENTS)}")
        message = self._message()
        message.attachment = dict(ATTACHMENTS[kind])
        return self._send(message)

    def presses(self, button: str) -> Callback | Message:
        """He presses what he sees: an inline button by label or data (the newest message
        first), or a key of the keyboard below. Raises CannotDo when he sees no such button.
        """
        for message in reversed(self.screen().shown):
            for key in (key for row in message.inline_keyboard for key in row):
                if button in (key["text"], key.get("callback_data")):
                    return self._press(message, key)
        for key in (key for row in self.chat.reply_keyboard for key in row):
            if button == key["text"] and not key.get("request_contact"):
                return self.says(button)
        raise CannotDo(f"{self.account.first_name} sees no button {button!r} but\n{self.screen()}")

    def presses_stale(self, message: Message, data: str) -> Callback:
        """He presses a button that his phone still shows, although the bot has changed or
        deleted the message since.
        """
        return self._press(message, {"text": data, "callback_data": data})

    def starts_paying(self, link: str) -> PreCheckout:
        """He presses Pay on an invoice, his own or one that was passed on to him: by its link,
        or `""` for the newest invoice in his chat. The bot is asked, and has 10 seconds.
        """
        slug = link.removeprefix(LINK) if link else self._newest_invoice()
        if slug not in self._world.payments.invoices:
            raise CannotDo(f"there is no invoice {link!r}")
        query = self._world.payments.ask(self._world.payments.invoices[slug], self.account)
        self._world.updates.push(
            {
                "pre_checkout_query": {
                    "id": query.id,
                    "from": self.account.as_json(),
                    "currency": query.invoice.currency,
                    "total_amount": query.invoice.total_amount,
                    "invoice_payload": query.invoice.payload,
                }
            }
        )
        return query

    async def pays(self, link: str = "") -> Message:
        """He pays an invoice: the message about his payment. Raises CannotDo when the bot
        refuses, or does not answer in time.
        """
        query = self.starts_paying(link)
        with trio.move_on_after(ANSWER_SECONDS):
            await query.answered.wait()
        if not query.ok:
            raise CannotDo(query.error or f"the bot did not answer within {ANSWER_SECONDS} s")
        paid = {"successful_payment": self._world.payments.charge(query).as_json()}
        return self._world.tell(self.chat, self.account, paid)

    def blocks_bot(self) -> None:
        """He blocks the bot; Telegram tells it, and refuses what it sends from now on."""
        if not self.chat.blocked:
            self.chat.blocked = True
            self._push_membership("member", "kicked")

    def unblocks_bot(self) -> None:
        """He lets the bot in again."""
        if self.chat.blocked:
            self.chat.blocked = False
            self._push_membership("kicked", "member")

    def deactivates(self) -> None:
        """He deletes his account; the bot is not told."""
        self.account.deactivated = True

    # What he sees.

    def screen(self) -> Screen:
        """What is shown to him now."""
        return Screen(
            messages=tuple(self.chat.messages.values()),
            reply_keyboard=tuple(key["text"] for row in self.chat.reply_keyboard for key in row),
            typing=self.chat.action == "typing",
        )

    async def sees(self, text: str, *, within: float = SEES_SECONDS) -> Message:
        """The bot's newest message that shows `text`, waited for `within` seconds.

        Raises AssertionError with the whole screen when it does not come.
        """
        with trio.move_on_after(within):
            while True:
                if found := self.screen().find(text):
                    return found
                await self.chat.changed.wait()
        name = self.account.first_name
        raise AssertionError(f"{name} does not see {text!r} after {within} s, but\n{self.screen()}")

    @property
    def callbacks(self) -> list[Callback]:
        """The buttons he pressed, oldest first; `answered` when they no longer spin."""
        return [c for c in self._world.callbacks.values() if c.message.chat is self.chat]

    @property
    def queries(self) -> list[PreCheckout]:
        """What he began to pay, oldest first."""
        return [q for q in self._world.payments.queries.values() if q.payer is self.account]

    def _newest_invoice(self) -> str:
        shown = reversed(self.screen().shown)
        return next((message.invoice_slug for message in shown if message.invoice_slug), "")

    def _message(self) -> Message:
        return Message(
            message_id=self._world.next_message_id(self.chat),
            chat=self.chat,
            sender=self.account,
            date=self._world.now(),
        )

    def _send(self, message: Message) -> Message:
        self.unblocks_bot()
        self.chat.started = True
        self._world.show(message)
        self._world.updates.push({"message": message.as_json()})
        return message

    def _press(self, message: Message, key: Json) -> Callback:
        data = key.get("callback_data")
        if data is None:
            raise CannotDo(f"the button {key['text']!r} leads out of the chat")
        callback = Callback(
            id=f"{self.id}{next(self._presses):09d}",
            message=message,
            pressed=self._world.now(),
        )
        self._world.callbacks[callback.id] = callback
        deleted = message.message_id not in self.chat.messages
        update = {
            "id": callback.id,
            "from": self.account.as_json(),
            "message": message.as_inaccessible_json() if deleted else message.as_json(),
            "chat_instance": str(-self.id),
            "data": data,
        }
        self._world.updates.push({"callback_query": update})
        return callback

    def _push_membership(self, before: str, after: str) -> None:
        bot = self._world.bot.as_json()

        def member(status: str) -> Json:
            until: Json = {"until_date": 0} if status == "kicked" else {}
            return {"user": bot, "status": status} | until

        update = {
            "chat": self.chat.as_json(),
            "from": self.account.as_json(),
            "date": int(self._world.now().timestamp()),
            "old_chat_member": member(before),
            "new_chat_member": member(after),
        }
        self._world.updates.push({"my_chat_member": update})
