"""The life of a process: what the first signal ends, and what a failure is called."""

from __future__ import annotations

import io
import os
import signal

import pytest
import trio

from adapters.http.listening import CannotListen
from config.process import FAILED, REFUSED, Life, Terminal, until_signalled, verdict
from runtime import SupervisionError, Unrecoverable

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


async def _nothing(life: Life) -> None:
    with life.serving():
        pass
