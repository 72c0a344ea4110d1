"""The runtime's tests provoke thousands of failures; their log is looked at through events."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        cache_logger_on_first_use=False,
    )
    yield
    structlog.configure(**before)
