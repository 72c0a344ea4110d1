"""The operator API of a running shop, as the commands ask it, and how they tell its answers.

Found as `main.py health` finds it (`config.whereabouts`).
"""

from __future__ import annotations

import json as json_text
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, tzinfo
from http import HTTPStatus
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import cyclopts
import httpx
import trio

from actors.operations.model import line
from config.health import UNREACHABLE, Flag, problem_of, reason_of
from config.printed import facts, json_line, put, table
from config.process import FAILED, REFUSED, Terminal
from config.whereabouts import NotLetIn, Unreachable, Whereabouts, find_shop, is_local

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
        raise NotLetIn(
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

    url: str | None = None
    """Where its HTTP port is, if it is not at HTTP_BIND. That, OPERATOR_TOKEN and TIME_ZONE are
    taken from the environment, or from `.env` in this folder."""

    json: Flag = False
    """Print one JSON document on stdout, on one line."""


HERE = Where()


class Say:
    """Where results go: one JSON document, or what people read, by the clocks of the shop."""

    def __init__(self, at: Whereabouts, *, as_json: bool) -> None:
        self._at, self._as_json = at, as_json
        self._console = Terminal(highlight=False)

    @property
    def zone(self) -> ZoneInfo | None:
        """What TIME_ZONE says. Raises `ValueError`."""
        return self._at.zone

    @property
    def clocks(self) -> tzinfo:
        """By which times are told. Raises `ValueError`."""
        return self.zone or UTC

    def lines(self, document: object, lines: Iterable[str]) -> None:
        """The document, or lines of one fact each."""
        for text in [json_line(document)] if self._as_json else lines:
            self._console.out(text, highlight=False)

    def table(
        self,
        document: object,
        rows: Sequence[Mapping[str, Any]],
        columns: Mapping[str, str],
        *,
        nothing: str,
    ) -> None:
        """The document, or a row for each; `nothing` is said on stderr when there is none."""
        if self._as_json:
            self.lines(document, ())
        elif rows:
            put(self._console, table(rows, columns, self.clocks))
        else:
            sys.stderr.write(f"{nothing}\n")

    def facts(self, document: Mapping[str, Any], shown: Mapping[str, object] | None = None) -> None:
        """The document, or all that it says (what of it is `shown`), a fact a line."""
        if self._as_json:
            self.lines(document, ())
        else:
            put(self._console, facts(document if shown is None else shown, self.clocks))


def tell_office(where: Where, tell: Callable[[Office, Say], Awaitable[int]]) -> int:
    """Ask the shop at `where`; the exit status."""
    try:
        at = find_shop(where.url)
        return trio.run(_asked, at, Say(at, as_json=where.json), tell)
    except Unreachable as reason:
        return _refuse(reason if isinstance(reason, Unsure) else at.explained(reason), UNREACHABLE)
    except Refused as refusal:
        return _refuse(refusal, FAILED if refusal.missing else REFUSED)
    except ValueError as fault:
        return _refuse(fault, REFUSED)


async def _asked(at: Whereabouts, say: Say, tell: Callable[[Office, Say], Awaitable[int]]) -> int:
    async with office_at(at.url, at.token) as office:
        return await tell(office, say)


def _refuse(reason: object, status: int) -> int:
    sys.stderr.write(f"{line(str(reason))}\n")
    return status
