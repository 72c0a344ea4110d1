"""What tests of the whole program share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from tests.config.program import PATIENCE_SECONDS, POLL_SECONDS
from tests.fixtures.postgres import reachable_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    """For an embedded server, which outlives a process that is killed by a moment."""
    made = reachable_folder()
    yield made
    trio.run(_gone, made / "postgres/cluster/postmaster.pid")
    shutil.rmtree(made)


async def _gone(path: Path) -> None:
    with trio.fail_after(PATIENCE_SECONDS):
        while path.exists():  # noqa: ASYNC110, ASYNC240 - another process takes it away
            await trio.sleep(POLL_SECONDS)
