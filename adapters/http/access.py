"""Who may look at the operator's routes.

With `OPERATOR_TOKEN` set, a request needs `Authorization: Bearer <token>`. Without one the
routes are open only while the server listens on loopback, and then only to requests that were
made on this machine: a `Host` that is no loopback name is a web page that points its own name
at us (DNS rebinding), and a `Forwarded` header is a proxy that lets the world in. Everybody
else is told what to set.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from adapters.http.problems import problem

Endpoint = Callable[[Request], Awaitable[Response]]

_FORWARDED = re.compile(
    "forwarded|via|x-forwarded-.+|x-real-ip|(x|true)-client-ip|x-cluster-client-ip|cf-.+|fly-.+"
)
"""Headers that proxies and tunnels add; one that adds none cannot be told from a local client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operators:
    """The rule of this page: what operators know, and whether we listen on loopback only."""

    token: str | None
    loopback: bool

    @property
    def name(self) -> str:
        """Who acts, for the audit: the name of the token, or whoever sits at this machine."""
        return "operator" if self.token else "local"

    def refusal(self, connection: HTTPConnection) -> Response | None:
        """Return why `connection` may not look, or None when it may."""
        if self.token:
            return None if bears(connection, self.token) else stranger(connection, "OPERATOR_TOKEN")
        if self.loopback and _is_local(connection):
            return None
        return problem(
            HTTPStatus.FORBIDDEN,
            "set OPERATOR_TOKEN and send it as `Authorization: Bearer ...`; "
            "without a token only direct requests to a loopback HTTP_BIND are answered",
        )

    def only(self, endpoint: Endpoint) -> Endpoint:
        """Keep everybody else away from `endpoint`."""
        return guarded(self.refusal, endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writers:
    """Who may write to users: operators, and whoever has one of the `tokens` for that and nothing
    else.
    """

    operators: Operators
    tokens: tuple[str, ...] = ()

    def refusal(self, connection: HTTPConnection) -> Response | None:
        """Return why `connection` may not write, or None when it may."""
        refused = self.operators.refusal(connection)
        if refused is None or not self.tokens:
            return refused
        if bears(connection, *self.tokens):
            return None
        return stranger(connection, "MESSAGES_TOKEN or the OPERATOR_TOKEN")

    def only(self, endpoint: Endpoint) -> Endpoint:
        """Keep everybody else away from `endpoint`."""
        return guarded(self.refusal, endpoint)


def guarded(refusal: Callable[[HTTPConnection], Response | None], endpoint: Endpoint) -> Endpoint:
    """The endpoint for those whom `refusal` lets in."""

    async def answer(request: Request) -> Response:
        return refusal(request) or await endpoint(request)

    return answer


def bears(connection: HTTPConnection, *tokens: str) -> bool:
    """Whether the request was sent with one of these tokens, and no other."""
    sent = connection.headers.getlist("authorization")
    scheme, _, credentials = (sent or [""])[0].partition(" ")
    told = credentials.strip().encode("latin-1")
    # Bytes, in constant time: a str beyond ASCII would raise, and time would tell a prefix. All of
    # them, whichever is right.
    right = [hmac.compare_digest(told, token.encode()) for token in tokens]
    return len(sent) == 1 and scheme.lower() == "bearer" and any(right)


def stranger(connection: HTTPConnection, wanted: str) -> Response:
    """The answer to somebody who has not the token that is `wanted`."""
    if "authorization" not in connection.headers:
        return problem(
            HTTPStatus.UNAUTHORIZED,
            f"send `Authorization: Bearer` with the {wanted} of this server",
            headers={"www-authenticate": 'Bearer realm="factorage"'},
        )
    return problem(
        HTTPStatus.UNAUTHORIZED,
        f"the token is not the {wanted} of this server",
        headers={"www-authenticate": 'Bearer realm="factorage", error="invalid_token"'},
    )


def _is_local(connection: HTTPConnection) -> bool:
    if any(_FORWARDED.fullmatch(name) for name in connection.headers):
        return False
    host = connection.headers.get("host", "")
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
