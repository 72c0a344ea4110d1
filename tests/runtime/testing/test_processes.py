"""Work goes to fresh processes and comes back; no death of one is waited for in vain."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.testing.processes import WorkerDiedError, in_processes
from tests.runtime.testing import errands

pytestmark = pytest.mark.process

DEAD_SECONDS = 10.0


def test_every_piece_comes_back_once() -> None:
    assert sorted(in_processes(errands.double, range(50), jobs=3)) == list(range(0, 100, 2))


def test_no_more_processes_are_made_than_there_are_pieces() -> None:
    assert list(in_processes(errands.double, [4], jobs=100)) == [8]
    assert list(in_processes(errands.double, [], jobs=2)) == []


def test_processes_are_others_and_warmed_up_once() -> None:
    done = list(in_processes(errands.whoami, range(20), jobs=2, warm_up=errands.warm_up))

    assert os.getpid() not in {pid for pid, _ in done}
    assert len({pid for pid, _ in done}) <= 2
    assert {warmed for _, warmed in done} == {1}


def test_pieces_are_taken_when_somebody_is_free_for_them() -> None:
    taken: list[int] = []

    def pieces() -> Iterator[int]:
        for piece in itertools.count():
            taken.append(piece)
            yield piece

    arriving = in_processes(errands.double, pieces(), jobs=2)
    for _ in range(5):
        next(arriving)
    arriving.close()

    assert len(taken) <= 5 + 2 + 1


def test_a_process_that_is_killed_is_an_error() -> None:
    arriving = in_processes(errands.deadly, itertools.count(), jobs=2)

    with pytest.raises(WorkerDiedError, match="exit status -9") as caught:
        list(arriving)

    assert (caught.value.piece, caught.value.status) == (7, -signal.SIGKILL)


def test_a_mistake_in_the_work_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WorkerDiedError) as caught:
        list(in_processes(errands.wrong, [5], jobs=1))

    assert (caught.value.piece, caught.value.status) == (5, 1)
    assert "ZeroDivisionError: 5" in capfd.readouterr().err


def test_closing_kills_them(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    arriving = in_processes(_hanging_after_first, ["", str(sign)], jobs=1)
    next(arriving)
    pid = _pid(sign)

    arriving.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_ctrl_c_is_not_theirs() -> None:
    assert list(in_processes(errands.interrupted, range(3), jobs=1)) == ["still here"] * 3
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_ctrl_c_is_not_even_the_first_ones() -> None:
    """It is started together with a process of Python's own, which lets signals through again."""
    code = (
        "from runtime.testing.processes import in_processes;"
        "from tests.runtime.testing import errands;"
        "print(*in_processes(errands.interrupted, range(2), jobs=1))"
    )
    program = f"if __name__ == '__main__': {code}"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"still here still here\n", b"")


def _hanging_after_first(path: str) -> str:
    return errands.hanging(path) if path else path


def _pid(sign: Path) -> int:
    ends = time.monotonic() + DEAD_SECONDS
    while not sign.exists() or not sign.read_text():
        assert time.monotonic() < ends
    return int(sign.read_text())
