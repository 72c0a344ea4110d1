"""Simulated programs are silent, unless somebody wants to hear them."""

from __future__ import annotations

import pytest
import structlog

from runtime.testing.log import muted


def test_nothing_is_printed_where_nobody_said_where_to(capsys: pytest.CaptureFixture[str]) -> None:
    before = structlog.get_config()
    structlog.reset_defaults()
    try:
        log = structlog.get_logger("a")
        with muted():
            log.error("unheard", exc_info=ValueError("x"))
            log.bind(a=1).critical("unheard")
        assert not structlog.is_configured()
        structlog.get_logger("b").error("heard")
    finally:
        structlog.configure(**before)
    out = capsys.readouterr().out
    assert ("unheard" in out.replace("heard ", ""), "heard" in out) == (False, True)


def test_whoever_configured_it_hears_it() -> None:
    before = structlog.get_config()
    with structlog.testing.capture_logs() as heard:
        with muted():
            structlog.get_logger("a").error("something.happened")
        assert [entry["event"] for entry in heard] == ["something.happened"]
    structlog.configure(**before)
