"""Make.com's custom webhooks on loopback, with their own failures.

    make = MakeSandbox()
    async with serve(make) as url:                # MAKE_WEBHOOK_URL=<url>/hook
        make.answer_with("We are open until six.")
        ...
        make.received                             # every event that was taken

As the real one (contract, section 6): 200 `Accepted` as plain text, or what a "Webhook response"
says; 410 while no scenario listens; 400 `Queue is full` for one too many that nobody worked on;
429 above 300 requests in 10 s; 401 for a wrong `x-make-apikey`; 413 above 5 MB. It looks at no
event twice, keeps no order, and answers 200 for what it has only queued.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import trio

from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.server import Request, Response, utc_now

HEAD_BYTES_MAX = 16_384
PATH = "/hook"
REQUESTS_MAX, WINDOW_SECONDS = 300, 10.0
BODY_BYTES_MAX = 5 * 1024 * 1024
QUEUE_MAX = 10_000
PLAIN = {"content-type": "text/plain; charset=utf-8"}

ACCEPTED = "Accepted"
NOBODY = "There is no scenario listening for this webhook."
FULL = "Queue is full"


class MakeSandbox:
    """One webhook and its scenario. `now` is the wall clock of this world; it may be replaced."""

    head_bytes_max = HEAD_BYTES_MAX

    def __init__(self, *, api_key: str = "", now: Callable[[], datetime] = utc_now) -> None:
        self.now = now
        self.api_key = api_key
        """What requests have to bring as `x-make-apikey`; empty: nothing."""
        self.received: list[dict[str, Any]] = []
        """Every event that was taken, repetitions included, in the order of arrival."""
        self.requests: list[Request] = []
        """Every request to the webhook, refused ones included."""
        self.calls: Counter[str] = Counter()
        """Answers by their status, and `lost` for those that nobody got."""
        self._faults = Faults()
        self._times: deque[datetime] = deque()
        self._answer: Response | None = None
        self._answer_seconds = 0.0
        self._listens, self._room = True, QUEUE_MAX

    # What the owner of the scenario does.

    def listen(self, *, on: bool = True) -> None:
        """Switch the scenario on or off."""
        self._listens = on

    def answer_with(self, text: str = "", seconds: float = 0.0, html: str = "") -> None:
        """Let a "Webhook response" say this to what users write from now on, `seconds` after the
        event came; without anything there is none again. `html` answers a page instead. Nothing is
        said to a payment, as in a scenario with a filter in front.
        """
        self._answer_seconds = seconds
        if html:
            self._answer = Response(
                status=200, body=html.encode(), headers={"content-type": "text/html"}
            )
        elif text:
            self._answer = Response.of({"text": text})
        else:
            self._answer = None

    def answer_plainly(self, text: str, seconds: float = 0.0) -> None:
        """The same as plain text."""
        self._answer_seconds = seconds
        self._answer = _plain(200, text)

    def work_off(self, room: int = QUEUE_MAX) -> None:
        """The queue has room for so many events that nobody works on."""
        self._room = room

    # What goes wrong.

    def fail_next(self, times: int, status: int, *, text: str = "") -> None:
        """Refuse the next requests; nothing is taken."""
        self._faults.plan(Fail(_plain(status, text)), times=times, kind=None)

    def hang_next(self, times: int, seconds: float) -> None:
        """Look at the next requests only after `seconds`, and take them even then."""
        self._faults.plan(Hang(seconds), times=times, kind=None)

    def drop_next(self, times: int) -> None:
        """Take the next events, then hang up: nobody learns that they have arrived."""
        self._faults.plan(Drop(), times=times, kind=None)

    def forget_faults(self) -> None:
        """What was planned to go wrong does not."""
        self._faults.clear()

    # What the server does.

    async def __call__(self, request: Request) -> Response | None:
        """Answer one request."""
        if request.path != PATH or request.method != "POST":
            return _plain(404, "Not Found")
        self.requests.append(request)
        fault = self._faults.take("post hook")
        if isinstance(fault, Fail):
            return self._said(fault.answer)
        if isinstance(fault, Hang):
            await trio.sleep(fault.seconds)
        response = self._refusal(request) or await self._taken(request)
        if isinstance(fault, Drop):
            self.calls["lost"] += 1
            return None
        return self._said(response)

    def _refusal(self, request: Request) -> Response | None:
        if self._is_too_fast():
            return _plain(429, "Too Many Requests")
        if self.api_key and request.headers.get("x-make-apikey") != self.api_key:
            return _plain(401, "Unauthorized")
        if not self._listens:
            return _plain(410, NOBODY)
        if len(request.body) > BODY_BYTES_MAX:
            return _plain(413, "Payload Too Large")
        if not self._room:
            return _plain(400, FULL)
        return None

    async def _taken(self, request: Request) -> Response:
        try:
            event = json.loads(request.body)
        except ValueError:
            return _plain(400, "Invalid JSON")
        self._room -= 1
        self.received.append(event)
        if self._answer is None or _is_payment(event):
            return _plain(200, ACCEPTED)
        await trio.sleep(self._answer_seconds)
        self._room += 1  # who answers has worked on it
        return self._answer

    def _is_too_fast(self) -> bool:
        now = self.now()
        while self._times and now - self._times[0] >= timedelta(seconds=WINDOW_SECONDS):
            self._times.popleft()
        self._times.append(now)
        return len(self._times) > REQUESTS_MAX

    def _said(self, response: Response) -> Response:
        self.calls[str(response.status)] += 1
        return response


def _is_payment(event: object) -> bool:
    return isinstance(event, dict) and event.get("event_type") == "payment"


def _plain(status: int, text: str) -> Response:
    return Response(status=status, body=text.encode(), headers=PLAIN)
