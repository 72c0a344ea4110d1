"""The inbox of provider events that every contract suite of it is about, of each kind."""

from __future__ import annotations

import pytest

from actors.ingress.ports import Events
from tests.adapters.contract.provider_events import Add, Mark, adding, marking
from tests.adapters.contract.stores import KINDS, stores_of


@pytest.fixture(params=KINDS)
def events(request: pytest.FixtureRequest) -> Events:
    return stores_of(request).events


@pytest.fixture
def add(events: Events) -> Add:
    return adding(events)


@pytest.fixture
def mark(events: Events) -> Mark:
    return marking(events)
