"""Everything one bot's Telegram consists of; the methods and the people act on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from adapters.sandbox.telegram_limits import SendLimits
from adapters.sandbox.telegram_payments import Payments
from adapters.sandbox.telegram_poll import Polling
from adapters.sandbox.telegram_state import Account, Callback, Chat, Json, Message
from adapters.sandbox.telegram_updates import Updates
from adapters.sandbox.telegram_webhook import Webhooks


class World:
    """Plain state, owned by one sandbox. `now` is its wall clock, `local` the mode of a server of
    one's own, `provider_token` what BotFather gave the bot to be paid by a provider.
    """

    def __init__(
        self,
        *,
        bot: Account,
        now: Callable[[], datetime],
        local: bool = False,
        provider_token: str = "",
        first_number: int = 1,
    ) -> None:
        self.bot, self.now = bot, now
        self.updates = Updates(now)
        self.polling = Polling(self.updates)
        self.webhooks = Webhooks(updates=self.updates, polling=self.polling, now=now, local=local)
        self.payments = Payments(now, provider_token, first_number)
        self.chats: dict[int, Chat] = {}
        self.callbacks: dict[str, Callback] = {}
        self.commands: dict[str, list[Json]] = {}
        """What setMyCommands left behind for each language code; "" is everybody else's."""
        self.limits = SendLimits()
        self.rate_limited = False
        self._private_messages = 0
        self._group_messages: dict[int, int] = {}

    def next_message_id(self, chat: Chat) -> int:
        """Private chats share one counter, a group has its own; no id comes back."""
        if chat.id > 0:
            self._private_messages += 1
            return self._private_messages
        self._group_messages[chat.id] = self._group_messages.get(chat.id, 0) + 1
        return self._group_messages[chat.id]

    def show(self, message: Message) -> None:
        """Put a message into its chat; what its sender was doing (`typing`) is over."""
        message.chat.messages[message.message_id] = message
        if message.sender is self.bot:
            message.chat.action = None
        message.chat.notice()

    def tell(self, chat: Chat, sender: Account, service: Json) -> Message:
        """A service message appears in a chat, and the bot is told of it."""
        message = Message(
            message_id=self.next_message_id(chat),
            chat=chat,
            sender=sender,
            date=self.now(),
            attachment=service,
        )
        chat.started = True
        self.show(message)
        self.updates.push({"message": message.as_json()})
        return message
