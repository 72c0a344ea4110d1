"""Whether a letter may leave, whichever chat it is for: tokens, gates, places, Stars. Pure.

Replies never wait for the bulk lane: what a letter of it meets (a network that fails too) shuts its
own gates alone, and makes replies go one by one at most, at once, until one of them got through.
"""

from __future__ import annotations

import math

from actors.broadcast import messages as broadcast
from actors.broadcast.gate import CAREFUL, Gate
from actors.broadcast.model import (
    Broken,
    Ended,
    Flooded,
    Held,
    NotSent,
    Unknown,
    Withdrawn,
    obeyed_seconds,
)
from actors.broadcast.notes import Notes
from actors.broadcast.postage import Postage
from actors.broadcast.queues import Entry
from actors.broadcast.tokens import Fare, Limits, Tokens

DELIVERIES_IN_FLIGHT = 8
"""Of the lanes in a hurry: enough for 30/s at 250 ms a request; more only makes a flood wait hit
more letters.
"""

BULK_LATENCY_SECONDS = 0.25
"""The bulk lane has as many under way as keep its rate at this latency, and places of its own:
a Telegram that hangs on its letters leaves room for a reply.
"""

PAID_LATENCY_SECONDS = 0.1
"""The same of the paid rate. On one processor more of them would only wait for each other, and
replies with them.
"""


REPLIES_AT_ONCE = 10
"""As many requests that cost nothing a paid broadcast leaves to replies at any time."""


def bulk_in_flight(limits: Limits) -> int:
    """How many requests of the bulk lane may be under way at once."""
    return max(
        math.ceil(limits.bulk_per_second * BULK_LATENCY_SECONDS),
        math.ceil(limits.paid_per_second * PAID_LATENCY_SECONDS),
    )


def in_flight_max(limits: Limits) -> int:
    """How many requests may be under way at once; each needs a connection."""
    return DELIVERIES_IN_FLIGHT + bulk_in_flight(limits)


class Ways:
    """The two ways to Telegram: everybody's, and the bulk lane's."""

    def __init__(self, tokens: Tokens, postage: Postage, notes: Notes, limits: Limits) -> None:
        self._tokens, self._postage, self._notes = tokens, postage, notes
        self._gate, self._bulk_gate = Gate(), Gate(CAREFUL)
        self._bulk_road = Gate()
        """The network as the bulk lane finds it."""
        self._open: dict[int, None] = {}
        self._bulk_open: dict[int, None] = {}
        """The numbers of deliveries under way: they grow, so the newest is the last one put in."""
        self._bulk_max = bulk_in_flight(limits)
        self._started = 0
        self._unpaid = 0
        """Messages under way that may not be billed."""
        self._gates: tuple[int | None, int | None] | None = None
        """When the gates let a letter in a hurry pass, and one of the bulk lane: looked at once
        after each change, and asked for many times between two.
        """

    @property
    def in_flight(self) -> int:
        """Requests under way."""
        return len(self._open) + len(self._bulk_open)

    @property
    def troubles(self) -> int:
        """Troubles with Telegram or the network, see `Gate`, whoever met them."""
        return max(self._gate.troubles, self._bulk_road.troubles)

    def shut_seconds(self, now: int) -> float:
        """How long everybody's way is still shut."""
        return self._gate.shut_seconds(now)

    def bulk_shut_seconds(self, now: int) -> float:
        """How long the bulk lane is still shut."""
        return max(gate.shut_seconds(now) for gate in (self._bulk_gate, self._bulk_road))

    def hold_bulk(self) -> None:
        """Let no letter of the bulk lane start any more."""
        self._bulk_max = 0
        self._gates = None

    def close_bulk(self, until: int, now: int) -> None:
        """A predecessor's flood wait."""
        if until > now:
            self._bulk_gate.remain_shut(until)
            self._gates = None

    def due(self, now: int) -> int | None:
        """When a letter in a hurry may start; None: not before an open request ended."""
        return _last(self._tokens.due(now), self._gates_due()[0])

    def typing_due(self, now: int, *, beside_bulk: bool) -> int | None:
        """The same of one that shows typing, beside letters of the bulk lane or not."""
        return _last(self._tokens.typing_due(now, beside_bulk=beside_bulk), self._gates_due()[0])

    def bulk_due(self, now: int) -> int | None:
        """The same of a letter of the bulk lane that is not billed."""
        return _last(self._tokens.bulk_due(now), self._gates_due()[1])

    def paid_due(self, now: int) -> int | None:
        """The same of one that is billed; None as well without Stars, and while the first of
        them might overtake a request that may not be billed, which would then be refused.
        """
        if not self._postage.affordable() or (self._unpaid and not self._tokens.paying(now)):
            return None
        return _last(self._tokens.paid_due(now), self._gates_due()[1])

    def start(self, entry: Entry, now: int) -> None:
        """A letter leaves; its number and its fare are written on it."""
        self._started += 1
        entry.started = self._started
        (self._bulk_open if entry.bulk else self._open)[self._started] = None
        self._gates = None
        entry.fare = self._fare(entry, now)
        self._tokens.take(now, entry.fare)
        if isinstance(entry.letter, broadcast.Typing):
            self._tokens.type(now)
        self._unpaid += entry.unpaid
        if entry.fare.extra:
            self._postage.spend()

    def end(self, entry: Entry, outcome: Ended, now: int) -> None:
        """It met its outcome, which says something about the ways."""
        self._gates = None
        del (self._bulk_open if entry.bulk else self._open)[entry.started]
        self._unpaid -= entry.unpaid
        counted = not isinstance(outcome, NotSent | Withdrawn | Held)
        self._tokens.answered(entry.to, now, entry.fare, shown=entry.shown, counted=counted)
        if entry.fare.extra and (not counted or isinstance(outcome, Flooded)):
            self._postage.refund()
        self._hear(entry, outcome, now)

    def _fare(self, entry: Entry, now: int) -> Fare:
        letter = entry.letter
        if not isinstance(letter, broadcast.Say):
            return Fare(bulk=entry.bulk)
        if entry.bulk and letter.paid and self._postage.affordable():
            return Fare(bulk=True, paid=True, extra=self._extra(now))
        # What others pay for counts against the free rate first: beside them everything must say
        # that it may be billed. It is within that rate, so there is no more to pay in all.
        return Fare(bulk=entry.bulk, paid=self._tokens.paying(now))

    def _extra(self, now: int) -> bool:
        """Whether a letter that may be billed is: what costs nothing is for replies first."""
        if _is_due(self._tokens.bulk_due(now, spare=REPLIES_AT_ONCE), now):
            return False
        free = _is_due(self._tokens.bulk_due(now), now)
        return not free or _is_due(self.paid_due(now), now)

    def _hear(self, entry: Entry, outcome: Ended, now: int) -> None:
        started, latest = entry.started, self._started
        match outcome:
            case Flooded():
                wait = obeyed_seconds(outcome.retry_after_seconds)
                gates = [self._bulk_gate]
                if not entry.bulk or self._gate.is_flooded:
                    gates.append(self._gate)
                for gate in gates:
                    gate.flooded(entry.to, started, now, latest=latest, wait_seconds=wait)
                self._notes.close_bulk(self._bulk_gate.shut_until)
            case NotSent() | Unknown():
                asked = outcome.retry_after_seconds if isinstance(outcome, NotSent) else None
                wait = 0.0 if asked is None else obeyed_seconds(asked)
                road = self._bulk_road if entry.bulk else self._gate
                road.failed(started, now, latest=latest, wait_seconds=wait)
                if entry.bulk:
                    self._gate.doubt(latest=latest)
            case Held():
                wait = outcome.retry_after_seconds or 0.0
                self._bulk_gate.failed(started, now, latest=latest, wait_seconds=wait)
            case Broken() | Withdrawn():
                pass  # says nothing about Telegram
            case _:
                self._gate.passed(started)
                self._bulk_road.passed(started)
                if entry.bulk:
                    self._bulk_gate.passed(started)

    def _gates_due(self) -> tuple[int | None, int | None]:
        if self._gates is None:
            self._gates = self._hurried_due(), self._bulk_gates_due()
        return self._gates

    def _hurried_due(self) -> int | None:
        if len(self._open) >= DELIVERIES_IN_FLIGHT:
            return None
        return self._gate.due(newest_open=_newest(self._open))

    def _bulk_gates_due(self) -> int | None:
        if len(self._bulk_open) >= self._bulk_max:
            return None
        newest = _newest(self._bulk_open)
        own = _last(
            self._bulk_gate.due(newest_open=newest), self._bulk_road.due(newest_open=newest)
        )
        return _last(own, self._gate.due(newest_open=max(newest, _newest(self._open))))


def _newest(under_way: dict[int, None]) -> int:
    """The number of the delivery that began last; 0 when there is none."""
    return next(reversed(under_way), 0)


def _is_due(due: int | None, now: int) -> bool:
    return due is not None and due <= now


def _last(one: int | None, other: int | None) -> int | None:
    """When both are due; None while one of them is not known."""
    return None if one is None or other is None else max(one, other)
