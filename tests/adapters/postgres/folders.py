"""Temporary folders that the server's user can reach, also when the tests run as root."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures.postgres import reachable_folder


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder through which everybody may pass; pytest's own are closed to other users."""
    folder = reachable_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program(folder: Path, name: str, says: str) -> None:
    """A program that answers whatever it is asked with one line."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def postgres(folder: Path, version: str) -> Path:
    """Something that passes for an installation of PostgreSQL, as long as it is only looked at."""
    program(folder, "postgres", f"postgres (PostgreSQL) {version}")
    program(folder, "initdb", f"initdb (PostgreSQL) {version}")
    return folder
