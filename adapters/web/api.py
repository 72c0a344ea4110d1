"""One HTTP API of somebody else's: what is the same whoever it is.

One deadline for a whole request and a bound on the bytes of its answer; credentials that follow
no redirect and no proxy of the environment; errors that name a host, and hold neither an address
nor a request, because either may hold a secret. What an answer means is its client's business.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import trio

from actors.kernel.failures import Unavailable

DETAIL_LENGTH_MAX = 200
IDLE_SECONDS = 5.0
"""A connection that nobody has used for so long is not used again, unless its client says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, whatever its status. Names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Api:
    """The server at `url`, called `name` in errors. Use it as `async with`; tasks may share it.

    `headers` are sent with each request; `deadline_seconds` runs from the pool's queue to the
    last byte of the answer, which may have `bytes_max`. A connection is used again when it was idle
    for less than `idle_seconds`, and the server has not closed it.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        headers: Mapping[str, str],
        connections_max: int,
        bytes_max: int,
        deadline_seconds: float,
        idle_seconds: float = IDLE_SECONDS,
        auth: httpx.Auth | None = None,
    ) -> None:
        self._name, self._url = name, url.rstrip("/")
        self.host = urlsplit(url).hostname or ""
        self._bytes_max, self._deadline_seconds = bytes_max, deadline_seconds
        self._http = httpx.AsyncClient(
            auth=auth,
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",  # so that the limit on bytes is one on memory
                "user-agent": "factorage",
                **headers,
            },
            verify=tls_for(url),
            timeout=None,  # noqa: S113 - one deadline for the whole request, in `ask`
            limits=httpx.Limits(
                max_connections=connections_max,
                max_keepalive_connections=connections_max,
                keepalive_expiry=idle_seconds,
            ),
            follow_redirects=False,  # credentials must not follow anybody
            trust_env=False,  # the settings say where to go, and nothing else does
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        address: str | None = None,
    ) -> Answer:
        """One request; `target` begins with a slash. Raises `Unavailable` without an answer.

        It goes to `address` where there is one, instead of to what the server's name resolves to;
        the server still has to prove that name.
        """
        content = bytearray()
        try:
            with trio.move_on_after(self._deadline_seconds) as deadline:
                request = self._request(method, target, body, headers or {}, address)
                response = await self._receive(request, content, deadline)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            # Not chained: the request that it carries has the credentials.
            raise self.unavailable(f"cannot be asked: {type(error).__name__}") from None
        if len(content) > self._bytes_max:
            raise self.unavailable(f"answered more than {self._bytes_max} bytes")
        if deadline.cancelled_caught:
            raise self.unavailable(f"did not answer within {self._deadline_seconds:g} s")
        return Answer(status=response.status_code, headers=response.headers, content=bytes(content))

    def _request(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        address: str | None,
    ) -> httpx.Request:
        if address is None:
            return self._http.build_request(
                method, self._url + target, content=body, headers=headers
            )
        place = urlsplit(self._url)
        host = f"[{address}]" if ":" in address else address
        port = f":{place.port}" if place.port else ""
        return self._http.build_request(
            method,
            f"{place.scheme}://{host}{port}{place.path}{target}",
            content=body,
            headers={**headers, "host": place.netloc},
            extensions={"sni_hostname": self.host},
        )

    async def _receive(
        self, request: httpx.Request, content: bytearray, deadline: trio.CancelScope
    ) -> httpx.Response:
        response = await self._http.send(request, stream=True)
        try:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > self._bytes_max:
                    # Not `raise`: httpx's nested generators are only closed from inside.
                    deadline.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await response.aclose()
        return response

    def unavailable(self, what: str, *, retry_after_seconds: float | None = None) -> Unavailable:
        """The error that says who, where, and `what`."""
        return Unavailable(
            f"{self._name} at {self.host} {what}", retry_after_seconds=retry_after_seconds
        )


class ApiClient:
    """Whoever speaks with one `Api`. Use it as `async with`; any number of tasks may share it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._api.__aexit__(exc_type, exc, traceback)


def printable(text: str) -> str:
    """One short line that is fit for a log."""
    return "".join(c if c.isprintable() else " " for c in text[:DETAIL_LENGTH_MAX]).strip()


def tls_for(url: str) -> ssl.SSLContext:
    """The TLS context for `url`; where that is not https, one that trusts nobody: reading the
    certificates of the machine takes longer than starting all the rest.
    """
    if url.startswith("https:"):
        return httpx.create_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
