"""Where letters go: groups that became another one, and chats that cannot be written to. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from actors.broadcast import messages as broadcast
from actors.broadcast.model import REDIRECTS_MAX
from actors.broadcast.notes import Notes
from actors.broadcast.ports import Unreachable
from actors.kernel.ids import ChatId


class Addresses:
    """Remembered without end: whoever blocks the bot is asked again by nobody but himself.

    A chat that cannot be written to takes some hundred bytes.
    """

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._moved: dict[ChatId, ChatId] = {}
        self._unreachable: dict[ChatId, broadcast.Closed] = {}

    def restore(
        self, moved: Mapping[ChatId, ChatId], unreachable: Mapping[ChatId, Unreachable | None]
    ) -> None:
        """The book knows these."""
        self._moved.update(moved)
        self._unreachable.update(
            {chat_id: why.reason for chat_id, why in unreachable.items() if why is not None}
        )

    @property
    def unreachable(self) -> int:
        """Chats that cannot be written to."""
        return len(self._unreachable)

    @property
    def moved(self) -> int:
        """Groups that became another one."""
        return len(self._moved)

    def of(self, chat_id: ChatId) -> ChatId:
        """The chat that this one became."""
        for _ in range(REDIRECTS_MAX):
            chat_id = self._moved.get(chat_id, chat_id)
        return chat_id

    def closed(self, chat_id: ChatId) -> broadcast.Closed | None:
        """Why a chat cannot be written to; None when it can, as far as anybody knows."""
        return self._unreachable.get(chat_id)

    def close(self, chat_id: ChatId, closed: broadcast.Closed, detail: str) -> None:
        """Telegram refused to write there."""
        if self._unreachable.get(chat_id) != closed:
            self._unreachable[chat_id] = closed
            self._notes.mark(chat_id, Unreachable(reason=closed, detail=_plain(detail)))

    def reopen(self, chat_id: ChatId) -> None:
        """A message arrived there."""
        if self._unreachable.pop(chat_id, None) is not None:
            self._notes.mark(chat_id, None)

    def move(self, chat_id: ChatId, to: ChatId) -> None:
        """A group became another one."""
        self._moved[chat_id] = to
        self._notes.move(chat_id, to)


def _plain(text: str) -> str:
    """What PostgreSQL's text can hold: no NUL, no half characters."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
