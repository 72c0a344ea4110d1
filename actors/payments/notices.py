"""Administrators hear of every payment, once at most.

Receives  tracker.OrderPaymentChanged (from the event stream), its own ticks, broadcast.Receipt
Tells     broadcast.Say to the dispatcher; publishes operations.Reported
Owns      what became of each notice (ports.Notices)
Restarts  safely: what was being told is called `unknown` and not told again; a receipt that comes
          later still counts. Before an orderly stop it waits for the receipt of what it has told

A notice is stored by the transaction that books the payment. It is claimed before it is told: a
crash in between costs the notice, and it shows as `unknown`, but nobody is told twice. It is looked
for when the tracker says that a charge has changed, and once a minute: of money for which no order
is known nobody says anything.
"""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from math import inf
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, PaymentId
from actors.kernel.language import Language
from actors.kernel.rounds import Looks
from actors.operations import messages as operations
from actors.payments import admin_texts
from actors.payments.ports import Notice, Notices, NoticeState, Pause
from actors.tracker import messages as tracker
from runtime import Actor, Recipient, message

COMPONENT = "admin_notices"

INTERVAL_SECONDS = 5.0
"""Between two looks at least."""
LOOK_SECONDS = 60.0
"""Between two looks at most."""
PAGE_MAX = 20
"""Notices read at once; they are told one after the other."""
LATE_SECONDS = 86_400.0
"""What could not be told for so long is no news any more."""
UNHEARD_SECONDS = 3_600.0
"""A letter that nobody has heard of for so long was lost with the dispatcher."""
REPORT_SECONDS = 30.0
"""From one report to the next at least."""
DRAIN_SECONDS = 2.0
"""The dispatcher, which stops after this one, has time of its own to deliver what it holds."""
DRAIN_LOOK_SECONDS = 0.02
TROUBLE_SECONDS = 86_400.0
"""How long a notice that went wrong is a reason to warn."""

LETTER_PREFIX = "notice"


@message
class _Tick:
    """Time to look."""


_Message = _Tick | tracker.OrderPaymentChanged | broadcast.Receipt


class _Ear:
    """Where receipts go: whoever stops, and is told nothing any more, still finds the last one."""

    def __init__(self, ref: Recipient[broadcast.Receipt]) -> None:
        self._ref = ref
        self.closed = False
        """Whoever stops looks for himself."""
        self.last: broadcast.Receipt | None = None

    def tell(self, receipt: broadcast.Receipt, /) -> None:
        """A receipt is here."""
        self.last = receipt
        if not self.closed:
            self._ref.tell(receipt)


class AdminNotices(Actor[_Message]):
    """See the four headings above."""

    def __init__(
        self,
        *,
        store: Notices,
        dispatcher: Recipient[broadcast.Command],
        pause: Pause,
        admin_chat_id: ChatId,
        language: Language = Language.EN,
    ) -> None:
        super().__init__()
        self._store, self._dispatcher, self._pause = store, dispatcher, pause
        self._admin_chat_id, self._language = admin_chat_id, language
        self._waiting: deque[Notice] = deque()
        self._under_way: LetterId | None = None
        """The one that is claimed: whoever ends us costs this one, and none that waits."""
        self._ear = _Ear(self.actor_ref)
        self._looks = Looks(pace_seconds=INTERVAL_SECONDS, look_seconds=LOOK_SECONDS)
        self._reported_at, self._told_at = -inf, inf

    async def on_start(self) -> None:
        await self._store.interrupted(claimed_before=None, at=self.now())
        self.subscribe(tracker.OrderPaymentChanged)
        self.actor_ref.tell(_Tick())

    async def on_stop(self) -> None:
        """Learn what becomes of the one that is under way; those that wait are in the store."""
        self._ear.closed = True
        end = self.monotonic() + DRAIN_SECONDS
        while self._under_way is not None and self.monotonic() < end:
            receipt = self._ear.last
            if receipt is None or receipt.letter_id != self._under_way:
                await self._pause(DRAIN_LOOK_SECONDS)
                continue
            self._under_way = None
            try:
                await self._keep(receipt)
            except Unavailable as error:
                self.log.warning("notice.outcome_not_kept", detail=str(error))

    async def on_receive(self, message: _Message) -> None:
        match message:
            case _Tick():
                await self._look()
            case tracker.OrderPaymentChanged():
                seconds = self._looks.sooner(now=self.monotonic(), due_in=0.0)
                if seconds is not None:
                    self.after(seconds, _Tick(), key=_Tick)
            case broadcast.Delivered() | broadcast.Undelivered():
                await self._keep(message)
                await self._go_on_after(message.letter_id)
            case _:
                assert_never(message)

    async def _look(self) -> None:
        now = self.now()
        self._looks.looked(now=self.monotonic())
        if self.monotonic() - self._told_at > UNHEARD_SECONDS:
            self._under_way = None
        if self._under_way is None:
            self._waiting = deque(await self._store.pending(limit=PAGE_MAX))
            await self._tell_next()
        if self.monotonic() - self._reported_at >= REPORT_SECONDS:
            unheard = now - timedelta(seconds=UNHEARD_SECONDS)
            await self._store.interrupted(claimed_before=unheard, at=now)
            await self._report()
            self._reported_at = self.monotonic()
        seconds = self._looks.next_look(now=self.monotonic(), due_in=None)
        self.after(seconds, _Tick(), key=_Tick)

    async def _tell_next(self) -> None:
        now = self.now()
        while self._waiting and self._under_way is None:
            notice = self._waiting.popleft()
            if now - notice.noted_at > timedelta(seconds=LATE_SECONDS):
                await self._store.end(notice.rail, notice.payment_id, "late", detail="", at=now)
                continue
            await self._store.claim(notice.rail, notice.payment_id, at=now)
            self._under_way, self._told_at = letter_of(notice), self.monotonic()
            self._dispatcher.tell(
                broadcast.Say(
                    letter_id=self._under_way,
                    chat_id=self._admin_chat_id,
                    text=admin_texts.notice(notice, self._language),
                    repeat=False,
                    lane="notice",
                    notify=self._ear,
                )
            )

    async def _keep(self, receipt: broadcast.Receipt) -> None:
        state: NoticeState = "sent"
        detail = ""
        if isinstance(receipt, broadcast.Undelivered):
            state = "unknown" if receipt.reason == "unknown" else "failed"
            detail = f"{receipt.reason}: {receipt.detail}"
            self.log.warning("notice.undelivered", letter_id=receipt.letter_id, detail=detail)
        _, rail, payment_id = receipt.letter_id.split(":", 2)
        await self._store.end(
            Rail(rail), PaymentId(payment_id), state, detail=ascii(detail)[1:-1], at=self.now()
        )

    async def _go_on_after(self, letter_id: LetterId) -> None:
        if letter_id == self._under_way:
            self._under_way = None
            await self._tell_next()
            if self._under_way is None:  # the page is told: there may be more
                seconds = self._looks.sooner(now=self.monotonic(), due_in=0.0)
                if seconds is not None:
                    self.after(seconds, _Tick(), key=_Tick)

    async def _report(self) -> None:
        since = self.now() - timedelta(seconds=TROUBLE_SECONDS)
        counts = await self._store.counts(since=since)
        lost = [
            f"{counts[state]} {state}"
            for state in ("unknown", "failed", "late")
            if counts.get(state)
        ]
        self.publish(
            operations.Reported(
                component=COMPONENT,
                status="warn" if lost else "pass",
                output=(
                    f"notices of payments that administrators may not have seen in the last day "
                    f"({', '.join(lost)}): is ADMIN_CHAT_ID right, and may the bot write there?"
                    if lost
                    else ""
                ),
                measurements=tuple(
                    operations.Measurement(name=f"{state}_notices", value=float(count))
                    for state, count in sorted(counts.items())
                ),
            )
        )


def letter_of(notice: Notice) -> LetterId:
    """Says by itself which notice it is, so that a receipt outlives whoever told it."""
    return LetterId(f"{LETTER_PREFIX}:{notice.rail}:{notice.payment_id}")
