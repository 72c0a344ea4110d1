"""Charges, the ledger and the notices in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from actors.kernel.charges import Payment, Rail
from actors.kernel.failures import Conflict
from actors.kernel.ids import EventId, PaymentId
from actors.kernel.ledger import Entry, KeyReused, TrialBalance, added_up
from actors.payments.ports import Books, Notice, Notices, NoticeState
from actors.tracker.ports import Payments
from actors.tracker.settlement import Observation
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.tables import NoticeRow, Tables, check_texts


class MemoryPayments(Payments, Books):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def load(self, rail: Rail, payment_id: PaymentId) -> Payment | None:
        return await self.connection.write(lambda tables: tables.charges.get((rail, payment_id)))

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        def record(tables: Tables) -> KeyReused | None:
            if seen.changed:
                refused = _keep(tables, seen, at)
                if refused is not None:
                    return refused
            if event_id is not None:
                tables.mark_event_processed(event_id, at)
            return None

        return await self.connection.write(record)

    async def unrecorded(
        self, *, limit: int, after: tuple[Rail, PaymentId] | None = None
    ) -> tuple[Payment, ...]:
        def unrecorded(tables: Tables) -> tuple[Payment, ...]:
            keys = sorted(key for key, charge in tables.charges.items() if charge.unrecorded)
            behind = [key for key in keys if after is None or key > after]
            return tuple(tables.charges[key] for key in behind[:limit])

        return await self.connection.read(unrecorded)

    async def trial_balance(self, *, thorough: bool) -> TrialBalance:
        def balance(tables: Tables) -> TrialBalance:
            ledger = tables.ledger
            kept = [Entry(account, held) for (account, _), held in ledger.balances.items()]
            added = added_up(ledger.entries()) if thorough else None
            return TrialBalance.of(kept, added, transfers=len(ledger.transfers))

        return await self.connection.read(balance)

    async def unmatched(self, *, limit: int) -> tuple[Payment, ...]:
        def unmatched(tables: Tables) -> tuple[Payment, ...]:
            found = (
                charge
                for charge in tables.charges.values()
                if charge.chat_id is None and charge.received
            )
            return tuple(charge for charge, _ in zip(found, range(limit), strict=False))

        return await self.connection.read(unmatched)


class MemoryNotices(Notices):
    """The notices of the payments in the same database."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def pending(self, *, limit: int) -> tuple[Notice, ...]:
        def pending(tables: Tables) -> tuple[Notice, ...]:
            keys = (key for key, row in tables.notices.items() if row.state == "pending")
            return tuple(_notice(tables, key) for key, _ in zip(keys, range(limit), strict=False))

        return await self.connection.read(pending)

    async def claim(self, rail: Rail, payment_id: PaymentId, *, at: datetime) -> None:
        def claim(tables: Tables) -> None:
            row = tables.notices.get((rail, payment_id))
            if row is not None and row.state == "pending":
                row.state, row.moved_at = "sending", at

        await self.connection.write(claim)

    async def end(
        self, rail: Rail, payment_id: PaymentId, state: NoticeState, *, detail: str, at: datetime
    ) -> None:
        def end(tables: Tables) -> None:
            check_texts((detail,))
            row = tables.notices.get((rail, payment_id))
            if row is not None and row.state not in {"sent", "failed"}:
                row.state, row.detail, row.moved_at = state, detail, at

        await self.connection.write(end)

    async def interrupted(self, *, claimed_before: datetime | None, at: datetime) -> None:
        def interrupt(tables: Tables) -> None:
            for row in tables.notices.values():
                old = claimed_before is None or row.moved_at < claimed_before
                if row.state == "sending" and old:
                    row.state, row.moved_at = "unknown", at

        await self.connection.write(interrupt)

    async def counts(self, *, since: datetime) -> Mapping[NoticeState, int]:
        return await self.connection.read(
            lambda tables: Counter(
                row.state for row in tables.notices.values() if row.moved_at >= since
            )
        )


def _keep(tables: Tables, seen: Observation, at: datetime) -> KeyReused | None:
    charge = seen.after
    check_texts(_texts(charge))
    key = (charge.rail, charge.payment_id)
    known = tables.charges.get(key)
    recorded_version = 0 if known is None else known.recorded_version
    charge = replace(charge, recorded_version=recorded_version)
    before = 0 if known is None else known.version
    if charge != known and charge.version != before + 1:
        raise Conflict("the charge has changed meanwhile")
    refused = tables.ledger.refusal(seen.transfers)
    if refused is not None:
        return refused
    tables.charges[key] = charge
    for transfer in seen.transfers:
        tables.ledger.post(transfer)
    if seen.notice:
        tables.notices.setdefault(key, NoticeRow(noted_at=at, moved_at=at))
    return None


def _texts(charge: Payment) -> Iterable[str | None]:
    return (charge.payment_id, charge.order_id, charge.parent)


def _notice(tables: Tables, key: tuple[Rail, PaymentId]) -> Notice:
    charge, row = tables.charges[key], tables.notices[key]
    session = None if charge.chat_id is None else tables.sessions.get(charge.chat_id)
    return Notice(
        rail=charge.rail,
        payment_id=charge.payment_id,
        amount=charge.received,
        order_id=charge.order_id,
        chat_id=charge.chat_id,
        name=None if session is None else session.name,
        phone=None if session is None else session.contact,
        noted_at=row.noted_at,
    )
