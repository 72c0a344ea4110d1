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
    """An answer, whatever its status. Names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    fault: str = ""
    """Why `content` is not the whole of it, if it is not."""


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
        self._auth = auth or httpx.Auth()
        self._headers = {
            "accept": "application/json",
            "accept-encoding": "identity",  # so that the limit on bytes is one on memory
            "user-agent": "factorage",
            **headers,
        }
        # The transport, not a client around it: redirects, which credentials must not follow,
        # cookies and the environment's proxies are none of ours, and cost as much as the rest.
        # It has no time-outs: there is one deadline for the whole request, in `ask`.
        self._http = httpx.AsyncHTTPTransport(
            verify=tls_for(url),
            limits=httpx.Limits(
                max_connections=connections_max,
                max_keepalive_connections=connections_max,
                keepalive_expiry=idle_seconds,
            ),
            trust_env=False,
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
        deadline: float | None = None,
        whole: bool = True,
    ) -> Answer:
        """One request; `target` begins with a slash. Raises `Unavailable` without an answer.

        It goes to `address` where there is one, instead of to what the server's name resolves to;
        the server still has to prove that name. `deadline`, in seconds of trio's clock, is for
        who has spent some of the time already. An answer is one as a whole: unless `whole`, one
        that breaks off, is too long or does not end in time is one as well, with a `fault`.
        """
        content, fault = bytearray(), ""
        response: httpx.Response | None = None
        until = trio.current_time() + self._deadline_seconds if deadline is None else deadline
        try:
            with trio.move_on_at(until) as scope:
                request = self._request(method, target, body, headers or {}, address)
                response = await self._http.handle_async_request(request)
                await self._receive(response, content, scope)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            # Its name is all that is told of it: the request that it carries has the credentials.
            what = "cannot be asked" if response is None else "broke off"
            fault = f"{what}: {type(error).__name__}"
        if len(content) > self._bytes_max:
            fault = f"answered more than {self._bytes_max} bytes"
        elif scope.cancelled_caught:
            fault = f"did not answer within {self._deadline_seconds:g} s"
        if response is None or (whole and fault):
            raise self.unavailable(fault) from None
        return Answer(
            status=response.status_code,
            headers=response.headers,
            content=bytes(content[: self._bytes_max]),
            fault=fault,
        )

    def _request(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        address: str | None,
    ) -> httpx.Request:
        url, extensions = self._url + target, {}
        headers = {**self._headers, **headers}
        if address is not None:
            place = urlsplit(self._url)
            host = f"[{address}]" if ":" in address else address
            port = f":{place.port}" if place.port else ""
            url = f"{place.scheme}://{host}{port}{place.path}{target}"
            headers["host"], extensions["sni_hostname"] = place.netloc, self.host
        request = httpx.Request(method, url, headers=headers, content=body, extensions=extensions)
        return next(self._auth.sync_auth_flow(request))

    async def _receive(
        self, response: httpx.Response, content: bytearray, scope: trio.CancelScope
    ) -> None:
        try:
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > self._bytes_max:
                    # Not `raise`: httpx's nested generators are only closed from inside.
                    scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await response.aclose()

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
