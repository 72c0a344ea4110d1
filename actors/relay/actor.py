"""Relay: events go out to the webhook, each user's in their order, each until it has arrived.

Receives  relay.Command, payments.OrderMoved events, its own timers
Tells     broadcast.Say to the administrators' chat when nobody listens any more; relay.Look to the
          courier; publishes relay.Answered, relay.EventParked and operations.Reported
Owns      what became of each event (ports.Outbox); who goes next (`Line`), and whether anybody
          may (`Gate`)
Restarts  safely: what is not settled in the outbox is sent again, under the same event id

One request for each user at a time, `PARALLEL_MAX` users at once. An event may arrive twice (no
answer came, or the process ended before it was kept); what is answered to it is kept once.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from html import escape
from typing import assert_never

from actors.broadcast import messages as broadcast
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId
from actors.payments import messages as payments
from actors.relay import messages as relay
from actors.relay.gate import Gate
from actors.relay.line import Line
from actors.relay.model import (
    PAYLOAD_BYTES_MAX,
    Accepted,
    Counts,
    Failed,
    Gone,
    Outcome,
    Pause,
    Pending,
    QueueFull,
    Refused,
    Throttled,
    payload,
)
from actors.relay.ports import Destination, Outbox
from actors.relay.report import reported
from runtime import Actor, Recipient, message

PARALLEL_MAX = 32
"""Users whose events are under way: an answer of a scenario may take most of a minute."""
HELD_MAX = 20_000
"""Events in memory; what is behind them waits in the outbox for its turn."""
PAGE_MAX = 2_000
GATHER_SECONDS = 0.02
"""What is told to look so often within this looks once."""
LOOK_SECONDS = 300.0
"""Looks at the outbox that nobody asked for: whoever should have told was killed before."""
PAYMENTS_SECONDS = 600.0
"""The same for orders."""
PAID_STATES = frozenset({"paid", "granted"})
"""Of an order; others have to be found in the store."""
STORE_AWAY_SECONDS = 1.0
ATTEMPTS_MAX = 20
"""An event that failed so often while others arrived is at fault itself."""
REPORT_SECONDS = 5.0
TOTALS = ("delivered", "failed", "throttled", "parked", "unusable_answers")
"""What is counted since the last start."""
DELIVERED_KEPT = timedelta(days=7)
PRUNE_SECONDS, PRUNE_MORE_SECONDS, PRUNE_LIMIT = 3_600.0, 1.0, 5_000


@message
class _Look:
    """Fetch what is new."""


@message
class _FindPayments:
    """Look for orders that were paid."""


@message
class _Carried:
    """A request has ended; None: there was nothing left to send."""

    pending: Pending
    began: int
    outcome: Outcome | Exception | None


@message
class _Go:
    """Something may be sent now."""


@message
class _Prune:
    """Forget what was delivered long ago."""


@message
class _ReportDue:
    """Those who watch have not heard of us for a while."""


_Own = _Look | _FindPayments | _Carried | _Go | _Prune | _ReportDue
_Message = relay.Command | payments.OrderMoved | _Own


class Relay(Actor[_Message]):
    """See the four headings above. `admin_chat_id` None tells nobody but those who watch."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        destination: Destination,
        courier: Recipient[relay.Look],
        dispatcher: Recipient[broadcast.Command],
        admin_chat_id: ChatId | None,
    ) -> None:
        super().__init__()
        self._outbox, self._destination = outbox, destination
        self._courier, self._dispatcher = courier, dispatcher
        self._admin_chat_id = admin_chat_id
        self._line, self._gate = Line(), Gate()
        self._seen = self._under_way = 0
        self._counts, self._counted = Counts(pending=0, parked=0, pending_since=None), False
        self._totals = dict.fromkeys(TOTALS, 0)

    async def on_start(self) -> None:
        self.subscribe(payments.OrderMoved)
        paused = await self._outbox.open(at=self.now())
        if paused is not None:
            self._gate.pause(paused.detail)
            self._alert(paused)
        await self._find_payments()
        await self._fetch()
        await self._count()
        self._courier.tell(relay.Look())  # our predecessor may have kept an answer, and no more
        self.every(LOOK_SECONDS, _Look(), key=_Look)
        self.every(PAYMENTS_SECONDS, _FindPayments(), key=_FindPayments)
        self.every(REPORT_SECONDS, _ReportDue(), key=_ReportDue)
        self.after(PRUNE_SECONDS, _Prune(), key=_Prune)
        self._send()

    async def on_receive(self, message: _Message) -> bool | int | None:
        match message:
            case relay.Look():
                self.after(GATHER_SECONDS, _Look(), key="gather")
            case relay.Resume():
                return await self._resume(message.who)
            case relay.Replay():
                return await self._replay(message)
            case relay.Prune():
                return await self._outbox.prune(
                    before=self.now() - DELIVERED_KEPT, limit=PRUNE_LIMIT
                )
            case payments.OrderMoved():
                if message.state in PAID_STATES:
                    self.after(GATHER_SECONDS, _FindPayments(), key="paid")
            case _Look():
                await self._fetch()
                self._send()
            case _FindPayments():
                await self._find_payments()
            case _Carried():
                await self._carried(message)
            case _Go():
                self._send()
            case _Prune():
                await self._prune()
            case _ReportDue():
                await self._count()
            case _:
                assert_never(message)
        return None

    async def _find_payments(self) -> None:
        while await self._outbox.note_payments():
            pass  # there are more
        self.after(GATHER_SECONDS, _Look(), key="gather")

    async def _fetch(self) -> None:
        """Take up what is new in the outbox, as far as it is to be held."""
        while len(self._line) < HELD_MAX:
            page = await self._outbox.pending(after=self._seen, limit=PAGE_MAX)
            self._counted = self._counted and not page
            for pending in page:
                self._line.add(pending)
                self._seen = pending.place
            if len(page) < PAGE_MAX:
                break

    def _send(self) -> None:
        """Begin every request that may begin, and look again when the next one may."""
        now = self.monotonic()
        while self._under_way < PARALLEL_MAX and self._gate.may_send(now):
            pending = self._line.next(now)
            if pending is None:
                break
            self._under_way += 1
            began = self._gate.began(now)
            ended = partial(_ended, pending, began)
            self.pipe(self._carry, pending, then=ended, failed=ended)
        gate, line = self._gate.wake_at(now), self._line.wake_at(now)
        if gate is not None and line is not None and self._under_way < PARALLEL_MAX:
            self.after(max(gate, line) - now, _Go(), key=_Go)

    async def _carry(self, pending: Pending) -> Outcome | None:
        event = await self._outbox.read(pending.event_id)
        if event is None:
            return None
        body = payload(event)
        if len(body) > PAYLOAD_BYTES_MAX:
            return Refused(f"the event has {len(body)} bytes, more than Make takes")
        try:
            return await self._destination.send(event.event_id, body)
        except Unavailable as error:
            return Failed(str(error))

    async def _carried(self, told: _Carried) -> None:
        self._under_way -= 1
        self._counted = False
        outcome, now, was = told.outcome, self.monotonic(), self._gate.state
        if isinstance(outcome, Unavailable):
            self._gate.released(told.began)  # the store is away, not the destination
            self._line.again(told.pending, now, seconds=STORE_AWAY_SECONDS)
        elif isinstance(outcome, Exception):
            # A bug of ours costs the event that met it, not those behind it.
            self.log.error("event.broke", event_id=told.pending.event_id, exc_info=outcome)
            self._gate.released(told.began)
            await self._park(told.pending, f"it broke the relay: {type(outcome).__name__}")
        elif outcome is None:
            self._gate.released(told.began)
            self._line.done(told.pending)
        else:
            jitter, chat_id = self.world.random.random(), told.pending.chat_id
            self._gate.ended(told.began, outcome, now, chat_id=chat_id, jitter=jitter)
            await self._settle(told.pending, outcome, now)
            await self._turned(was)
        if len(self._line) < HELD_MAX // 2:
            await self._fetch()
        self._send()

    async def _settle(self, pending: Pending, outcome: Outcome, now: float) -> None:
        match outcome:
            case Accepted():
                await self._delivered(pending, outcome)
            case Refused(detail=detail):
                await self._park(pending, detail)
            case Throttled() | QueueFull() | Gone():
                self._totals["throttled"] += 1
                self.log.warning("event.put_off", event_id=pending.event_id, outcome=repr(outcome))
                self._line.again(pending, now, seconds=0.0)
            case Failed(detail=detail):
                self._totals["failed"] += 1
                self.log.warning("event.failed", event_id=pending.event_id, detail=detail)
                attempts = self._line.failed(pending)
                others_arrive = self._gate.state == "listening" and not self._gate.is_failing
                if attempts >= ATTEMPTS_MAX and others_arrive:
                    await self._park(pending, f"failed {attempts} times, at last: {detail}")
                else:
                    self._line.again(pending, now)
            case _:
                assert_never(outcome)

    async def _delivered(self, pending: Pending, outcome: Accepted) -> None:
        detail = ascii(outcome.fault)[1:-1]
        await self._outbox.deliver(
            pending.event_id, texts=outcome.texts, detail=detail, at=self.now()
        )
        self._line.done(pending)
        self._totals["delivered"] += 1
        if outcome.fault:
            self._totals["unusable_answers"] += 1
            self.log.warning("answer.unusable", event_id=pending.event_id, detail=outcome.fault)
        if outcome.texts:
            self._courier.tell(relay.Look())
        elif not outcome.later:
            self.publish(relay.Answered(chat_id=pending.chat_id))

    async def _park(self, pending: Pending, detail: str) -> None:
        await self._outbox.park(pending.event_id, detail=ascii(detail)[1:-1], at=self.now())
        self._line.done(pending)
        self._totals["parked"] += 1
        self.log.error("event.parked", event_id=pending.event_id, detail=detail)
        self.publish(
            relay.EventParked(event_id=pending.event_id, chat_id=pending.chat_id, detail=detail)
        )
        self.publish(relay.Answered(chat_id=pending.chat_id))

    async def _turned(self, was: str) -> None:
        """Say what has changed about the destination."""
        state = self._gate.state
        if state == was:
            return
        self.log.warning("destination.turned", was=was, to=state, detail=self._gate.detail)
        if state == "paused":
            pause = Pause(since=self.now(), detail=self._gate.detail)
            await self._outbox.pause(pause)
            self._alert(pause)
        elif was == "paused":
            await self._outbox.pause(None)
        if state == "listening":
            self._line.hurry()
        self._report()

    def _alert(self, pause: Pause) -> None:
        if self._admin_chat_id is None:
            return
        self._dispatcher.tell(
            broadcast.Say(
                letter_id=LetterId(f"relay:paused:{pause.since.isoformat()}"),
                chat_id=self._admin_chat_id,
                text=(
                    "<b>Nobody listens to what users write</b>\n"
                    f"{escape(pause.detail)}\n"
                    "Nothing is lost: it waits. Switch the scenario on; it is looked for every ten "
                    "minutes, and at once by <code>POST /v1/admin/relay/resume</code>."
                ),
                lane="notice",
            )
        )

    async def _resume(self, who: str) -> bool:
        paused = self._gate.state == "paused"
        self.log.info("destination.resumed", operator=who, was=self._gate.state)
        await self._outbox.pause(None)
        self._gate.resume()
        self._line.hurry()
        self._report()
        self._send()
        return paused

    async def _replay(self, told: relay.Replay) -> int:
        replayed = await self._outbox.replay(told.event_id)
        self.log.info("events.replayed", event_id=told.event_id, events=replayed, operator=told.who)
        await self._fetch()
        self._send()
        return replayed

    async def _prune(self) -> None:
        forgotten = await self._outbox.prune(before=self.now() - DELIVERED_KEPT, limit=PRUNE_LIMIT)
        more = forgotten >= PRUNE_LIMIT
        self.after(PRUNE_MORE_SECONDS if more else PRUNE_SECONDS, _Prune(), key=_Prune)

    async def _count(self) -> None:
        """Report; the database is asked only if something has happened."""
        if not self._counted or self._counts.pending:
            self._counted = True
            self._counts = await self._outbox.counts()
        self._report()

    def _report(self) -> None:
        since = self._counts.pending_since
        figures = {
            **{f"{name}_total": count for name, count in self._totals.items()},
            "held_events": len(self._line),
            "waiting_users": self._line.users,
            "requests_under_way": self._under_way,
        }
        age = 0.0 if since is None else max(0.0, (self.now() - since).total_seconds())
        self.publish(reported(self._gate, self._counts, figures, oldest_seconds=age))


def _ended(pending: Pending, began: int, outcome: Outcome | Exception | None) -> _Carried:
    return _Carried(pending=pending, began=began, outcome=outcome)
