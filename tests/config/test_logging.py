"""The log: one pipeline for everybody, readable or JSON, and never a secret in it."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from config.logging import TALKATIVE, LogFormat, LogLevel, configure_logging

BOT_TOKEN = "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz_-1234567"
CANARY = "canary5f1esecret"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


@pytest.fixture(autouse=True)
def _the_process_as_it_was() -> Iterator[None]:
    configured = structlog.get_config()
    root, hooks = logging.root, (sys.excepthook, threading.excepthook)
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    levels = {name: logging.getLogger(name).level for name in TALKATIVE}
    yield
    structlog.configure(**configured)
    structlog.contextvars.clear_contextvars()
    root.handlers, logging.raiseExceptions = handlers, raising
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    logging.captureWarnings(capture=False)
    sys.excepthook, threading.excepthook = hooks


def configured(
    log_format: LogFormat = "json", level: LogLevel = "INFO", secrets: Iterable[str] = ()
) -> io.StringIO:
    out = io.StringIO()
    configure_logging(log_format, level, secrets=secrets, stream=out)
    return out


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def fail(text: str) -> None:
    raise ValueError(text)


def test_an_event_is_one_line_of_json() -> None:
    out = configured()

    structlog.get_logger("runtime.mailbox").info("mailbox.grew", depth=128)

    (event,) = events(out)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "mailbox.grew",
        "depth": 128,
        "logger": "runtime.mailbox",
        "level": "info",
    }


def test_people_get_a_line_they_can_read() -> None:
    out = configured("console")

    structlog.get_logger("tracker").info("payment.noticed", record_id=7)

    assert "payment.noticed" in out.getvalue()
    assert "record_id=7" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_a_terminal_gets_console_and_a_file_json() -> None:
    terminal, file = Terminal(), io.StringIO()

    for out in (terminal, file):
        configure_logging(stream=out)
        structlog.get_logger().info("told")

    assert terminal.getvalue().startswith("\x1b")
    assert events(file)[0]["event"] == "told"


def test_what_the_context_holds_is_on_every_line() -> None:
    out = configured()

    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger().info("ours")
        logging.getLogger("library").warning("theirs")
    structlog.get_logger().info("later")

    assert [event.get("correlation_id") for event in events(out)] == ["c-1", "c-1", None]


def test_the_level_is_obeyed_by_loggers_made_before() -> None:
    early = structlog.get_logger("early")
    out = configured(level="WARNING")

    early.info("unheard")
    logging.getLogger("library").info("unheard")
    early.warning("heard")

    assert [event["event"] for event in events(out)] == ["heard"]


def test_libraries_speak_through_the_same_pipeline() -> None:
    out = configured()

    logging.getLogger("library").warning("lost %s of %d", f"password={CANARY}", 3)
    warnings.showwarning("old ways", UserWarning, "x.py", 1)

    assert [(event["logger"], event["level"]) for event in events(out)] == [
        ("library", "warning"),
        ("py.warnings", "warning"),
    ]
    assert CANARY not in out.getvalue()


def test_a_library_that_logs_nonsense_is_survived() -> None:
    out = configured()

    logging.getLogger("library").warning("%d of %d", CANARY)  # noqa: PLE1206 - the point
    structlog.get_logger().info("alive")

    assert [event["event"] for event in events(out)] == ["alive"]


def test_a_closed_pipe_fails_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json", stream=Broken())

    structlog.get_logger().info("unheard", token=CANARY)

    assert capsys.readouterr() == ("", "")


async def test_httpx_never_tells_a_bot_token() -> None:
    out = configured(level="DEBUG")
    transport = httpx.MockTransport(lambda _request: httpx.Response(502))

    async with httpx.AsyncClient(transport=transport) as client:
        answer = await client.get(f"https://api.telegram.org/bot{BOT_TOKEN}/getMe")
        try:
            answer.raise_for_status()
        except httpx.HTTPStatusError:
            structlog.get_logger().exception("request.failed")

    (event,) = events(out)
    assert "502" in event["exception"]
    assert BOT_TOKEN not in out.getvalue()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_no_secret_is_ever_written(log_format: LogFormat) -> None:
    out = configured(log_format, secrets=[CANARY])
    log = structlog.get_logger().bind(bound=f"a {CANARY} b")

    log.info("told", text=CANARY, token="t0p", url=f"https://h/bot{BOT_TOKEN}/x", nested=[{CANARY}])
    log.info(f"event {CANARY}")  # noqa: G004 - what a careless author would do
    try:
        fail(f"{CANARY} {BOT_TOKEN}")
    except ValueError as error:
        log.exception("failed", error=error)
        logging.getLogger("library").exception("failed with %r", error)  # noqa: TRY401 - the same

    told = out.getvalue()
    assert told.count("Traceback") == 2
    assert CANARY not in told
    assert BOT_TOKEN not in told
    assert "t0p" not in told


def test_a_traceback_shows_no_local_variable() -> None:
    out = configured("console")
    hidden = CANARY[::-1]

    try:
        fail("plain")
    except ValueError:
        structlog.get_logger().exception("failed", length=len(hidden))

    assert "plain" in out.getvalue()
    assert hidden not in out.getvalue()


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_text_from_outside_cannot_write_lines_of_its_own(log_format: LogFormat) -> None:
    out = configured(log_format)
    forged = "Ann\n12:00:00 [critical] money.gone\r\x1b[2J\x9b\u202e\u2028"

    structlog.get_logger().info("user.named", name=forged, nested={"name": forged})
    logging.getLogger("library").warning("hello %s", forged)

    assert out.getvalue().count("\n") == 2
    assert not set("\r\x1b\x9b\u202e\u2028") & set(out.getvalue())


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_lone_surrogate_is_survived(log_format: LogFormat) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="utf-8", errors="strict", write_through=True)

    configure_logging(log_format, stream=out)
    structlog.get_logger().info("user.named", name="\ud83d")

    assert b"user.named" in raw.getvalue()


def test_a_crash_of_the_process_is_logged_without_secrets() -> None:
    out = configured(secrets=[CANARY])

    try:
        fail(CANARY)
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)

    (event,) = events(out)
    assert (event["event"], event["level"]) == ("process.crashed", "critical")
    assert CANARY not in out.getvalue()


def test_a_crash_of_a_thread_is_logged_without_secrets() -> None:
    out = configured(secrets=[CANARY])

    thread = threading.Thread(target=fail, args=(CANARY,), name="writer")
    thread.start()
    thread.join()

    (event,) = events(out)
    assert (event["event"], event["thread"]) == ("thread.crashed", "writer")
    assert CANARY not in out.getvalue()


def test_a_library_with_a_level_of_its_own_is_no_louder_than_asked() -> None:
    library = logging.getLogger("tests.library.with.a.level")
    library.setLevel(logging.WARNING)  # as psycopg's is
    out = configured(level="CRITICAL")

    library.warning("the connection is lost")

    assert events(out) == []
