"""Gateway: each update of Telegram is stored, then confirmed, and told to its chat's session.

Receives  what its own polls bring; gateway.Take (asked), where Telegram pushes to a webhook;
          runtime.DeadLetter events
Tells     what a chat's session hears to it, what its purchases hear to them, broadcasts.Heard to
          the broadcaster, payments.PreCheckoutAsked to whoever answers it; publishes
          operations.Reported and gateway.UpdateParked
Owns      the inbox of updates, through ports.Inbox; the offset of the next poll
Restarts  safely: everything stored and unhandled is routed again, in the order of arrival,
          before anything new is asked for; what was not stored was not confirmed either

A batch is stored and the next one polled before anything else, however far sessions are behind: a
`pre_checkout_query` among what is new wants its answer within 10 s. What sessions cannot take yet
waits in the store (`backlog`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import Any, assert_never

from actors.gateway import messages as gateway
from actors.gateway import release
from actors.gateway.admins import Admins, reader
from actors.gateway.backlog import LOOK_SECONDS, STORED_MAX, Backlog
from actors.gateway.line import Line, Outcome, rejected
from actors.gateway.model import (
    Arrival,
    Counts,
    Heard,
    Ignored,
    Malformed,
    Reading,
    Routed,
    Stored,
    Totals,
    asks_now,
    entry,
    reported,
)
from actors.gateway.ports import Batch, Inbox, TokenRejected, Updates, Verified, Webhook
from actors.gateway.pruning import Prune, Pruning
from actors.gateway.reading import pushed
from actors.gateway.recovery import find
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, UpdateId
from actors.operations import messages as operations
from actors.payments import messages as payments
from actors.sessions import messages as sessions
from runtime import Actor, DeadLetter, KeyedRecipient, Recipient, message

NOTHING_NEW_SECONDS = 0.5
"""Least time between two polls of which the first brought nothing new. Telegram holds an empty
poll for 30 s and forgets what is confirmed; a server that does neither is not asked in a circle.
"""

REROUTE_SECONDS = 10.0
"""An update that its session did not take (a full mailbox, a stop) is told again after this, and
may then come behind younger ones."""

FULL = "updates wait at Telegram: sessions are behind with theirs"

INNOCENT_AFTER_SECONDS = 60.0
"""A process that lives for so long after a recovery was not killed by what it routed."""


@message
class _Recover:
    """Route what is stored and unhandled, then begin to poll."""


@message
class _Poll:
    """Poll, also when the inbox is full."""


@message
class _Polled:
    """The poll has ended."""

    outcome: Outcome


@message
class _Verified:
    """What Telegram says about the token, or why it said nothing."""

    outcome: Verified | TokenRejected | Exception


@message
class _Count:
    """The store was full: see whether it still is."""


@message
class _Counted:
    """How much is stored."""

    counts: Counts


@message
class _Reroute:
    """Tell a stored update once more, unless it has been handled meanwhile."""

    update_id: UpdateId


@message
class _Acquit:
    """What recovery routed has not killed the process."""


_Release = release.Look | release.Handled | release.Released
_Counts = _Count | _Counted
_Own = _Recover | _Poll | _Polled | _Verified | _Counts | _Release | _Reroute | _Acquit | Prune
_Message = gateway.Command | DeadLetter | _Own


class TelegramGateway(Actor[_Message]):
    """With a `webhook` it polls nothing, but has Telegram push; the ingress brings what comes."""

    def __init__(
        self,
        *,
        updates: Updates,
        inbox: Inbox,
        sessions: KeyedRecipient[ChatId, sessions.Command],
        purchases: KeyedRecipient[ChatId, payments.Command],
        pre_checkout: Recipient[payments.PreCheckoutAsked],
        admins: Admins | None = None,
        webhook: Webhook | None = None,
        stored_max: int = STORED_MAX,
    ) -> None:
        super().__init__()
        self._updates, self._inbox = updates, inbox
        self._sessions, self._purchases, self._pre_checkout = sessions, purchases, pre_checkout
        self._admins, self._read = admins, reader(admins)
        self._line, self._backlog = Line(updates, webhook), Backlog()
        self._release = release.Release(self, inbox=inbox, backlog=self._backlog)
        self._pruning = Pruning(self, inbox=inbox)
        self._stored_max, self._recovered = stored_max, False
        self._counted_at, self._uncounted = -inf, 0  # what has come since the count was asked for
        self._polled_at = 0.0
        self._suspects: tuple[UpdateId, ...] = ()
        self._counts, self._totals = Counts(unhandled=0, parked=0), Totals()
        self._said: operations.Reported | None = None

    async def on_start(self) -> None:
        self.subscribe(DeadLetter)
        # Told and not done here: dead letters of a crash that wait in the mailbox come first,
        # so that what its session crashed on is parked and not routed again.
        self.after(0, _Recover(), key="recover")
        self._pruning.begin()
        self._report("warn", "waits for the first answer of Telegram")
        self.pipe(
            self._updates.verify,
            then=lambda outcome: _Verified(outcome=outcome),
            failed=lambda error: _Verified(outcome=error),
        )

    async def on_stop(self) -> None:
        await self._acquit()

    async def on_receive(self, message: _Message) -> bool | None:
        match message:
            case gateway.Take():
                if self._recovered:
                    return await self._take_pushed(message.body)
                self.stash()  # what is stored already comes first
            case _Recover():
                await self._recover()
            case _Poll():
                self._poll()
            case _Polled():
                await self._take(message.outcome)
            case _Verified():
                self._verified(message.outcome)
            case _Count():
                self._count()
            case _Counted():
                self._counted(message.counts)
            case release.Look():
                self._release.look()
            case release.Handled():
                self._release.handled(message)
            case release.Released():
                await self._tell_released(message.updates)
            case _Reroute():
                await self._reroute(message.update_id)
            case _Acquit():
                await self._acquit()
            case Prune():
                await self._pruning.prune()
            case DeadLetter():
                await self._bury(message)
            case _:
                assert_never(message)
        return None

    async def _recover(self) -> None:
        found = await find(self._inbox, self._backlog, self._read)
        self._counts, self._counted_at = await self._inbox.counts(), self.monotonic()
        self._suspects = tuple(found.counted)
        if found.counted:
            await self._inbox.set_attempts(found.counted)
            self.after(INNOCENT_AFTER_SECONDS, _Acquit(), key="acquit")
        for update in found.told:
            if update.update_id in found.guilty:
                died = f"in work at {update.attempts} restarts in a row, and never finished"
                await self._park(update.update_id, died)
            else:
                await self._route(update)
        if found.stored:
            self.log.info("updates.recovered", updates=found.stored, parked=len(found.guilty))
        self._recovered = True
        self._release.soon()
        self.unstash()
        self._poll_after(0)

    def _poll(self) -> None:
        self._count()
        self._polled_at = self.monotonic()
        self.pipe(
            self._line.ask,
            then=lambda outcome: _Polled(outcome=outcome),
            failed=lambda error: _Polled(outcome=error),
        )

    def _count(self) -> None:
        """Count what is stored, beside the mailbox and not too often."""
        if self.monotonic() - self._counted_at >= LOOK_SECONDS:
            self._counted_at, self._uncounted = self.monotonic(), 0
            self.pipe(self._inbox.counts, then=lambda counts: _Counted(counts=counts))

    def _counted(self, counts: Counts) -> None:
        self._counts = replace(counts, unhandled=counts.unhandled + self._uncounted)
        if self._is_full:
            self.after(LOOK_SECONDS, _Count(), key=_Count)

    @property
    def _is_full(self) -> bool:
        """Whether sessions are so far behind that Telegram has to keep what is new."""
        return self._counts.unhandled > self._stored_max

    async def _tell_released(self, updates: Sequence[Stored]) -> None:
        for update in updates:
            await self._route(update)
        self._release.told()

    async def _take_pushed(self, body: bytes) -> bool | None:
        """Keep what the webhook brought; False when it is known, or no update at all."""
        update = pushed(body)
        if update is None:
            self.log.warning("updates.unreadable", count=1)
            return False
        self._count()
        if self._is_full and not self._is_urgent(update):
            self._report("warn", FULL)
            self.reply_later().set_exception(Unavailable("sessions are behind"))
            return None
        return bool(await self._keep((update,)))

    async def _take(self, outcome: Outcome) -> None:
        self._totals.polls += 1
        if isinstance(outcome, Batch):
            wait = await self._store(outcome)
        else:
            told = self._line.heard(outcome, jitter=self.world.random.random())
            wait = told.wait_seconds
            self._report(told.status, told.output)
        self._poll_after(wait)

    async def _store(self, batch: Batch) -> float:
        """Keep a batch, tell what is new of it, and say how long the next poll may wait."""
        full = self._is_full
        updates = self._line.taken(batch.updates, full=full, urgent=self._is_urgent)
        new = await self._keep(updates) if updates else frozenset()
        if full:
            self._line.left()
            self._report("warn", FULL)
            return LOOK_SECONDS
        if batch.unreadable:
            self.log.warning("updates.unreadable", count=batch.unreadable)
        # Only now: the next poll confirms what is stored, and nothing else.
        self._line.confirm(batch.next_offset)
        self._report("warn" if self._backlog else "pass", self._backlog.said)
        return 0.0 if new else self._polled_at + NOTHING_NEW_SECONDS - self.monotonic()

    def _is_urgent(self, update: Arrival) -> bool:
        return asks_now(self._read(update))

    async def _keep(self, updates: Sequence[Arrival]) -> frozenset[UpdateId]:
        """Store updates, and tell what is new of them."""
        readings = [(update, self._read(update)) for update in updates]
        for update, reading in readings:
            if asks_now(reading):
                self._deliver(update, reading)  # Telegram waits for 10 s, whatever the store does
        entries = [entry(update, reading) for update, reading in readings]
        new = await self._inbox.add(entries, batch_id=self.world.uuid(), at=self.now())
        waiting = sum(each.update_id in new and each.is_work for each in entries)
        self._counts = replace(self._counts, unhandled=self._counts.unhandled + waiting)
        self._uncounted += waiting
        for update, reading in readings:
            if update.update_id in new and not asks_now(reading):
                self._deliver(update, reading)
        self._release.soon()
        self._totals.kept(updates, new)
        return new

    def _deliver(self, update: Arrival, reading: Reading) -> None:
        """Tell a new update to whom it is for, now or later, or count why nobody hears of it."""
        match reading:
            case Routed():
                if asks_now(reading) or self._backlog.admits(update.update_id, reading.chat_id):
                    self._tell(update.update_id, reading)
            case Ignored():
                self._totals.ignored += 1
                self.log.debug("update.ignored", update_id=update.update_id, kind=reading.kind)
            case Malformed():
                self._parked(update.update_id, reading.reason)

    def _verified(self, outcome: Verified | TokenRejected | Exception) -> None:
        match outcome:
            case Verified():
                self.log.info("bot.verified", username=outcome.username)
                if self._totals.polls == 0:  # a poll that has ended knows more
                    self._report("pass")
            case TokenRejected():
                self._report("fail", rejected(outcome))
            case Unavailable():
                self.log.warning("bot.unverified", reason=outcome.detail)  # the poll will tell
            case Exception():
                raise outcome

    def _tell(self, update_id: UpdateId, routed: Routed) -> None:
        """Tell whom it is for; whatever follows from this update is logged under its id."""
        self.correlate(f"update:{update_id}")
        heard: Any = routed.message
        if isinstance(heard, payments.PreCheckoutAsked):
            self._pre_checkout.tell(heard)
        elif routed.for_admins and self._admins is not None:
            self._admins.broadcaster.tell(heard)
        elif routed.for_purchases:
            self._purchases.tell(routed.chat_id, heard)
        else:
            self._sessions.tell(routed.chat_id, heard)

    async def _reroute(self, update_id: UpdateId) -> None:
        stored = await self._inbox.find(update_id)
        if stored is not None:
            await self._route(stored)

    async def _route(self, stored: Stored) -> None:
        """Tell a stored update; what reads otherwise today than when it came is settled."""
        match self._read(stored):
            case Routed() as routed:
                self._tell(stored.update_id, routed)
            case Ignored():
                await self._inbox.finish(stored.update_id, at=self.now())
            case Malformed() as malformed:
                await self._park(stored.update_id, malformed.reason)

    async def _acquit(self) -> None:
        innocent, self._suspects = self._suspects, ()
        if innocent:
            await self._inbox.set_attempts(dict.fromkeys(innocent, 0))

    async def _bury(self, letter: DeadLetter) -> None:
        """Park what its session failed on; tell again later what its session did not take."""
        heard = letter.message
        if not isinstance(heard, Heard):
            return
        if letter.reason == "failed":
            await self._park(heard.update_id, f"its actor failed: {type(letter.error).__name__}")
        else:
            update_id = heard.update_id
            self.after(REROUTE_SECONDS, _Reroute(update_id=update_id), key=("reroute", update_id))

    async def _park(self, update_id: UpdateId, reason: str) -> None:
        if await self._inbox.park(update_id, reason):
            self._parked(update_id, reason)

    def _parked(self, update_id: UpdateId, reason: str) -> None:
        self._totals.parked += 1
        self.log.warning("update.parked", update_id=update_id, reason=reason)
        self.publish(gateway.UpdateParked(update_id=update_id, reason=reason))

    def _poll_after(self, wait: float) -> None:
        self.after(max(wait, 0.0), _Poll(), key="poll")

    def _report(self, status: operations.Status, output: str = "") -> None:
        told = reported(status, output, self._totals, self._counts)
        if self._said is None or (self._said.status, self._said.output) != (status, output):
            self.log.info("gateway.reported", status=status, output=output)
        self._said = told
        self.publish(told)
