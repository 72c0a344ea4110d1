"""Asks providers, slowly, how open checkouts stand: for whatever they forgot to tell.

Receives  its own ticks and answers
Tells     tracker.Observed, whatever it learns; the tracker knows what is new
Owns      when each checkout is looked at next, through ports.Orders
Restarts  safely: what was not looked at is still due

It looks when a checkout is due, as the store says. A few checkouts at a time, each less often the
older it is, and none of a rail that does not answer, until its pause is over. Payments may come
after an order has ended, so a checkout is looked at for `LATE_SECONDS` more; then, and when its
order is settled, it is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import assert_never

from actors.kernel.charges import PaymentReport, Rail
from actors.kernel.failures import Unavailable
from actors.kernel.rounds import Looks
from actors.payments.orders import ALIVE, ENDED
from actors.payments.ports import LOOK_FIRST_SECONDS, OpenCheckout, Orders, Till
from actors.tracker import messages as tracker
from runtime import Actor, Recipient, message

INTERVAL_SECONDS = 10.0
"""From one look at the store to the next at least."""
IDLE_SECONDS = float(LOOK_FIRST_SECONDS)
"""At most: whatever was opened since the last look is not due before this one."""
AT_A_TIME_MAX = 3
"""So many checkouts are looked at in one interval; providers publish limits far above that."""

LOOK_SECONDS = 60.0
LOOK_MAX_SECONDS = 6 * 3_600.0
"""A checkout is looked at after a minute, then half as long again each time, up to six hours."""
LATE_SECONDS = 8 * 86_400
"""NOWPayments still reports on a deposit seven days after it was asked for."""
PAUSE_SECONDS = 30.0
PAUSE_MAX_SECONDS = 1_800.0
"""A rail that does not answer is left alone for so long, doubling at each failure."""
JITTER = 0.25

_MAY_CHANGE = (*ALIVE, *ENDED)


@message
class _Tick:
    """Time to look."""


@message
class _Looked:
    """What the provider says of a checkout."""

    checkout: OpenCheckout
    reports: tuple[PaymentReport, ...] = ()
    error: Exception | None = None


class Reconciler(Actor[_Tick | _Looked]):
    """See the four headings above."""

    def __init__(
        self,
        *,
        store: Orders,
        tills: Mapping[Rail, Till],
        tracker: Recipient[tracker.Command],
    ) -> None:
        super().__init__()
        self._store, self._tills, self._tracker = store, tills, tracker
        self._looks = Looks(pace_seconds=INTERVAL_SECONDS, look_seconds=IDLE_SECONDS)
        self._out = 0
        """Looks under way."""
        self._failures: dict[Rail, int] = {}
        self._closed_until: dict[Rail, datetime] = {}

    async def on_start(self) -> None:
        self.after(INTERVAL_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: _Tick | _Looked) -> None:
        match message:
            case _Tick():
                await self._tick()
            case _Looked():
                await self._looked(message)
            case _:
                assert_never(message)

    async def _tick(self) -> None:
        if self._out:
            self.after(INTERVAL_SECONDS, _Tick(), key=_Tick)
            return
        now = self.now()
        self._looks.looked(now=self.monotonic())
        page = await self._store.checkouts(now=now, limit=AT_A_TIME_MAX)
        for checkout in page:
            till = self._tills.get(checkout.rail)
            if till is None or is_over(checkout, now=now):
                await self._store.looked(checkout.order_id, again_at=None)
            elif self._closed_until.get(checkout.rail, now) > now:
                # Behind the others, so that a rail that is away does not hold them up.
                again = self._closed_until[checkout.rail]
                await self._store.looked(checkout.order_id, again_at=again, answered=False)
            else:
                self._look(checkout, till)
        due_in: float | None = 0.0
        if len(page) < AT_A_TIME_MAX:
            next_look = await self._store.next_look(after=now)
            due_in = None if next_look is None else (next_look - self.now()).total_seconds()
        seconds = self._looks.next_look(now=self.monotonic(), due_in=due_in)
        self.after(seconds, _Tick(), key=_Tick)

    def _look(self, checkout: OpenCheckout, till: Till) -> None:
        self._out += 1
        self.pipe(
            till.checkout.look,
            checkout.checkout_id,
            then=lambda reports: _Looked(checkout=checkout, reports=reports),
            failed=lambda error: _Looked(checkout=checkout, error=error),
        )

    async def _looked(self, told: _Looked) -> None:
        self._out -= 1
        rail, now = told.checkout.rail, self.now()
        jitter = 1 + JITTER * self.world.random.random()
        match told.error:
            case None:
                self._failures.pop(rail, None)
                for report in told.reports:
                    self._tracker.tell(tracker.Observed(report=report))
                pause = look_seconds(told.checkout.looks) * jitter
            case Unavailable() as error:
                failures = self._failures[rail] = self._failures.get(rail, 0) + 1
                pause = min(PAUSE_MAX_SECONDS, PAUSE_SECONDS * 2.0 ** min(failures - 1, 16))
                pause = max(pause * jitter, error.retry_after_seconds or 0.0)
                self._closed_until[rail] = now + timedelta(seconds=pause)
                self.log.warning("checkout.unseen", rail=rail, detail=error.detail, seconds=pause)
            case error:
                raise error
        again_at = now + timedelta(seconds=pause)
        await self._store.looked(
            told.checkout.order_id, again_at=again_at, answered=told.error is None
        )
        seconds = self._looks.sooner(now=self.monotonic(), due_in=pause)
        if seconds is not None:
            self.after(seconds, _Tick(), key=_Tick)


def is_over(checkout: OpenCheckout, *, now: datetime) -> bool:
    """Nothing that the provider could tell of it would be news."""
    late = checkout.expires_at + timedelta(seconds=LATE_SECONDS)
    return checkout.state not in _MAY_CHANGE or now >= late


def look_seconds(looks: int) -> float:
    """How long to wait after so many looks and this one."""
    return min(LOOK_MAX_SECONDS, LOOK_SECONDS * 1.5 ** min(looks, 32))
