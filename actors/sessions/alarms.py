"""The sessions' alarm clock: one for all of them, instead of a timer for each.

Receives  sessions.DueBy (from the event stream), its own ticks
Tells     sessions.Due, to each session whose time has come
Owns      nothing; it asks ports.Sessions who is due
Restarts  safely: it begins from the start, and sessions may be told Due too often

It looks when somebody is due, as the store and the sessions say, and once a minute for what a
lost word left out. One page of due sessions is woken every 5 s, so at most 100 a second,
however many have waited for the process to come back. One that stays due (it waits for an
answer, or fails) is told again after a minute. At the start those are woken too whose newest
view was never confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

from actors.kernel.ids import ChatId
from actors.kernel.rounds import Rounds
from actors.sessions import messages as sessions
from actors.sessions.ports import Alarm, Sessions
from runtime import Actor, KeyedRecipient, message

INTERVAL_SECONDS = 5.0
"""Between two looks at least."""
LOOK_SECONDS = 60.0
"""Between two looks at most: so late is whoever came to be due and nobody said so, because he
died between saving and saying, or because the wall clock jumped."""
PAGE_MAX = 500
"""Sessions woken at once: each costs a query when it sleeps."""

AGAIN_SECONDS = 60.0
"""A session that is still due after this is told again."""


@message
class _Tick:
    """Time to look."""


class SessionAlarms(Actor[_Tick | sessions.DueBy]):
    """See the four headings above."""

    def __init__(
        self, *, store: Sessions, sessions: KeyedRecipient[ChatId, sessions.Command]
    ) -> None:
        super().__init__()
        self._store, self._sessions = store, sessions
        self._after: Alarm | None = None
        self._rounds = Rounds[Alarm](
            pace_seconds=INTERVAL_SECONDS, look_seconds=LOOK_SECONDS, again_seconds=AGAIN_SECONDS
        )
        self._unshown_after: ChatId | None = None
        self._unshown_left = True

    async def on_start(self) -> None:
        self.subscribe(sessions.DueBy)
        self.actor_ref.tell(_Tick())

    async def on_receive(self, message: _Tick | sessions.DueBy) -> None:
        match message:
            case _Tick():
                if self._unshown_left:
                    await self._wake_unshown()
                await self._wake_due()
            case sessions.DueBy():
                seconds = self._rounds.sooner(
                    now=self.monotonic(), due_in=self._seconds_to(message.at)
                )
                if seconds is not None:
                    self.after(seconds, _Tick(), key=_Tick)
            case _:
                assert_never(message)

    async def _wake_unshown(self) -> None:
        page = await self._store.unshown(limit=PAGE_MAX, after=self._unshown_after)
        self._wake(page)
        self._unshown_left = len(page) == PAGE_MAX
        self._unshown_after = page[-1] if page else None

    async def _wake_due(self) -> None:
        """One page; the next look goes on behind it, and begins anew after the last."""
        now = self.now()
        page = await self._store.due(now=now, limit=PAGE_MAX, after=self._after)
        self._after = page[-1] if len(page) == PAGE_MAX else None
        fresh = self._rounds.fresh(page, now=self.monotonic())
        self._wake(alarm.chat_id for alarm in fresh)
        due_in: float | None = 0.0
        if self._after is None and not self._unshown_left:
            next_due = await self._store.next_due(after=now)
            due_in = None if next_due is None else self._seconds_to(next_due)
        seconds = self._rounds.next_look(now=self.monotonic(), due_in=due_in)
        self.after(seconds, _Tick(), key=_Tick)

    def _seconds_to(self, at: datetime) -> float:
        return (at - self.now()).total_seconds()

    def _wake(self, chat_ids: Iterable[ChatId]) -> None:
        for chat_id in chat_ids:
            self._sessions.tell(chat_id, sessions.Due())
