"""WebhookIngress: a provider's delivery is verified, stored, and only then acknowledged.

Receives  ingress.Deliver (asked)
Tells     ingress.Wake to the event processor; asks gateway.Take of the gateway for Telegram's
          updates; publishes operations.Reported for each source
Owns      the answers that wait for the store; the rate of each source; counters
Restarts  safely: whoever waited for an answer is told that there is none, and delivers again
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, assert_never

from actors.gateway import messages as gateway
from actors.ingress import messages as ingress
from actors.ingress.model import Added, Event, Rejected, SourceName, is_keepable
from actors.ingress.pacing import DELIVERIES_BURST, DELIVERIES_PER_SECOND, Bucket
from actors.ingress.ports import Events, Source
from actors.kernel.failures import Unavailable
from actors.operations import messages as operations
from runtime import Actor, ActorDeadError, ActorRef, Recipient, ReplyLater, Timeout, ask, message

COMPONENT = "webhooks"

PATIENCE_SECONDS = 2.5
"""How long a provider waits for the store; NOWPayments gives up after 3 s."""
STORING_MAX = 1_000
"""Deliveries that wait for the store at once; more are answered `Busy` without a try."""
BUSY_RETRY_SECONDS = 2
REPORT_SECONDS = 10.0
LOG_AGAIN_SECONDS = 10.0
"""Refusals of one source for one reason are logged once in this time: strangers are many."""

_DURABLE = ("stored", "duplicate")


@message
class _Kept:
    """The store has answered, or failed to."""

    number: int
    result: Added | bool | Exception


@message
class _Late:
    """The oldest delivery that waits has waited for long enough."""


@message
class _Report:
    """Time to say how the sources are."""


_Message = ingress.Command | _Kept | _Late | _Report


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A delivery on its way into the store."""

    source: SourceName
    answer: ReplyLater
    until: float


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
        self._number = 0
        self._waiting: dict[int, _Waiting] = {}
        """Oldest first; those who have been answered `Busy` are not in it any more."""
        self._late: dict[int, SourceName] = {}
        """Those, for as long as the store works on them."""
        self._counts: dict[SourceName, Counter[str]] = {name: Counter() for name in self._sources}
        self._reported: dict[SourceName, Counter[str]] = {}
        self._logged: dict[tuple[SourceName, str], float] = {}
        self._last_at: dict[SourceName, float] = {}

    async def on_start(self) -> None:
        self.every(REPORT_SECONDS, _Report())
        self._report()

    def on_receive(self, message: _Message) -> ingress.Answer | None:
        match message:
            case ingress.Deliver():
                return self._deliver(message)
            case _Kept():
                self._kept(message)
            case _Late():
                self._give_up()
            case _Report():
                self._report()
            case _:
                assert_never(message)
        return None

    def _deliver(self, message: ingress.Deliver) -> ingress.Answer | None:
        """Answer at once what need not be stored; None: the answer comes with `_Kept`."""
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
        if len(self._waiting) + len(self._late) >= STORING_MAX:
            return self._busy(delivery.source, "busy", "the store is behind")
        self._store(told)
        return None

    def _store(self, event: Event) -> None:
        self._number += 1
        number = self._number
        until = self.monotonic() + PATIENCE_SECONDS
        self._waiting[number] = _Waiting(
            source=event.source, answer=self.reply_later(), until=until
        )
        if len(self._waiting) == 1:
            self.after(PATIENCE_SECONDS, _Late(), key=_Late)
        self.pipe(
            self._keeping(event),
            then=lambda result: _Kept(number=number, result=result),
            failed=lambda error: _Kept(number=number, result=error),
        )

    def _keeping(self, event: Event) -> Callable[[], Any]:
        """What keeps the event. Telegram's updates have an inbox of their own."""
        if event.source is SourceName.TELEGRAM and self._updates is not None:
            take = gateway.Take(body=event.body)
            return partial(ask, self._updates, take, timeout=PATIENCE_SECONDS)
        return partial(self._events.add, event, delivery_id=self.world.uuid(), at=self.now())

    def _kept(self, message: _Kept) -> None:
        waiting = self._waiting.pop(message.number, None)
        source = self._late.pop(message.number) if waiting is None else waiting.source
        answer = self._answer(source, message)
        if waiting is not None:
            waiting.answer.set(answer)

    def _answer(self, source: SourceName, kept: _Kept) -> ingress.Answer:
        match kept.result:
            case Added(duplicate=duplicate):
                return self._stored(source, duplicate=duplicate)
            case bool(new):
                return self._stored(source, duplicate=not new)
            case Unavailable() | Timeout() | ActorDeadError():
                return self._busy(source, "busy", "the store does not answer")
            case Exception() as error:
                # One event that the store cannot take must not end the acceptance of all others.
                # The error's text may hold what was to be stored.
                self.log.error("webhook.failed", source=source.value, error=type(error).__name__)
                return self._busy(source, "failed", "the event could not be stored")

    def _stored(self, source: SourceName, *, duplicate: bool) -> ingress.Stored:
        self._counts[source]["duplicate" if duplicate else "stored"] += 1
        self._last_at[source] = self.monotonic()
        # Also for a duplicate: of the first delivery we may never have heard that it was stored.
        if source is not SourceName.TELEGRAM:
            self._processor.tell(ingress.Wake())
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

    def _give_up(self) -> None:
        """Answer those whose provider waits no longer; what is under way may still be stored."""
        now = self.monotonic()
        for number, waiting in list(self._waiting.items()):
            if waiting.until > now:
                self.after(waiting.until - now, _Late(), key=_Late)
                return
            del self._waiting[number]
            self._late[number] = waiting.source
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
            status, output = _judge(source, news)
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


_REFUSED = ("signature", "stale", "address", "malformed", "media")
_COUNTED = (*_DURABLE, *_REFUSED, "throttled", "busy", "failed")


def _judge(source: SourceName, news: Counter[str]) -> tuple[operations.Status, str]:
    """What the last seconds' outcomes mean to an operator."""
    if news["failed"]:
        return "warn", f"events of {source} could not be stored: see webhook.failed in the log"
    if news["busy"] or news["throttled"]:
        return "warn", f"{source} was told to deliver again later: the store or the rate is full"
    if any(news[reason] for reason in _REFUSED) and not any(news[kept] for kept in _DURABLE):
        worst = max(_REFUSED, key=lambda reason: news[reason])
        return "warn", f"deliveries of {source} are refused ({worst}): is its secret still right?"
    return "pass", ""
