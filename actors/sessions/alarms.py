"""The sessions' alarm clock: one for all of them, instead of a timer for each.

Receives  its own tick
Tells     sessions.Due, to each session whose time has come
Owns      nothing; it asks ports.Sessions who is due
Restarts  safely: it begins from the start, and sessions may be told Due too often

Every 5 s one page of due sessions is woken, so at most 100 a second, however many have
waited for the process to come back. One that stays due (it waits for an answer, or fails)
is told again after a minute. At the start those are woken too whose newest view was never
confirmed.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors.kernel.ids import ChatId
from actors.sessions import messages as sessions
from actors.sessions.ports import Alarm, Sessions
from runtime import Actor, KeyedRecipient, message

INTERVAL_SECONDS = 5.0
PAGE_MAX = 500
"""Sessions woken at once: each costs a query when it sleeps."""

AGAIN_SECONDS = 60.0
"""A session that is still due after this is told again."""


@message
class _Tick:
    """Time to look."""


class SessionAlarms(Actor[_Tick]):
    """See the four headings above."""

    def __init__(
        self, *, store: Sessions, sessions: KeyedRecipient[ChatId, sessions.Command]
    ) -> None:
        super().__init__()
        self._store, self._sessions = store, sessions
        self._after: Alarm | None = None
        self._told: dict[Alarm, float] = {}
        """Whom an alarm was told to, and when; in the order of telling."""
        self._unshown_after: ChatId | None = None
        self._unshown_left = True

    async def on_start(self) -> None:
        self.actor_ref.tell(_Tick())
        self.every(INTERVAL_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: _Tick) -> None:
        del message  # there is only one
        if self._unshown_left:
            await self._wake_unshown()
        await self._wake_due()

    async def _wake_unshown(self) -> None:
        page = await self._store.unshown(limit=PAGE_MAX, after=self._unshown_after)
        self._wake(page)
        self._unshown_left = len(page) == PAGE_MAX
        self._unshown_after = page[-1] if page else None

    async def _wake_due(self) -> None:
        """One page; the next tick goes on behind it, and begins anew after the last."""
        page = await self._store.due(now=self.now(), limit=PAGE_MAX, after=self._after)
        self._after = page[-1] if len(page) == PAGE_MAX else None
        now = self.monotonic()
        self._told = {
            alarm: when for alarm, when in self._told.items() if now - when < AGAIN_SECONDS
        }
        fresh = [alarm for alarm in page if alarm not in self._told]
        self._told.update(dict.fromkeys(fresh, now))
        self._wake(alarm.chat_id for alarm in fresh)

    def _wake(self, chat_ids: Iterable[ChatId]) -> None:
        for chat_id in chat_ids:
            self._sessions.tell(chat_id, sessions.Due())
