"""Asks providers, slowly, how checkouts stand: for whatever they forgot to tell.

Receives  its own ticks and answers
Tells     tracker.Observed, whatever it learns; the tracker knows what is new. Publishes
          operations.Reported about how late it is, RailAnswered about our keys
Owns      when each checkout is looked at next, through looks.Checkouts
Restarts  safely: what was not looked at is still due

It looks when a checkout is due, as the store says (`looks` says when that is). Each rail has a
lane of its own: one page of what is due, as many looks together as its provider allows, and the
next page when all of them are back. So no rail waits for another; one that does not answer is
left alone until its pause is over, and tried with a single look then. A provider that lists no
charges is asked about those that it once told of, if it can be. What cannot be looked at at all
is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from actors.kernel.charges import PaymentReport, Rail
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.rounds import Looks
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.payments.looks import (
    LOOK_FIRST_SECONDS,
    Checkouts,
    LookLimits,
    MoreToRead,
    OpenCheckout,
    again_at,
)
from actors.payments.ports import Till
from actors.tracker import messages as tracker
from runtime import Actor, Recipient, message

COMPONENT = "reconciliation"

INTERVAL_SECONDS = 10.0
"""From one look at the store to the next at least."""
IDLE_SECONDS = float(LOOK_FIRST_SECONDS)
"""At most: whatever was opened since the last look is not due before this one."""
PAGE_MAX = 100
"""Read at once of each rail, at most every 10 s: 864,000 a day, far above what is asked for."""
READ_LIMITS = LookLimits(at_a_time=1, pace_seconds=1.0)
"""Of a rail where each charge is read by itself: few providers say how often they may be asked."""
PAUSE_SECONDS = 30.0
PAUSE_MAX_SECONDS = 1_800.0
"""A rail that does not answer is left alone for so long, doubling at each failure."""
JITTER = 0.25
OVERDUE_WARN_SECONDS = 3_600.0
"""So late is more than the longest pause and a full page of the slowest provider together."""


@message
class _Tick:
    """Time to look."""


@message
class _Looked:
    """What the provider says of a checkout; `began` is monotonic, in seconds."""

    checkout: OpenCheckout
    began: float
    reports: tuple[PaymentReport, ...] = ()
    error: Exception | None = None


@message
class _Free:
    """There is room for another look on the rail."""

    rail: Rail


_Own = _Tick | _Looked | _Free


@dataclass(slots=True, kw_only=True)
class _Lane:
    """What is under way on one rail."""

    till: Till
    limits: LookLimits
    waiting: deque[OpenCheckout] = field(default_factory=deque)
    out: int = 0
    """Looks under way, or of which the place is not free yet."""
    failures: int = 0
    """In a row, of a pause each."""
    closed_until: datetime | None = None
    key_refused: bool = False
    """The newest answer was that our credentials are not taken."""

    @property
    def busy(self) -> bool:
        return bool(self.out or self.waiting)

    def closed(self, now: datetime) -> bool:
        """Whether it is left alone."""
        return self.closed_until is not None and now < self.closed_until

    def close(self, *, until: datetime) -> None:
        """Leave it alone; what waits is due all the same, and is read again."""
        self.closed_until = max(until, self.closed_until or until)
        self.waiting.clear()


class Reconciler(Actor[_Own]):
    """See the four headings above."""

    def __init__(
        self,
        *,
        store: Checkouts,
        tills: Mapping[Rail, Till],
        tracker: Recipient[tracker.Command],
    ) -> None:
        super().__init__()
        self._store, self._tracker = store, tracker
        self._looks = Looks(pace_seconds=INTERVAL_SECONDS, look_seconds=IDLE_SECONDS)
        self._lanes = {
            rail: _Lane(till=till, limits=limits)
            for rail, till in tills.items()
            if (limits := _limits(till)) is not None
        }

    async def on_start(self) -> None:
        self.after(INTERVAL_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: _Own) -> None:
        match message:
            case _Tick():
                await self._tick()
            case _Looked():
                await self._looked(message)
            case _Free(rail=rail):
                self._freed(self._lanes[rail])
            case _:
                assert_never(message)

    async def _tick(self) -> None:
        """Read what is due on the rails that have nothing to do."""
        now = self.now()
        self._looks.looked(now=self.monotonic())
        shut = {rail for rail, lane in self._lanes.items() if lane.busy or lane.closed(now)}
        rails = [rail for rail in Rail if rail not in shut]
        page = await self._store.checkouts(rails, now=now, limit=PAGE_MAX)
        hopeless = [each for each in page if each.rail not in self._lanes]
        if hopeless:
            await self._store.looked(*hopeless, again_at=None, answered=False)
        for checkout in page:
            if checkout.rail in self._lanes:
                self._lanes[checkout.rail].waiting.append(checkout)
        for lane in self._lanes.values():
            self._go_on(lane)
        await self._report(now, idle=not page and not shut)
        seconds = self._looks.next_look(
            now=self.monotonic(),
            due_in=0.0 if len(hopeless) >= PAGE_MAX else await self._due_in(now),
        )
        self.after(seconds, _Tick(), key=_Tick)

    async def _due_in(self, now: datetime) -> float | None:
        """In how many seconds there is something to read. A lane that comes to its end says so
        itself, and of one that is closed the checkout that failed is due when it opens.
        """
        first = await self._store.next_look(after=now)
        return None if first is None else (first - self.now()).total_seconds()

    def _go_on(self, lane: _Lane) -> None:
        """As many looks together as may be; a rail that was away is tried with a single one."""
        room = 1 if lane.failures else lane.limits.at_a_time
        while lane.waiting and lane.out < room:
            lane.out += 1
            self._look(lane.waiting.popleft(), lane.till)

    def _look(self, checkout: OpenCheckout, till: Till) -> None:
        began = self.monotonic()
        self.pipe(
            _seen,
            till,
            checkout,
            then=lambda seen: _Looked(
                checkout=checkout, began=began, reports=seen[0], error=seen[1]
            ),
            failed=lambda error: _Looked(checkout=checkout, began=began, error=error),
        )

    async def _looked(self, told: _Looked) -> None:
        checkout, now = told.checkout, self.now()
        lane = self._lanes[checkout.rail]
        asked = _asks(lane.till, checkout)
        for report in told.reports:
            self._tracker.tell(tracker.Observed(report=report))
        match told.error:
            case None:
                if asked:
                    lane.failures = 0
                    self._key(lane)
                again = again_at(checkout, now=now, jitter=self._jitter())
            case MoreToRead():
                lane.close(until=now + timedelta(seconds=INTERVAL_SECONDS))
                again = lane.closed_until
            case Unavailable() as error:
                self._key(lane, error)
                self._fail(lane, error, now)
                again = lane.closed_until
            case error:
                raise error
        await self._store.looked(checkout, again_at=again, answered=told.error is None)
        if again is not None:
            self._sooner((again - self.now()).total_seconds())
        pause = told.began + lane.limits.pace_seconds - self.monotonic()
        if asked and pause > 0:
            self.after(pause, _Free(rail=checkout.rail), key=checkout.order_id)
        else:
            self._freed(lane)

    def _key(self, lane: _Lane, error: Unavailable | None = None) -> None:
        """Tell when the provider does not take our key, and when he takes it again."""
        refused = isinstance(error, KeyRefused)
        if refused is lane.key_refused or not (refused or error is None):
            return
        lane.key_refused = refused
        self.publish(
            payments.RailAnswered(
                rail=lane.till.rail,
                product_id=None,
                detail=error.detail if error is not None else "",
                key_refused=refused,
            )
        )

    def _fail(self, lane: _Lane, error: Unavailable, now: datetime) -> None:
        """Leave the rail alone; looks that were under way together fail together, once."""
        asked = error.retry_after_seconds or 0.0
        if lane.closed(now):
            lane.close(until=now + timedelta(seconds=asked))
            return
        lane.failures += 1
        pause = min(PAUSE_MAX_SECONDS, PAUSE_SECONDS * 2.0 ** min(lane.failures - 1, 16))
        pause = max(pause * self._jitter(), asked)
        lane.close(until=now + timedelta(seconds=pause))
        self.log.warning("checkout.unseen", rail=lane.till.rail, detail=error.detail, seconds=pause)

    def _freed(self, lane: _Lane) -> None:
        lane.out -= 1
        self._go_on(lane)
        if not lane.busy:
            self._sooner(0.0)

    def _sooner(self, due_in: float) -> None:
        seconds = self._looks.sooner(now=self.monotonic(), due_in=due_in)
        if seconds is not None:
            self.after(seconds, _Tick(), key=_Tick)

    def _jitter(self) -> float:
        return 1 + JITTER * self.world.random.random()

    async def _report(self, now: datetime, *, idle: bool) -> None:
        """How late it is; with nothing due and nothing under way that need not be asked."""
        first = None if idle else await self._store.next_look()
        late = 0.0 if first is None else max(0.0, (now - first).total_seconds())
        said = ""
        if late > OVERDUE_WARN_SECONDS:
            said = (
                f"a checkout should have been looked at {late:.0f} s ago: its provider does not "
                "answer (checkout.unseen in the log), or more are opened than it may be asked for"
            )
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="warn" if said else "pass",
                output=said,
                measurements=(operations.Measurement(name="overdue_seconds", value=late),),
            )
        )


def _limits(till: Till) -> LookLimits | None:
    """How often a rail may be asked; None where there is nothing to ask it."""
    limits = till.checkout.look_limits
    return READ_LIMITS if limits is None and till.charges is not None else limits


def _asks(till: Till, checkout: OpenCheckout) -> bool:
    """Whether a look asks the provider anything: of no charge there is nothing to read."""
    return till.checkout.look_limits is not None or till.charges is None or bool(checkout.charges)


async def _seen(
    till: Till, checkout: OpenCheckout
) -> tuple[tuple[PaymentReport, ...], Unavailable | None]:
    """What the provider says of a checkout, or else of each of its charges that we know; and why
    some of those could not be read, which is no reason to keep the others.
    """
    if till.checkout.look_limits is not None or till.charges is None:
        return await till.checkout.look(checkout.checkout_id), None
    read: list[PaymentReport] = []
    failure: Unavailable | None = None
    for payment_id in checkout.charges:
        try:
            report = await till.charges.read(payment_id)
        except Unavailable as error:
            failure = error
        else:
            read += [] if report is None else [report]
    return tuple(read), failure
