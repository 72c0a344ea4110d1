"""What all tests share: virtual time and network, the marks by which they are chosen, PostgreSQL.

`-m "not postgres and not process"` is the fast part. Whoever asks for a database is marked
`postgres` here; whoever starts processes says so by `process`, and cannot forget it: without
the mark none can be started. Both wait for the outside world, on its clock.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator

import hypothesis
import pytest
import structlog
from _pytest.runner import runtestprotocol

from runtime.testing.fence import freeze_for_good

pytest_plugins = ["runtime.testing.pytest_plugin", "tests.fixtures.postgres"]

gc.disable()  # until everything is imported: none of it is garbage, and looking takes seconds

OUTSIDE = ("postgres", "process")
LONGEST = "test_architecture.py"
"""It reads every file of the tree."""
SERVERS = frozenset({"postgres", "shared_folder"})
"""The fixtures on which everything rests that has a PostgreSQL."""
YOUNG_OBJECTS = 20_000
"""So many new ones are looked through for garbage; at Python's 700 that takes much of the time."""
STARTS_A_PROCESS = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system"}
)
"""Audit events."""

hypothesis.settings.register_profile(
    "gate",
    deadline=None,  # a busy machine is not a bug
    derandomize=True,  # the same examples on every machine
    max_examples=20,
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))

structlog.configure(
    processors=[
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event"]),
    ]
)  # the default draws in colours what hardly anybody looks at, for a tenth of the whole time

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # So a shell starts what runs in the background, and the programs under test would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

_stays_inside: str | None = None
"""The test that runs now, unless it has a mark of `OUTSIDE`."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the marks known, and watch over one of them."""
    config.addinivalue_line("markers", "postgres: needs a PostgreSQL; given by the fixtures")
    config.addinivalue_line("markers", "process: starts processes")
    sys.addaudithook(_watch)
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(_Terse())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever needs the outside world; who takes longest begins, and nobody waits for him."""
    items.sort(key=lambda item: item.path.name != LONGEST)
    for item in items:
        if isinstance(item, pytest.Function) and not SERVERS.isdisjoint(item.fixturenames):
            item.add_marker("postgres")
        if _is_outside(item):
            item.add_marker("real_clock")


def pytest_collection_finish() -> None:
    """Spare the garbage collector the modules that never become garbage."""
    freeze_for_good()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Know for whom processes are started."""
    global _stays_inside  # noqa: PLW0603 - audit hooks are for the whole process
    _stays_inside = None if _is_outside(item) else item.nodeid
    try:
        return (yield)
    finally:
        _stays_inside = None


class _Terse:
    """In a process of pytest-xdist: of a test that passes one report goes out instead of three.

    Sending and reading one costs a third of a millisecond, and most tests take less than that.
    """

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """As pytest does, but for what is reported."""
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in runtestprotocol(item, log=False, nextitem=nextitem):
            if report.when == "call" or not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True


def _is_outside(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(mark) for mark in OUTSIDE)


def _watch(event: str, _: tuple[object, ...]) -> None:
    if _stays_inside is not None and event in STARTS_A_PROCESS:
        raise RuntimeError(f"{_stays_inside} starts a process: mark it `process`")
