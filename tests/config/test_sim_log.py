"""Simulations are silent, cost nothing for it, and leave the log of the process as it was."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest
import structlog

from config.sim_log import heard
from tests.config.program import MAIN

SHOUT = """
import logging, structlog
from config.sim_log import mute
log = structlog.get_logger("x")
mute()
bound = log.bind(a=1).new(b=2).unbind("b")
for level in ("debug", "info", "warning", "error", "critical", "exception"):
    getattr(log, level)("heard", x=1)
    getattr(bound, level)("heard", x=1)
logging.getLogger("y").critical("heard")
"""


@pytest.mark.process
def test_a_mute_process_says_nothing_at_any_level() -> None:
    environment = {**os.environ, "PYTHONPATH": str(MAIN.parent)}

    done = subprocess.run(
        [sys.executable, "-c", SHOUT], env=environment, capture_output=True, check=True
    )

    assert (done.stdout, done.stderr) == (b"", b"")


@pytest.mark.parametrize("log", [False, True])
def test_afterwards_the_log_is_as_it_was(log: bool) -> None:
    before, disabled = structlog.get_config(), logging.root.manager.disable

    with heard(log=log):
        assert structlog.get_config() != before

    assert structlog.get_config() == before
    assert logging.root.manager.disable == disabled


def test_in_a_silent_block_nobody_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    log = structlog.get_logger("x")
    with heard(log=False):
        log.bind(a=1).critical("inside")

    with heard(log=True):
        log.debug("aloud", exc_info=ValueError("why"))

    said = capsys.readouterr()
    assert said.out == ""
    assert "inside" not in said.err
    assert "aloud" in said.err
    assert "ValueError: why" in said.err
