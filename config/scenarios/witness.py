"""Telegram, NocoDB and the database's disk, which see for themselves what must never happen.

Each of them notes what a bot did wrong at the moment when it did it. What holds in any weather
is always looked for; what only holds as long as nobody dies and no answer gets lost (how a bot
that was told to wait waits, how often it asks) when they are made `strict`.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime

import trio

from actors.kernel.ids import ChatId, UpdateId
from actors.kernel.language import Language
from actors.payments.orders import Order
from actors.payments.views import goods_of, text_of
from actors.sessions import texts
from actors.sessions.model import Note, Session, State
from actors.sessions.texts import Text
from actors.sessions.views import view_of
from adapters.memory.tables import Tables
from adapters.sandbox.nocodb import NocodbSandbox
from adapters.sandbox.server import Request, Response
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_parameters import Parameters, Refusal, flag, read
from config.scenarios.copies import Copies

SUCCESS = "Payment received"
"""What tells a person that he has paid."""
OK, BAD_REQUEST, TOO_MANY, BROKEN = 200, 400, 429, 500
FAILED_POLLS_SECONDS = 10.0
FAILED_POLLS_MAX = 16
"""Polls in vain in that time, a new start or two of the bot among them."""
UNDER_WAY_SECONDS = 0.25
"""How long after a 429 requests may come in that left before it arrived."""
OVERTAKEN_SECONDS = 0.05
"""How long an answer is under way at most, so that a later one may be heard before it."""
SHUT_SECONDS = 30.0
"""Two chats that are flooded shut the way for everybody, not for longer than this at first
(`broadcast.gate`)."""
QUESTIONS_PER_INTERVAL = 2
"""To NocoDB: what has changed, and a chunk of those who wait. However many they are."""
SENDS = frozenset(
    {"sendmessage", "editmessagetext", "deletemessage", "answercallbackquery"},
)
SHOWS = frozenset({"sendmessage", "editmessagetext"})
KEYBOARD_HIDDEN = frozenset(texts.say(Text.KEYBOARD_HIDDEN, language) for language in Language)
REPROACHES = tuple(
    texts.note(remark, language)
    for language in Language
    for remark in (Note.NAME_EMPTY, Note.NAME_LONG, Note.PHONE_BAD, Note.PHONE_FOREIGN)
)
"""Nobody who answers what he is asked hears these."""


class WitnessedTables(Tables):
    """A disk that remembers every view which a stored session has had, and who was in a hurry."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        super().__init__(now=now)
        self.views: dict[ChatId, set[str]] = {}
        self.cancelled_saving: set[ChatId] = set()
        """Who has cancelled while his record was being created."""
        self.saved: Callable[[Session], object] = lambda session: session
        """Hears of each session as it is stored."""
        self.ordered: Callable[[Order], object] = lambda order: order
        """Hears of each order as it is stored."""

    def put_session(self, session: Session) -> None:
        before = self.sessions.get(session.chat_id)
        if before and (before.state, session.state) == (State.SAVING, State.CANCELLED):
            self.cancelled_saving.add(session.chat_id)
        super().put_session(session)
        self.views.setdefault(session.chat_id, set()).add(view_of(session).text)
        self.saved(session)

    def put_order(self, order: Order, *, saved_by: object) -> None:
        super().put_order(order, saved_by=saved_by)
        views = self.views.setdefault(order.chat_id, set())
        views.add(text_of(order))
        if order.sold is not None:
            views.add(goods_of(order))
        self.ordered(order)


class Pauses:
    """Whether somebody who was told to wait does so: the chat it concerned, and, when it is more
    than one chat, all others.

    See `broadcast.gate`: once a second chat is told to wait while the first one still has to, and
    nothing got through in between, nobody starts before the time is over, or before the longest
    pause for all; then one request goes alone, until one is answered in peace. Answers overtake
    each other: what got through just after the second 429 may have been heard before it.
    """

    def __init__(self) -> None:
        self._closed: dict[int, float] = {}
        self._flooded: dict[int, float] = {}
        self._shut_until = self._told_at = float("-inf")
        self._told_before = float("-inf")
        """When the 429 before the one that made the trouble was told."""
        self._trouble = False
        self._open = 0

    def begin(self, chat_id: int) -> str:
        """A request for `chat_id` has come in; what is wrong with that."""
        now = trio.current_time()
        heard = now > self._told_at + UNDER_WAY_SECONDS
        self._open += 1
        if heard and now < self._closed.get(chat_id, now):
            return f"chat {chat_id} was written to {self._closed[chat_id] - now:.3f} s too early"
        if heard and now < self._shut_until:
            return f"Telegram was written to {self._shut_until - now:.3f} s too early"
        if heard and self._trouble and self._open > 1:
            return f"{self._open} requests at once while one alone should find the way open"
        return ""

    def end(self, chat_id: int, *, began: float, retry_after: float | None) -> None:
        """It was answered, perhaps with a 429."""
        now = trio.current_time()
        self._open -= 1
        if retry_after is not None:
            if not self._trouble:
                self._told_before = self._told_at
            self._told_at = now
            self._closed[chat_id] = max(self._closed.get(chat_id, now), now + retry_after)
            surely = now + UNDER_WAY_SECONDS
            self._flooded = {chat: at for chat, at in self._flooded.items() if at > surely}
            self._flooded[chat_id] = self._closed[chat_id]
            if self._trouble or len(self._flooded) > 1:
                self._trouble = True
                self._shut_until = max(self._shut_until, now + min(retry_after, SHUT_SECONDS))
        elif began > self._proves_since(now):
            self._trouble, self._shut_until = False, float("-inf")
            self._flooded.clear()

    def _proves_since(self, now: float) -> float:
        """What came in after this, and is answered in peace now, may have shown the bot that all is
        well.
        """
        if not self._trouble:
            return self._told_at
        if now <= self._told_at + OVERTAKEN_SECONDS:
            return self._told_before
        return self._told_at + UNDER_WAY_SECONDS


class WitnessedTelegram(TelegramSandbox):
    """A Bot API server that knows what the bot has stored, and who has paid."""

    def __init__(
        self,
        *,
        token: str,
        now: Callable[[], datetime],
        tables: WitnessedTables,
        has_paid: Callable[[int], bool],
        wrong: Callable[[str], None],
    ) -> None:
        super().__init__(token=token, now=now)
        self.told: dict[int, set[int]] = {}
        """Per chat, the messages that ever showed `SUCCESS`."""
        self.strict = False
        self.pages: frozenset[str] = frozenset()
        """Texts that need not be stored, because they say nothing of anybody."""
        self.lets_pay: Callable[[str], object] = lambda query_id: query_id
        """Hears of each payment that the bot allows, before it is made."""
        self.doubtful: Callable[[float], bool] = lambda _: False
        """Whether an answer may have got lost since that moment."""
        self.copies = Copies(
            doubtful=lambda since: self.doubtful(since),  # noqa: PLW0108 - replaceable
            wrong=wrong,
        )
        tables.saved = self.copies.stored
        self.offices: dict[int, Callable[[str], str]] = {}
        """Chats that are nobody's, each with who says what is wrong with a text there."""
        self._tables, self._has_paid, self._wrong = tables, has_paid, wrong
        self._pauses = Pauses()
        self._failed_polls: deque[float] = deque()
        self._vain: Counter[tuple[int, int]] = Counter()
        """How often a message was erased that was not there."""

    async def __call__(self, request: Request) -> Response | None:
        method = request.path.rpartition("/")[2].lower()
        try:
            parameters = read(request)
        except Refusal:
            return await super().__call__(request)
        if method in SENDS:
            return await self._send(request, method, parameters)
        if method == "answerprecheckoutquery" and flag(parameters, "ok"):
            self.lets_pay(parameters.get("pre_checkout_query_id", ""))
        if method != "getupdates":
            return await super().__call__(request)
        self._confirms(int(parameters.get("offset", "0")))
        response = await super().__call__(request)
        if response is not None and response.status >= BROKEN:
            self._count_failed()
        return response

    async def _send(self, request: Request, method: str, parameters: Parameters) -> Response | None:
        chat_id, text = self._chat_id(parameters), parameters.get("text", "")
        shows = method in SHOWS
        if shows:
            self._shows(chat_id, text)
        too_early, began = self._pauses.begin(chat_id), trio.current_time()
        known = self.copies.known(chat_id)
        if too_early and self.strict:
            self._wrong(too_early)
        response = None
        try:
            response = await super().__call__(request)
        finally:
            self._pauses.end(chat_id, began=began, retry_after=_retry_after(response))
        if method == "deletemessage" and self.strict and response is not None:
            self._erased(chat_id, int(parameters.get("message_id", "0")), response)
        if self.limits.violations:
            self._wrong(f"Telegram got more than it allows, chat {chat_id} the last of it")
        if shows and SUCCESS in text and chat_id not in self.offices:
            self._remember(chat_id)
        if shows and response is not None and (message_id := _shown(response)):
            self.copies.shown(chat_id, text, message_id, began=began, known=known)
        return response

    def _confirms(self, offset: int) -> None:
        """A poll forgets what lies before `offset`: that has to be stored by now."""
        for update in self.world.updates.waiting(len(self.world.updates)):
            update_id = UpdateId(update["update_id"])
            if update_id < offset and update_id not in self._tables.updates:
                self._wrong(f"update {update_id} was confirmed and is not stored")

    def _count_failed(self) -> None:
        """Whoever is not served asks less and less often, and not in a circle."""
        now = trio.current_time()
        self._failed_polls.append(now)
        while self._failed_polls[0] < now - FAILED_POLLS_SECONDS:
            self._failed_polls.popleft()
        if len(self._failed_polls) > FAILED_POLLS_MAX:
            self._wrong(f"{len(self._failed_polls)} polls in vain in {FAILED_POLLS_SECONDS:g} s")

    def _shows(self, chat_id: int, text: str) -> None:
        """Only what is stored may be shown, and only to whom it is due."""
        if chat_id in self.offices:
            if odd := self.offices[chat_id](text):
                self._wrong(odd)
            return
        anybodys = text in KEYBOARD_HIDDEN or text in self.pages
        if not anybodys and text not in self._tables.views.get(ChatId(chat_id), ()):
            self._wrong(f"chat {chat_id} is shown what was never stored: {text!r}")
        if any(reproach in text for reproach in REPROACHES):
            self._wrong(f"chat {chat_id} did as it was told, and sees {text!r}")
        if SUCCESS in text and not self._has_paid(chat_id):
            self._wrong(f"chat {chat_id} has not paid, and sees {text!r}")

    def _erased(self, chat_id: int, message_id: int, response: Response) -> None:
        """A session that slept before it saved that a message is gone erases it once more, and
        saves it then (`UserSession._recover`).
        """
        if response.status == BAD_REQUEST:
            self._vain[chat_id, message_id] += 1
            if self._vain[chat_id, message_id] > 1:
                self._wrong(f"chat {chat_id}: message {message_id} is erased again and again")

    def _chat_id(self, parameters: Parameters) -> int:
        callback = self.world.callbacks.get(parameters.get("callback_query_id", ""))
        return int(parameters.get("chat_id", "0")) if callback is None else callback.message.chat.id

    def _remember(self, chat_id: int) -> None:
        chat = self.world.chats[chat_id]
        showing = {number for number, shown in chat.messages.items() if SUCCESS in shown.text}
        self.told.setdefault(chat_id, set()).update(showing)


class WitnessedNocodb(NocodbSandbox):
    """A NocoDB that knows how often a bot of one tracker may ask who has paid."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        interval_seconds: float,
        wrong: Callable[[str], None],
    ) -> None:
        super().__init__(now=now)
        self.strict = False
        self.grown = trio.Event()
        """Set when a row is added, and replaced."""
        self._interval_seconds, self._wrong = interval_seconds, wrong
        self._asked: deque[float] = deque()
        self._closed_until = self._told_at = float("-inf")

    @property
    def questions(self) -> int:
        """How often somebody asked who has paid."""
        return sum(map(_is_question, self.wheres))

    async def __call__(self, request: Request) -> Response | None:
        now = trio.current_time()
        if self.strict and self._told_at + UNDER_WAY_SECONDS < now < self._closed_until:
            self._wrong(f"NocoDB was asked {self._closed_until - now:.3f} s too early")
        if self.strict and _is_question(request.parameters.get("where", "")):
            self._count(now)
        rows = len(self.table.rows)
        response = await super().__call__(request)
        if len(self.table.rows) > rows:
            self.grown.set()
            self.grown = trio.Event()
        if response is not None and response.status == TOO_MANY:
            self._told_at = trio.current_time()
            asked = float(response.headers.get("retry-after", "0"))
            self._closed_until = max(self._closed_until, self._told_at + asked)
        return response

    def _count(self, now: float) -> None:
        self._asked.append(now)
        while self._asked[0] <= now - self._interval_seconds + 1.0:
            self._asked.popleft()
        if len(self._asked) > QUESTIONS_PER_INTERVAL:
            self._wrong(f"{len(self._asked)} questions to NocoDB in one interval")


def _shown(response: Response) -> int:
    """The message that shows what was asked for; 0 for none."""
    if response.status != OK:
        return 0
    message_id: int = json.loads(response.body)["result"]["message_id"]
    return message_id


def _is_question(where: str) -> bool:
    """Who saves his form looks for his own record first: that is no question about payments."""
    return where != "" and not where.startswith("(ChatId,")


def _retry_after(response: Response | None) -> float | None:
    if response is None or response.status != TOO_MANY:
        return None
    return float(response.headers.get("retry-after", "1"))
