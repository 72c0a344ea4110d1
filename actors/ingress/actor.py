"""WebhookIngress: a provider's delivery is verified, stored, and only then acknowledged.

Receives  ingress.Deliver (asked)
Tells     ingress.Wake to the event processor; asks gateway.Take of the gateway for Telegram's
          updates; publishes operations.Reported for each source
Owns      the answers that wait for the store; the rate of each source; counters
Restarts  safely: whoever waited for an answer is told that there is none, and delivers again

Deliveries that come while the store is at work wait, and are stored together: one statement, one
commit, and an answer for each of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, assert_never

from actors.gateway import messages as gateway
from actors.ingress import messages as ingress
from actors.ingress.model import Added, Arrival, Event, Rejected, SourceName, is_keepable
from actors.ingress.pacing import DELIVERIES_BURST, DELIVERIES_PER_SECOND, Bucket, Turns
from actors.ingress.ports import Events, Source
from actors.ingress.refusals import Refusals
from actors.kernel.failures import Conflict, Unavailable
from actors.operations import messages as operations
from runtime import Actor, ActorDeadError, ActorRef, Recipient, ReplyLater, Timeout, ask, message

COMPONENT = "webhooks"

PATIENCE_SECONDS = 2.5
"""How long a provider waits for the store; NOWPayments gives up after 3 s."""
STORING_MAX = 1_000
"""Deliveries that wait for the store at once; more are answered `Busy` without a try."""
RESERVED = 50
"""Of these places each source has so many for itself, whatever the others deliver."""
BATCH_EVENTS_MAX = STORING_MAX
BATCH_BYTES_MAX = 4 * 1024 * 1024
"""What is stored together; a thousand small events take the store some 40 ms."""
BUSY_RETRY_SECONDS = 2
REPORT_SECONDS = 10.0
LOG_AGAIN_SECONDS = 10.0
"""Refusals of one source for one reason are logged once in this time: strangers are many."""

_DURABLE = ("stored", "duplicate")


@dataclass(slots=True, eq=False, kw_only=True)
class _Waiting:
    """A delivery on its way into the store. Given up, it may still be stored."""

    arrival: Arrival
    answer: ReplyLater
    until: float

    @property
    def source(self) -> SourceName:
        return self.arrival.event.source


@message
class _Store:
    """Store those that wait; `at_once`, or once the mailbox is empty."""

    at_once: bool


@message
class _Kept:
    """The store has answered, or failed to: one result for each of `batch`."""

    batch: Sequence[_Waiting]
    result: Sequence[Added] | Exception


@message
class _Taken:
    """The gateway has an update, a new one or not; or it does not answer."""

    waiting: _Waiting
    new: bool | Exception


@message
class _Late:
    """The oldest delivery that waits has waited for long enough."""


@message
class _Report:
    """Time to say how the sources are."""


_Message = ingress.Command | _Store | _Kept | _Taken | _Late | _Report


class WebhookIngress(Actor[_Message]):
    """`sources` are those that we have credentials of. With the source `telegram`, `updates` is
    the gateway, which keeps its own inbox.
    """

    def __init__(
        self,
        *,
        sources: Mapping[SourceName, Source],
        events: Events,
        processor: Recipient[ingress.Wake],
        updates: ActorRef[Any] | None = None,
        per_second: float = DELIVERIES_PER_SECOND,
        burst: float = DELIVERIES_BURST,
    ) -> None:
        super().__init__()
        self._sources, self._events = dict(sources), events
        self._processor, self._updates = processor, updates
        self._buckets = {name: Bucket(per_second=per_second, burst=burst) for name in self._sources}
        self._line: Turns[_Waiting] = Turns()
        """Those that the store has not been asked to keep yet."""
        self._batches = 0
        """Under way in the store; more than one only where one of a batch is at fault."""
        self._storing = False
        """The next one is about to begin."""
        self._held: Counter[SourceName] = Counter()
        """In the line, or under way."""
        self._waiting: dict[_Waiting, None] = {}
        """The same, oldest first, without those who have been answered `Busy` meanwhile."""
        self._watching = False
        """A timer runs for the oldest of them."""
        self._counts: dict[SourceName, Counter[str]] = {name: Counter() for name in self._sources}
        self._reported: dict[SourceName, Counter[str]] = {}
        self._logged: dict[tuple[SourceName, str], float] = {}
        self._last_at: dict[SourceName, float] = {}
        self._refusals = Refusals()

    async def on_start(self) -> None:
        if self._sources:
            self.every(REPORT_SECONDS, _Report())
        self._report()

    def on_receive(self, message: _Message) -> ingress.Answer | None:
        match message:
            case ingress.Deliver():
                return self._deliver(message)
            case _Store():
                self._store_waiting(message)
            case _Kept():
                self._kept(message)
            case _Taken():
                self._taken(message)
            case _Late():
                self._give_up()
            case _Report():
                self._report()
            case _:
                assert_never(message)
        return None

    def _deliver(self, message: ingress.Deliver) -> ingress.Answer | None:
        """Answer at once what need not be stored; None: the answer comes later."""
        delivery = message.delivery
        source = self._sources.get(delivery.source)
        if source is None:
            detail = f"{delivery.source} is not configured here: its credentials are missing"
            self._log_seldom(delivery.source, "unconfigured", delivery.peer)
            return ingress.Refused(reason="unconfigured", detail=detail)
        if not delivery.is_json:
            other = Rejected(reason="media", detail="a delivery is application/json")
            return self._refuse(delivery.source, other, delivery.peer)
        told = source.verify(delivery, now=self.now())
        if isinstance(told, Rejected):
            return self._refuse(delivery.source, told, delivery.peer)
        if not is_keepable(told):
            odd = Rejected(reason="malformed", detail="an id or a type is missing, or is none")
            return self._refuse(delivery.source, odd, delivery.peer)
        wait = self._buckets[delivery.source].take(self.monotonic())
        if wait:
            return self._busy(delivery.source, "throttled", "too many deliveries", wait)
        if not self._has_room(told.source):
            return self._busy(delivery.source, "busy", "the store is behind")
        self._hold(told)
        return None

    def _has_room(self, source: SourceName) -> bool:
        """Whether there is a place that is not reserved for another source."""
        held = self._held
        if held.total() + RESERVED * len(self._sources) < STORING_MAX:
            return True  # whoever has taken how much of it
        reserved = sum(max(0, RESERVED - held[name]) for name in self._sources if name != source)
        return held.total() + reserved < STORING_MAX

    # Into the store

    def _hold(self, event: Event) -> None:
        arrival = Arrival(event=event, delivery_id=self.world.uuid(), at=self.now())
        until = self.monotonic() + PATIENCE_SECONDS
        waiting = _Waiting(arrival=arrival, answer=self.reply_later(), until=until)
        self._waiting[waiting] = None
        self._held[event.source] += 1
        if not self._watching:
            self._watch(PATIENCE_SECONDS)
        if event.source is SourceName.TELEGRAM and self._updates is not None:
            self._hand_over(waiting, self._updates)
            return
        self._line.put(event.source, waiting, size=len(event.body))
        self._store_soon()

    def _hand_over(self, waiting: _Waiting, updates: ActorRef[Any]) -> None:
        """Telegram's updates have an inbox of their own."""
        take = gateway.Take(body=waiting.arrival.event.body)
        self.pipe(
            partial(ask, updates, take, timeout=PATIENCE_SECONDS),
            then=lambda new: _Taken(waiting=waiting, new=new),
            failed=lambda error: _Taken(waiting=waiting, new=error),
        )

    def _store_soon(self) -> None:
        """What waits goes together once the store is free, and with it what is in the mailbox."""
        if not self._batches and not self._storing and self._line:
            self._storing = True
            self.actor_ref.tell(_Store(at_once=False))

    def _store_waiting(self, message: _Store) -> None:
        if not message.at_once and not self.actor_inbox.empty():
            self.actor_ref.tell(_Store(at_once=True))  # behind whoever came meanwhile
            return
        self._storing = False
        self._store(self._line.take(items_max=BATCH_EVENTS_MAX, size_max=BATCH_BYTES_MAX))

    def _store(self, batch: Sequence[_Waiting]) -> None:
        self._batches += 1
        self.pipe(
            partial(self._events.add, [waiting.arrival for waiting in batch]),
            then=lambda added: _Kept(batch=batch, result=added),
            failed=lambda error: _Kept(batch=batch, result=error),
        )

    def _kept(self, message: _Kept) -> None:
        batch, result = message.batch, message.result
        self._batches -= 1
        if not isinstance(result, Exception):
            for waiting, added in zip(batch, result, strict=True):
                self._answer(waiting, self._stored(waiting.source, duplicate=added.duplicate))
            # Also for a duplicate: of the first delivery we may never have heard that it was
            # stored.
            self._processor.tell(ingress.Wake(stored=len(batch)))
        elif len(batch) > 1 and not isinstance(result, Unavailable):
            for waiting in batch:  # one of them is at fault, and costs the others nothing
                self._store((waiting,))
        else:
            for waiting in batch:
                self._answer(waiting, self._failed(waiting.source, result))
        self._store_soon()

    def _taken(self, message: _Taken) -> None:
        waiting, new = message.waiting, message.new
        source = waiting.source
        if isinstance(new, Exception):
            self._answer(waiting, self._failed(source, new))
        else:
            self._answer(waiting, self._stored(source, duplicate=not new))

    def _answer(self, waiting: _Waiting, answer: ingress.Answer) -> None:
        self._held[waiting.source] -= 1
        if waiting in self._waiting:
            del self._waiting[waiting]
            waiting.answer.set(answer)

    def _failed(self, source: SourceName, error: Exception) -> ingress.Busy:
        if isinstance(error, Unavailable | Conflict | Timeout | ActorDeadError):
            return self._busy(source, "busy", "the store does not answer")
        # One event that the store cannot take must not end the acceptance of all others.
        # The error's text may hold what was to be stored.
        self.log.error("webhook.failed", source=source.value, error=type(error).__name__)
        return self._busy(source, "failed", "the event could not be stored")

    def _stored(self, source: SourceName, *, duplicate: bool) -> ingress.Stored:
        self._counts[source]["duplicate" if duplicate else "stored"] += 1
        self._last_at[source] = self.monotonic()
        return ingress.Stored(duplicate=duplicate)

    def _refuse(self, source: SourceName, told: Rejected, peer: str) -> ingress.Refused:
        self._counts[source][told.reason] += 1
        self._log_seldom(source, told.reason, peer)
        return ingress.Refused(reason=told.reason, detail=told.detail)

    def _busy(
        self, source: SourceName, why: str, detail: str, wait_seconds: float = BUSY_RETRY_SECONDS
    ) -> ingress.Busy:
        self._counts[source][why] += 1
        self._log_seldom(source, why, "")
        return ingress.Busy(retry_after_seconds=max(1, ceil(wait_seconds)), detail=detail)

    def _watch(self, seconds: float) -> None:
        self._watching = True
        self.after(seconds, _Late(), key=_Late)

    def _give_up(self) -> None:
        """Answer those whose provider waits no longer; what they brought may still be stored."""
        now, self._watching = self.monotonic(), False
        for waiting in list(self._waiting):
            if waiting.until > now:
                self._watch(waiting.until - now)
                return
            del self._waiting[waiting]
            slow = f"the store took more than {PATIENCE_SECONDS:g} s"
            waiting.answer.set(self._busy(waiting.source, "busy", slow))

    def _log_seldom(self, source: SourceName, why: str, peer: str) -> None:
        now, key = self.monotonic(), (source, why)
        if now - self._logged.get(key, -LOG_AGAIN_SECONDS) >= LOG_AGAIN_SECONDS:
            self._logged[key] = now
            self.log.warning("webhook.refused", source=source.value, reason=why, peer=peer)

    def _report(self) -> None:
        for source, counts in self._counts.items():
            news = counts - self._reported.get(source, Counter())
            self._reported[source] = Counter(counts)
            unproved = max(_UNPROVED, key=lambda reason: news[reason])
            refused = self._refusals.heard(
                source,
                why=unproved,
                times=news[unproved],
                kept=any(news[kept] for kept in _DURABLE),
                now=self.monotonic(),
            )
            status, output = _judge(source, news, refused)
            figures = {f"{what}_total": float(counts[what]) for what in _COUNTED}
            if source in self._last_at:
                figures["last_event_age_seconds"] = self.monotonic() - self._last_at[source]
            self.publish(
                operations.Reported(
                    component=f"{COMPONENT}.{source}",
                    status=status,
                    output=output,
                    measurements=tuple(
                        operations.Measurement(name=name, value=value)
                        for name, value in figures.items()
                    ),
                )
            )


_UNPROVED = ("signature", "stale", "address")
"""What a wrong secret, a wrong clock or an unknown proxy looks like."""
_COUNTED = (*_DURABLE, *_UNPROVED, "malformed", "size", "media", "throttled", "busy", "failed")


def _judge(source: SourceName, news: Counter[str], refused: str) -> tuple[operations.Status, str]:
    """What the last seconds' outcomes mean to an operator. `refused`: why those deliveries are
    unproved that came since the last one that was kept; blank when they are few.
    """
    if news["failed"]:
        return "warn", f"events of {source} could not be stored: see webhook.failed in the log"
    if news["busy"] or news["throttled"]:
        return "warn", f"{source} was told to deliver again later: the store or the rate is full"
    if refused:
        return (
            "warn",
            f"deliveries of {source} are refused ({refused}): is its secret right, and the clock?",
        )
    return "pass", ""
