"""Whose processes the server's are: PostgreSQL refuses to run as root.

As an ordinary user everything runs as ourselves. As root it runs as `postgres` where that
user exists, otherwise as `factorage`, made for the purpose: uid, gid and groups all change.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from adapters.postgres.refusals import FolderRefused

NAMES = ("postgres", "factorage")
"""Existing users to run as, best first; the last one is made when there is none."""


class Identity(TypedDict, total=False):
    """What `subprocess` takes to become another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs as. `switch` is whether we have to become that user."""

    uid: int
    gid: int
    name: str
    switch: bool

    def identity(self) -> Identity:
        """Keyword arguments for `subprocess`."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, folder: Path) -> None:
        """Make `folder` (and its parents) if need be, ours alone: 0700.

        Raises `FolderRefused` for a link, a file, or a folder that belongs to somebody else.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = folder.lstat()
            if folder.is_symlink() or found.st_uid not in {self.uid, os.geteuid()}:
                raise FolderRefused(
                    f"{folder} is a link or belongs to uid {found.st_uid}; the server runs as "
                    f"{self.name} (uid {self.uid}). Remove it, or start as its owner, or choose "
                    "another DATA_DIR"
                )
            if self.switch:
                os.chown(folder, self.uid, self.gid)
            folder.chmod(0o700)
        except OSError as error:
            raise FolderRefused(f"cannot use the folder {folder}: {error}") from error

    def hand_over(self, folder: Path) -> None:
        """Give this user `folder` and everything in it."""
        if self.switch:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def reaches(self, folder: Path) -> bool:
        """Whether this user can get to `folder` and write in it."""
        done = subprocess.run(  # noqa: S603 - constants and a path of ours, which the shell quotes
            ["/bin/sh", "-c", 'test -w "$0" && test -x "$0"', str(folder)],
            **self.identity(),
            cwd="/",
            check=False,
        )
        return done.returncode == 0

    def runs(self, program: str) -> bool:
        """Whether this user can reach and start `program` (which knows `--version`)."""
        try:
            done = subprocess.run(  # noqa: S603 - a program of ours, no shell
                [program, "--version"],
                **self.identity(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                check=False,
            )
        except OSError:
            return False
        return done.returncode == 0


def server_account() -> Account:
    """The account to run the server as; makes the system user `factorage` where it must."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), f"uid {os.geteuid()}", switch=False)
    for name in NAMES:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid, name, switch=True)
    _make_user(NAMES[-1])
    made = pwd.getpwnam(NAMES[-1])
    return Account(made.pw_uid, made.pw_gid, made.pw_name, switch=True)


def _make_user(name: str) -> None:
    """`useradd` is what most systems have, `adduser -S` is BusyBox's."""
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
    else:
        command = ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", name]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - constants
    except (OSError, subprocess.CalledProcessError) as error:
        raise FolderRefused(
            "PostgreSQL does not run as root, there is no user `postgres`, and making the user "
            f"`{name}` failed ({error}). Make one, or start as an ordinary user, or name a "
            "running server in DATABASE_URL"
        ) from error
