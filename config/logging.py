"""The log: one structlog pipeline for our events and for those of every library.

Lines go to stderr, for people on a terminal (`console`) or for machines (`json`). An event has
a dotted name in the past tense and its data as keys. Whatever is bound in structlog's context
variables, such as a correlation id, is on every line. Secrets are removed after exceptions became
text and before anything is rendered, so there is no way around `config.redaction`.

Records travel through a stdlib handler on purpose: it never raises, so a closed pipe or a full
disk cannot fail an actor that merely had something to say.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from config.redaction import redactor

LogFormat = Literal["console", "json"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

EVENT_WIDTH = 32  # columns; what follows the event's name lines up behind it

TALKATIVE = ("httpx", "httpcore", "telegram", "hpack", "h2")
"""Libraries heard from WARNING on: below it they tell every request, token and all."""

# What moves a terminal's cursor, fakes a line, turns text around or is no character at all; JSON
# escapes it by itself.
_CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]
_CONTROLS += [
    0x061C,
    0x200E,
    0x200F,
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
]
_ESCAPED = {code: ascii(chr(code))[1:-1] for code in _CONTROLS}
_ESCAPED_IN_BLOCKS = {code: text for code, text in _ESCAPED.items() if chr(code) not in "\n\t"}
_BLOCKS = frozenset({"exception", "stack"})


def configure_logging(
    log_format: LogFormat | None = None,
    level: LogLevel = "INFO",
    *,
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send every log of this process to `stream` (stderr); may be called again.

    Without a `log_format` a terminal gets `console` and anything else `json`.
    """
    out = sys.stderr if stream is None else stream
    for_people = out.isatty() if log_format is None else log_format == "console"
    facts = _facts(for_people=for_people)
    structlog.configure(
        processors=[*facts, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,  # so that a logger made at import obeys a later call
    )
    handler = logging.StreamHandler(out)
    handler.setLevel(level)  # a library whose logger has a level of its own does not ask the root's
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=facts,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                _redact(secrets),
                *_renderers(for_people=for_people, colors=out.isatty()),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    logging.raiseExceptions = False  # stdlib would print the failed record itself, unredacted
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    threading.excepthook = _log_thread_crash


def _facts(*, for_people: bool) -> list[Processor]:
    """What every line says beside its own data."""
    clock = ("%H:%M:%S", False) if for_people else ("iso", True)
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt=clock[0], utc=clock[1]),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # a plain traceback: no locals, so no secrets in them
    ]


def _redact(secrets: Iterable[str]) -> Processor:
    clean = redactor(secrets)

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> Mapping[str, object]:
        cleaned = clean(event)
        assert isinstance(cleaned, dict)  # noqa: S101 - a mapping comes back as a dict
        return cleaned

    return redact


def _renderers(*, for_people: bool, colors: bool) -> list[Processor]:
    if not for_people:
        return [structlog.processors.JSONRenderer()]
    return [_escape, structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=EVENT_WIDTH)]


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Text from outside must not write lines, colours or directions of its own."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = value.translate(_ESCAPED_IN_BLOCKS if key in _BLOCKS else _ESCAPED)
    return event


def _log_crash(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    structlog.get_logger("process").critical("process.crashed", exc_info=(kind, error, trace))


def _log_thread_crash(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is None:
        return
    structlog.get_logger("process").critical(
        "thread.crashed",
        thread=args.thread.name if args.thread else None,
        exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
    )
