"""Sees that nobody is sent the same message twice.

Each version of what a session shows is shown by one message (`sessions.panel`): sent anew, or by
an edit of the panel. A second message for the same version is a copy. It is excused where the bot
cannot know that the first one came: whoever carried it is gone, or the answer was lost on the way.
Once the bot has stored that it came, nothing is an excuse.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from actors.kernel.ids import ChatId
from actors.sessions.model import Session
from actors.sessions.views import view_of

PATIENCE_SECONDS = 60.0
"""A request that was held up for longer is given up by the bot, and may arrive nevertheless."""


@dataclass(slots=True)
class _Showing:
    """One text in one chat."""

    versions: set[int] = field(default_factory=set)
    """Of the session, stored with this view."""
    messages: dict[int, float] = field(default_factory=dict)
    """Those that ever showed it, and when each was first asked for."""
    excused: int = 0


class Copies:
    """What was stored to be shown, and what was shown.

    `doubtful(since)` says whether an answer of Telegram may have got lost since that moment.
    """

    def __init__(self, *, doubtful: Callable[[float], bool], wrong: Callable[[str], None]) -> None:
        self._doubtful, self._wrong = doubtful, wrong
        self._showing: defaultdict[tuple[int, str], _Showing] = defaultdict(_Showing)
        self._stored: dict[int, int] = {}
        """Per chat, the newest message that the bot knows to have come."""

    def stored(self, session: Session) -> None:
        """A session was stored."""
        if session.view_version:
            showing = self._showing[session.chat_id, view_of(session).text]
            showing.versions.add(session.view_version)
        if session.panel_message_id is not None:
            self._stored[session.chat_id] = session.panel_message_id

    def known(self, chat_id: ChatId | int) -> int:
        """The newest message of which the bot knows, to be asked for as a request comes in."""
        return self._stored.get(chat_id, 0)

    def shown(self, chat_id: int, text: str, message_id: int, *, began: float, known: int) -> None:
        """A message shows `text`, since a request that came in at `began`; see `known`."""
        showing = self._showing.get((chat_id, text))
        if showing is None or message_id in showing.messages:
            return
        before = max(showing.messages, default=0)
        if len(showing.messages) - showing.excused >= max(1, len(showing.versions)):
            if before <= known or not self._doubtful(showing.messages[before]):
                self._wrong(f"chat {chat_id} is sent a second time: {text!r}")
            showing.excused += 1
        showing.messages[message_id] = began
