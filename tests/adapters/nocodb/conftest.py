"""The sandbox in every combination of version and database that the contracts describe."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import product
from typing import Protocol

import pytest

from adapters.nocodb.client import NocoClient
from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.server import Request, Response, serve


class OddNocodb(NocodbSandbox):
    """A NocoDB that once answers 200 with something no NocoDB would answer."""

    def __init__(self, body: object, *, method: str = "GET") -> None:
        super().__init__()
        self._odd: Response | None = Response.of(body)
        self._method = method

    async def __call__(self, request: Request) -> Response | None:
        if request.method == self._method and self._odd is not None:
            odd, self._odd = self._odd, None
            return odd
        return await super().__call__(request)


@pytest.fixture(params=list(product(("0.262", "0.301"), ("sqlite", "postgres"))), ids="-".join)
def nocodb(request: pytest.FixtureRequest) -> NocodbSandbox:
    """One server, empty."""
    flavour, booleans = request.param
    return NocodbSandbox(flavour=flavour, booleans=booleans)


class Connect(Protocol):
    """Opens a client of a sandbox, over HTTP."""

    def __call__(
        self, nocodb: NocodbSandbox, *, token: str = TOKEN, table_id: str = TABLE_ID
    ) -> AbstractAsyncContextManager[NocoClient]: ...


@pytest.fixture
def connect() -> Connect:
    """A client that gives up after half a second."""

    @asynccontextmanager
    async def client_of(
        nocodb: NocodbSandbox, *, token: str = TOKEN, table_id: str = TABLE_ID
    ) -> AsyncIterator[NocoClient]:
        async with (
            serve(nocodb) as url,
            NocoClient(url=url, token=token, table_id=table_id, deadline_seconds=0.5) as client,
        ):
            yield client

    return client_of
