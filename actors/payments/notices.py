"""Administrators hear of every payment, once at most.

Receives  its own tick, broadcast.Receipt
Tells     broadcast.Say to the dispatcher; publishes operations.Reported
Owns      what became of each notice (ports.Notices)
Restarts  safely: what was being told is called `unknown` and not told again; a receipt that comes
          later still counts

A notice is stored by the transaction that books the payment. It is claimed before it is told: a
crash in between costs the notice, and it shows as `unknown`, but nobody is told twice.
"""

from __future__ import annotations

from datetime import timedelta
from html import escape
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, LetterId, PaymentId
from actors.operations import messages as operations
from actors.payments.ports import Notice, Notices, NoticeState
from runtime import Actor, Recipient, message

COMPONENT = "admin_notices"

INTERVAL_SECONDS = 5.0
PAGE_MAX = 20
"""Notices told at once: a chat takes one message a second."""
LATE_SECONDS = 86_400.0
"""What could not be told for so long is no news any more."""
UNHEARD_SECONDS = 3_600.0
"""A letter that nobody has heard of for so long was lost with the dispatcher."""
REPORT_EVERY = 6
"""Looks from one report to the next."""
TROUBLE_SECONDS = 86_400.0
"""How long a notice that went wrong is a reason to warn."""

LETTER_PREFIX = "notice"

RAIL_NAMES = {
    Rail.STARS: "Telegram Stars",
    Rail.TELEGRAM: "Telegram Payments",
    Rail.STRIPE: "Stripe",
    Rail.YOOKASSA: "YooKassa",
    Rail.NOWPAYMENTS: "NOWPayments",
}


@message
class _Tick:
    """Time to look."""


class AdminNotices(Actor[_Tick | broadcast.Receipt]):
    """See the four headings above."""

    def __init__(
        self,
        *,
        store: Notices,
        dispatcher: Recipient[broadcast.Command],
        admin_chat_id: ChatId,
    ) -> None:
        super().__init__()
        self._store, self._dispatcher = store, dispatcher
        self._admin_chat_id = admin_chat_id
        self._looks = 0

    async def on_start(self) -> None:
        await self._store.interrupted(claimed_before=None, at=self.now())
        self.actor_ref.tell(_Tick())
        self.every(INTERVAL_SECONDS, _Tick(), key=_Tick)

    async def on_receive(self, message: _Tick | broadcast.Receipt) -> None:
        match message:
            case _Tick():
                await self._look()
            case broadcast.Delivered():
                await self._end(message.letter_id, "sent", "")
            case broadcast.Undelivered():
                state: NoticeState = "unknown" if message.reason == "unknown" else "failed"
                await self._end(message.letter_id, state, f"{message.reason}: {message.detail}")
            case _:
                assert_never(message)

    async def _look(self) -> None:
        now = self.now()
        for notice in await self._store.pending(limit=PAGE_MAX):
            if now - notice.noted_at > timedelta(seconds=LATE_SECONDS):
                await self._store.end(notice.rail, notice.payment_id, "late", detail="", at=now)
                continue
            await self._store.claim(notice.rail, notice.payment_id, at=now)
            self._dispatcher.tell(
                broadcast.Say(
                    letter_id=letter_of(notice),
                    chat_id=self._admin_chat_id,
                    text=text_of(notice),
                    repeat=False,
                    notify=self.actor_ref,
                )
            )
        if self._looks % REPORT_EVERY == 0:
            unheard = now - timedelta(seconds=UNHEARD_SECONDS)
            await self._store.interrupted(claimed_before=unheard, at=now)
            await self._report()
        self._looks += 1

    async def _end(self, letter_id: LetterId, state: NoticeState, detail: str) -> None:
        if state != "sent":
            self.log.warning("notice.undelivered", letter_id=letter_id, detail=detail)
        _, rail, payment_id = letter_id.split(":", 2)
        await self._store.end(
            Rail(rail), PaymentId(payment_id), state, detail=ascii(detail)[1:-1], at=self.now()
        )

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


def text_of(notice: Notice) -> str:
    """HTML; every value in it escaped."""
    lines = [
        f"<b>Payment received: {escape(str(notice.amount))}</b>",
        f"by {RAIL_NAMES[notice.rail]}, charge <code>{escape(notice.payment_id)}</code>",
    ]
    if notice.chat_id is None:
        lines.append("No order of ours is known for it: <code>main.py report ledger</code>")
    else:
        lines += [
            f"Name: {escape(notice.name or 'not told')}",
            f"Phone: {escape(notice.phone or 'not told')}",
            f"Order: <code>{escape(notice.order_id or '')}</code>",
            f"Chat: <code>{notice.chat_id}</code>",
        ]
    return "\n".join(lines)
