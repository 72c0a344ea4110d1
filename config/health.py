"""`main.py health`: ask a running system how it is and say it in a few lines.

Exit status: 0 pass, 1 warn, 2 fail, 3 nobody there (or somebody who is no factorage).
"""

from __future__ import annotations

import ipaddress
import json as json_text
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlsplit

import cyclopts
import httpx
import trio
from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from actors.operations.document import HealthDocument, read_document
from actors.operations.messages import Status
from actors.operations.model import REPORT_AGE, line
from config.process import Terminal

Flag = Annotated[bool, cyclopts.Parameter(negative="", show_default=False)]
"""An option that is there or not."""

EXIT = {"pass": 0, "warn": 1, "fail": 2}
UNREACHABLE = 3

DEFAULT_URL = "http://127.0.0.1:8080"
"""Where a shop listens that was not told otherwise."""

ANSWER_SECONDS = 10.0
"""From the first packet to the last byte."""

DOCUMENT_MAX_BYTES = 4 * 1024 * 1024

_GLYPHS = {"pass": ("✓", "green"), "warn": ("▲", "yellow"), "fail": ("✗", "red")}
_FATES = ("sent", "handled", "dead", "expired", "queued")


class Unreachable(Exception):  # noqa: N818 - a verdict, like `fail`
    """There is no health document to be had; the text says why and what to try."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One check, as far as it is shown."""

    key: str
    path: str = ""
    status: Status = "pass"
    value: object = None
    limit: object = None
    output: str = ""


class Seen:
    """A document with its observations within reach."""

    def __init__(self, document: HealthDocument) -> None:
        self.document = document
        self.observations = [
            Observation(
                key=key,
                path=check.get("componentId", ""),
                status=check.get("status", "pass"),
                value=check.get("observedValue"),
                limit=check.get("limit"),
                output=check.get("output", ""),
            )
            for key, checks in document["checks"].items()
            for check in checks
        ]
        self._found = {(seen.key, seen.path): seen for seen in self.observations}

    def one(self, key: str, path: str = "") -> Observation:
        """Return the observation of `path` under `key`; an empty one when there is none."""
        return self._found.get((key, path), Observation(key))

    def actors(self) -> list[Observation]:
        """Return the states of all actors, parents first."""
        return [seen for seen in self.observations if seen.key == "supervision:state"]


def show(*, url: str = DEFAULT_URL, json: Flag = False) -> int:
    """Ask a running shop how it is. Exits with 0 pass, 1 warn, 2 fail, 3 unreachable.

    Parameters
    ----------
    url
        Where its HTTP port is; OPERATOR_TOKEN is sent along when it is set.
    json
        Print the health document.
    """
    token = os.environ.get("OPERATOR_TOKEN") or None
    console = Terminal(highlight=False)
    return trio.run(partial(check, url, console=console, token=token, as_json=json))


async def check(
    url: str,
    *,
    console: Console,
    token: str | None = None,
    as_json: bool = False,
    within_seconds: float = ANSWER_SECONDS,
) -> int:
    """Ask the system at `url` (such as http://127.0.0.1:8080) and print what it says on `console`.

    Returns the exit status. With `as_json` exactly one JSON document is printed, also when
    nobody answers: `{"status": "unreachable", "output": ...}`.
    """
    try:
        raw, document = await _ask(_health_url(url), token, within_seconds)
    except Unreachable as reason:
        if as_json:
            _print_json(console, {"status": "unreachable", "output": str(reason)})
        else:
            console.print(Text(f"unreachable: {reason}"), soft_wrap=True)
        return UNREACHABLE
    if as_json:
        _print_json(console, raw)
    elif console.is_terminal:
        _draw(console, Seen(document))
    else:
        for fact in _lines(Seen(document)):
            console.out(fact, highlight=False)
    return EXIT[document["status"]]


# Asking


def _health_url(url: str) -> str:
    bare = url.rstrip("/")
    return bare if bare.endswith("/health") else f"{bare}/health"


async def _ask(url: str, token: str | None, seconds: float) -> tuple[object, HealthDocument]:
    headers = {"accept": "application/health+json", "accept-encoding": "identity"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    tls = url.startswith("https:")  # where there is none, no certificate is read: that takes long
    try:
        with trio.fail_after(seconds):
            async with (
                httpx.AsyncClient(
                    timeout=seconds, trust_env=not is_local(url), verify=tls
                ) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                body = await _read(response)
    except trio.TooSlowError:
        raise Unreachable(f"{url} did not answer within {seconds:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise Unreachable(
            f"no answer from {line(url)}: {reason_of(error)}; is the system running there?"
        ) from error
    return _decode(url, response.status_code, body)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    with trio.CancelScope() as enough:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > DOCUMENT_MAX_BYTES:
                enough.cancel()  # leaving by `raise` would strand httpx's generators
    if enough.cancel_called:
        raise Unreachable(f"{response.url} answers more than {DOCUMENT_MAX_BYTES} bytes")
    return bytes(body)


def reason_of(error: BaseException) -> str:
    """Return what the first talkative error of the chain says: httpx's own are often mute."""
    cause: BaseException | None = error
    while cause is not None:
        if said := line(str(cause)):
            return said
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _decode(url: str, status: int, body: bytes) -> tuple[object, HealthDocument]:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise Unreachable(
            f"{url} answers {status}: {problem_of(body)}; "
            "set OPERATOR_TOKEN to the one that the system was started with"
        )
    try:
        return json_text.loads(body), read_document(body)
    except (ValueError, RecursionError) as error:
        raise Unreachable(
            f"{url} answers {status} with something that is no health document "
            f"({line(str(error))}); is another program listening there?"
        ) from error


def problem_of(body: bytes) -> str:
    """Return the `detail` of a problem document, if it is one."""
    try:
        told = json_text.loads(body)
    except (ValueError, RecursionError):
        told = None
    reason = told.get("detail") or told.get("title") if isinstance(told, dict) else None
    return line(str(reason or "no reason given"))


def is_local(url: str) -> bool:
    """Whether `url` is on this machine, where no proxy belongs in between."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# Showing


def _print_json(console: Console, document: object) -> None:
    console.out(json_text.dumps(document, indent=2), highlight=False)


def _headline(seen: Seen) -> str:
    told = seen.document
    service = f"{told['serviceId']} {told['version']} ({told['releaseId']})"
    phase = seen.one("process:phase").value
    return line(f"{service}, {phase}, up {_time(seen.one('process:uptime').value)}")


def _time(seconds: object) -> str:
    """Return a duration in the two units that matter: `3 h 4 min`."""
    if not isinstance(seconds, int | float):
        return "an unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _components(seen: Seen) -> Iterator[tuple[Status, tuple[str, str, str, str]]]:
    """Yield verdict, name, value, age and output of all that is neither actor nor figure."""
    for found in seen.observations:
        component, _, measurement = found.key.partition(":")
        judged = measurement in {"state", "ready", "phase"} and component != "supervision"
        if judged or (found.status != "pass" and not found.path):
            age = seen.one(f"{component}:{REPORT_AGE}").value
            words = {"ready": "ready" if found.value else "missing", "state": ""}
            value = words.get(measurement, str(found.value))
            since = "" if age is None else f"{_time(age)} ago"
            yield found.status, (line(component), line(value), since, line(found.output))


def _actor(seen: Seen, state: Observation) -> str:
    """Return what is worth knowing of one actor, in words."""
    words = [str(state.value)]
    path = state.path
    restarts = seen.one("supervision:restarts", path)
    if restarts.value is not None:
        words.append(f"restarts {restarts.value}/{restarts.limit}")
    for word, key in (("awake", "region:awake"), ("mailbox", "mailbox:depth")):
        figure = seen.one(key, path).value
        if figure is not None:
            words.append(f"{word} {figure}")
    keys = ("supervision:state", "supervision:restarts", "mailbox:depth")
    words += [found.output for key in keys if (found := seen.one(key, path)).output]
    return line("  ".join(words))


def _worst(seen: Seen, path: str) -> Status:
    keys = ("supervision:state", "supervision:restarts", "mailbox:depth")
    return max((seen.one(key, path).status for key in keys), key=EXIT.__getitem__)


def _fates(seen: Seen) -> str:
    told = ((fate, seen.one(f"messages:{fate}").value) for fate in _FATES)
    return line("  ".join(f"{fate} {count}" for fate, count in told if count is not None))


def _lines(seen: Seen) -> Iterator[str]:
    """Yield the plain form: one fact a line, the verdict first, nothing but words and spaces."""
    yield f"{seen.document['status']} {_headline(seen)}"
    for status, words in _components(seen):
        yield " ".join(filter(None, (status, *words)))
    for state in seen.actors():
        path = state.path
        yield f"{_worst(seen, path)} {line(path)} {_actor(seen, state)}"
    yield f"messages {_fates(seen)}"


def _draw(console: Console, seen: Seen) -> None:
    """Draw the form for people: the verdict, the components, the tree."""
    console.print(Text.assemble(_mark(seen.document["status"]), " ", _headline(seen)))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for status, words in _components(seen):
        table.add_row(_mark(status), *(Text(word) for word in words))
    console.print(table)
    roots: dict[str, Tree] = {}
    for state in seen.actors():
        path = state.path
        above, _, name = path.rpartition("/")
        told = f" {line(name)}  {_actor(seen, state)}"
        label = Text.assemble(_mark(_worst(seen, path)), told)
        roots[path] = roots[above].add(label) if above in roots else Tree(label)
        if above not in roots:
            roots.setdefault("", roots[path])
    if "" in roots:
        console.print(roots[""])
    console.print(Text(f"messages  {_fates(seen)}"))


def _mark(status: Status) -> Text:
    glyph, colour = _GLYPHS[status]
    return Text(f"{glyph} {status}", style=colour)
