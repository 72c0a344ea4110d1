"""The orders' alarm clock: one for all of them, instead of a timer for each.

Receives  payments.DueBy (from the event stream), its own ticks
Tells     payments.Due, to the purchases of each chat of which an order's time has come; publishes
          operations.Reported about orders that wait for us
Owns      nothing; it asks ports.Orders who is due
Restarts  safely: it begins from the start, and somebody may be told Due too often

It looks when an order is due, as the store and the orders say, and once a minute for what a lost
word left out. One page of due orders is woken every 5 s, so at most 40 a second, however many
have waited for the process to come back. One that stays due is told again after a minute.
"""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from actors.kernel.ids import ChatId
from actors.kernel.rounds import Rounds
from actors.kernel.wording import several
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.payments.ports import OrderAlarm, OrderCounts, Orders
from runtime import Actor, KeyedRecipient, message

COMPONENT = "orders"

INTERVAL_SECONDS = 5.0
"""Between two looks at least."""
LOOK_SECONDS = 60.0
"""Between two looks at most: so late is an order that came to be due and nobody said so, because
its actor died between saving and saying, or because the wall clock jumped."""
PAGE_MAX = 200
"""Orders woken at once: each costs a query when its chat sleeps."""
AGAIN_SECONDS = 60.0
"""An order that is still due after this is told again."""
COUNT_SECONDS = 60.0
UNGRANTED_WARN_SECONDS = 60.0
"""Somebody has paid, and has not got what he paid for, for so long."""


@message
class _Tick:
    """Time to look."""


@message
class _Count:
    """Time to say how many orders wait."""


class OrderAlarms(Actor[_Tick | _Count | payments.DueBy]):
    """See the four headings above."""

    def __init__(
        self, *, store: Orders, purchases: KeyedRecipient[ChatId, payments.Command]
    ) -> None:
        super().__init__()
        self._store, self._purchases = store, purchases
        self._after: OrderAlarm | None = None
        self._rounds = Rounds[OrderAlarm](
            pace_seconds=INTERVAL_SECONDS, look_seconds=LOOK_SECONDS, again_seconds=AGAIN_SECONDS
        )

    async def on_start(self) -> None:
        self.subscribe(payments.DueBy)
        self.actor_ref.tell(_Tick())
        self.actor_ref.tell(_Count())
        self.every(COUNT_SECONDS, _Count(), key=_Count)

    async def on_receive(self, message: _Tick | _Count | payments.DueBy) -> None:
        match message:
            case _Tick():
                await self._wake_due()
            case _Count():
                self._report(await self._store.counts())
            case payments.DueBy():
                seconds = self._rounds.sooner(
                    now=self.monotonic(), due_in=self._seconds_to(message.at)
                )
                if seconds is not None:
                    self.after(seconds, _Tick(), key=_Tick)
            case _:
                assert_never(message)

    async def _wake_due(self) -> None:
        """One page; the next look goes on behind it, and begins anew after the last."""
        now = self.now()
        page = await self._store.due(now=now, limit=PAGE_MAX, after=self._after)
        self._after = page[-1] if len(page) == PAGE_MAX else None
        fresh = self._rounds.fresh(page, now=self.monotonic())
        for chat_id in dict.fromkeys(alarm.chat_id for alarm in fresh):
            self._purchases.tell(chat_id, payments.Due())
        due_in: float | None = 0.0
        if self._after is None:
            next_due = await self._store.next_due(after=now)
            due_in = None if next_due is None else self._seconds_to(next_due)
        seconds = self._rounds.next_look(now=self.monotonic(), due_in=due_in)
        self.after(seconds, _Tick(), key=_Tick)

    def _seconds_to(self, at: datetime) -> float:
        return (at - self.now()).total_seconds()

    def _report(self, counts: OrderCounts) -> None:
        now, since = self.now(), counts.ungranted_since
        oldest = 0.0 if since is None else max(0.0, (now - since).total_seconds())
        said = ""
        if oldest > UNGRANTED_WARN_SECONDS:
            unseen = several(
                counts.ungranted,
                "paid order has not reached its chat",
                "paid orders have not reached their chats",
            )
            said = (
                f"{unseen}, the oldest for {oldest:.0f} s: look whether letters to Telegram get "
                "through"
            )
        elif counts.for_a_person:
            what = "paid late, oddly or taken back"
            said = several(
                counts.for_a_person,
                f"order {what} waits for a person",
                f"orders {what} wait for a person",
            )
        status: operations.Status = "warn" if said else "pass"
        measurements = {
            "ungranted": float(counts.ungranted),
            "ungranted_oldest_seconds": oldest,
            "for_a_person": float(counts.for_a_person),
        }
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status=status,
                output=said,
                measurements=tuple(
                    operations.Measurement(name=name, value=value)
                    for name, value in measurements.items()
                ),
            )
        )
