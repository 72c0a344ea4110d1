"""The first peer: Flask behind gunicorn's threads, one connection a thread, a commit a request."""

from __future__ import annotations

import json
import os
import threading

import psycopg
from flask import Flask, Response, request

from tests.bench.webhooks.stripe_check import genuine

INSERT = "insert into peer_event (event_id, body) values (%s, %s) on conflict (event_id) do nothing"
SECRET = os.environ["STRIPE_WEBHOOK_SECRET"].encode()

app = Flask(__name__)
local = threading.local()


@app.post("/webhooks/stripe")
def stripe() -> Response:
    """Verify, store, commit, acknowledge."""
    body = request.get_data()
    if not genuine(request.headers.get("Stripe-Signature", ""), body, SECRET):
        return Response(status=400)
    event = json.loads(body)
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(os.environ["DATABASE_URL"])
    with local.connection.transaction():
        local.connection.execute(INSERT, (event["id"], body))
    return Response(status=200)
