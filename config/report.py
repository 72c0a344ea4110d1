"""`main.py report`: what the books say, read from the database of a shop, running or not; and
the orders that wait for a person (`config.decisions`).

Exit status: 0 the books balance, 1 they do not, 2 refused, 3 the database does not answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import cyclopts
import trio

from actors.kernel.charges import Payment
from actors.kernel.ledger import Entry, TrialBalance
from actors.kernel.money import Money
from actors.payments.ports import OrderCounts
from adapters.postgres.database import Database
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.orders import PostgresOrders
from adapters.postgres.payments import PostgresPayments
from adapters.postgres.writer import DatabaseActor, Statistics
from config import decisions
from config.commands import REPORT
from config.logging import configure_logging
from config.printed import json_line
from config.process import DONE, FAILED, REFUSED, verdict
from config.settings import Settings, SettingsError, load_settings
from config.store import DATABASE_FOLDER
from config.whereabouts import ENV_FILE
from runtime import ActorSystem, ChildSpec, SupervisionError, SupervisorSpec, Unrecoverable

UNREACHABLE = 3
ANSWER_SECONDS = 30.0
"""For a database that answers; one that has to be started first may take its time."""
CHARGES_MAX = 100
"""Unmatched charges that are listed."""

app = cyclopts.App(name="report", help=REPORT, result_action="return_value")
app.command(decisions.show_orders, name="orders")
app.command(decisions.show_order, name="order")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerReport:
    """The ledger, and what of it a person should look at."""

    trial: TrialBalance
    unmatched: tuple[Payment, ...]
    """At most `CHARGES_MAX`."""
    orders: OrderCounts
    at: datetime

    @property
    def balanced(self) -> bool:
        """Everything adds up."""
        return not self.trial.imbalance and not self.trial.drift

    @property
    def ungranted_seconds(self) -> float | None:
        """For how long the oldest paid order has waited to be granted."""
        since = self.orders.ungranted_since
        return None if since is None else max(0.0, (self.at - since).total_seconds())


@app.command(name="ledger")
def show_ledger(
    *, json: Annotated[bool, cyclopts.Parameter(negative="", show_default=False)] = False
) -> int:
    """Show the trial balance, every entry added up anew, and what a person should look at.

    Reads the database of the settings (the environment, and `.env` in this folder). Exits with 0
    when the books balance, 1 when they do not, 2 and what to do when the settings do not
    allow it, 3 when the database does not answer.

    Parameters
    ----------
    json
        Print one JSON document, on one line.
    """
    try:
        settings = load_settings(os.environ, env_file=ENV_FILE if ENV_FILE.exists() else None)
    except SettingsError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{ENV_FILE.absolute()} cannot be read: {error}")
    configure_logging("console", "CRITICAL", secrets=settings.secrets())
    return trio.run(partial(report_ledger, settings, as_json=json))


async def report_ledger(
    settings: Settings, *, as_json: bool, patience_seconds: float = ANSWER_SECONDS
) -> int:
    """Print the report on stdout; the exit status."""
    try:
        async with _conninfo(settings) as conninfo:
            seen = await _read(conninfo, patience_seconds)
    except Unrecoverable as error:
        return _refuse(str(error))
    except SupervisionError as failure:
        status, reason = verdict(failure)
        sys.stderr.write(f"{reason}\n")
        return status
    if isinstance(seen, str):
        sys.stderr.write(f"the database does not answer: {seen}\n")
        return UNREACHABLE
    text = json_line(as_document(seen)) if as_json else "\n".join(lines(seen))
    sys.stdout.write(f"{text}\n")
    return DONE if seen.balanced else FAILED


@asynccontextmanager
async def _conninfo(settings: Settings) -> AsyncIterator[str]:
    """How to reach the database; one of our own that does not run is started for the moment."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = EmbeddedServer(settings.data_dir / DATABASE_FOLDER)
    if not server.cluster.data.exists():
        raise Unrecoverable(
            f"there is no database in {settings.data_dir} yet: is DATA_DIR or DATABASE_URL missing?"
        )
    if await trio.to_thread.run_sync(server.cluster.server_pid) is not None:
        yield server.conninfo
        return
    await server.start()
    try:
        yield server.conninfo
    finally:
        await server.stop()


async def _read(conninfo: str, patience_seconds: float) -> LedgerReport | str:
    """What the database says, or why it does not."""
    statistics = Statistics()
    reader = partial(DatabaseActor, conninfo=conninfo, role="reader", statistics=statistics)
    children = (ChildSpec(name="reader", factory=reader),)
    system = ActorSystem(SupervisorSpec(name="root", children=children))
    ref = partial(system.ref, "root/reader")
    database = Database(writer=ref, readers=[ref])
    payments, orders = PostgresPayments(database), PostgresOrders(database)
    with trio.move_on_after(patience_seconds):
        async with system:
            return LedgerReport(
                trial=await payments.trial_balance(thorough=True),
                unmatched=await payments.unmatched(limit=CHARGES_MAX),
                orders=await orders.counts(),
                at=datetime.now(UTC),
            )
    return statistics.trouble or "it is busy, or was never used by `main.py run`"


# What is printed


def lines(seen: LedgerReport) -> Iterator[str]:
    """For people."""
    held = [
        (entry.account, entry.amount.text, entry.amount.currency) for entry in seen.trial.balances
    ]
    rows = [("account", "balance", "currency"), *held]
    wide = [max(len(row[column]) for row in rows) for column in range(2)]
    for account, amount, currency in rows if held else ():
        yield f"{account:<{wide[0]}}  {amount:>{wide[1]}}  {currency}"
    plural = "" if seen.trial.transfers == 1 else "s"
    yield f"{seen.trial.transfers} transfer{plural}, imbalance {_sum(seen.trial.imbalance)}"
    for entry in seen.trial.drift:
        yield f"the balance of {entry.account} is off by {entry.amount} from its entries"
    yield f"unmatched: {_sum(seen.trial.unmatched)}"
    for payment in seen.unmatched:
        order = f", names order {payment.order_id}" if payment.order_id else ""
        yield f"  {payment.rail} {payment.payment_id}: {payment.received} {payment.standing}{order}"
    seconds = seen.ungranted_seconds
    oldest = "" if seconds is None else f", the oldest for {seconds:.0f} s"
    yield f"paid and not granted: {seen.orders.ungranted}{oldest}"
    yield f"for a person to look at: {seen.orders.for_a_person}"


def as_document(seen: LedgerReport) -> dict[str, Any]:
    """For machines; amounts are decimal texts."""
    return {
        "balanced": seen.balanced,
        "transfers": seen.trial.transfers,
        "imbalance": _by_currency(seen),
        "drift": [_entry(entry) for entry in seen.trial.drift],
        "balances": [_entry(entry) for entry in seen.trial.balances],
        "unmatched": {
            "money": {each.currency: each.text for each in seen.trial.unmatched},
            "charges": [
                {
                    "rail": payment.rail.value,
                    "payment_id": payment.payment_id,
                    "order_id": payment.order_id,
                    "standing": payment.standing.value,
                    "received": payment.received.text,
                    "currency": payment.received.currency,
                }
                for payment in seen.unmatched
            ],
        },
        "paid_not_granted": {
            "orders": seen.orders.ungranted,
            "oldest_seconds": seen.ungranted_seconds,
        },
        "for_a_person": {"orders": seen.orders.for_a_person},
    }


def _by_currency(seen: LedgerReport) -> dict[str, str]:
    """What each currency is off by, zeros included: it is the figure that people look for."""
    off = {
        entry.amount.currency: Money.zero(entry.amount.currency) for entry in seen.trial.balances
    }
    off |= {each.currency: each for each in seen.trial.imbalance}
    return {currency: each.text for currency, each in sorted(off.items())}


def _entry(entry: Entry) -> dict[str, str]:
    return {
        "account": entry.account,
        "balance": entry.amount.text,
        "currency": entry.amount.currency,
    }


def _sum(money: tuple[Money, ...]) -> str:
    return ", ".join(map(str, money)) or "0"


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return REFUSED
