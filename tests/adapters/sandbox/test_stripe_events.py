"""Stripe's events: told as they were, signed anew, listed."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
import trio

from adapters.sandbox.deliveries import Deliveries, any_2xx
from adapters.sandbox.outgoing import Answer, Webhook
from adapters.sandbox.stripe_errors import Refused
from adapters.sandbox.stripe_events import Endpoint, Events
from adapters.sandbox.stripe_forms import Fields
from tests.adapters.sandbox.calls import virtual_now

SECRETS = ("whsec_new", "whsec_old")


class Post:
    """Keeps what is posted; answers the next of `statuses`, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.posted = list(statuses), list[Webhook]()

    async def __call__(self, webhook: Webhook) -> Answer:
        self.posted.append(webhook)
        return Answer(status=self.statuses.pop(0) if self.statuses else 200, headers={})


def world(*statuses: int, kinds: list[str] | None = None) -> tuple[Events, Deliveries, Post]:
    post = Post(*statuses)
    deliveries = Deliveries(schedule=(600,), accepted=any_2xx, post=post)
    events = Events(now=virtual_now, live=False, deliveries=deliveries)
    events.endpoint = Endpoint(url="http://shop/hook", secrets=SECRETS, kinds=kinds)
    return events, deliveries, post


async def test_every_attempt_is_signed_anew_with_every_secret() -> None:
    events, deliveries, post = world(500)
    async with deliveries:
        emitted = events.emit("charge.refunded", {"id": "ch_1", "note": "Ї"})
        await deliveries.settled()

    first, second = post.posted
    assert first.body == second.body
    for webhook, secret in ((first, "whsec_new"), (second, "whsec_old")):
        found = stripe.Webhook.construct_event(
            webhook.body, webhook.headers["stripe-signature"], secret, tolerance=10**9
        )
        assert (found.id, found.type) == (emitted["id"], "charge.refunded")
    assert first.headers["stripe-signature"] != second.headers["stripe-signature"]
    assert trio.current_time() == pytest.approx(600)


async def test_an_event_tells_how_it_was_right_then() -> None:
    events, deliveries, post = world()
    thing: dict[str, Any] = {"id": "pi_1", "metadata": {"a": "b"}}
    events.emit("x", thing)
    thing["metadata"]["a"] = "changed"
    async with deliveries:
        await deliveries.settled()
    told = json.loads(post.posted[0].body)
    assert told["data"]["object"] == {"id": "pi_1", "metadata": {"a": "b"}}
    assert told == events.read(told["id"])


async def test_only_chosen_kinds_are_delivered() -> None:
    events, deliveries, post = world(kinds=["a.b"])
    async with deliveries:
        events.emit("a.c", {})
        events.emit("a.b", {})
        events.endpoint = None
        events.emit("a.b", {})
        await deliveries.settled()
    assert len(post.posted) == 1
    assert len(events.all) == 3


async def test_events_are_listed_newest_first_and_filtered() -> None:
    events, deliveries, _ = world(500, 500, kinds=["lost"])
    async with deliveries:
        ids = [events.emit(kind, {})["id"] for kind in ("lost", "b", "c", "b")]
        await deliveries.settled()

    def listed(**query: object) -> list[str]:
        return [event["id"] for event in events.page(Fields(dict(query)))["data"]]

    assert listed() == ids[::-1]
    assert listed(limit="2") == [ids[3], ids[2]]
    assert events.page(Fields({"limit": "2"}))["has_more"]
    assert listed(type="b") == listed(types=["b"]) == [ids[3], ids[1]]
    assert listed(delivery_success="false") == [ids[0]]
    assert listed(delivery_success="true") == ids[:0:-1]
    assert listed(starting_after=ids[2]) == [ids[1], ids[0]]
    assert listed(ending_before=ids[1]) == [ids[3], ids[2]]
    assert listed(ending_before=ids[0], limit="1") == [ids[1]]


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(Refused, match="No such event"):
        world()[0].read("evt_x")
