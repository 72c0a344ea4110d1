"""Scenarios run without their log here, as in `main.py sim`: it would take longer than they do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.sim_log import heard


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Nothing is logged while a test of this folder runs."""
    with heard(log=False):
        yield
