"""A real server of our own: it starts, survives every kind of end, and dies with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
import trio

from adapters.postgres import embedded
from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.refusals import AlreadyRunning, StartFailed

ROOT = Path(__file__).parents[3]
SOON_SECONDS = 15.0
"""Far more than anything here takes; a busy machine is not a bug."""


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(folder)
    yield server
    trio.run(server.stop)


def ask(server: EmbeddedServer | str, sql: str) -> list[tuple[object, ...]]:
    conninfo = server if isinstance(server, str) else server.conninfo
    with closing(psycopg.connect(conninfo, autocommit=True)) as connection:
        cursor = connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


def remember(server: EmbeddedServer | str) -> int:
    """Commit a number that was never there before."""
    ask(server, "create table if not exists memory (value int generated always as identity)")
    ((value,),) = ask(server, "insert into memory default values returning value")
    assert isinstance(value, int)
    return value


def remembers(server: EmbeddedServer, *values: int) -> bool:
    known = {value for (value,) in ask(server, "select value from memory")}
    return known >= set(values)


async def until(met: Callable[[], bool]) -> None:
    with trio.fail_after(SOON_SECONDS):
        while not met():  # noqa: ASYNC110 - a process sets no event
            await trio.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        # A process of ours that has ended stays a zombie until somebody asks after it.
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return False


def owner_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


@contextmanager
def stranger_of(uid: int) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody's process that has nothing to do with us."""
    user = {"user": uid} if uid != os.getuid() else {}
    with subprocess.Popen(["sleep", "60"], cwd="/", **user) as stranger:  # type: ignore[call-overload]
        yield stranger
        stranger.kill()


def started_app(folder: Path, path: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.postgres.app", str(folder)],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        text=True,
    )


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_what_was_committed_is_there_at_each_start(server: EmbeddedServer) -> None:
    committed: list[int] = []
    for _ in range(3):
        await server.start()
        await server.start()
        committed.append(remember(server))
        assert remembers(server, *committed)
        await server.stop()
        await server.stop()
        assert server.pid is None


async def test_it_is_as_safe_as_postgresql_can_be(server: EmbeddedServer) -> None:
    await server.start()

    for name in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
        assert ask(server, f"show {name}") == [("on",)]
    assert ask(server, "show listen_addresses") == [("",)]
    assert ask(server, "show server_encoding") == [("UTF8",)]
    assert ask(server, "select 'Ä' < 'a', lower('Є')") == [(False, "є")]
    assert server.pid is not None
    assert owner_of(server.pid) != 0


async def test_it_stops_although_somebody_is_connected(server: EmbeddedServer) -> None:
    await server.start()
    with closing(psycopg.connect(server.conninfo)) as connection:
        connection.execute("select 1")
        with trio.fail_after(SOON_SECONDS):
            await server.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


async def test_a_stop_that_is_cut_short_stops_it_all_the_same(server: EmbeddedServer) -> None:
    await server.start()
    value = remember(server)
    assert server.pid is not None
    pid = server.pid
    with trio.CancelScope() as scope:
        scope.cancel()
        await server.stop()

    assert not is_running(pid)
    await server.start()
    assert remembers(server, value)


async def test_it_comes_back_after_its_process_was_killed(server: EmbeddedServer) -> None:
    await server.start()
    value = remember(server)
    assert server.exit_status() is None

    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: server.exit_status() is not None)
    assert server.exit_status() == -signal.SIGKILL
    await server.start()

    assert remembers(server, value)


async def test_it_waits_for_what_is_left_of_a_server_that_was_killed(
    server: EmbeddedServer,
) -> None:
    await server.start()
    value = remember(server)
    assert server.pid is not None
    straggler = children_of(server.pid)[0]
    os.kill(straggler, signal.SIGSTOP)
    os.kill(server.pid, signal.SIGKILL)
    await until(lambda: server.exit_status() is not None)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.start)
        await until(lambda: b"shared memory block" in server.cluster.log.read_bytes())
        os.kill(straggler, signal.SIGKILL)

    assert remembers(server, value)


async def test_it_comes_back_although_its_old_pid_is_somebody_elses(folder: Path) -> None:
    # As in a container: everything was killed, and after the restart the same pid is alive.
    server = EmbeddedServer(folder)
    await server.start()
    value = remember(server)
    assert server.pid is not None
    pid, uid = server.pid, owner_of(server.pid)
    for each in (pid, *children_of(pid)):
        os.kill(each, signal.SIGKILL)
    await until(lambda: not is_running(pid))
    with stranger_of(uid) as stranger:
        for file in (server.cluster.data / "postmaster.pid", *server.cluster.socket.glob("*.lock")):
            lines = file.read_text().split("\n")
            file.write_text("\n".join([str(stranger.pid), *lines[1:]]))

        await server.start()

        assert remembers(server, value)
        await server.stop()


@pytest.mark.parametrize("path", [os.environ.get("PATH", ""), "/nonexistent"])
async def test_it_does_not_outlive_a_process_that_was_killed(folder: Path, path: str) -> None:
    # Without `setpriv` in PATH it is a shell that watches over us, as on macOS.
    with started_app(folder, path) as app:
        assert app.stdout is not None
        told = await trio.to_thread.run_sync(app.stdout.readline)
        pid, conninfo = told.strip().split(" ", 1)
        value = remember(conninfo)
        app.kill()
    server = EmbeddedServer(folder)
    await server.start()  # at once: the old server is still on its way out

    assert remembers(server, value)
    assert not is_running(int(pid))
    await server.stop()


async def test_only_the_main_thread_ties_a_server_to_itself() -> None:
    # The kernel's signal follows the *thread*: trio's end after ten idle seconds.
    tied: list[list[str]] = []
    thread = threading.Thread(target=lambda: tied.append(embedded._leash()))
    thread.start()
    thread.join()

    assert tied == [[]]


async def test_the_watching_shell_leaves_with_the_server(folder: Path) -> None:
    def run() -> tuple[int, int]:
        """Start and stop in a thread that is not the main one."""

        async def main() -> tuple[int, int]:
            server = EmbeddedServer(folder)
            await server.start()
            assert server.pid is not None
            assert server._watcher is not None
            pids = server.pid, server._watcher.pid
            await server.stop()
            return pids

        return trio.run(main)

    for pid in await trio.to_thread.run_sync(run):
        assert not is_running(pid)


async def test_a_folder_has_one_server(server: EmbeddedServer) -> None:
    await server.start()

    with pytest.raises(AlreadyRunning):
        await EmbeddedServer(server.cluster.folder).start()
    remember(server)


async def test_a_server_that_we_did_not_start_is_not_touched(server: EmbeddedServer) -> None:
    await server.start()
    value = remember(server)
    server.cluster.release()  # as if an operator had started it with pg_ctl
    other = EmbeddedServer(server.cluster.folder)

    with pytest.raises(AlreadyRunning, match=f"kill -INT {server.pid}"):
        await other.start()
    assert remembers(server, value)


async def test_why_it_does_not_start_is_told(folder: Path) -> None:
    server = EmbeddedServer(folder, settings={"shared_buffers": "no size"})

    with pytest.raises(StartFailed, match='invalid value for parameter "shared_buffers"'):
        await server.start()
    again = EmbeddedServer(folder)
    await again.start()
    await again.stop()


async def test_a_start_that_is_given_up_leaves_nothing_behind(folder: Path) -> None:
    server = EmbeddedServer(folder)
    with trio.move_on_after(0.005):
        await server.start()
        pytest.skip("it was faster")

    assert server.pid is None
    await server.start()
    await server.stop()


async def test_what_it_says_is_kept_but_not_for_ever(server: EmbeddedServer) -> None:
    await server.start()
    await server.stop()
    log = server.cluster.log
    assert "database system is ready" in log.read_text()
    log.with_suffix(".log.old").unlink(missing_ok=True)
    with log.open("ab") as file:
        file.truncate(embedded.LOG_BYTES_MAX + 1)

    await server.start()

    assert log.stat().st_size < embedded.LOG_BYTES_MAX
    assert log.with_suffix(".log.old").stat().st_size > embedded.LOG_BYTES_MAX


def test_where_it_listens_is_known_before_it_starts(folder: Path) -> None:
    elsewhere = folder.with_name("elsewhere")

    server = EmbeddedServer(elsewhere)

    assert str(elsewhere / "socket") in server.conninfo
    assert not elsewhere.exists()
