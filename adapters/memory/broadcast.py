"""A Telegram in memory, behind the messenger's port: for tests, and for running without one.

It is stricter than the real one: it counts every request in windows of its own and answers
429 as soon as one is too many, or comes before its time. Whatever can go wrong is scripted:
`fail(...)` says what the next requests meet, `close(...)` which chat is flooded.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Blocked, Flooded, Gone, Outcome, Refused, Sent
from actors.broadcast.ports import Messenger, Pause
from actors.kernel.ids import ChatId, MessageId

TEXT_MAX_CHARACTERS = 4_096
"""Bot API, `sendMessage` and `editMessageText`; HTML tags are counted here too."""
CAPTION_MAX_CHARACTERS = 1_024
"""Bot API, `sendPhoto` and its kind."""

OVERALL_MAX_PER_SECOND = 30
PAID_MAX_PER_SECOND = 1_000
CHAT_MAX_BURST = 3
"""More than this in one chat needs a second for each."""
GROUP_MAX_PER_MINUTE = 20


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived; `at` in seconds of the clock."""

    at: float
    letter: broadcast.Letter
    outcome: Outcome | Exception


@dataclass(slots=True)
class _Chat:
    """What one chat shows, by message id, and when it was written to."""

    messages: dict[MessageId, broadcast.Say | broadcast.Edit] = field(default_factory=dict)
    media: set[MessageId] = field(default_factory=set)
    times: deque[float] = field(default_factory=deque)
    closed_until: float = 0.0
    told: bool = True
    """The bot knows that it is closed."""


class MemoryMessenger(Messenger):
    """Chats in a dict, limits as Telegram's documentation words them.

    A request arrives `latency_seconds` after it was made and is answered at once.
    """

    def __init__(
        self, *, clock: Callable[[], float], pause: Pause, latency_seconds: float = 0.0
    ) -> None:
        self.received: list[Received] = []
        """Every request, in the order of arrival."""
        self.blocked: dict[ChatId, str] = {}
        """Chats that may not be written to, with Telegram's words for it."""
        self.billed = 0
        """Requests above the free rate that were allowed to be billed."""
        self.too_early = 0
        """Requests to a chat whose flood wait was not over."""
        self.latency_seconds = latency_seconds
        self._clock, self._pause = clock, pause
        self._chats: defaultdict[ChatId, _Chat] = defaultdict(_Chat)
        self._second: deque[float] = deque()
        self._paid_second: deque[float] = deque()
        self._script: deque[Outcome | Exception] = deque()
        self._last_id = 0

    def fail(self, *outcomes: Outcome | Exception) -> None:
        """The next requests meet these, in turn; nothing of them is shown."""
        self._script.extend(outcomes)

    def close(self, chat_id: ChatId, seconds: float) -> None:
        """From now on this chat is in a flood wait, which nobody has been told yet."""
        chat = self._chats[chat_id]
        chat.closed_until, chat.told = self._clock() + seconds, False

    def shown(self, chat_id: ChatId) -> dict[MessageId, broadcast.Say | broadcast.Edit]:
        """The messages of a chat, oldest first, each as it was last written."""
        return dict(self._chats[chat_id].messages)

    def refused_for_pace(self) -> int:
        """How many requests were answered with 429, scripted ones included."""
        return sum(isinstance(one.outcome, Flooded) for one in self.received)

    async def deliver(self, letter: broadcast.Letter) -> Outcome:
        if self.latency_seconds:
            await self._pause(self.latency_seconds)
        outcome = self._script.popleft() if self._script else self._answer(letter)
        self.received.append(Received(self._clock(), letter, outcome))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _answer(self, letter: broadcast.Letter) -> Outcome:
        if wait := self._too_many(letter):
            return Flooded(wait)
        if detail := self.blocked.get(letter.chat_id):
            return Blocked(detail)
        match letter:
            case broadcast.Say() | broadcast.Edit():
                return self._refusal(letter) or self._show(letter)
            case broadcast.Erase():
                messages = self._chats[letter.chat_id].messages
                return Gone() if messages.pop(letter.message_id, None) is None else Sent()
            case broadcast.AnswerCallback() | broadcast.Typing():
                return Sent()
            case _:
                assert_never(letter)

    def _refusal(self, letter: broadcast.Say | broadcast.Edit) -> Outcome | None:
        """Why the text is not taken; None when it is."""
        caption = letter.caption if isinstance(letter, broadcast.Edit) else letter.media is not None
        most = CAPTION_MAX_CHARACTERS if caption else TEXT_MAX_CHARACTERS
        if not caption and not letter.text.strip():
            return Refused("Bad Request: message text is empty")
        if len(letter.text) > most:
            return Refused(f"Bad Request: message {'caption ' if caption else ''}is too long")
        if isinstance(letter, broadcast.Edit):
            chat = self._chats[letter.chat_id]
            if letter.message_id not in chat.messages:
                return Gone()
            if letter.caption != (letter.message_id in chat.media):
                missing = "caption" if letter.caption else "text"
                return Refused(f"Bad Request: there is no {missing} in the message to edit")
        return None

    def _show(self, letter: broadcast.Say | broadcast.Edit) -> Outcome:
        chat = self._chats[letter.chat_id]
        if isinstance(letter, broadcast.Edit):
            chat.messages[letter.message_id] = letter
            return Sent(letter.message_id)
        self._last_id += 1
        message_id = MessageId(self._last_id)
        chat.messages[message_id] = letter
        if letter.media is not None:
            chat.media.add(message_id)
        return Sent(message_id)

    def _too_many(self, letter: broadcast.Letter) -> float:
        """Seconds to wait because of too many requests, 0 when there are not; counts this one."""
        now, chat = self._clock(), self._chats[letter.chat_id]
        if now < chat.closed_until:
            self.too_early += chat.told
            chat.told = True
            return chat.closed_until - now
        _forget(self._second, before=now - 1)
        _forget(self._paid_second, before=now - 1)
        _forget(chat.times, before=now - 60)
        shows = isinstance(letter, broadcast.Say | broadcast.Edit)
        group = letter.chat_id < 0 and len(chat.times) >= GROUP_MAX_PER_MINUTE
        second = self._bucket(letter)
        if second is None or (shows and (group or _crowded(chat.times, now))):
            wait = 60.0 if group else 5.0
            chat.closed_until, chat.told = now + wait, True
            return wait
        second.append(now)
        self.billed += second is self._paid_second
        if shows:
            chat.times.append(now)
        return 0.0

    def _bucket(self, letter: broadcast.Letter) -> deque[float] | None:
        """Where a request counts; None when there is no room. What may be billed is billed only
        when the free rate is used up.
        """
        if len(self._second) < OVERALL_MAX_PER_SECOND:
            return self._second
        paid = isinstance(letter, broadcast.Say) and letter.paid
        return self._paid_second if paid and len(self._paid_second) < PAID_MAX_PER_SECOND else None


def _forget(times: deque[float], *, before: float) -> None:
    while times and times[0] <= before:
        times.popleft()


def _crowded(times: deque[float], now: float) -> bool:
    """Whether one more at `now` is more than a burst and one a second since any of the last."""
    return any(
        len(times) - place + 1 > CHAT_MAX_BURST + (now - then) for place, then in enumerate(times)
    )
