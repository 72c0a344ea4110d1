"""The embedded server in a supervision tree, and the database's report on the event stream."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import psycopg
import pytest
import trio

from actors.operations.messages import HEARTBEAT_SECONDS, Reported
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.refusals import AlreadyRunning, StartFailed
from adapters.postgres.server import REPORT_SECONDS, DatabaseReporter, EmbeddedPostgres
from runtime import ActorSystem, Backoff, Budget, ChildSpec, SupervisionError, SupervisorSpec
from runtime.testing import Probe, running

SOON_SECONDS = 15.0


def tree(server: EmbeddedServer, *, restarts: int = 5) -> SupervisorSpec:
    postgres = ChildSpec(
        name="postgres",
        factory=partial(EmbeddedPostgres, server=server),
        budget=Budget(restarts=restarts),
        backoff=Backoff(first_seconds=0.01),
    )
    return SupervisorSpec(name="root", children=(postgres,))


def answers(server: EmbeddedServer) -> bool:
    try:
        with psycopg.connect(server.conninfo) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


async def test_the_server_lives_as_long_as_its_actor(folder: Path) -> None:
    server = EmbeddedServer(folder)
    async with ActorSystem(tree(server)) as system:
        assert answers(server)
        first = server.pid
        assert first is not None

        os.kill(first, signal.SIGKILL)  # whoever does it, it is started again

        with trio.fail_after(SOON_SECONDS):
            while server.pid in {first, None} or not answers(server):  # noqa: ASYNC110 - no event
                await trio.sleep(0.02)
        assert system.ref("root/postgres").is_alive()
    assert server.pid is None
    assert not answers(server)


async def test_a_start_that_fails_costs_a_restart(folder: Path) -> None:
    server = EmbeddedServer(folder, settings={"max_connections": "none"})
    with pytest.raises(SupervisionError) as caught:
        async with ActorSystem(tree(server, restarts=1)):
            await trio.sleep_forever()

    assert isinstance(caught.value.__cause__, StartFailed)
    assert "more than 1 times" in str(caught.value)


async def test_a_folder_in_use_ends_the_system_at_once(folder: Path) -> None:
    server = EmbeddedServer(folder)
    await server.start()
    with pytest.raises(SupervisionError) as caught:
        async with ActorSystem(tree(EmbeddedServer(folder))):
            await trio.sleep_forever()

    assert isinstance(caught.value.__cause__, AlreadyRunning)
    assert answers(server)
    await server.stop()


async def test_a_database_with_nothing_new_to_report_says_so_at_each_heartbeat() -> None:
    told = Reported(component="database", status="pass")
    probe = Probe()
    async with running() as system:
        system.events.subscribe(Reported, probe)
        system.spawn(lambda: DatabaseReporter(report=lambda: told), name="reporter")
        await probe.expect(Reported, within=0.1)
        for _ in range(3):
            await probe.expect_none(within=HEARTBEAT_SECONDS - 1)
            assert await probe.expect(Reported, within=2) == told
        told = Reported(component="database", status="warn", output="it is away")
        assert await probe.expect(Reported, within=REPORT_SECONDS + 1) == told


async def test_the_database_reports_at_once_and_then_regularly() -> None:
    reports = iter(range(1_000))

    def report() -> Reported:
        return Reported(component="database", status="pass", output=str(next(reports)))

    probe = Probe()
    async with running() as system:
        system.events.subscribe(Reported, probe)
        system.spawn(lambda: DatabaseReporter(report=report), name="reporter")
        assert (await probe.expect(Reported, within=0.1)).output == "0"
        for number in range(1, 4):
            await probe.expect_none(within=REPORT_SECONDS - 0.1)
            assert (await probe.expect(Reported, within=0.2)).output == str(number)
