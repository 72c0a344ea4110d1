"""A data folder is made whole or not at all, held by one process, and survives leftovers."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.account import server_account
from adapters.postgres.binaries import find_binaries
from adapters.postgres.cluster import SOCKET_PATH_BYTES_MAX, Cluster, server_environment
from adapters.postgres.refusals import AlreadyRunning, FolderRefused, WrongVersion
from tests.adapters.postgres import folders

pytestmark = pytest.mark.postgres


@pytest.fixture
def folder() -> Iterator[Path]:
    with folders.open_folder() as path:
        yield path / "postgres"


@pytest.fixture
def cluster(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)
    yield cluster
    cluster.release()


def pid_file(cluster: Cluster, pid: int, *, status: str = "ready   ") -> None:
    """As a server that was killed leaves it."""
    cluster.data.mkdir(parents=True, exist_ok=True)
    lines = [str(pid), str(cluster.data), "1", "5432", str(cluster.socket), "", "1 2", status]
    (cluster.data / "postmaster.pid").write_text("\n".join(lines) + "\n")


def test_a_new_folder_gets_data_and_is_closed_to_others(cluster: Cluster) -> None:
    account, binaries = cluster.prepare()

    assert (cluster.data / "PG_VERSION").read_text().strip() == str(binaries.major)
    for path in (cluster.folder, cluster.data, cluster.socket):
        found = path.stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.uid, 0o700)
    assert "trust" in (cluster.data / "pg_hba.conf").read_text()


def test_one_process_has_the_folder(cluster: Cluster) -> None:
    cluster.prepare()
    other = Cluster(cluster.folder)

    with pytest.raises(AlreadyRunning, match="another process"):
        other.prepare()
    cluster.release()
    other.prepare()
    other.release()


def test_half_a_data_folder_is_made_anew(cluster: Cluster) -> None:
    half = cluster.folder / "cluster.half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    cluster.prepare()

    assert (cluster.data / "global" / "pg_control").exists()
    assert not half.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else than the server")
def test_a_folder_that_the_servers_user_cannot_reach_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)  # a private home
    cluster = Cluster(folder / "data")

    with pytest.raises(FolderRefused, match="/var/lib/factorage"):
        cluster.prepare()
    assert not cluster.data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is somebody else than the server")
def test_programs_that_the_servers_user_cannot_reach_are_copied(folder: Path) -> None:
    found = find_binaries(environment={})
    if not found.wheel:
        pytest.skip("only the wheel's programs are ever copied")
    home = folder.with_name("home")
    hidden = found.copied(home / "environment")
    home.chmod(0o700)
    account = server_account()
    cluster = Cluster(folder)
    account.own(folder)
    (folder / "binaries" / "17.0").mkdir(parents=True)  # of an earlier version

    copy = cluster._reachable(hidden, account)

    assert copy.folder.is_relative_to(folder)
    assert account.runs(copy.program("initdb"))
    assert [path.name for path in (folder / "binaries").iterdir()] == [found.version]
    assert cluster._reachable(hidden, account) == copy


@pytest.mark.parametrize(("version", "said"), [("9\n", "PostgreSQL 9"), ("x\n", "cannot be read")])
def test_foreign_data_is_left_alone(cluster: Cluster, version: str, said: str) -> None:
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text(version)

    with pytest.raises(WrongVersion, match=said):
        cluster.prepare()
    assert [path.name for path in cluster.data.iterdir()] == ["PG_VERSION"]


def test_a_folder_of_something_else_is_left_alone(cluster: Cluster) -> None:
    cluster.data.mkdir(parents=True)
    (cluster.data / "holiday.jpg").touch()

    with pytest.raises(WrongVersion, match="not a PostgreSQL data folder"):
        cluster.prepare()
    Cluster(cluster.folder).data.joinpath("holiday.jpg").unlink()  # and nobody holds it now


def test_the_socket_lies_below_the_folder_where_its_path_fits(folder: Path) -> None:
    assert Cluster(folder).socket == folder / "socket"

    deep = folder / ("x" * SOCKET_PATH_BYTES_MAX)
    with_comma = folder / "a,b"
    for odd in (deep, with_comma):
        elsewhere = Cluster(odd).socket
        assert not elsewhere.is_relative_to(folder)
        assert elsewhere == Cluster(odd).socket
        assert len(os.fsencode(elsewhere)) < SOCKET_PATH_BYTES_MAX
    assert Cluster(deep).socket != Cluster(with_comma).socket


def test_a_pid_file_that_names_a_stranger_is_no_server(cluster: Cluster) -> None:
    with subprocess.Popen(["sleep", "60"], cwd="/") as stranger:
        pid_file(cluster, stranger.pid)

        assert cluster.server_pid() is None
        cluster.socket.mkdir()
        (cluster.socket / ".s.PGSQL.5432.lock").touch()
        assert cluster.clear_leftovers() == {"PG_GRANDPARENT_PID": str(stranger.pid)}
        assert list(cluster.socket.iterdir()) == []
        stranger.kill()
    assert cluster.server_pid() is None


def test_a_pid_file_that_names_a_server_of_this_folder_is_believed(cluster: Cluster) -> None:
    cluster.data.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], cwd=cluster.data) as server:
        pid_file(cluster, server.pid, status="stopping")

        assert cluster.server_pid() == server.pid
        found = cluster.pid_file()
        assert found is not None
        assert found.status == "stopping"
        server.kill()


@pytest.mark.parametrize("text", ["", "12", "no number\n" * 8, "\0"])
def test_a_pid_file_that_makes_no_sense_is_none(cluster: Cluster, text: str) -> None:
    pid_file(cluster, 1)
    (cluster.data / "postmaster.pid").write_text(text)

    assert cluster.pid_file() is None
    assert cluster.server_pid() is None
    assert cluster.clear_leftovers() == {}


def test_our_own_settings_for_libpq_do_not_reach_the_server() -> None:
    assert not [name for name in server_environment() if name.startswith("PG")]
