"""The folder of an embedded server, and making it ready: who owns it, initdb, stale leftovers.

```
FOLDER/            0700, the server user's; held by one process at a time through FOLDER/lock
├── cluster/       PostgreSQL's data folder
├── binaries/      a copy of the programs, only where the server's user cannot reach the original
├── socket/        the only way in: a unix socket, no TCP
└── server.log     what the server says
```
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from adapters.postgres.account import Account, server_account
from adapters.postgres.binaries import Binaries, find_binaries, initdb_options
from adapters.postgres.refusals import AlreadyRunning, FolderRefused, StartFailed, WrongVersion

PORT = 5432
"""Only the name of the socket file; nothing listens on TCP."""

SOCKET_PATH_BYTES_MAX = 100
"""`sun_path` holds 104 bytes on macOS and 108 on Linux, the final NUL included."""

INITDB_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says. `status` is `starting`, `ready`, `stopping` or empty."""

    pid: int
    socket_folder: str
    status: str


class Cluster:
    """One folder with a PostgreSQL data folder in it. Every method blocks: call from a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.data = self.folder / "cluster"
        self.log = self.folder / "server.log"
        self.socket = _socket_folder(self.folder)
        self._lock: int | None = None

    def prepare(self) -> tuple[Account, Binaries]:
        """Make the folder ready for a server: owned, held, initialised, reachable.

        Raises `StoreRefused`; then the folder is not held.
        """
        account = server_account()
        account.own(self.folder)
        self._hold()
        try:
            account.own(self.socket)
            binaries = self._reachable(find_binaries(self._major()), account)
            if not self.data.exists():
                self._initialise(binaries, account)
        except BaseException:
            self.release()
            raise
        return account, binaries

    def release(self) -> None:
        """Let another process have the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def pid_file(self) -> PidFile | None:
        """The server's own account of itself; None while there is none (or half of one)."""
        try:
            lines = (self.data / "postmaster.pid").read_text().split("\n")
            status = lines[7].strip() if len(lines) > 7 else ""  # noqa: PLR2004 - line 8, miscadmin.h
            return PidFile(int(lines[0]), lines[4], status)
        except (OSError, IndexError, ValueError):
            return None

    def server_pid(self) -> int | None:
        """The server that runs on this data folder right now, ours or not.

        A pid file alone proves nothing: after a crash its pid may be anybody's.
        """
        found = self.pid_file()
        if found is None or not _alive(found.pid):
            return None
        if not Path("/proc/self").exists():  # macOS
            return found.pid if _answers(Path(found.socket_folder)) else None
        try:
            is_server = Path(f"/proc/{found.pid}/cwd").samefile(self.data)
        except OSError:  # gone meanwhile, or another user's: the server would be ours to look at
            return None
        return found.pid if is_server else None

    def clear_leftovers(self) -> dict[str, str]:
        """Take away what a crashed server left; the environment that lets the next one start.

        PostgreSQL refuses while the pid of its old file is alive, which after a reboot may be
        any process. PG_GRANDPARENT_PID is its way of being told so; it still checks by itself
        that no orphaned server process uses the shared memory. Call only without a server.
        """
        for leftover in self.socket.glob(".s.PGSQL.*"):
            leftover.unlink(missing_ok=True)
        found = self.pid_file()
        return {} if found is None else {"PG_GRANDPARENT_PID": str(found.pid)}

    def _major(self) -> int | None:
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            if not self.data.exists():
                return None
            raise WrongVersion(f"{self.data} is not a PostgreSQL data folder") from None
        except (OSError, ValueError) as error:
            raise WrongVersion(f"{self.data}/PG_VERSION cannot be read: {error}") from error

    def _hold(self) -> None:
        """One process per folder. The kernel lets go of it however that process ends."""
        if self._lock is not None:
            return
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise AlreadyRunning(
                f"another process runs on {self.folder}: stop it first, or choose another DATA_DIR"
            ) from None
        self._lock = lock

    def _reachable(self, binaries: Binaries, account: Account) -> Binaries:
        """The programs, or a copy of them, that `account` can run; its folder it reaches too."""
        if not account.reaches(self.folder):
            raise FolderRefused(
                f"the user {account.name}, as whom PostgreSQL runs, cannot reach {self.folder}. "
                "Choose a DATA_DIR outside private homes, such as /var/lib/factorage"
            )
        if account.runs(binaries.program("postgres")):
            return binaries
        if not binaries.wheel:
            raise FolderRefused(
                f"the user {account.name}, as whom PostgreSQL runs, cannot run {binaries.folder}: "
                "open the folders on the way to it, or name other programs in PGBIN"
            )
        # Typically a virtual environment below a private home: copy, rather than open the home
        # to everybody.
        copies = self.folder / "binaries"
        copies.mkdir(mode=0o755, exist_ok=True)
        for other in copies.iterdir():
            if other.name != binaries.version:
                shutil.rmtree(other)
        copy = binaries.copied(copies / binaries.version)
        account.hand_over(copies)
        if not account.runs(copy.program("postgres")):
            raise FolderRefused(
                f"no program can be started in {self.folder}, perhaps it is mounted `noexec`: "
                "choose another DATA_DIR"
            )
        return copy

    def _initialise(self, binaries: Binaries, account: Account) -> None:
        """Run initdb beside the final place, so that half a data folder is never taken for one."""
        half = self.folder / "cluster.half"
        shutil.rmtree(half, ignore_errors=True)
        command = [binaries.program("initdb"), *initdb_options(binaries.major)]
        try:
            subprocess.run(  # noqa: S603 - a program of ours, no shell
                [*command, "-D", str(half)],
                **account.identity(),
                env=server_environment(),
                cwd="/",
                check=True,
                capture_output=True,
                timeout=INITDB_SECONDS,
            )
        except subprocess.CalledProcessError as error:
            said = (error.stderr or b"").decode(errors="replace").strip()[-1_500:]
            raise StartFailed(f"initdb failed in {self.folder}: {said}") from error
        except subprocess.TimeoutExpired as error:
            raise StartFailed(f"initdb took more than {INITDB_SECONDS:.0f} s") from error
        half.rename(self.data)


def server_environment() -> dict[str, str]:
    """Our environment without libpq's and PostgreSQL's variables, which would reach the server."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "LC_ALL": "C",
    }


def _socket_folder(folder: Path) -> Path:
    """Below the data folder where a socket's path fits, otherwise in the temporary folder."""
    inside = folder / "socket"
    length = len(os.fsencode(inside / f".s.PGSQL.{PORT}"))
    if length <= SOCKET_PATH_BYTES_MAX and "," not in str(inside):  # libpq splits at commas
        return inside
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"factorage-{name}"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _answers(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(folder / f".s.PGSQL.{PORT}"))
        except OSError:
            return False
    return True
