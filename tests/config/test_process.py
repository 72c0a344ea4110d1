"""The life of a process: what the first signal ends, and what a failure is called."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from pathlib import Path

import pytest
import trio

from adapters.http.listening import CannotListen
from adapters.sandbox.nocodb import TABLE_ID
from adapters.sandbox.nocodb import TOKEN as NOCODB_TOKEN
from adapters.sandbox.telegram import TOKEN as BOT_TOKEN
from config.process import (
    FAILED,
    REFUSED,
    SIGNALS,
    SWITCH_SECONDS,
    YOUNG_OBJECTS_MAX,
    Life,
    Terminal,
    keep_what_is_up,
    share_the_interpreter,
    until_signalled,
    verdict,
)
from runtime import SupervisionError, Unrecoverable
from tests.config.program import started

pytestmark = pytest.mark.real_clock


async def test_a_signal_while_it_serves_ends_the_service_and_lets_it_drain() -> None:
    done: list[str] = []

    async def serve(life: Life) -> None:
        with life.serving():
            os.kill(os.getpid(), signal.SIGTERM)
            await trio.sleep_forever()
        await trio.sleep(0.01)
        done.append("drained")

    await until_signalled(serve)

    assert done == ["drained"]


async def test_a_signal_during_the_start_ends_the_start() -> None:
    done: list[str] = []

    async def serve(life: Life) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await trio.sleep(60)
        with life.serving():
            done.append("served")

    await until_signalled(serve)

    assert done == []


async def test_it_ends_when_the_service_does() -> None:
    async def serve(life: Life) -> None:
        with life.serving():
            await trio.lowlevel.checkpoint()

    with trio.fail_after(5):
        await until_signalled(serve)


async def test_a_signal_that_came_before_it_was_ready_ends_the_start() -> None:
    done: list[str] = []

    async def serve(life: Life) -> None:
        await trio.sleep(5)
        done.append("served")

    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    signal.raise_signal(signal.SIGTERM)  # for this thread alone, the others of a test hold nothing
    await until_signalled(serve)

    assert done == []
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()).isdisjoint(SIGNALS)


DURING_THE_IMPORTS = [
    # arguments, are there settings, the signal, the module about to be imported, status
    (["run"], True, signal.SIGTERM, "config.redaction", 0),
    (["run"], True, signal.SIGINT, "config.wiring", 0),
    (["run"], False, signal.SIGTERM, "config.wiring", 2),
    (["health", "--url", "http://127.0.0.1:9"], False, signal.SIGINT, "config.identity", 130),
    (["health", "--url", "http://127.0.0.1:9"], False, signal.SIGINT, "httpcore._async", 130),
]


STANDS_STILL_AT = """
import os, signal, sys

class StandsStill:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["STOP_AT"]:
            os.kill(os.getpid(), signal.SIGSTOP)

sys.meta_path.insert(0, StandsStill())
"""


@pytest.mark.process
async def test_a_signal_during_the_imports_is_answered_as_soon_as_somebody_can(
    tmp_path: Path,
) -> None:
    settings = {
        "BOT_TOKEN": BOT_TOKEN,
        "NOCODB_URL": "http://127.0.0.1:9",
        "NOCODB_TOKEN": NOCODB_TOKEN,
        "NOCODB_TABLE_ID": TABLE_ID,
        "HTTP_BIND": "127.0.0.1:0",
        "DATA_DIR": str(tmp_path / "data"),
    }
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "sitecustomize.py").write_text(STANDS_STILL_AT)

    async def interrupted(
        arguments: list[str], number: signal.Signals, module: str, status: int, given: bool
    ) -> None:
        environment = {"PYTHONPATH": str(hooks), "STOP_AT": module} | (settings if given else {})
        async with started(*arguments, folder=tmp_path, environment=environment) as program:
            await program.stands_still()
            program.send(number)
            program.send(signal.SIGCONT)
            assert await program.exit_status() == status, program.output
        assert "Traceback" not in program.output
        assert "factorage.up" not in program.output

    async with trio.open_nursery() as nursery:
        for arguments, given, number, module, status in DURING_THE_IMPORTS:
            nursery.start_soon(interrupted, arguments, number, module, status, given)

    assert not (tmp_path / "data").exists()


async def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)

    await until_signalled(_nothing)

    assert signal.getsignal(signal.SIGTERM) is before


async def test_an_error_comes_out_as_it_is_with_its_cause() -> None:
    async def serve(life: Life) -> None:
        with life.serving():
            async with trio.open_nursery():
                raise SupervisionError("it fell") from KeyError("why")

    with pytest.raises(SupervisionError, match="it fell") as raised:
        await until_signalled(serve)

    assert isinstance(raised.value.__cause__, KeyError)


async def test_several_errors_stay_together() -> None:
    async def serve(life: Life) -> None:
        raise ExceptionGroup("two", [ValueError("a"), KeyError("b")])

    with pytest.raises(ExceptionGroup) as raised:
        await until_signalled(serve)

    assert len(raised.value.exceptions) == 2


def test_what_a_person_can_mend_is_a_refusal_in_its_own_words() -> None:
    inner = SupervisionError("root/store cannot go on")
    inner.__cause__ = Unrecoverable("set fsync = on")
    failure = SupervisionError("root cannot go on")
    failure.__cause__ = inner

    assert verdict(failure) == (REFUSED, "set fsync = on")
    assert verdict(CannotListen("the port is taken")) == (REFUSED, "the port is taken")


def test_anything_else_is_a_failure_with_its_cause() -> None:
    failure = SupervisionError("root/x failed more than 5 times in 60 s")
    failure.__cause__ = ZeroDivisionError("division by zero")

    status, reason = verdict(failure)

    assert status == FAILED
    assert "root/x failed" in reason
    assert "ZeroDivisionError('division by zero')" in reason
    assert verdict(SupervisionError("it fell")) == (FAILED, "it fell")


def test_a_terminal_that_nobody_reads_raises_instead_of_exiting() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        Terminal(file=Closed()).print("hello")


def test_the_collector_passes_over_what_the_start_has_made() -> None:
    before, made = gc.get_threshold(), {"a part": [object()]}
    try:
        keep_what_is_up()
        assert not any(it is made for it in gc.get_objects())
        assert gc.get_threshold() == (YOUNG_OBJECTS_MAX, *before[1:])
    finally:
        gc.set_threshold(*before)


def test_a_thread_that_waits_for_the_interpreter_gets_it_soon() -> None:
    before = sys.getswitchinterval()
    try:
        share_the_interpreter()
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)


async def _nothing(life: Life) -> None:
    with life.serving():
        pass
