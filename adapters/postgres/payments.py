"""Charges, the ledger and the notices in PostgreSQL: `0007_payments_and_ledger.sql`.

`recorded` is for the store of the orders: it belongs into the write that records a payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import psycopg

from actors.kernel.charges import Payment, Rail, Standing
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId
from actors.kernel.ledger import Account, Entry, KeyReused, TrialBalance
from actors.kernel.money import Currency, Money
from actors.payments.ports import Books, Notice, Notices, NoticeState
from actors.tracker.ports import Payments
from actors.tracker.settlement import Observation
from adapters.postgres.database import Database, Rows, Statement
from adapters.postgres.ingress import processed
from adapters.postgres.ledger import KEY_REUSED, posting


def recorded(rail: Rail, payment_id: PaymentId, version: int) -> Statement:
    """The order has recorded the payment up to its `news_version` of `version`; for the
    transaction in which it does. Repeating it changes nothing, nor does an older version.
    """
    return Statement(
        """
        update payment set recorded_version = least(%(version)s, news_version)
        where rail = %(rail)s and payment_id = %(payment_id)s
            and recorded_version < least(%(version)s, news_version)
        """,
        {"rail": rail.value, "payment_id": payment_id, "version": version},
    )


class PostgresPayments(Payments, Books):
    """A report is one transaction of the batching writer; loads go through it as well."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, rail: Rail, payment_id: PaymentId) -> Payment | None:
        load = Statement(
            "select * from payment where rail = %(rail)s and payment_id = %(payment_id)s",
            {"rail": rail.value, "payment_id": payment_id},
        )
        (rows,) = await self._database.write(load)
        return _payment(rows[0]) if rows else None

    async def record(
        self, seen: Observation, *, event_id: EventId | None, at: datetime
    ) -> KeyReused | None:
        statements = []
        if seen.changed:
            row = _row(seen.after) | {"at": at}
            statements += [Statement(_KEEP, row), Statement(_IS_KEPT, row)]
            statements += [posting(transfer) for transfer in seen.transfers]
            if seen.notice:
                statements.append(Statement(_NOTE, row))
        if event_id is not None:
            statements.append(processed(event_id, at))
        try:
            await self._database.write(*statements)
        except psycopg.DatabaseError as error:
            if error.sqlstate != KEY_REUSED:
                raise
            return await self._reused(seen)
        return None

    async def _reused(self, seen: Observation) -> KeyReused:
        """Which of the keys was refused."""
        for transfer in seen.transfers:
            (rows,) = await self._database.write(
                Statement(
                    """
                    select account, currency, amount from ledger_entry
                        join ledger_transfer using (transfer_id)
                    where key = %(key)s
                    """,
                    {"key": transfer.key},
                )
            )
            if rows and set(_entries(rows)) != set(transfer.entries):
                return KeyReused(transfer.key)
        return KeyReused(seen.transfers[0].key)

    async def unrecorded(
        self, *, limit: int, after: tuple[Rail, PaymentId] | None = None
    ) -> tuple[Payment, ...]:
        rail, payment_id = after or ("", "")
        rows = await self._database.read(
            """
            select * from payment
            where recorded_version < news_version
                and (rail, payment_id) > (%(rail)s::text, %(payment_id)s::text)
            order by rail, payment_id limit %(limit)s
            """,
            {"rail": str(rail), "payment_id": payment_id, "limit": limit},
        )
        return tuple(map(_payment, rows))

    async def trial_balance(self, *, thorough: bool) -> TrialBalance:
        # One query, so that all of it is of one moment.
        rows = await self._database.read(
            """
            select 'kept' as what, account, currency, balance as amount from ledger_balance
            union all
            select 'added', account, currency, sum(amount) from ledger_entry
            where %(thorough)s group by account, currency
            union all
            select 'count', '', 'COUNT', count(*) from ledger_transfer
            """,
            {"thorough": thorough},
        )
        told: dict[str, Rows] = {"kept": [], "added": [], "count": []}
        for row in rows:
            told[row["what"]].append(row)
        return TrialBalance.of(
            _entries(told["kept"]),
            _entries(told["added"]) if thorough else None,
            transfers=int(told["count"][0]["amount"]),
        )

    async def unmatched(self, *, limit: int) -> tuple[Payment, ...]:
        rows = await self._database.read(
            """
            select * from payment where chat_id is null and received > 0
            order by first_seen_at, rail, payment_id limit %(limit)s
            """,
            {"limit": limit},
        )
        return tuple(map(_payment, rows))


class PostgresNotices(Notices):
    """Every method is one statement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, *, limit: int) -> tuple[Notice, ...]:
        rows = await self._database.read(
            """
            select rail, payment_id, received, currency, order_id, chat_id, name, contact, noted_at
            from admin_notice join payment using (rail, payment_id)
                left join user_session using (chat_id)
            where admin_notice.state = 'pending'
            order by noted_at, rail, payment_id limit %(limit)s
            """,
            {"limit": limit},
        )
        return tuple(
            Notice(
                rail=Rail(row["rail"]),
                payment_id=PaymentId(row["payment_id"]),
                amount=Money(row["received"], Currency(row["currency"])),
                order_id=row["order_id"],
                chat_id=row["chat_id"],
                name=row["name"],
                phone=row["contact"],
                noted_at=row["noted_at"],
            )
            for row in rows
        )

    async def claim(self, rail: Rail, payment_id: PaymentId, *, at: datetime) -> None:
        await self._database.write(
            Statement(
                """
                update admin_notice set state = 'sending', moved_at = %(at)s
                where rail = %(rail)s and payment_id = %(payment_id)s and state = 'pending'
                """,
                {"rail": rail.value, "payment_id": payment_id, "at": at},
            )
        )

    async def end(
        self, rail: Rail, payment_id: PaymentId, state: NoticeState, *, detail: str, at: datetime
    ) -> None:
        await self._database.write(
            Statement(
                """
                update admin_notice
                set state = %(state)s, detail = %(detail)s, moved_at = %(at)s
                where rail = %(rail)s and payment_id = %(payment_id)s
                    and state not in ('sent', 'failed')
                """,
                {
                    "rail": rail.value,
                    "payment_id": payment_id,
                    "state": state,
                    "detail": detail,
                    "at": at,
                },
            )
        )

    async def interrupted(self, *, claimed_before: datetime | None, at: datetime) -> None:
        await self._database.write(
            Statement(
                """
                update admin_notice set state = 'unknown', moved_at = %(at)s
                where state = 'sending'
                    and moved_at < coalesce(%(claimed_before)s::timestamptz, 'infinity')
                """,
                {"claimed_before": claimed_before, "at": at},
            )
        )

    async def counts(self, *, since: datetime) -> Mapping[NoticeState, int]:
        rows = await self._database.read(
            """
            select state, count(*) as count from admin_notice
            where moved_at >= %(since)s group by state
            """,
            {"since": since},
        )
        return {row["state"]: row["count"] for row in rows}


# `recorded_version` is the orders' business. A change that is carried out twice finds its own row.
_KEEP = """
insert into payment (
    rail, payment_id, order_id, chat_id, standing, currency, received, refunded, disputed,
    reinstated, dispute, fee, fee_currency, live, parent, version, news_version, first_seen_at,
    changed_at
)
values (
    %(rail)s, %(payment_id)s, %(order_id)s, %(chat_id)s, %(standing)s, %(currency)s,
    %(received)s, %(refunded)s, %(disputed)s, %(reinstated)s, %(dispute)s, %(fee)s,
    %(fee_currency)s, %(live)s, %(parent)s, %(version)s, %(news_version)s, %(at)s, %(at)s
)
on conflict (rail, payment_id) do update set
    order_id = excluded.order_id, chat_id = excluded.chat_id, standing = excluded.standing,
    received = excluded.received, refunded = excluded.refunded, disputed = excluded.disputed,
    reinstated = excluded.reinstated, dispute = excluded.dispute,
    fee = excluded.fee, fee_currency = excluded.fee_currency, parent = excluded.parent,
    version = excluded.version, news_version = excluded.news_version,
    changed_at = excluded.changed_at
where payment.version = excluded.version - 1
"""

_IS_KEPT = """
select conflict_unless(
    exists (
        select from payment
        where rail = %(rail)s and payment_id = %(payment_id)s and version = %(version)s
            and news_version = %(news_version)s and currency = %(currency)s and live = %(live)s
            and (
                order_id, chat_id, standing, received, refunded, disputed, reinstated, dispute,
                fee, fee_currency, parent
            ) is not distinct from (
                %(order_id)s::text, %(chat_id)s::bigint, %(standing)s::text,
                %(received)s::numeric, %(refunded)s::numeric, %(disputed)s::numeric,
                %(reinstated)s::numeric, %(dispute)s::text,
                %(fee)s::numeric, %(fee_currency)s::text, %(parent)s::text
            )
    ),
    'the charge has changed meanwhile'
)
"""

_NOTE = """
insert into admin_notice (rail, payment_id, noted_at, moved_at)
values (%(rail)s, %(payment_id)s, %(at)s, %(at)s)
on conflict (rail, payment_id) do nothing
"""


def _row(payment: Payment) -> dict[str, object]:
    fee = payment.fee
    return {
        "rail": payment.rail.value,
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "chat_id": payment.chat_id,
        "standing": payment.standing.value,
        "currency": payment.received.currency,
        "received": payment.received.amount,
        "refunded": payment.refunded.amount,
        "disputed": payment.disputed.amount,
        "reinstated": payment.reinstated.amount,
        "dispute": payment.dispute,
        "fee": None if fee is None else fee.amount,
        "fee_currency": None if fee is None else fee.currency,
        "live": payment.live,
        "parent": payment.parent,
        "version": payment.version,
        "news_version": payment.news_version,
    }


def _payment(row: Mapping[str, Any]) -> Payment:
    currency, fee = Currency(row["currency"]), row["fee"]
    return Payment(
        rail=Rail(row["rail"]),
        payment_id=PaymentId(row["payment_id"]),
        standing=Standing(row["standing"]),
        received=Money(row["received"], currency),
        refunded=Money(row["refunded"], currency),
        disputed=Money(row["disputed"], currency),
        reinstated=Money(row["reinstated"], currency),
        fee=None if fee is None else Money(fee, Currency(row["fee_currency"])),
        live=row["live"],
        order_id=row["order_id"] and OrderId(row["order_id"]),
        chat_id=row["chat_id"] and ChatId(row["chat_id"]),
        parent=row["parent"] and PaymentId(row["parent"]),
        version=row["version"],
        dispute=row["dispute"],
        news_version=row["news_version"],
        recorded_version=row["recorded_version"],
    )


def _entries(rows: Rows) -> tuple[Entry, ...]:
    return tuple(
        Entry(Account(row["account"]), Money(row["amount"], Currency(row["currency"])))
        for row in rows
    )
