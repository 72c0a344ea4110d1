"""A batch is one transaction, and whoever spoils it fails alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.pq import TransactionStatus

from actors.kernel.failures import Conflict, Unavailable
from adapters.postgres.batch import (
    Lost,
    Operation,
    Statement,
    is_lost,
    reason_of,
    run_batch,
    translate,
)
from adapters.postgres.session import Connection, connect
from tests.adapters.postgres.store import execute


@pytest.fixture
def connection(blank_url: str) -> Iterator[Connection]:
    with connect(blank_url, "writer") as connection:
        connection.execute("create table thing (id int primary key, said text, even int)")
        connection.execute(
            "alter table thing add constraint even unique (even) deferrable initially deferred"
        )
        yield connection


def insert(number: int, said: object = "") -> Operation:
    sql = "insert into thing (id, said) values (%(id)s, %(said)s) returning id"
    return (Statement(sql, {"id": number, "said": said}),)


def select(number: int) -> Operation:
    return (Statement("select %(n)s::int as n", {"n": number}),)


def insert_silently(number: int) -> Operation:
    return (Statement("insert into thing (id) values (%(id)s)", {"id": number}),)


TRANSACTION: Operation = (Statement("select pg_current_xact_id()::text as id"),)

POISONS: dict[str, tuple[Operation, type[Exception]]] = {
    "a key that is taken": (insert(1), Conflict),
    "a NUL": (insert(50, "a\0b"), psycopg.DataError),
    "half a character": (insert(50, "\ud83d"), UnicodeEncodeError),
    "a value of no known type": (insert(50, object()), psycopg.ProgrammingError),
    "a number that does not fit": (insert(2**40), psycopg.DataError),
    "a parameter that is missing": ((Statement("select %(x)s"),), psycopg.ProgrammingError),
    "no SQL": ((Statement("selekt 1"),), errors.SyntaxError),
    "no such table": ((Statement("select 1 from nothing"),), errors.UndefinedTable),
    "a commit that fails": (
        (Statement("insert into thing (id, even) values (60, 7), (61, 7)"),),
        Conflict,
    ),
    "a second statement that fails": ((*insert(70), *insert(1)), Conflict),
}


@pytest.mark.parametrize(
    "operations",
    [
        [insert(1)],
        [insert(n) for n in (5, 3, 4, 1)],
        [insert(2), select(9), insert_silently(3), insert_silently(4), select(8), select(7)],
        [(*insert(1), *select(5), *insert(2)), insert(3), insert(4)],
        [TRANSACTION, select(1), TRANSACTION],
    ],
)
def test_each_gets_the_rows_of_its_statements(
    connection: Connection, operations: Sequence[Operation]
) -> None:
    results = run_batch(connection, operations)

    assert len(results) == len(operations)
    for operation, rows in zip(operations, results, strict=True):
        assert not isinstance(rows, Exception)
        assert len(rows) == len(operation)
        for statement, found in zip(operation, rows, strict=True):
            if "returning" in statement.sql:
                assert found == [{"id": statement.params["id"]}]
            elif "%(n)s" in statement.sql:
                assert found == [{"n": statement.params["n"]}]
            elif "insert" in statement.sql:
                assert found == []


def test_a_batch_is_one_transaction(connection: Connection) -> None:
    operations = [TRANSACTION, insert(1), insert(2), TRANSACTION, (*TRANSACTION, *select(1))]
    results: Any = run_batch(connection, operations)

    assert results[0] == results[3] == results[4][:1]


def test_a_percent_sign_is_doubled_alone_and_in_a_batch(connection: Connection) -> None:
    percent = (Statement("select '%%' as sign"),)

    for many in (1, 2, 3):
        assert run_batch(connection, [percent] * many) == [[[{"sign": "%"}]]] * many
    assert run_batch(connection, [percent, select(1)])[0] == [[{"sign": "%"}]]


@pytest.mark.parametrize("company", ["run", "mixed", "alone"])
@pytest.mark.parametrize("what", POISONS)
def test_a_poisonous_operation_fails_alone(connection: Connection, what: str, company: str) -> None:
    run_batch(connection, [insert(1)])
    poison, blamed = POISONS[what]
    others = [] if company == "alone" else [insert(n) for n in range(2, 8)]
    if company == "mixed":
        others[2:2] = [select(1), (*insert(8), *insert(9))]
    operations = [*others[:3], poison, *others[3:]]

    results = run_batch(connection, operations)

    failed = [result for result in results if isinstance(result, Exception)]
    assert len(failed) == 1
    assert failed == [results[operations.index(poison)]]
    assert isinstance(failed[0], blamed), failed
    kept = connection.execute("select id from thing order by id").fetchall()
    expected = {1: [1], 7: [*range(1, 8)], 9: [*range(1, 10)]}[len(operations)]
    assert [row["id"] for row in kept] == expected
    assert connection.info.transaction_status is TransactionStatus.IDLE


def test_two_poisons_get_a_failure_each(connection: Connection) -> None:
    results = run_batch(connection, [insert(1), insert(1), insert(2), insert(1)])

    assert [type(result) for result in results] == [list, Conflict, list, Conflict]
    assert results[1] is not results[3]


def test_those_beside_a_poison_still_share_a_transaction(connection: Connection) -> None:
    results: Any = run_batch(connection, [TRANSACTION, insert(1), insert(1), TRANSACTION])

    assert isinstance(results[2], Conflict)
    assert results[0] == results[3]


def test_a_server_that_says_goodbye_is_lost_before_the_line_is_dead(connection: Connection) -> None:
    assert is_lost(connection, errors.AdminShutdown())
    assert is_lost(connection, errors.CannotConnectNow())
    assert not is_lost(connection, errors.QueryCanceled())


def test_who_waits_for_a_lock_too_long_is_told_to_come_again(
    connection: Connection, blank_url: str
) -> None:
    run_batch(connection, [insert(1)])
    connection.execute("set lock_timeout = '100ms'")
    update = (Statement("update thing set said = 'x' where id = 1"),)
    with psycopg.connect(blank_url) as other:
        other.execute("select * from thing for update")
        blocked = run_batch(connection, [insert(2), update])
        assert isinstance(blocked[1], Unavailable)
        assert isinstance(run_batch(connection, [update])[0], Unavailable)
        other.rollback()
    assert run_batch(connection, [update]) == [[[]]]


def test_what_takes_too_long_is_given_up(connection: Connection) -> None:
    connection.execute("set statement_timeout = '100ms'")
    slow = (Statement("select pg_sleep(20)"),)

    results = run_batch(connection, [insert(1), slow, insert(2)])

    assert [type(result) for result in results] == [list, Unavailable, list]


@pytest.mark.parametrize("many", [1, 2, 9])
def test_a_connection_that_is_cut_is_lost(
    connection: Connection, blank_url: str, many: int
) -> None:
    ender = f"select pg_terminate_backend({connection.info.backend_pid})"
    execute(blank_url, ender)
    with pytest.raises(Lost):
        run_batch(connection, [insert(n) for n in range(many)])
    assert execute(blank_url, "select count(*) from thing") == [(0,)]


@pytest.mark.parametrize("company", [0, 1, 6])
def test_a_connection_that_is_cut_on_the_way_is_lost(connection: Connection, company: int) -> None:
    suicide = (Statement("select pg_terminate_backend(pg_backend_pid())"),)

    with pytest.raises(Lost):
        run_batch(connection, [*map(insert, range(company)), suicide, *map(select, range(company))])


def test_a_race_that_was_lost_is_a_conflict() -> None:
    for race in (errors.UniqueViolation, errors.ExclusionViolation):
        assert isinstance(translate(race("x")), Conflict)


def test_a_server_that_cannot_now_is_unavailable() -> None:
    for outage in (
        errors.DiskFull,
        errors.ReadOnlySqlTransaction,
        errors.IoError,
        errors.DeadlockDetected,
    ):
        assert isinstance(translate(outage("x")), Unavailable)


def test_a_bug_stays_what_it_is() -> None:
    for bug in (errors.UndefinedColumn("x"), errors.CheckViolation("x"), ValueError("x")):
        assert translate(bug) is bug


def test_a_reason_does_not_quote_what_people_wrote(connection: Connection) -> None:
    connection.execute("create table secret (said text primary key)")
    for _ in range(2):
        statement = Statement("insert into secret values (%(said)s)", {"said": "my number"})
        (result,) = run_batch(connection, [(statement,)])
    assert "my number" not in str(result)
    assert "secret_pkey" in str(result)


def test_a_reason_names_the_first_thing_that_went_wrong() -> None:
    assert reason_of(psycopg.OperationalError("first\n\tIs it running?")) == "first"
    several = "Multiple connection attempts failed. All failures were:\n- a: no\n- b: no"
    assert reason_of(psycopg.OperationalError(several)) == "- a: no"
    assert reason_of(psycopg.OperationalError("")) == "OperationalError"
