"""Updates as webhooks: one at a time for each chat, repeated until they are taken.

Rules of the open server (WebhookActor.cpp, Client.cpp): messages wait for those before them in
the same chat, queries for those of the same person. What is not answered with 2xx is repeated at
once, then after 2, 4, 8 ... seconds; `Retry-After` is obeyed. What waits too long expires.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Self

import trio

from adapters.sandbox.deliveries import Post, any_2xx
from adapters.sandbox.outgoing import Answer, Webhook, post
from adapters.sandbox.telegram_parameters import Parameters, bad, flag, integer, too_many
from adapters.sandbox.telegram_poll import WEBHOOK_SET, Polling, allow
from adapters.sandbox.telegram_state import Json
from adapters.sandbox.telegram_updates import Updates

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 - its name
PAUSE_SECONDS_MAX = 60
RETRY_AFTER_SECONDS_MAX = 3600
PATIENCE_SECONDS = 60
CONNECTIONS, CONNECTIONS_MAX = 40, 100

_SECRET = re.compile(r"[0-9A-Za-z_-]{0,256}")
_SECONDS = re.compile(r"[0-9]{1,6}")


class Webhooks:
    """Where one bot's updates are sent. They leave only inside `async with`.

    `local` is the server's own mode of that name: only then an address may be plain http.
    """

    def __init__(
        self,
        *,
        updates: Updates,
        polling: Polling,
        now: Callable[[], datetime],
        local: bool,
        post: Post = post,
    ) -> None:
        self._updates, self._polling, self._now, self._local = updates, polling, now, local
        self._post = post
        self._secret, self._connections = "", CONNECTIONS
        self._last_error: Json = {}
        self._busy: set[object] = set()
        self._answers_to_lose = 0
        self.attempts: list[tuple[int, int | None]] = []
        """Every update id that was sent, and the status it was answered with (None: no answer)."""

    async def __aenter__(self) -> Self:
        self._manager = trio.open_nursery()
        nursery = await self._manager.__aenter__()
        self._scope = nursery.cancel_scope
        nursery.start_soon(self._watch, nursery)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scope.cancel()
        await self._manager.__aexit__(None, None, None)
        self._busy.clear()

    def lose_answers_next(self, times: int) -> None:
        """The next updates arrive, and Telegram never learns of it: they come again."""
        self._answers_to_lose += times

    # The methods of the Bot API.

    def set(self, parameters: Parameters) -> bool:
        """Of setWebhook; raises Refusal."""
        url, secret = parameters.get("url", ""), parameters.get("secret_token", "")
        if not url:
            return self.delete(parameters)
        now = trio.current_time()
        if now < self._polling.webhook_allowed_at:
            raise too_many(1)
        self._polling.webhook_allowed_at = now + 1
        if not url.startswith(("https://", "http://") if self._local else "https://"):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if not _SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        allow(self._updates, parameters)
        if flag(parameters, "drop_pending_updates"):
            self._updates.clear()
        self._polling.terminate(WEBHOOK_SET)
        self._polling.webhook_url, self._secret = url, secret
        self._connections = integer(parameters, "max_connections", CONNECTIONS, 1, CONNECTIONS_MAX)
        self._last_error = {}
        self._updates.wake()
        return True

    def delete(self, parameters: Parameters) -> bool:
        """Of deleteWebhook: updates are polled for again."""
        if flag(parameters, "drop_pending_updates"):
            self._updates.clear()
        self._polling.webhook_url = ""
        return True

    def info(self) -> Json:
        """Of getWebhookInfo."""
        info: Json = {
            "url": self._polling.webhook_url,
            "has_custom_certificate": False,
            "pending_update_count": len(self._updates),
        }
        if self._updates.allowed is not None:
            info["allowed_updates"] = sorted(self._updates.allowed)
        if self._polling.webhook_url:
            info |= {"max_connections": self._connections} | self._last_error
        return info

    # How updates leave.

    async def _watch(self, nursery: trio.Nursery) -> None:
        while True:
            arrived = self._updates.arrived
            for update in self._updates.waiting(None) if self._polling.webhook_url else ():
                queue = _queue(update)
                if queue not in self._busy and len(self._busy) < self._connections:
                    self._busy.add(queue)
                    nursery.start_soon(self._empty, queue)
            await arrived.wait()

    async def _empty(self, queue: object) -> None:
        """Send what waits in one queue, one after the other."""
        failures = 0
        while update := self._next(queue):
            answer = await self._sent(update)
            if answer is not None and any_2xx(answer.status):
                self._updates.drop(update)
                failures = 0
            else:
                await trio.sleep(_pause_seconds(failures, answer))
                failures += 1
        self._busy.discard(queue)
        self._updates.wake()  # somebody may have waited for this connection

    def _next(self, queue: object) -> Json | None:
        waiting = self._updates.waiting(None) if self._polling.webhook_url else []
        return next((update for update in waiting if _queue(update) == queue), None)

    async def _sent(self, update: Json) -> Answer | None:
        headers = {"content-type": "application/json"}
        if self._secret:
            headers[SECRET_HEADER] = self._secret
        body = json.dumps(update, ensure_ascii=False).encode()
        webhook = Webhook(url=self._polling.webhook_url, headers=headers, body=body)
        answer = None
        with trio.move_on_after(PATIENCE_SECONDS):
            answer = await self._post(webhook)
        if self._answers_to_lose:
            self._answers_to_lose -= 1
            answer = None
        self.attempts.append((update["update_id"], None if answer is None else answer.status))
        if answer is None or not any_2xx(answer.status):
            said = "Connection refused" if answer is None else str(answer.status)
            self._last_error = {
                "last_error_date": int(self._now().timestamp()),
                "last_error_message": f"Wrong response from the webhook: {said}",
            }
        return answer


def _queue(update: Json) -> object:
    """What an update waits in: that of its chat, or of its sender's queries."""
    kind = next((name for name in update if name != "update_id"), "")
    inside = update.get(kind)
    place = partial(_id_in, inside)
    if kind == "message" or kind.endswith("_post"):
        return place("chat")
    return kind, place("from")


def _id_in(inside: object, name: str) -> object:
    found = inside.get(name) if isinstance(inside, dict) else None
    return found.get("id") if isinstance(found, dict) else None


def _pause_seconds(failures: int, answer: Answer | None) -> float:
    """At once at first, then doubled; unless the bot asks for more time."""
    asked = answer.headers.get("retry-after", "") if answer is not None else ""
    if _SECONDS.fullmatch(asked):
        return min(int(asked), RETRY_AFTER_SECONDS_MAX)
    return min(2.0**failures, PAUSE_SECONDS_MAX) if failures else 0.0
