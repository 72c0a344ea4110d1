"""The operator API of a running shop, as the commands ask it, and how they tell its answers.

Found as `main.py health` finds it: by its URL, with OPERATOR_TOKEN when that is set.
"""

from __future__ import annotations

import json as json_text
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, NoReturn

import cyclopts
import httpx
import trio

from actors.operations.model import line
from config.health import (
    DEFAULT_URL,
    UNREACHABLE,
    Flag,
    Unreachable,
    is_local,
    problem_of,
    reason_of,
)
from config.process import FAILED, REFUSED, Terminal

ANSWER_SECONDS = 40.0
"""A dry run may ask a provider, for 30 s at most."""
ONCE_TRIES, ONCE_PAUSE_SECONDS = 3, 2.0
"""How often, and after what pause, it is asked whether something was done."""

Query = Mapping[str, str | int | Sequence[int]]


class Refused(Exception):  # noqa: N818 - a verdict
    """The shop says no; the text is its own. `missing`: there is no such thing."""

    def __init__(self, detail: str, *, missing: bool = False) -> None:
        super().__init__(detail)
        self.missing = missing


class Unsure(Unreachable):
    """Nobody knows whether it was done: the request left, and no answer, or none that says so, came
    back.
    """


class Office:
    """The operator API at one address. Both verbs raise `Refused` and `Unreachable`."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client, self._url = client, url

    async def get(self, path: str, query: Query | None = None) -> Any:  # noqa: ANN401 - JSON
        """What is there."""
        return await self._ask("GET", path, params=dict(query or {}))

    async def post(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Do it; answers what has become of it."""
        return await self._ask("POST", path, json=dict(body))

    async def post_once(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON
        """Do what must not be done twice; while it is not known whether it was done, it is asked
        again, under the same Idempotency-Key. Raises `Unsure` when it is still not known.
        """
        content: dict[str, Any] = {
            "json": dict(body),
            "headers": {"idempotency-key": secrets.token_hex(16)},
        }
        for _ in range(ONCE_TRIES - 1):
            try:
                return await self._ask("POST", path, **content)
            except Unsure:
                await trio.sleep(ONCE_PAUSE_SECONDS)
        return await self._ask("POST", path, **content)

    async def _ask(self, method: str, path: str, **content: Any) -> Any:  # noqa: ANN401 - JSON
        url = f"{self._url}{path}"
        try:
            with trio.fail_after(ANSWER_SECONDS):
                response = await self._client.request(method, url, **content)
        except trio.TooSlowError:
            raise Unsure(f"{url} did not answer within {ANSWER_SECONDS:g} s") from None
        except (httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError) as error:
            raise Unsure(f"no answer from {url}: {reason_of(error)}") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            reason = reason_of(error)
            raise Unreachable(f"no answer from {url}: {reason}; is the shop running?") from error
        return _answer(url, response.status_code, response.content)


@asynccontextmanager
async def office_at(url: str, token: str | None) -> AsyncIterator[Office]:
    """Ask the shop at `url`, such as http://127.0.0.1:8080."""
    bare = url.rstrip("/")
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    tls = bare.startswith("https:")  # where there is none, no certificate is read: that takes long
    async with httpx.AsyncClient(
        headers=headers, timeout=ANSWER_SECONDS, trust_env=not is_local(bare), verify=tls
    ) as client:
        yield Office(client, bare)


def _answer(url: str, status: int, body: bytes) -> Any:  # noqa: ANN401 - JSON
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Unreachable(
            f"{url} answers {status}: {problem_of(body)}; "
            "set OPERATOR_TOKEN to the one that the shop was started with"
        )
    if status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT}:
        raise Refused(problem_of(body), missing=status == HTTPStatus.NOT_FOUND)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unsure(f"{url} answers {status}: {problem_of(body)}")
    if status != HTTPStatus.OK:
        raise Unreachable(f"{url} answers {status}: {problem_of(body)}")
    try:
        told = json_text.loads(body, object_hook=_Answer)
    except (ValueError, RecursionError) as error:
        raise Unreachable(f"{url} answers with something that is no JSON") from error
    if not isinstance(told, _Answer):
        raise Unreachable(f"{url} answers with no object; {_ANOTHER}")
    return told


_ANOTHER = "is another program listening there?"


class _Answer(dict[str, Any]):
    """An object that was told; whoever tells it without what every shop tells is no shop."""

    def __missing__(self, name: str) -> NoReturn:
        raise Unreachable(f"the answer says nothing of {name!r}; {_ANOTHER}")


# Commands that ask it


@cyclopts.Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which shop is asked, and how it is shown."""

    url: Annotated[str, cyclopts.Parameter(show_default=True)] = DEFAULT_URL
    """Where its HTTP port is; OPERATOR_TOKEN is sent along when it is set."""

    json: Flag = False
    """Print one JSON document on stdout."""


HERE = Where()


class Say:
    """Where results go."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json, self._console = as_json, Terminal(highlight=False)

    def document(self, document: object, lines: list[str]) -> None:
        """One JSON document, or a line for each fact."""
        told = [json_text.dumps(document, indent=2)] if self._as_json else lines
        for text in told:
            self._console.out(text, highlight=False)


def tell_office(where: Where, tell: Callable[[Office, Say], Awaitable[int]]) -> int:
    """Ask the shop at `where`; the exit status."""
    token = os.environ.get("OPERATOR_TOKEN") or None

    async def ask() -> int:
        async with office_at(where.url, token) as office:
            return await tell(office, Say(as_json=where.json))

    try:
        return trio.run(ask)
    except Unreachable as reason:
        return _refuse(str(reason), UNREACHABLE)
    except Refused as refusal:
        return _refuse(str(refusal), FAILED if refusal.missing else REFUSED)
    except ValueError as fault:
        return _refuse(str(fault), REFUSED)


def _refuse(reason: str, status: int) -> int:
    sys.stderr.write(f"{line(reason)}\n")
    return status


def plain(value: object) -> str:
    """Whole, and nothing in it that a terminal would obey."""
    text = value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)
    return "".join(c if c.isprintable() else " " for c in text)
