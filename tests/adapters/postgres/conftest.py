"""A folder to start servers of one's own on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.postgres.cluster import Cluster
from tests.adapters.postgres import folders


@pytest.fixture(scope="session")
def shared_folder() -> Iterator[Path]:
    """Made once: initdb writes 40 MB, and a server does not mind who used its folder before."""
    with folders.open_folder() as path:
        yield path / "postgres"


@pytest.fixture
def folder(shared_folder: Path) -> Iterator[Path]:
    """A folder for a server, which the test must have stopped in the end."""
    yield shared_folder
    cluster = Cluster(shared_folder)
    assert cluster.server_pid() is None
    cluster.prepare()
    cluster.release()
