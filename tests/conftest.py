"""Every `async def` test runs on trio, by default on a clock that jumps instead of sleeping.

A test that talks through real sockets, threads or processes is marked `real_clock`: while
it waits for the outside world trio sees only idle tasks, and a jumping clock would let
every deadline pass at once.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Awaitable, Callable

import hypothesis
import pytest
import trio
from trio.testing import MockClock

pytest_plugins = ["tests.fixtures.postgres"]

hypothesis.settings.register_profile(
    "gate",
    deadline=None,  # a busy machine is not a bug
    derandomize=True,  # the same examples on every machine
    max_examples=60,
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> None:
    """Turn a coroutine test into a plain one that runs it under trio."""
    real_clock = pyfuncitem.get_closest_marker("real_clock") is not None
    test = pyfuncitem.obj
    given = getattr(test, "hypothesis", None)  # below @given every example is a run of its own
    if given is not None and inspect.iscoroutinefunction(given.inner_test):
        given.inner_test = _under_trio(given.inner_test, real_clock=real_clock)
    elif inspect.iscoroutinefunction(test):
        pyfuncitem.obj = _under_trio(test, real_clock=real_clock)


def _under_trio(test: Callable[..., Awaitable[None]], *, real_clock: bool) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: object, **fixtures: object) -> None:
        clock = None if real_clock else MockClock(autojump_threshold=0)
        trio.run(functools.partial(test, *args, **fixtures), clock=clock)

    return run
