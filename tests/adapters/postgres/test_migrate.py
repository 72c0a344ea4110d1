"""Migrations are applied in order, whole, once, and never change afterwards."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from actors.kernel.failures import Unavailable
from adapters.postgres.migrate import FOLDER, Migration, load, migrate, require_current
from adapters.postgres.refusals import (
    AnotherProcessRuns,
    EditedMigration,
    MigrationFailed,
    MisnumberedMigrations,
    NewerDatabase,
)
from adapters.postgres.session import Connection, connect
from tests.adapters.postgres.store import execute

ONE = Migration(1, "0001_one", "create table one (id int primary key);\ncreate table uno ();")
TWO = Migration(2, "0002_two", "alter table one add column said text default '100%';")


@pytest.fixture
def connection(blank_url: str) -> Iterator[Connection]:
    with connect(blank_url, "writer") as connection:
        yield connection


def tables(conninfo: str) -> set[object]:
    rows = execute(conninfo, "select tablename from pg_tables where schemaname = 'public'")
    return {name for (name,) in rows}


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).write_text("select 1;", "utf-8")
    return folder


def test_ours_are_numbered_without_gaps() -> None:
    assert [migration.number for migration in load()] == list(range(1, len(load()) + 1))
    assert all((FOLDER / f"{migration.name}.sql").exists() for migration in load())


def test_ours_apply_to_an_empty_database_and_then_no_more(connection: Connection) -> None:
    assert migrate(connection) == [migration.name for migration in load()]
    assert migrate(connection) == []


def test_every_older_state_of_ours_can_be_brought_up_to_date(connection: Connection) -> None:
    for known in range(1, len(load()) + 1):
        assert len(migrate(connection, load()[:known])) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("0002_b.sql",),
        ("0001_a.sql", "0003_c.sql"),
        ("0001_a.sql", "0001_b.sql"),
        ("0000_a.sql", "0001_b.sql"),
        ("0001_a.sql", "2_b.sql"),
        ("0001_A.sql",),
        ("0001 a.sql",),
    ],
)
def test_gaps_doubles_and_odd_names_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(MisnumberedMigrations):
        load(files(tmp_path, *names))


def test_files_are_taken_by_number(tmp_path: Path) -> None:
    names = [migration.name for migration in load(files(tmp_path, "0002_a.sql", "0001_b.sql"))]
    assert names == ["0001_b", "0002_a"]


def test_line_ends_are_no_edit(tmp_path: Path) -> None:
    unix, windows = tmp_path / "unix", tmp_path / "windows"
    for folder, end in ((unix, b"\n"), (windows, b"\r\n")):
        folder.mkdir()
        (folder / "0001_a.sql").write_bytes(b"select 1;" + end + b"select 2;" + end)
    assert load(unix)[0].checksum == load(windows)[0].checksum


def test_only_what_is_missing_is_applied(connection: Connection, blank_url: str) -> None:
    assert migrate(connection, [ONE]) == ["0001_one"]
    assert migrate(connection, [ONE, TWO]) == ["0002_two"]
    connection.execute("insert into one (id) values (1)")
    assert execute(blank_url, "select said from one") == [("100%",)]


def test_an_edited_file_is_refused(connection: Connection, blank_url: str) -> None:
    migrate(connection, [ONE])
    edited = Migration(1, "0001_one", ONE.sql + " ")
    with pytest.raises(EditedMigration, match="0001_one"):
        migrate(connection, [edited, TWO])
    assert "said" not in str(execute(blank_url, "select * from one"))


def test_a_newer_database_is_refused(connection: Connection) -> None:
    migrate(connection, [ONE, TWO])
    with pytest.raises(NewerDatabase, match="at migration 0002, this version knows 0001"):
        migrate(connection, [ONE])


def test_a_file_that_fails_leaves_nothing(connection: Connection, blank_url: str) -> None:
    bad = Migration(2, "0002_bad", "create table two ();\nselekt 1;")
    with pytest.raises(MigrationFailed, match=r"0002_bad\.sql failed: syntax error"):
        migrate(connection, [ONE, bad])
    assert tables(blank_url) == {"one", "uno", "schema_migration"}
    assert migrate(connection, [ONE, TWO]) == ["0002_two"]


def test_a_file_and_the_note_that_it_was_applied_are_one(
    connection: Connection, blank_url: str
) -> None:
    forgetful = Migration(1, "0001_bad", "create table two (); drop table schema_migration;")
    with pytest.raises(MigrationFailed):
        migrate(connection, [forgetful])
    assert tables(blank_url) == {"schema_migration"}


def test_a_table_that_stays_locked_is_an_outage(connection: Connection, blank_url: str) -> None:
    migrate(connection, [ONE])
    hurried = Migration(2, "0002_two", "set local lock_timeout = '50ms';" + TWO.sql)
    with psycopg.connect(blank_url) as other:
        other.execute("select * from one")
        with pytest.raises(errors.LockNotAvailable):
            migrate(connection, [ONE, hurried])
    assert migrate(connection, [ONE, hurried]) == ["0002_two"]


def test_a_connection_that_is_lost_is_an_outage(connection: Connection) -> None:
    suicide = Migration(1, "0001_end", "select pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(psycopg.OperationalError):
        migrate(connection, [suicide])


def test_what_refuses_a_transaction_runs_without_one(
    connection: Connection, blank_url: str
) -> None:
    sql = """-- no-transaction
-- A comment; with a semicolon
drop index concurrently if exists said;
create index concurrently said on one (id) where id > 5;  -- why
"""
    openly = Migration(2, "0002_said", sql)
    assert migrate(connection, [ONE, openly]) == ["0001_one", "0002_said"]
    assert execute(blank_url, "select indisvalid from pg_index where indexrelid = 'said'::regclass")


def test_without_a_transaction_a_failed_file_begins_anew(connection: Connection) -> None:
    begun = "-- no-transaction\ncreate table if not exists two ();\n"
    with pytest.raises(MigrationFailed):
        migrate(connection, [ONE, Migration(2, "0002_two", begun + "selekt 1;\n")])
    assert migrate(connection, [ONE, Migration(2, "0002_two", begun + "select 1;\n")]) == [
        "0002_two"
    ]


def test_a_migration_may_take_long_and_the_session_may_not(connection: Connection) -> None:
    connection.execute("set statement_timeout = '200ms'")
    slow = Migration(1, "0001_slow", "select pg_sleep(0.4);")
    openly = Migration(2, "0002_slow", "-- no-transaction\nselect pg_sleep(0.4);\n")
    assert migrate(connection, [slow, openly]) == ["0001_slow", "0002_slow"]
    with pytest.raises(errors.QueryCanceled):
        connection.execute("select pg_sleep(0.4)")


def test_of_many_that_start_together_one_migrates(blank_url: str) -> None:
    applied: list[list[str]] = []
    barrier = threading.Barrier(4)

    def start() -> None:
        barrier.wait()
        try:
            with connect(blank_url, "writer") as connection:
                applied.append(migrate(connection, [ONE, TWO]))
        except AnotherProcessRuns:
            applied.append([])

    starters = [threading.Thread(target=start) for _ in range(4)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert sorted(applied, key=len) == [[], [], [], ["0001_one", "0002_two"]]


def test_a_reader_waits_for_the_writers_migrations(connection: Connection, blank_url: str) -> None:
    with connect(blank_url, "reader") as reader:
        with pytest.raises(Unavailable, match="not migrated yet"):
            require_current(reader, [ONE, TWO])
        migrate(connection, [ONE])
        with pytest.raises(Unavailable):
            require_current(reader, [ONE, TWO])
        migrate(connection, [ONE, TWO])
        require_current(reader, [ONE, TWO])


BEFORE, SETTLED = 17, 18
"""Up to where the release before went, and what brings its orders up to date."""

OLD_ORDER = """
insert into purchase_order (
    order_id, chat_id, product_id, rail, state, version, saved_by, title, description, goods,
    language, currency, price, sold, paid_at, live, charges, checkout_id, url, attempts,
    created_at, expires_at, view_version, shown_version, renew
) values (
    %(name)s, %(chat_id)s, 'p', 'stripe', %(state)s, 1, gen_random_uuid(), '', '', '', 'en', 'USD',
    10, %(sold)s, now(), true, %(charges)s, 'cs', 'https://pay', 0,
    now() - interval '200 days', now() - %(days)s * interval '1 day', 1, 1, false
)
"""
BOOK = """
select ledger_post(%(key)s, array[%(account)s, 'refunds'], array['USD', 'USD'],
    array[%(amount)s::numeric, -%(amount)s::numeric])
"""
Charge = dict[str, object]


def old_charge(received: str, refunded: str = "0", disputed: str = "0", **more: object) -> Charge:
    """What an order of an older release remembers of a charge."""
    told = {"received": received, "refunded": refunded, "disputed": disputed, "currency": "USD"}
    return {**told, "live": True, "parent": None, "standing": "refunded", **more}


WENT_BACK: list[tuple[str, str | None, list[Charge], dict[str, str], str]] = [
    ("refunded", None, [old_charge("10", "10")], {"10": "10"}, "10"),
    ("refunded", None, [old_charge("10", "10")], {"USD:10:10:0": "10"}, "10"),
    ("held", None, [old_charge("10", "4")], {}, "4"),
    ("granted", "10", [old_charge("10"), old_charge("10", "10")], {}, "10"),
    ("disputed", None, [old_charge("10", "10", "10")], {"20": "20"}, "10"),
    ("disputed", None, [old_charge("10", disputed="10", reinstated="4")], {}, "6"),
    ("refunded", "10", [old_charge("10", "10")], {}, "0"),
    ("granted", "10", [old_charge("12", "1")], {}, "1"),
    ("granted", "10", [old_charge("10"), old_charge("3", "3", parent="a")], {}, "3"),
    ("held", None, [old_charge("3", "3", standing="failed")], {}, "3"),
    ("held", None, [old_charge("3", "3", live=False)], {}, "0"),
    ("refunded", "10", [old_charge("10", "10"), old_charge("5", standing="failed")], {}, "5"),
    ("waiting", None, [], {}, "0"),
]
"""State, price, charges; what was booked of what went back, by fact; what belongs there."""


def test_what_an_older_release_has_not_booked_of_what_went_back_is_booked_once(
    connection: Connection,
) -> None:
    migrate(connection, load()[:BEFORE])
    for chat_id, (state, sold, charges, booked, _) in enumerate(WENT_BACK):
        row = {"state": state, "sold": sold, "charges": json.dumps(charges), "days": 3}
        connection.execute(OLD_ORDER, {**row, "name": f"o{chat_id}", "chat_id": chat_id})
        for fact, amount in booked.items():
            key, account = f"order:o{chat_id}:returned:{fact}", f"customer:{chat_id}"
            connection.execute(BOOK, {"key": key, "account": account, "amount": amount})
    migrate(connection, load()[:SETTLED])
    for _ in range(2):
        rows = connection.execute("select account, balance from ledger_balance").fetchall()
        found = {row["account"]: row["balance"] for row in rows}
        told = [found.get(f"customer:{chat_id}", 0) for chat_id in range(len(WENT_BACK))]
        assert told == [Decimal(returned) for *_, returned in WENT_BACK]
        connection.execute(load()[SETTLED - 1].sql.encode())  # nothing is left to book


def test_an_order_that_an_older_release_has_settled_is_looked_at_within_a_day(
    connection: Connection,
) -> None:
    orders = [("granted", 3), ("refunded", 100), ("disputed", 1), ("granted", 126), ("expired", 3)]
    migrate(connection, load()[:BEFORE])
    for chat_id, (state, days) in enumerate(orders):
        row = {"name": f"o{chat_id}", "chat_id": chat_id, "state": state, "days": days}
        connection.execute(OLD_ORDER, {**row, "sold": "10", "charges": "[]"})
    migrate(connection, load()[:SETTLED])
    rows = connection.execute(
        """
        select look_at between now() and now() + interval '1 day' as soon
        from purchase_order order by chat_id
        """
    )
    assert [row["soon"] for row in rows] == [True, True, True, None, None]
