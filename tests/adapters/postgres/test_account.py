"""The server is never root's, and its folders are nobody else's."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.account import Account, server_account
from adapters.postgres.refusals import FolderRefused
from tests.adapters.postgres import folders

pytestmark = pytest.mark.process

AS_ROOT = os.geteuid() == 0
STRANGER = 54321


@pytest.fixture
def folder() -> Iterator[Path]:
    with folders.open_folder() as path:
        yield path


def test_a_process_of_the_account_is_not_root_in_any_way() -> None:
    account = server_account()

    said = subprocess.run(
        ["/bin/sh", "-c", "id -u; id -g; id -G"],
        **account.identity(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert account.uid != 0
    assert said[:2] == [str(account.uid), str(account.gid)]
    assert account.switch is AS_ROOT
    if account.switch:
        assert said[2:] == [str(account.gid)]


def test_a_folder_is_made_and_closed_to_others(folder: Path) -> None:
    account = server_account()
    for _ in range(2):
        account.own(folder / "a" / "b")

    found = (folder / "a" / "b").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.uid, 0o700)


def test_a_link_is_not_followed(folder: Path) -> None:
    (folder / "elsewhere").mkdir(mode=0o755)
    (folder / "link").symlink_to("elsewhere")

    with pytest.raises(FolderRefused, match="link"):
        server_account().own(folder / "link")
    assert stat.S_IMODE((folder / "elsewhere").stat().st_mode) == 0o755


def test_somebody_elses_folder_is_left_alone(folder: Path) -> None:
    strangers = Path("/etc")
    if AS_ROOT:
        strangers = folder / "strangers"
        strangers.mkdir()
        os.chown(strangers, STRANGER, STRANGER)
    before = strangers.stat()

    with pytest.raises(FolderRefused, match="DATA_DIR"):
        server_account().own(strangers)
    assert strangers.stat() == before


def test_a_file_in_the_way_is_refused(folder: Path) -> None:
    (folder / "file").touch()

    with pytest.raises(FolderRefused, match="file"):
        server_account().own(folder / "file" / "below")


def test_it_knows_what_it_can_run(folder: Path) -> None:
    account = server_account()
    folders.program(folder, "fine", "1.0")
    folders.program(folder, "broken", "1.0")
    (folder / "broken").write_text("#!/bin/sh\nexit 3\n")

    assert account.runs(str(folder / "fine"))
    assert not account.runs(str(folder / "broken"))
    assert not account.runs(str(folder / "missing"))


@pytest.mark.skipif(not AS_ROOT, reason="only root is somebody else than the server")
def test_what_lies_below_a_private_home_is_out_of_reach(folder: Path) -> None:
    folders.program(folder / "home" / "bin", "program", "1.0")
    (folder / "home").chmod(0o700)
    account = server_account()

    assert not account.runs(str(folder / "home" / "bin" / "program"))

    shutil.move(folder / "home" / "bin", folder / "copy")
    account.hand_over(folder / "copy")
    assert account.runs(str(folder / "copy" / "program"))
    assert (folder / "copy" / "program").stat().st_uid == account.uid


def test_without_a_switch_nothing_is_asked_of_the_system() -> None:
    assert Account(1000, 1000, "ann", switch=False).identity() == {}
