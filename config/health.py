"""`main.py health`: ask a running system how it is and say it in a few lines.

Exit status: 0 pass, 1 warn, 2 fail, 3 nobody there (or somebody who is no factorage).
"""

from __future__ import annotations

import json as json_text
import sys
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated

import cyclopts
import httpx
import trio
from rich.console import Console
from rich.text import Text

from actors.operations.document import HealthDocument, read_document
from actors.operations.model import line
from config.health_view import EXIT, Seen, draw, lines
from config.printed import json_line
from config.process import REFUSED, Terminal
from config.whereabouts import NotLetIn, Unreachable, find_shop, is_local

Flag = Annotated[bool, cyclopts.Parameter(negative="", show_default=False)]
"""An option that is there or not."""

UNREACHABLE = 3

ANSWER_SECONDS = 10.0
"""From the first packet to the last byte."""

DOCUMENT_MAX_BYTES = 4 * 1024 * 1024


def show(*, url: str | None = None, json: Flag = False) -> int:
    """Ask a running shop how it is. Exits with 0 pass, 1 warn, 2 fail, 3 unreachable.

    HTTP_BIND and OPERATOR_TOKEN are taken from the environment, or from `.env` in this folder.

    Parameters
    ----------
    url
        Where its HTTP port is, if it is not at HTTP_BIND.
    json
        Print the health document, on one line.
    """
    try:
        at = find_shop(url)
        asked = partial(check, at.url, token=at.token, explain=at.explained, as_json=json)
    except ValueError as fault:
        sys.stderr.write(f"{line(str(fault))}\n")
        return REFUSED
    return trio.run(partial(asked, console=Terminal(highlight=False)))


async def check(
    url: str,
    *,
    console: Console,
    token: str | None = None,
    explain: Callable[[Unreachable], str] = str,
    as_json: bool = False,
    within_seconds: float = ANSWER_SECONDS,
) -> int:
    """Ask the system at `url` (such as http://127.0.0.1:8080) and print what it says on `console`.

    Returns the exit status. With `as_json` exactly one JSON document is printed, on one line, also
    when nobody answers: `{"status": "unreachable", "output": ...}`; `explain` says why.
    """
    try:
        raw, document = await _ask(_health_url(url), token, within_seconds)
    except Unreachable as reason:
        why = explain(reason)
        if as_json:
            console.out(json_line({"status": "unreachable", "output": why}), highlight=False)
        else:
            console.print(Text(f"unreachable: {why}"), soft_wrap=True)
        return UNREACHABLE
    if as_json:
        console.out(json_line(raw), highlight=False)
    elif console.is_terminal:
        draw(console, Seen(document))
    else:
        for fact in lines(Seen(document)):
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
        raise NotLetIn(
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
