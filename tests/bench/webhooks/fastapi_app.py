"""The second peer: FastAPI on uvicorn, with psycopg's own pool, a commit a request."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from psycopg_pool import AsyncConnectionPool

from tests.bench.webhooks.flask_app import INSERT, SECRET
from tests.bench.webhooks.stripe_check import genuine

CONNECTIONS = 16

pool = AsyncConnectionPool(
    os.environ["DATABASE_URL"], min_size=CONNECTIONS, max_size=CONNECTIONS, open=False
)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The pool lives as long as the application."""
    async with pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/webhooks/stripe")
async def stripe(request: Request) -> Response:
    """Verify, store, commit, acknowledge."""
    body = await request.body()
    if not genuine(request.headers.get("stripe-signature", ""), body, SECRET):
        return Response(status_code=400)
    event = json.loads(body)
    async with pool.connection() as connection:
        await connection.execute(INSERT, (event["id"], body))
    return Response(status_code=200)
