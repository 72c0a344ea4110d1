"""The ledger's tables keep its rules by themselves, whoever writes into them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId
from actors.kernel.ledger import Entry, customer, provider, transfer
from actors.kernel.money import Money
from adapters.postgres.database import Database
from adapters.postgres.ledger import KEY_REUSED, posting
from adapters.postgres.payments import PostgresPayments

STRIPE, ANNA = provider(Rail.STRIPE), customer(ChatId(7))


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


TEN = transfer("ten", (STRIPE, usd("10")), (ANNA, usd("-10")))


@pytest.fixture
def hand(database_url: str) -> Iterator[psycopg.Connection]:
    """Somebody with a connection of his own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


async def book(database: Database, *transfers: str) -> None:
    for key in transfers:
        await database.write(posting(transfer(key, (STRIPE, usd("10")), (ANNA, usd("-10")))))


@pytest.mark.parametrize(
    "change",
    [
        "update ledger_transfer set key = 'eleven'",
        "update ledger_entry set amount = 1",
        "delete from ledger_transfer",
        "delete from ledger_entry",
        "delete from ledger_entry where false",
        "truncate ledger_transfer cascade",
        "truncate ledger_entry",
    ],
)
async def test_what_is_booked_never_changes(
    database: Database, hand: psycopg.Connection, change: LiteralString
) -> None:
    await book(database, "ten")
    with pytest.raises(errors.RestrictViolation, match="never changes"):
        hand.execute(change)
    assert hand.execute("select count(*) from ledger_entry").fetchone() == (2,)


def post(hand: psycopg.Connection, entries: int, *amounts: tuple[str, str, str]) -> None:
    """A transfer, entry by entry, as nobody should."""
    with hand.transaction():
        row = hand.execute(
            "insert into ledger_transfer (key, entries) values ('x', %s) returning transfer_id",
            (entries,),
        ).fetchone()
        assert row is not None
        for account, currency, amount in amounts:
            hand.execute(
                "insert into ledger_entry values (%s, %s, %s, %s)",
                (row[0], account, currency, Decimal(amount)),
            )


def test_a_transfer_that_balances_is_kept(hand: psycopg.Connection) -> None:
    post(hand, 2, ("a", "USD", "1"), ("b", "USD", "-1"))
    balances = hand.execute("select account, balance from ledger_balance order by 1").fetchall()
    assert balances == [("a", 1), ("b", -1)]


@pytest.mark.parametrize(
    ("entries", "amounts"),
    [
        (2, [("a", "USD", "1"), ("b", "USD", "-0.999999999")]),
        (2, [("a", "USD", "1"), ("b", "EUR", "-1")]),
        (3, [("a", "USD", "1"), ("b", "USD", "-1")]),
        (2, [("a", "USD", "1"), ("b", "USD", "-1"), ("c", "EUR", "1"), ("d", "EUR", "-1")]),
        (2, []),
        (1, [("a", "USD", "1")]),
        (2, [("a", "USD", "0"), ("b", "USD", "0")]),
    ],
)
def test_one_that_does_not_is_refused_when_it_ends(
    hand: psycopg.Connection, entries: int, amounts: list[tuple[str, str, str]]
) -> None:
    with pytest.raises(errors.CheckViolation):
        post(hand, entries, *amounts)
    assert hand.execute("select count(*) from ledger_transfer").fetchone() == (0,)
    assert hand.execute("select count(*) from ledger_balance").fetchone() == (0,)


async def test_nothing_is_added_to_an_old_transfer(
    database: Database, hand: psycopg.Connection
) -> None:
    await book(database, "ten")
    with pytest.raises(errors.CheckViolation, match="2 entries has 4"):
        hand.execute(
            """
            insert into ledger_entry
            select transfer_id, account || 'x', currency, amount from ledger_entry
            """
        )


async def test_a_key_is_booked_once_in_any_order_of_its_entries(database: Database) -> None:
    await database.write(posting(TEN))
    await database.write(posting(TEN), posting(TEN))
    trial = await PostgresPayments(database).trial_balance(thorough=True)
    assert trial.transfers == 1
    assert trial.balances == (Entry(ANNA, usd("-10")), Entry(STRIPE, usd("10")))


@pytest.mark.parametrize(
    "other",
    [
        transfer("ten", (STRIPE, usd("11")), (ANNA, usd("-11"))),
        transfer("ten", (STRIPE, usd("10")), (customer(ChatId(8)), usd("-10"))),
        transfer("ten", (STRIPE, Money.of("10", "EUR")), (ANNA, Money.of("-10", "EUR"))),
        transfer("ten", (STRIPE, usd("10")), (ANNA, usd("-9")), (customer(ChatId(8)), usd("-1"))),
    ],
)
async def test_a_key_that_stands_for_something_else_ends_the_transaction(
    database: Database, other: object
) -> None:
    await database.write(posting(TEN))
    fine = transfer("fine", (STRIPE, usd("1")), (ANNA, usd("-1")))
    with pytest.raises(psycopg.DatabaseError) as refused:
        await database.write(posting(fine), posting(other))  # type: ignore[arg-type]
    assert refused.value.sqlstate == KEY_REUSED
    trial = await PostgresPayments(database).trial_balance(thorough=True)
    assert (trial.transfers, trial.imbalance, trial.drift) == (1, (), ())


async def test_balances_that_somebody_changed_are_noticed(
    database: Database, hand: psycopg.Connection
) -> None:
    await book(database, "ten", "more")
    payments = PostgresPayments(database)
    hand.execute("update ledger_balance set balance = balance + 1 where account = 'customer:7'")
    quick = await payments.trial_balance(thorough=False)
    assert (quick.imbalance, quick.drift) == ((usd("1"),), ())
    thorough = await payments.trial_balance(thorough=True)
    assert thorough.drift == (Entry(ANNA, usd("1")),)
    hand.execute("delete from ledger_balance where account = 'provider:stripe'")
    lost = await payments.trial_balance(thorough=True)
    assert lost.drift == (Entry(ANNA, usd("1")), Entry(STRIPE, usd("-20")))


def test_a_charge_cannot_be_recorded_further_than_it_is_known(hand: psycopg.Connection) -> None:
    row = """
        insert into payment values ('stripe', 'pi', null, null, 'paid', 'USD', 1, 0, 0, null, null,
            true, null, 1, %s, %s, now(), now())
    """
    with pytest.raises(errors.CheckViolation):
        hand.execute(row, (1, 2))
    with pytest.raises(errors.CheckViolation):
        hand.execute(row, (2, 0))
    hand.execute(row, (1, 1))
