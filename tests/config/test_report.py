"""What the books say, on the screen and as JSON; and whom it tells that they do not balance."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from actors.kernel.charges import Payment, PaymentReport, Rail, Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.ledger import SALES, Entry, TrialBalance, customer, provider
from actors.kernel.money import Money
from actors.payments.ports import OrderCounts
from actors.tracker.settlement import Observation, OrderView, observe
from adapters.postgres.database import Database
from adapters.postgres.payments import PostgresPayments
from config.report import LedgerReport, as_document, lines, report_ledger
from config.settings import Settings, load_settings
from tests.config.program import ended

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOBODY = OrderCounts(ungranted=0, ungranted_since=None, for_a_person=0, for_a_person_since=None)
ENVIRONMENT = {
    "BOT_TOKEN": "1:canary",
    "NOCODB_URL": "http://127.0.0.1:9",
    "NOCODB_TOKEN": "canary",
    "NOCODB_TABLE_ID": "m1",
}


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def entries(*held: tuple[str, str]) -> tuple[Entry, ...]:
    accounts = {"stripe": provider(Rail.STRIPE), "anna": customer(ChatId(7)), "sales": SALES}
    return tuple(Entry(accounts[name], usd(amount)) for name, amount in held)


def seen(
    *,
    order: OrderView | None = None,
    order_id: OrderId | None = None,
) -> Observation:
    report = PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId("pi_1"),
        standing=Standing.PAID,
        amount=usd("19.99"),
        live=True,
        order_id=order_id,
    )
    observed = observe(None, report, order, live=True)
    assert isinstance(observed, Observation)
    return observed


def payment() -> Payment:
    return seen(order_id=OrderId("b" * 32)).after


BALANCED = LedgerReport(
    trial=TrialBalance.of(
        entries(("stripe", "1019.99"), ("anna", "-1000"), ("sales", "-19.99")), transfers=4
    ),
    unmatched=(),
    orders=NOBODY,
    at=NOON,
)


def test_accounts_stand_in_columns() -> None:
    assert list(lines(BALANCED)) == [
        "account           balance  currency",
        "customer:7       -1000.00  USD",
        "provider:stripe   1019.99  USD",
        "sales              -19.99  USD",
        "4 transfers, imbalance 0",
        "unmatched: 0",
        "paid and not granted: 0",
        "for a person to look at: 0",
    ]


def test_what_a_person_has_to_look_at_is_named() -> None:
    held = (*entries(("stripe", "20")), Entry(provider(Rail.STARS), Money.of("5", "XTR")))
    report = LedgerReport(
        trial=TrialBalance.of(held, entries(("stripe", "19")), transfers=1),
        unmatched=(payment(),),
        orders=OrderCounts(
            ungranted=2,
            ungranted_since=NOON - timedelta(seconds=90),
            for_a_person=1,
            for_a_person_since=NOON,
        ),
        at=NOON,
    )
    assert not report.balanced
    assert list(lines(report))[3:] == [
        "1 transfer, imbalance 20.00 USD, 5 XTR",
        "the balance of provider:stars is off by 5 XTR from its entries",
        "the balance of provider:stripe is off by 1.00 USD from its entries",
        "unmatched: 0",
        f"  stripe pi_1: 19.99 USD paid, names order {'b' * 32}",
        "paid and not granted: 2, the oldest for 90 s",
        "for a person to look at: 1",
    ]
    document = as_document(report)
    assert document["balanced"] is False
    assert document["imbalance"] == {"USD": "20.00", "XTR": "5"}
    assert document["paid_not_granted"] == {"orders": 2, "oldest_seconds": 90.0}
    assert document["unmatched"]["charges"][0]["received"] == "19.99"
    json.dumps(document)


def test_an_imbalance_of_zero_is_told_as_well() -> None:
    document = as_document(BALANCED)
    assert document["balanced"] is True
    assert document["imbalance"] == {"USD": "0.00"}
    assert document["balances"][0] == {
        "account": "customer:7",
        "balance": "-1000.00",
        "currency": "USD",
    }


def settings_of(url: str) -> Settings:
    return load_settings(ENVIRONMENT | {"DATABASE_URL": url}, env_file=None)


async def test_a_database_tells_its_books(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    order = OrderView(order_id=OrderId("a" * 32), chat_id=ChatId(7))
    payments = PostgresPayments(database)
    await payments.record(seen(order=order, order_id=order.order_id), event_id=None, at=NOON)
    assert await report_ledger(settings_of(database_url), as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["transfers"] == 1
    assert [each["balance"] for each in document["balances"]] == ["-19.99", "19.99"]
    with psycopg.connect(database_url, autocommit=True) as hand:
        hand.execute("update ledger_balance set balance = 5 where account = 'customer:7'")
    assert await report_ledger(settings_of(database_url), as_json=False) == 1
    said = capsys.readouterr().out
    assert "imbalance 24.99 USD" in said
    assert "the balance of customer:7 is off by 24.99 USD" in said


async def test_a_database_that_was_never_used_says_so(
    blank_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = await report_ledger(settings_of(blank_url), as_json=True, patience_seconds=1.0)
    assert status == 3
    assert "never used" in capsys.readouterr().err


@pytest.mark.real_clock
async def test_a_database_that_is_away_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(f"postgresql://nobody@/none?host={tmp_path}")
    status = await report_ledger(settings, as_json=True, patience_seconds=1.0)
    said = capsys.readouterr()
    assert status == 3
    assert "balanced" not in said.out
    assert said.err.startswith("the database does not answer: ")


@pytest.mark.process
async def test_without_a_database_there_is_nothing_to_report(tmp_path: Path) -> None:
    environment = ENVIRONMENT | {"DATA_DIR": str(tmp_path / "data")}
    status, out, err = await ended("report", "ledger", folder=tmp_path, environment=environment)
    assert (status, out) == (2, "")
    assert "there is no database in" in err
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.process
async def test_the_command_reads_the_database_of_the_settings(
    database_url: str, tmp_path: Path
) -> None:
    environment = ENVIRONMENT | {"DATABASE_URL": database_url}
    status, out, err = await ended(
        "report", "ledger", "--json", folder=tmp_path, environment=environment
    )
    assert (status, err, out.count("\n")) == (0, "", 1)
    assert json.loads(out)["balanced"] is True
