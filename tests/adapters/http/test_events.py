"""What operators see of provider events, what they can do, and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from actors.ingress.desk import RETENTION, EventDesk
from actors.ingress.model import (
    Event,
    EventState,
    Fact,
    Nothing,
    RecordsTouched,
    SourceName,
    SubscriptionSeen,
    Unusable,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import EventId, RecordId
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.asking import PAGE_MAX, WHY_MAX_CHARACTERS
from adapters.http.events import describe, event_routes
from runtime.testing import Probe, running
from tests.actors.ingress.provider import Provider, SlowEvents, paid
from tests.adapters.contract.provider_events import delivered

TOKEN = "a token of twenty-four characters"
AUTH = {"authorization": f"Bearer {TOKEN}"}
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVENTS = "/v1/admin/events"
PRUNE = "/v1/admin/prune"


class World:
    """An inbox and a desk."""

    def __init__(self) -> None:
        self.events, self.stripe, self.processor = SlowEvents(), Provider(), Probe()
        self.stripe.facts["paid"] = paid()
        self.desk: Any = None

    async def add(self, key: str, **other: Any) -> EventId:
        event = Event(
            source=other.get("source", SourceName.STRIPE),
            key=key,
            kind=other.get("kind", "paid"),
            subject="pi_1",
            body=other.get("body", b'{"id": "evt"}'),
            headers={"content-type": "application/json"},
        )
        number, at = len(self.events.states()), other.get("at", NOON)
        return (await delivered(self.events, event, number, at)).event_id


@asynccontextmanager
async def office(
    token: str | None = TOKEN, **headers: str
) -> AsyncIterator[tuple[httpx.AsyncClient, World]]:
    world = World()
    async with running() as system:
        world.desk = system.spawn(
            lambda: EventDesk(
                sources={SourceName.STRIPE: world.stripe},
                events=world.events,
                processor=world.processor,
            )
        )
        operators = Operators(token=token, loopback=True)
        app = application(event_routes(world.events, world.desk, operators))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://127.0.0.1",
            headers=AUTH | headers,
        ) as http:
            yield http, world


# Looking


async def test_events_are_listed_newest_first_and_page_by_page() -> None:
    async with office() as (http, world):
        for number in range(5):
            await world.add(str(number))
        first = (await http.get(EVENTS, params={"limit": 3})).json()
        assert [event["key"] for event in first["events"]] == ["4", "3", "2"]
        page = {"limit": 3, "before": first["next"]}
        second = (await http.get(EVENTS, params=page)).json()
        assert [event["key"] for event in second["events"]] == ["1", "0"]
        assert second["next"] is None


async def test_events_are_chosen_by_what_they_are() -> None:
    async with office() as (http, world):
        old = await world.add("old")
        other = await world.add("other", source=SourceName.YOOKASSA, at=NOON + timedelta(hours=1))
        await world.add("refund", kind="charge.refunded", at=NOON + timedelta(hours=2))
        await world.events.parked(old, "odd", at=NOON)

        async def keys(**query: Any) -> list[str]:
            answer = await http.get(EVENTS, params=query)
            return [event["key"] for event in answer.json()["events"]]

        assert await keys(state="parked") == ["old"]
        assert await keys(source="yookassa") == ["other"]
        assert await keys(kind="charge.refunded") == ["refund"]
        assert await keys(id=[old, other]) == ["other", "old"]
        assert await keys(received_from="2026-11-21T13:00:00Z") == ["refund", "other"]
        assert await keys(received_before="2026-11-21T15:00:00+02:00") == ["old"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0}, {"limit": PAGE_MAX + 1}, {"limit": "x"}, {"limit": "٣"}, {"limit": "-1"},
        {"before": 2**63}, {"before": "9" * 5000}, {"id": "1.0"}, {"id": [1, 0]}, {"source": "x"},
        {"state": "dead"}, {"kind": ""}, {"kind": "a\0"}, {"received_from": "yesterday"},
        {"received_from": "2026-11-21"}, {"received_before": "2026-11-21T12:00:00"},
        {"received_from": "0001-01-01T00:00:00+14:00"}, {"colour": "red"}, {"id": [1] * 501},
    ],
)  # fmt: skip
async def test_a_question_that_means_nothing_is_refused(query: dict[str, Any]) -> None:
    async with office() as (http, _):
        answer = await http.get(EVENTS, params=query)
        assert answer.status_code in {400, 431}
        assert answer.json().get("detail") or answer.status_code == 431


async def test_one_event_is_shown_whole() -> None:
    async with office() as (http, world):
        event_id = await world.add("evt_1")
        await http.post(f"{EVENTS}/{event_id}/park", json={"why": "odd"})
        told = (await http.get(f"{EVENTS}/{event_id}")).json()
        assert told["body"] == '{"id": "evt"}'
        assert told["headers"] == {"content-type": "application/json"}
        assert (told["state"], told["outcome"]) == ("parked", "by operator: odd")
        (action,) = told["actions"]
        assert (action["what"], action["who"], action["why"]) == ("park", "operator", "odd")
        binary = await world.add("evt_2", body=b"\xff\xfe")
        told = (await http.get(f"{EVENTS}/{binary}")).json()
        assert (told["body_base64"], "body" in told) == ("//4=", False)


@pytest.mark.parametrize("event_id", ["0", "-1", "x", "99", "9" * 30, "1.5", "%00", "٣"])
async def test_an_event_that_is_not_there_is_not_found(event_id: str) -> None:
    async with office() as (http, world):
        await world.add("evt_1")
        why = {"why": "x"}
        url = f"{EVENTS}/{event_id}"
        answers = [await http.get(url)]
        answers += [
            await http.post(f"{url}/{what}", json=why) for what in ("dry-run", "replay", "park")
        ]
        assert [answer.status_code for answer in answers] == [404] * 4


# Doing


async def test_a_dry_run_tells_and_changes_nothing() -> None:
    async with office() as (http, world):
        event_id = await world.add("evt_1")
        told = (await http.post(f"{EVENTS}/{event_id}/dry-run", json={})).json()
        assert told["failure"] == ""
        assert told["fact"]["is"] == "payment"
        assert told["fact"]["amount"] == "19.99 USD"
        assert world.events.states() == {"evt_1": "pending"}
        world.stripe.facts["paid"] = Unavailable("HTTP 502")
        told = (await http.post(f"{EVENTS}/{event_id}/dry-run", json={})).json()
        assert told == {"fact": None, "failure": "HTTP 502"}


async def test_a_replay_says_who_and_why() -> None:
    async with office() as (http, world):
        event_id = await world.add("evt_1")
        await world.events.processed(event_id, at=NOON)
        answer = await http.post(f"{EVENTS}/{event_id}/replay", json={"why": " after the fix\n"})
        assert (answer.status_code, answer.json()) == (200, {"replayed": True})
        found = await world.events.find(event_id)
        assert found is not None
        assert found.summary.state is EventState.PENDING
        assert [(a.who, a.why) for a in found.actions] == [("operator", "after the fix")]
        assert len(world.processor.told) == 1


async def test_only_what_is_pending_can_be_parked() -> None:
    async with office() as (http, world):
        event_id = await world.add("evt_1")
        await world.events.processed(event_id, at=NOON)
        answer = await http.post(f"{EVENTS}/{event_id}/park", json={"why": "x"})
        assert answer.status_code == 409


async def test_what_is_old_is_forgotten_on_demand() -> None:
    async with office() as (http, world):
        await world.events.processed(await world.add("evt_1"), at=NOON - timedelta(days=999))
        answer = await http.post(PRUNE, json={})
        assert answer.json()["forgotten"] == {s.value: 0 for s in RETENTION} | {"stripe": 1}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"why": ""}', b'{"why": " "}', b'{"why": 7}', b'{"why": NaN}',
             b'{"why": "a", "why": "b"}', b'{"why": "' + b"x" * (WHY_MAX_CHARACTERS + 1) + b'"}']
)  # fmt: skip
async def test_nothing_is_done_without_a_reason(body: bytes) -> None:
    async with office() as (http, world):
        event_id = await world.add("evt_1")
        for what in ("replay", "park"):
            answer = await http.post(
                f"{EVENTS}/{event_id}/{what}",
                content=body,
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 400
        found = await world.events.find(event_id)
        assert found is not None
        assert found.actions == ()


@pytest.mark.parametrize("what", ["events/1/replay", "events/1/park", "events/1/dry-run", "prune"])
async def test_a_strangers_page_in_an_operators_browser_can_do_nothing(what: str) -> None:
    async with office(None) as (http, world):
        await world.add("evt_1")
        for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = await http.post(
                f"/v1/admin/{what}", content=b'{"why": "x"}', headers={"content-type": kind}
            )
            assert answer.status_code == 400
        assert world.events.states() == {"evt_1": "pending"}
        assert (await http.options(f"/v1/admin/{what}")).status_code == 405


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "events"), ("GET", "events/1"), ("POST", "prune"), ("POST", "events/1/dry-run"),
     ("POST", "events/1/replay"), ("POST", "events/1/park")],
)  # fmt: skip
async def test_every_route_is_for_operators(method: str, path: str) -> None:
    async with office(authorization="Bearer wrong") as (http, world):
        await world.add("evt_1")
        answer = await http.request(method, f"/v1/admin/{path}", json={"why": "x"})
        assert answer.status_code == 401
        assert world.events.states() == {"evt_1": "pending"}


async def test_without_a_token_whoever_sits_here_is_written_down() -> None:
    async with office(None) as (http, world):
        event_id = await world.add("evt_1")
        await http.post(f"{EVENTS}/{event_id}/replay", json={"why": "x"})
        found = await world.events.find(event_id)
        assert found is not None
        assert [a.who for a in found.actions] == ["local"]


async def test_an_inbox_that_is_away_is_said_so() -> None:
    async def away(*_: object, **__: object) -> Any:
        raise Unavailable("disk full")

    async with office() as (http, world):
        event_id = await world.add("evt_1")
        world.events.listing = world.events.replayed = away  # type: ignore[method-assign]  # a double's own answer
        answers = [
            await http.get(EVENTS),
            await http.post(f"{EVENTS}/{event_id}/replay", json={"why": "x"}),
        ]
        await world.desk.stop()
        answers.append(await http.post(PRUNE, json={}))
        assert [a.status_code for a in answers] == [503] * 3
        assert {a.headers["retry-after"] for a in answers} == {"2"}


# Words


def test_every_fact_has_words() -> None:
    subscription = SubscriptionSeen(
        subscription_id="sub_1",
        order_id=None,
        status="active",
        ends_at_period_end=False,
        period_end=NOON,
        at=None,
    )
    touched = RecordsTouched(record_ids=(RecordId(7),))
    facts: list[Fact] = [paid(), touched, subscription, Nothing(why="a"), Unusable(why="b")]
    assert [describe(fact)["is"] for fact in facts] == [
        "payment",
        "records",
        "subscription",
        "nothing",
        "unusable",
    ]
    assert describe(touched) == {"is": "records", "record_ids": [7]}
