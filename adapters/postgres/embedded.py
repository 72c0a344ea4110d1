"""An embedded PostgreSQL: our own child process, started, watched and stopped in order.

The server dies with us, however we die: on Linux the kernel sends it SIGINT (`pdeathsig`),
elsewhere a shell that holds one end of a pipe does. SIGINT is PostgreSQL's orderly "fast
shutdown"; should even that be lost, the next start replays its log, and nothing
acknowledged is missing.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import psycopg.conninfo
import trio

from adapters.postgres.account import Account
from adapters.postgres.binaries import Binaries
from adapters.postgres.cluster import PORT, Cluster, server_environment
from adapters.postgres.refusals import AlreadyRunning, StartFailed

START_SECONDS = 300.0
"""Crash recovery after a busy day may take minutes."""

LEAVE_SECONDS = 2.0
"""How long a server whose process was killed may take before it counts as somebody else's."""

STOP_SECONDS = 30.0
QUIT_SECONDS = 10.0
POLL_SECONDS = 0.02
ORPHANS = "pre-existing shared memory block"
LOG_BYTES_MAX = 16 * 1024 * 1024
LOG_TAIL_CHARACTERS = 1_500

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the unix socket is the only way in
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "50",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Parallel workers want shared memory, of which containers have little.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "idle_in_transaction_session_timeout": "60s",
    "log_min_duration_statement": "1s",
    "lc_messages": "C",
    # fsync, full_page_writes and synchronous_commit keep their defaults, which are safe.
}


class EmbeddedServer:
    """A PostgreSQL server in `folder`. Not for two tasks at once."""

    def __init__(self, folder: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.cluster = Cluster(folder)
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def conninfo(self) -> str:
        """How to connect, as libpq reads it; known before the server is started."""
        return psycopg.conninfo.make_conninfo(
            "", host=str(self.cluster.socket), port=PORT, user="postgres", dbname="postgres"
        )

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def exit_status(self) -> int | None:
        """How the server's process ended; None while it runs or was never started."""
        return self._process.poll() if self._process else None

    async def start(self) -> None:
        """Return when the server accepts connections; at once when it does already.

        Raises `StoreRefused` with what to do about it. Call from the main thread.
        """
        if self.pid is None:
            account, binaries = await trio.to_thread.run_sync(self.cluster.prepare)
            try:
                await self._wait_for_others()
                await self._bring_up(account, binaries)
            except BaseException:
                # Whoever gave up waiting has no use for a server that is ready later.
                await self.stop(signal.SIGQUIT)
                raise
        else:
            await self._wait_until_ready()

    async def stop(self, first: signal.Signals = signal.SIGINT) -> None:
        """Stop in order. What takes too long, or is cancelled, ends hard, which loses nothing."""
        try:
            await self._stopped(first, STOP_SECONDS)
        finally:
            with trio.CancelScope(shield=True):
                await self._stopped(signal.SIGQUIT, QUIT_SECONDS)
                if self._process is not None:
                    self._process.kill()
                    await trio.to_thread.run_sync(self._process.wait)
            self._process = None
            self._dismiss_watcher()
            self.cluster.release()

    async def _stopped(self, sign: signal.Signals, within_seconds: float) -> None:
        """Ask it to end, and wait until it did or the time is over."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(sign)
        with trio.move_on_after(within_seconds):
            while self._process.poll() is None:  # noqa: ASYNC110 - a process sets no event
                await trio.sleep(POLL_SECONDS)

    async def _wait_for_others(self) -> None:
        """A server of a process that was killed is on its way out; any other one is refused."""
        deadline = trio.current_time() + LEAVE_SECONDS
        while (pid := await trio.to_thread.run_sync(self.cluster.server_pid)) is not None:
            found = self.cluster.pid_file()
            stopping = found is not None and found.status == "stopping"
            limit = deadline + START_SECONDS if stopping else deadline
            if trio.current_time() > limit:
                raise AlreadyRunning(
                    f"a PostgreSQL server (process {pid}) that we did not start runs on "
                    f"{self.cluster.data}: stop it with `kill -INT {pid}`"
                )
            await trio.sleep(POLL_SECONDS)

    async def _bring_up(self, account: Account, binaries: Binaries) -> None:
        deadline = trio.current_time() + LEAVE_SECONDS
        while True:
            self._spawn(account, binaries)
            try:
                return await self._wait_until_ready()
            except StartFailed as error:
                # Sessions of a server that was killed notice it a moment later than we do.
                if ORPHANS not in str(error) or trio.current_time() > deadline:
                    raise
            await trio.sleep(POLL_SECONDS)

    async def _wait_until_ready(self) -> None:
        with trio.move_on_after(START_SECONDS):
            while self._process is not None:
                if (status := self._process.poll()) is not None:
                    raise StartFailed(f"PostgreSQL ended with status {status}: {self._said()}")
                found = self.cluster.pid_file()
                if found and found.pid == self._process.pid and found.status == "ready":
                    return
                await trio.sleep(POLL_SECONDS)
        raise StartFailed(f"PostgreSQL was not ready after {START_SECONDS:.0f} s: {self._said()}")

    def _spawn(self, account: Account, binaries: Binaries) -> None:
        command = [
            *(binaries.program("postgres"), "-D", str(self.cluster.data)),
            *("-k", str(self.cluster.socket)),
            *(f"--{name}={value}" for name, value in self._settings.items()),
        ]
        environment = server_environment() | self.cluster.clear_leftovers()
        leashed = _leash()
        with _open_log(self.cluster.log) as log:
            self._log_start = log.tell()
            # subprocess.Popen on purpose: trio.lowlevel.open_process forks in a worker thread,
            # and the death signal comes when the forking *thread* ends, after 10 idle seconds.
            self._process = subprocess.Popen(  # noqa: S603 - a program of ours, no shell
                [*leashed, *command],
                **account.identity(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us; we stop the server in our order
            )
        if not leashed:
            self._watch(account, self._process.pid)

    def _said(self) -> str:
        """The end of what the server logged since its last start."""
        try:
            said = self.cluster.log.read_bytes()[self._log_start :]
        except OSError as error:
            return f"(no log: {error})"
        return said.decode(errors="replace").strip()[-LOG_TAIL_CHARACTERS:]

    def _watch(self, account: Account, pid: int) -> None:
        """A shell that waits on a pipe; when we are gone its read fails and it stops the server."""
        self._dismiss_watcher()
        self._watcher = subprocess.Popen(  # noqa: S603 - a constant script
            ["/bin/sh", "-c", 'read -r told || kill -INT "$0"', str(pid)],
            **account.identity(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _dismiss_watcher(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            with suppress(BrokenPipeError):
                watcher.communicate(b"goodbye\n")


def _leash() -> list[str]:
    """The command prefix that ties the server's life to ours; empty where there is none.

    The signal follows the death of the thread that started the process, so only the main
    thread, which lives as long as we do, may use it.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    prefix = [setpriv, "--pdeathsig", "INT", "--"]
    known = subprocess.run([*prefix, "true"], capture_output=True, check=False)  # noqa: S603
    return prefix if known.returncode == 0 else []  # BusyBox's setpriv has no such option


def _open_log(path: Path) -> BinaryIO:
    with suppress(OSError):
        if path.stat().st_size > LOG_BYTES_MAX:
            path.rename(path.with_suffix(".log.old"))
    return path.open("ab")
