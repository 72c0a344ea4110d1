"""A person in memory: writes updates, reads the chat, and does everything exactly once."""

from __future__ import annotations

from itertools import count
from typing import Any

import trio

from actors.broadcast.messages import Edit, Say
from actors.kernel.ids import ChatId, MessageId
from tests.stories.memory_shop import MemoryShop

SUCCESS = "Payment received"
WAITS = "Waiting for your payment"

_MESSAGE_IDS = count(1_000_000)


class Phone:
    """One chat with the shop."""

    def __init__(self, shop: MemoryShop, number: int) -> None:
        self._shop, self.chat_id = shop, ChatId(number)
        self.name = f"Person <{number}>"
        self._from = {
            "id": number, "is_bot": False, "first_name": self.name, "language_code": "en",
        }  # fmt: skip

    async def register(self) -> None:
        """From /start to the wait for the payment."""
        self.commands("/start")
        await self.sees("Which language")
        self.presses("English")
        await self.sees("What is your name")
        self.says(self.name)
        await self.sees("Which phone number")
        self._send(contact={"phone_number": f"+44791112{self.chat_id:04d}", "first_name": "x",
                            "user_id": self.chat_id})  # fmt: skip
        await self.sees("Please check")
        self.presses("Save")
        await self.sees(WAITS)

    async def register_and_pay(self) -> None:
        """The same, and on to the confirmation."""
        await self.register()
        self._shop.records.tick(self.chat_id)
        await self.sees(SUCCESS)

    def commands(self, name: str) -> None:
        """A command, without arguments."""
        self._send(text=name, entities=[{"type": "bot_command", "offset": 0, "length": len(name)}])

    def says(self, text: str) -> None:
        """A message."""
        self._send(text=text)

    def presses(self, label: str) -> None:
        """The newest button with this label."""
        for message_id, message in reversed(self.shown.items()):
            for button in (button for row in message.keyboard for button in row):
                if button.text == label:
                    return self._press(message_id, button.data)
        raise AssertionError(f"{self.name} sees no button {label!r}: {self.shown}")

    @property
    def shown(self) -> dict[MessageId, Say | Edit]:
        """The bot's messages, oldest first."""
        return self._shop.messenger.shown(self.chat_id)

    async def sees(self, text: str) -> None:
        """Wait for it; for ever, if need be."""
        while not any(text in message.text for message in self.shown.values()):
            await self._shop.messenger.changes(self.chat_id)

    def faults(self) -> list[str]:
        """What is wrong at the end."""
        texts = [message.text for message in self.shown.values() if SUCCESS in message.text]
        rows = [r for r in self._shop.records.rows.values() if r.chat_id == self.chat_id]
        found = [] if len(texts) == 1 else [f"{self.name} was told {len(texts)} times"]
        if [row.name for row in rows] != [self.name]:
            found.append(f"{self.name} has the records {rows}")
        return found

    def _send(self, **what: Any) -> None:
        self._shop.updates.push({"message": self._message(next(_MESSAGE_IDS)) | what})

    def _press(self, message_id: int, data: str) -> None:
        query = {
            "id": str(next(_MESSAGE_IDS)),
            "from": self._from,
            "message": self._message(message_id),
            "chat_instance": "1",
            "data": data,
        }
        self._shop.updates.push({"callback_query": query})

    def _message(self, message_id: int) -> dict[str, Any]:
        date = int(trio.current_time())
        chat = {"id": self.chat_id, "type": "private", "first_name": self.name}
        return {"message_id": message_id, "date": date, "chat": chat, "from": self._from}
