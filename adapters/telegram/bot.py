"""python-telegram-bot's `Bot` under trio: the connection to Telegram that everybody shares.

`telegram.Bot` uses asyncio in two lines, in `initialize` and `shutdown`; both are replaced
here (`tests/adapters/telegram/test_bot.py` watches that no third appears).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.request import getproxies

import telegram
import trio

from adapters.telegram.request import READ_SECONDS, TrioRequest
from adapters.telegram.route import proxy_for, tls_for

API_URL = "https://api.telegram.org"
SEND_CONNECTIONS = 8
"""A request takes 50 to 200 ms, and 30 messages a second are allowed: 6 are on their way."""


class TrioBot(telegram.Bot):
    """One bot. `api_url` is where its Bot API server listens, with or without a slash;
    `connections` is how many requests may be under way besides a poll.
    """

    def __init__(
        self, *, token: str, api_url: str = API_URL, connections: int = SEND_CONNECTIONS
    ) -> None:
        tls, api_url = tls_for(api_url), api_url.rstrip("/")
        proxy = proxy_for(api_url, getproxies())
        super().__init__(
            token,
            base_url=f"{api_url}/bot",
            base_file_url=f"{api_url}/file/bot",
            get_updates_request=TrioRequest(connections=1, tls=tls, proxy=proxy),
            request=TrioRequest(connections=connections, tls=tls, proxy=proxy),
        )

    def __repr__(self) -> str:
        """Without the token, unlike its parent's."""
        return f"{type(self).__name__}[id={self.token.partition(':')[0]}]"

    async def initialize(self) -> None:
        """Get ready; unlike its parent's it asks Telegram nothing, which may be away."""
        for request in self._request:
            await request.initialize()
        self._requests_initialized = self._bot_initialized = True

    async def shutdown(self) -> None:
        """Close every connection, even when the caller is being cancelled."""
        with trio.CancelScope(shield=True):
            for request in self._request:
                await request.shutdown()
        self._requests_initialized = self._bot_initialized = False

    async def call(
        self, method: str, parameters: Mapping[str, Any], *, waits_seconds: float = 0.0
    ) -> Any:  # noqa: ANN401 - whatever the method answers
        """The bare result of one method, None left out of its parameters.

        For what must not depend on python-telegram-bot's understanding of the answer: one odd
        field would turn a message that was sent into an error. `waits_seconds` is how long the
        server may take on purpose. Raises `telegram.error.TelegramError` (see `request`).
        """
        return await self._post(method, dict(parameters), read_timeout=READ_SECONDS + waits_seconds)


@asynccontextmanager
async def connected(
    *, token: str, api_url: str = API_URL, connections: int = SEND_CONNECTIONS
) -> AsyncIterator[TrioBot]:
    """A bot whose connections are closed at the end."""
    bot = TrioBot(token=token, api_url=api_url, connections=connections)
    try:
        await bot.initialize()
        yield bot
    finally:
        await bot.shutdown()
