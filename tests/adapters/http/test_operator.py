"""The routes for those who watch, over a running system."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from actors.operations.messages import Reported
from actors.operations.model import Phase, Readiness
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.operator import operator_routes
from runtime import Actor, KeyedSpec, SupervisorSpec
from runtime.testing import TestSystem, running
from tests.actors.operations.test_tree import actor, root
from tests.adapters.http.operations import Clerk, Watched

TOKEN = "a token of twenty-four characters"
SESSIONS = SupervisorSpec(
    name="root", children=(KeyedSpec(name="sessions", factory=lambda _key: Clerk()),)
)


@asynccontextmanager
async def watching(
    tree: SupervisorSpec | None = None,
    *,
    token: str | None = None,
    loopback: bool = True,
    observer: Any = None,
) -> AsyncIterator[tuple[httpx.AsyncClient, Watched, TestSystem]]:
    async with running(tree) as system:
        watched = Watched(system, observer and system.spawn(observer, name="observer"))
        await system.settle()
        operators = Operators(token=token, loopback=loopback)
        app = application(operator_routes(watched.views(), operators))
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            yield http, watched, system


async def test_livez_is_ok_without_a_token_and_whatever_is_missing() -> None:
    async with watching(token=TOKEN, loopback=False) as (http, watched, _):
        watched.readiness = Readiness(phase=Phase.STARTING, missing=(("store", "away"),))
        watched.snapshot = lambda: pytest.fail("livez looked at the tree")
        answer = await http.get("/livez")
        assert (answer.status_code, answer.text) == (200, "ok\n")
        assert (await http.head("/livez")).status_code == 200


async def test_livez_fails_when_the_root_has_failed() -> None:
    async with watching() as (http, watched, _):
        watched.alive = False
        assert (await http.get("/livez")).status_code == 503


@pytest.mark.parametrize(
    ("readiness", "status"),
    [
        (Readiness(phase=Phase.SERVING), 200),
        (Readiness(phase=Phase.STARTING), 503),
        (Readiness(phase=Phase.DRAINING), 503),
        (Readiness(phase=Phase.SERVING, missing=(("store", "away"),)), 503),
    ],
)
async def test_readyz_is_for_taking_work(readiness: Readiness, status: int) -> None:
    async with watching(token=TOKEN, loopback=False) as (http, watched, _):
        watched.readiness = readiness
        answer = await http.get("/readyz")
    assert answer.status_code == status
    assert len(answer.text) <= 20


async def test_readyz_names_its_checks_but_no_reasons() -> None:
    async with watching(token=TOKEN) as (http, watched, _):
        watched.readiness = Readiness(
            phase=Phase.SERVING, missing=(("store", "secret host 10.0.0.1"),), present=("gateway",)
        )
        answer = await http.get("/readyz?verbose")
    assert answer.text.splitlines() == [
        "[+]process serving",
        "[+]gateway ok",
        "[-]store missing",
        "readyz check not ready",
    ]


async def test_health_is_a_document_with_the_reports_in_it() -> None:
    async with watching() as (http, watched, system):
        system.events.publish(Reported(component="nocodb", status="warn", output="slow"))
        answer = await http.get("/health")
        assert answer.headers["content-type"] == "application/health+json"
        assert answer.status_code == 200, "a warning is no reason to take a system away"
        document = answer.json()
        assert document["status"] == "warn"
        assert document["serviceId"] == "factorage"
        assert document["checks"]["nocodb:state"][0]["output"] == "slow"
        assert document["checks"]["process:uptime"][0]["observedValue"] == 12.5
        watched.readiness = Readiness(phase=Phase.SERVING, missing=(("store", "away"),))
        assert (await http.get("/health")).status_code == 503


class Mute(Actor[object]):
    """An observer that takes longer than anybody waits."""

    async def on_receive(self, _message: object) -> None:
        await trio.sleep(60)


async def test_health_does_without_an_observer_that_is_silent() -> None:
    async with watching(observer=Mute) as (http, _, _):
        document = (await http.get("/health")).json()
    assert document["status"] == "warn"
    assert "observer" in document["output"]


async def test_health_does_without_an_observer_that_is_gone() -> None:
    async with watching() as (http, watched, _):
        await watched.observer.stop()
        watched.observer.kill()
        assert (await http.get("/health")).json()["status"] in {"warn", "fail"}


async def test_an_actor_in_trouble_shows() -> None:
    async with watching() as (http, _, system):
        clerk = system.spawn(Clerk, name="clerk")
        clerk.tell("outage")
        await system.settle()
        document = (await http.get("/health")).json()
        (state,) = (
            c
            for c in document["checks"]["supervision:state"]
            if c["componentId"].endswith("/clerk")
        )
        assert (state["observedValue"], state["status"]) == ("waiting", "warn")
        assert "told to wait" in state["output"]


async def test_the_tree_is_nested_and_has_every_figure() -> None:
    async with watching() as (http, _, system):
        clerk = system.spawn(Clerk, name="clerk")
        clerk.tell("crash")
        await system.settle()
        await trio.sleep(1)
        tree = (await http.get("/health/tree")).json()

    def find(node: dict[str, Any]) -> dict[str, Any] | None:
        if node["name"] == "clerk":
            return node
        return next((f for child in node["children"] if (f := find(child))), None)

    found = find(tree)
    assert found is not None
    assert found["class"] == "Clerk"
    assert found["state"] == "running"
    assert (found["incarnation"], found["failed"], found["restarts_used"]) == (2, 1, 1)
    assert "told to crash" in found["last_error"]
    assert {"path", "mailbox_depth", "oldest_message_seconds", "restarts_allowed"} <= set(found)


async def test_regions_are_summed_up_until_everything_is_asked_for() -> None:
    async with watching(SESSIONS) as (http, _, system):
        for key in range(7):
            system.region("root/sessions").tell(key, "hello")
        await system.settle()
        summed = (await http.get("/health/tree")).json()["children"][0]
        assert (summed["awake"], summed["worst_state"]) == (7, "running")
        assert "children" not in summed
        listed = (await http.get("/health/tree?all=1")).json()["children"][0]
        assert len(listed["children"]) == 7
        assert listed["truncated"] is False


@pytest.mark.parametrize("query", ["all=2", "all=", "all=1&all=1", "all=%00"])
async def test_a_wrong_question_is_told_the_right_one(query: str) -> None:
    async with watching() as (http, _, _):
        answer = await http.get(f"/health/tree?{query}")
    assert answer.status_code == 400
    assert "?all=1" in answer.json()["detail"]


async def test_metrics_can_be_scraped() -> None:
    async with watching() as (http, _, _):
        answer = await http.get("/metrics")
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        names = {family.name for family in text_string_to_metric_families(answer.text)}
        assert {"factorage_build_info", "factorage_messages", "factorage_actors"} <= names
        odd = {"accept": "application/openmetrics-text; version=\x7f, */*;q=x"}
        assert (await http.get("/metrics", headers=odd)).status_code == 200


@pytest.mark.parametrize("path", ["/health", "/health/tree", "/metrics"])
async def test_operators_routes_want_the_token_once_it_is_set(path: str) -> None:
    async with watching(token=TOKEN) as (http, _, _):
        assert (await http.get(path)).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert (await http.get(path, headers=bearer)).status_code == 200
        assert (await http.head(path, headers=bearer)).status_code == 200
        assert (await http.post(path, headers=bearer)).status_code == 405


@pytest.mark.parametrize("path", ["/health", "/health/tree", "/metrics"])
async def test_without_a_token_they_are_for_loopback(path: str) -> None:
    async with watching() as (http, _, _):
        assert (await http.get(path)).status_code == 200
        rebound = await http.get(path, headers={"host": "evil.example"})
        assert rebound.status_code == 403
    async with watching(loopback=False) as (http, _, _):
        assert (await http.get(path)).status_code == 403


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/health", "/health/tree", "/metrics", "/readyz/", "/nowhere"]
)
async def test_nothing_here_can_be_changed(path: str) -> None:
    async with watching() as (http, _, _):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            answer = await http.request(method, path)
            assert answer.status_code in (404, 405)
            if answer.status_code == 405:
                assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]


async def test_errors_of_any_content_are_shown_as_json() -> None:
    odd = actor(state="waiting", last_error="\x00\x1b[31m\ud800" + "x" * 5_000)
    async with watching() as (http, watched, _):
        watched.snapshot = lambda: replace(root(odd), last_error="\ud800")
        for path in ("/health", "/health/tree", "/metrics"):
            answer = await http.get(path)
            assert answer.status_code in (200, 503), path
            if path != "/metrics":
                json.loads(answer.content)
