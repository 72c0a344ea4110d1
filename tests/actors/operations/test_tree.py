"""Verdicts on actors, and what the tree tells about them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from actors.operations import tree
from actors.operations.messages import Reported, Status
from actors.operations.model import Phase
from runtime import Node


def actor(path: str = "root/tracker", *, state: str = "running", **facts: object) -> Node:
    node = Node(
        name=path.rpartition("/")[2],
        path=path,
        class_name="PaymentTracker",
        kind="actor",
        state=state,
        incarnation=1,
        restarts_allowed=5,
        mailbox_limit=1_000,
    )
    return replace(node, **facts)  # type: ignore[arg-type]


def region(*keyed: Node) -> Node:
    return Node(
        name="sessions",
        path="root/sessions",
        class_name="UserSession",
        kind="region",
        state="running",
        awake=len(keyed),
        mailbox_depth=sum(n.mailbox_depth for n in keyed),
        children=keyed,
    )


def root(*children: Node) -> Node:
    return Node(
        name="root",
        path="root",
        class_name="Supervisor",
        kind="supervisor",
        state="running",
        strategy="one_for_one",
        children=children,
    )


def only_child(described: dict[str, object]) -> dict[str, Any]:
    children = described["children"]
    assert isinstance(children, list)
    (child,) = children
    assert isinstance(child, dict)
    return child


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("running", "pass"),
        ("dormant", "pass"),
        ("starting", "warn"),
        ("stopping", "warn"),
        ("waiting", "warn"),
        ("restarting", "warn"),
        ("a state of next year", "warn"),
        ("stopped", "fail"),
    ],
)
def test_what_recovers_by_itself_warns_and_what_stays_down_fails(
    state: str, status: Status
) -> None:
    assert tree.of_state(actor(state=state)).status == status


def test_a_finding_names_the_actor_and_its_last_error() -> None:
    waiting = actor(state="waiting", last_error="Unavailable('connection\nrefused')")
    assert tree.of_state(waiting).output == (
        "root/tracker waits for a dependency: Unavailable('connection refused')"
    )


def test_a_supervisor_is_not_blamed_for_its_children() -> None:
    assert tree.of_state(replace(root(), state="waiting")).status == "pass"


@pytest.mark.parametrize(("used", "status"), [(0, "pass"), (2, "pass"), (3, "warn"), (5, "warn")])
def test_more_than_half_of_the_restarts_warns(used: int, status: Status) -> None:
    assert tree.of_restarts(actor(restarts_used=used)).status == status


@pytest.mark.parametrize(
    ("depth", "oldest", "limit", "status"),
    [
        (0, 0.0, 1_000, "pass"),
        (800, 30.0, 1_000, "pass"),
        (801, 0.0, 1_000, "warn"),
        (1, 30.1, 1_000, "warn"),
        (1_000_000, 0.0, None, "pass"),
    ],
)
def test_a_full_or_slow_mailbox_warns(
    depth: int, oldest: float, limit: int | None, status: Status
) -> None:
    node = actor(mailbox_depth=depth, oldest_message_seconds=oldest, mailbox_limit=limit)
    assert tree.of_mailbox(node).status == status


def test_the_static_tree_leaves_out_keyed_actors() -> None:
    whole = root(actor("root/a"), region(actor("root/sessions/1")), root(actor("root/root/b")))
    paths = [node.path for node in tree.static(whole)]
    assert paths == ["root", "root/a", "root/sessions", "root", "root/root/b"]


def test_work_may_come_when_the_parts_it_needs_are_running() -> None:
    store = replace(root(actor("root/store/writer")), path="root/store")
    required = {"store": "root/store", "gateway": "root/gateway"}
    whole = root(store, actor("root/gateway"))
    ready = tree.readiness(whole, phase=Phase.SERVING, required=required, reports={})
    assert ready.ready
    assert ready.present == ("store", "gateway")


def test_a_part_that_waits_or_is_not_there_is_missing_and_says_why() -> None:
    store = replace(root(), path="root/store", state="waiting", last_error="refused")
    required = {"store": "root/store", "gateway": "root/gateway"}
    judged = tree.readiness(root(store), phase=Phase.SERVING, required=required, reports={})
    assert not judged.ready
    assert judged.missing == (
        ("store", "root/store is waiting: refused"),
        ("gateway", "root/gateway is not there"),
    )


def test_a_part_that_runs_and_is_not_answered_is_missing() -> None:
    store = replace(root(actor("root/store/writer")), path="root/store")
    required = {"store": "root/store"}
    verdicts: dict[Status, str] = {"pass": "", "warn": "it is slow", "fail": "it is away"}
    for status, output in verdicts.items():
        said = Reported(component="database", status=status, output=output)
        judged = tree.readiness(
            root(store), phase=Phase.SERVING, required=required, reports={"store": said}
        )
        assert judged.ready is (status == "pass")
        assert judged.missing == (() if status == "pass" else (("store", output),))


def test_the_worst_state_of_a_region_is_found() -> None:
    nodes = (actor(), actor(state="waiting"), actor(state="starting"))
    assert tree.worst_state(nodes) == "waiting"
    assert tree.worst_state(()) is None
    assert tree.worst_state((*nodes, actor(state="unheard of"))) == "unheard of"


def test_an_actor_is_described_with_all_that_is_known() -> None:
    described = tree.describe(actor(mailbox_depth=3, oldest_message_seconds=0.12345, handled=9))
    assert described == {
        "name": "tracker",
        "path": "root/tracker",
        "class": "PaymentTracker",
        "kind": "actor",
        "state": "running",
        "incarnation": 1,
        "mailbox_depth": 3,
        "mailbox_limit": 1_000,
        "oldest_message_seconds": 0.123,
        "busy_seconds": 0.0,
        "handled": 9,
        "failed": 0,
        "restarts_used": 0,
        "restarts_allowed": 5,
        "last_error": None,
        "strategy": None,
        "children": [],
    }


def test_a_region_is_summed_up_with_its_busiest() -> None:
    keyed = tuple(actor(f"root/sessions/{i}", mailbox_depth=i) for i in range(10))
    described = tree.describe(root(region(*keyed, actor("root/sessions/x", state="waiting"))))
    summed = only_child(described)
    assert summed["awake"] == 11
    assert summed["asleep"] is None
    assert summed["worst_state"] == "waiting"
    assert [n["name"] for n in summed["busiest"]] == ["9", "8", "7", "6", "5"]
    assert "children" not in summed


def test_everything_lists_the_keyed_actors_of_the_snapshot() -> None:
    crowd = replace(region(actor("root/sessions/1"), actor("root/sessions/2")), awake=1_500)
    described = tree.describe(root(crowd), everything=True)
    listed = only_child(described)
    assert listed["truncated"] is True
    assert [n["name"] for n in listed["children"]] == ["1", "2"]
    few = tree.describe(region(actor("root/sessions/1")), everything=True)
    assert few["truncated"] is False


def test_an_error_of_any_length_is_one_short_line() -> None:
    node = actor(last_error="first\nsecond\t" + "x" * 10_000)
    assert tree.last_error(node) == ("first second " + "x" * 10_000)[:500]
    json.dumps(tree.describe(node))
