"""A Bot API server for one bot: `/bot<token>/<method>`, with the people who talk to it.

    telegram = TelegramSandbox()
    async with serve(telegram) as url:                      # TELEGRAM_API_URL
        buyer = telegram.user(7, "Olha", language_code="uk")
        buyer.commands("/start")
        await buyer.sees("language", within=5)
        buyer.presses("English")

Behaves as the open server (tdlib/telegram-bot-api) does. Its
methods are in `telegram_methods`, what it remembers in `telegram_world`, the people in
`telegram_user`, money in `telegram_payments`, control over HTTP in `telegram_control`. Updates
are polled, or sent to a webhook inside `async with telegram.webhooks`.
"""

from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

import trio

from adapters.sandbox import telegram_messages, telegram_methods
from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.server import Request, Response, utc_now
from adapters.sandbox.telegram_limits import (
    PENDING_HELD_SECONDS,
    PENDING_MAX,
    PENDING_RETRY_SECONDS,
    SendLimits,
)
from adapters.sandbox.telegram_parameters import Parameters, Refusal, read, too_many
from adapters.sandbox.telegram_payments import Payments
from adapters.sandbox.telegram_state import Account, Chat, Json
from adapters.sandbox.telegram_user import TelegramUser
from adapters.sandbox.telegram_webhook import Webhooks
from adapters.sandbox.telegram_world import World

TOKEN = "4200000042:AAsandbox-sandbox-sandbox-sandbox-x"  # noqa: S105 - opens nothing
PROVIDER_TOKEN = "284685063:TEST:sandbox"  # noqa: S105 - opens nothing
HEAD_BYTES_MAX = 65_536
MEMBER_ID = 4_200_000_001
"""Of the person who stands for all members of a group."""
_TOKEN_SHAPE = re.compile(r"[1-9][0-9]{0,15}:[0-9A-Za-z_-]{30,}")


class TelegramSandbox:
    """One bot's Telegram, in memory. `now` is the wall clock of this world; it may be replaced.

    `local` is the mode of a server of one's own, in which a webhook may be plain http. Charges
    count from `first_number`: a shop must not meet one of them again.
    """

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(
        self,
        *,
        token: str = TOKEN,
        now: Callable[[], datetime] = utc_now,
        local: bool = False,
        provider_token: str = PROVIDER_TOKEN,
        first_number: int = 1,
    ) -> None:
        if not _TOKEN_SHAPE.fullmatch(token):
            raise ValueError("a bot token is <id>:<30 or more letters, digits, dashes>")
        self.token, self.now = token, now
        bot = Account(
            id=int(token.partition(":")[0]),
            first_name="Sandbox shop",
            username="sandbox_shop_bot",
            is_bot=True,
        )
        self.world = World(
            bot=bot,
            now=lambda: self.now(),  # noqa: PLW0108 - replaceable
            local=local,
            provider_token=provider_token,
            first_number=first_number,
        )
        self.calls: Counter[str] = Counter()
        """Requests per method, in lower case, refused ones included."""
        self._faults = Faults()
        self._users: dict[int, TelegramUser] = {}

    # What tests and the demo do with it.

    def user(
        self,
        user_id: int,
        first_name: str = "Ada",
        *,
        language_code: str | None = "en",
        username: str = "",
        last_name: str = "",
    ) -> TelegramUser:
        """The person with this id; the first call makes their acquaintance."""
        if user_id <= 0:
            raise ValueError("the ids of people are positive")
        if user_id not in self._users:
            account = Account(
                id=user_id,
                first_name=first_name,
                last_name=last_name,
                username=username,
                language_code=language_code,
            )
            chat = Chat(id=user_id, type="private", peer=account)
            self.world.chats[user_id] = chat
            self._users[user_id] = TelegramUser(self.world, account, chat)
        return self._users[user_id]

    def group(self, chat_id: int, title: str) -> Chat:
        """A supergroup that the bot is a member of."""
        if chat_id >= 0:
            raise ValueError("the ids of groups are negative")
        group = Chat(id=chat_id, type="supergroup", title=title, started=True)
        return self.world.chats.setdefault(chat_id, group)

    def member(self, chat_id: int) -> TelegramUser:
        """Somebody in a group: he sees what is said there, writes there and presses buttons.

        Raises ValueError when there is no such group.
        """
        if chat_id >= 0 or chat_id not in self.world.chats:
            raise ValueError(f"there is no group {chat_id}")
        if chat_id not in self._users:
            account = Account(id=MEMBER_ID, first_name="Member", language_code="en")
            self._users[chat_id] = TelegramUser(self.world, account, self.world.chats[chat_id])
        return self._users[chat_id]

    def upgrade(self, chat_id: int, to: int) -> Chat:
        """A group becomes the supergroup `to`: the bot learns of it when it writes there."""
        self.world.chats[chat_id].moved_to = to
        return self.group(to, self.world.chats[chat_id].title)

    def push(self, update: Json) -> Json | None:
        """Queue any update, `{kind: object}`; None when the bot did not ask for this kind.

        With an `update_id` it is queued as it is: repeated, malformed, whatever is tested.
        """
        return self.world.updates.push(update)

    def fail_next(
        self,
        times: int,
        status: int,
        description: str,
        *,
        method: str | None = None,
        retry_after: int | None = None,
        html: bool = False,
    ) -> None:
        """Refuse the next calls (of `method`; None: of any, polls included). Nothing happens.

        `html=True` answers the page of a proxy instead of the description.
        """
        refusal = _refused(Refusal(status, description, retry_after=retry_after))
        answer = Response.page(status) if html else refusal
        self._faults.plan(Fail(answer), times=times, kind=method)

    def hang_next(self, times: int, seconds: float, *, method: str | None = None) -> None:
        """Look at the next calls only after `seconds`, and carry them out even then."""
        self._faults.plan(Hang(seconds), times=times, kind=method)

    def drop_next(self, times: int, *, method: str | None = None) -> None:
        """Carry out the next calls, then hang up: the bot never learns the outcome."""
        self._faults.plan(Drop(), times=times, kind=method)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()

    def flood(self, chat_id: int, seconds: float) -> None:
        """This chat is in a flood wait from now on; whoever writes there is told."""
        self.limits.flood(chat_id, seconds, self.now().timestamp())

    def flood_next(self, times: int, seconds: int) -> None:
        """The next messages, wherever they go, find their chats in a flood wait of so long."""
        self.limits.flood_next(times, seconds)

    def rate_limit(self, *, on: bool) -> None:
        """Answer 429 to whoever breaks Telegram's limits; they are counted in any case."""
        self.world.rate_limited = on

    @property
    def webhooks(self) -> Webhooks:
        """What is sent where setWebhook says, inside `async with telegram.webhooks`."""
        return self.world.webhooks

    @property
    def payments(self) -> Payments:
        """Invoices, pre-checkout queries and charges."""
        return self.world.payments

    @property
    def limits(self) -> SendLimits:
        """The send limits and the violations so far."""
        return self.world.limits

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        found = re.fullmatch(r"/bot([^/]*)/([^/]*)/?", request.path)
        if found is None or not _TOKEN_SHAPE.fullmatch(found[1]):
            return _refused(Refusal(404, "Not Found"))
        if not hmac.compare_digest(found[1], self.token):
            return _refused(Refusal(401, "Unauthorized"))
        method = found[2].lower()
        self.calls[method] += 1
        fault = self._faults.take(method)
        if isinstance(fault, Fail):
            return fault.answer
        try:
            parameters = read(request)
            async with self._pending(method, parameters):
                if isinstance(fault, Hang):
                    await trio.sleep(fault.seconds)
                result = await telegram_methods.call(self.world, method, parameters)
            response = Response.of({"ok": True, "result": result})
        except Refusal as refusal:
            response = _refused(refusal)
        return None if isinstance(fault, Drop) else response

    @asynccontextmanager
    async def _pending(self, method: str, parameters: Parameters) -> AsyncIterator[None]:
        """One more request of its chat is under way; with too many it is held, then refused."""
        chat_id = parameters.get("chat_id", "")
        if not chat_id or method not in telegram_messages.METHODS:
            yield
            return
        pending = self.limits.pending
        pending[chat_id] += 1
        try:
            if pending[chat_id] > PENDING_MAX:
                await trio.sleep(PENDING_HELD_SECONDS)
                raise too_many(PENDING_RETRY_SECONDS)
            yield
        finally:
            pending[chat_id] -= 1
            if not pending[chat_id]:
                del pending[chat_id]


def _refused(refusal: Refusal) -> Response:
    headers = {} if refusal.retry_after is None else {"retry-after": str(int(refusal.retry_after))}
    return Response.of(refusal.as_json(), refusal.code, headers)
