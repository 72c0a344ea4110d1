"""Where reports on charges are settled: those of one charge in their order, others side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from actors.kernel.charges import Rail
from actors.kernel.failures import Conflict, Unavailable
from actors.kernel.ids import PaymentId
from actors.kernel.ledger import KeyReused
from actors.tracker import messages as tracker
from actors.tracker.ports import OrderBook, Payments
from actors.tracker.settlement import Incomparable, Observation, observe

ATTEMPTS_MAX = 10
"""Somebody else can be faster once or twice; more often it is no race, but a fault."""

Outcome = Observation | Incomparable | KeyReused

_Key = tuple[Rail, PaymentId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """`live`: the shop takes real money. `now` is the wall clock."""

    payments: Payments
    orders: OrderBook
    live: bool
    now: Callable[[], datetime]

    async def settle(self, told: tracker.Observed) -> Outcome:
        """Keep and book what the report changes. Raises `Unavailable`."""
        late = False
        for _ in range(ATTEMPTS_MAX):
            seen = await self._observe(told)
            if isinstance(seen, Incomparable):
                return seen
            if late and seen.after.unrecorded:
                # The one that was faster may have been this very report, whose answer got lost.
                seen = replace(seen, news=True)
            if not seen.changed and told.event_id is None:
                return seen
            try:
                refused = await self.payments.record(seen, event_id=told.event_id, at=self.now())
            except Conflict:
                late = True
                continue
            return refused or seen
        raise Unavailable(f"{told.report.payment_id} keeps changing under our hands")

    async def _observe(self, told: tracker.Observed) -> Observation | Incomparable:
        report = told.report
        before = await self.payments.load(report.rail, report.payment_id)
        order = None
        if before is None or before.chat_id is None:
            order_id = report.order_id if before is None else before.order_id or report.order_id
            order = None if order_id is None else await self.orders.find(order_id)
        return observe(before, report, order, live=self.live)


def why_refused(outcome: Outcome) -> str:
    """In one line, for a person; empty when nothing was refused."""
    match outcome:
        case Incomparable():
            return outcome.why
        case KeyReused():
            return f"the ledger holds another transfer under {outcome.key}"
        case Observation():
            return ""


@dataclass(slots=True)
class Queue:
    """Which reports wait for another one on the same charge."""

    behind: dict[_Key, deque[tracker.Observed]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Charges that are worked on."""
        return len(self.behind)

    def add(self, told: tracker.Observed) -> bool:
        """Whether it is its turn at once."""
        key = _key(told)
        if key in self.behind:
            self.behind[key].append(told)
            return False
        self.behind[key] = deque()
        return True

    def next(self, done: tracker.Observed) -> tracker.Observed | None:
        """Whose turn it is after that one; None when nobody waits."""
        key = _key(done)
        if self.behind[key]:
            return self.behind[key].popleft()
        del self.behind[key]
        return None


def _key(told: tracker.Observed) -> _Key:
    return told.report.rail, told.report.payment_id
