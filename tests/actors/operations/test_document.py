"""The health document: its shape, and how the verdict follows from its parts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actors.operations.document import Condition, health_document, read_document
from actors.operations.messages import Measurement, Reported, Status
from actors.operations.model import REPORT_AGE, Identity, Phase, Readiness
from runtime import Fates, Node
from tests.actors.operations.test_tree import actor, region, root

NOW = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def condition(**changes: Any) -> Condition:
    whole = Condition(
        identity=Identity(service_id="factorage", version="0.1.0", release_id="abc123"),
        now=NOW,
        uptime_seconds=12.34567,
        readiness=Readiness(phase=Phase.SERVING, present=("store",)),
        tree=root(actor()),
        fates=Fates(sent=10, handled=6, dead=1, expired=1, queued=2),
        reports=(Reported(component="telegram", status="pass"),),
    )
    return replace(whole, **changes)


def test_a_healthy_system_passes_and_says_who_it_is() -> None:
    document = health_document(condition())
    assert document["status"] == "pass"
    assert document["output"] == ""
    assert document["serviceId"] == "factorage"
    assert document["version"] == "0.1.0"
    assert document["releaseId"] == "abc123"
    assert document["checks"]["process:uptime"] == [
        {
            "componentType": "system",
            "observedValue": 12.346,
            "observedUnit": "s",
            "status": "pass",
            "time": "2026-03-01T12:00:00.500Z",
        }
    ]


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"reports": (Reported(component="nocodb", status="warn", output="429"),)}, "warn", "429"),
        (
            {"reports": (Reported(component="nocodb", status="fail", output="gone"),)},
            "fail",
            "gone",
        ),
        ({"reports": (Reported(component="nocodb", status="fail"),)}, "fail", "without a reason"),
        ({"reports": None}, "warn", "observer"),
        ({"readiness": Readiness(phase=Phase.STARTING)}, "warn", "starting"),
        ({"readiness": Readiness(phase=Phase.DRAINING)}, "warn", "draining"),
        ({"tree": root(actor(state="waiting"))}, "warn", "waits"),
        ({"tree": root(actor(state="restarting"))}, "warn", "restarted"),
        ({"tree": root(actor(state="stopped"))}, "fail", "stopped for good"),
        ({"tree": root(actor(restarts_used=4))}, "warn", "4 of 5"),
        ({"tree": root(actor(oldest_message_seconds=60.0))}, "warn", "60 s"),
        ({"tree": root(region(actor(state="waiting")))}, "pass", ""),
    ],
)
def test_the_status_is_the_worst_check_and_the_output_says_why(
    changes: dict[str, Any], status: Status, word: str
) -> None:
    document = health_document(condition(**changes))
    assert document["status"] == status
    assert word in document["output"]


@pytest.mark.parametrize(("phase", "status"), [(Phase.STARTING, "warn"), (Phase.SERVING, "fail")])
def test_a_missing_store_fails_unless_it_is_on_its_way(phase: Phase, status: Status) -> None:
    readiness = Readiness(phase=phase, missing=(("store", "no connection"),))
    document = health_document(condition(readiness=readiness))
    assert document["status"] == status
    assert document["checks"]["store:ready"][0]["observedValue"] is False
    assert document["checks"]["store:ready"][0]["output"] == "no connection"


def test_actors_that_stop_while_draining_do_not_fail_the_system() -> None:
    draining = condition(
        readiness=Readiness(phase=Phase.DRAINING), tree=root(actor(state="stopped"))
    )
    assert health_document(draining)["status"] == "warn"


def test_each_actor_has_its_state_restarts_and_mailbox() -> None:
    node = actor(restarts_used=2, mailbox_depth=7, oldest_message_seconds=1.5)
    checks = health_document(condition(tree=root(node)))["checks"]

    def of(key: str) -> Any:
        return next(c for c in checks[key] if c.get("componentId") == "root/tracker")

    assert of("supervision:state")["observedValue"] == "running"
    assert (of("supervision:restarts")["observedValue"], of("supervision:restarts")["limit"]) == (
        2,
        5,
    )
    assert (of("mailbox:depth")["observedValue"], of("mailbox:depth")["limit"]) == (7, 1_000)
    assert of("mailbox:oldest_message_seconds")["observedValue"] == 1.5


def test_a_region_counts_who_is_awake_and_lists_none_of_them() -> None:
    crowd = region(*(actor(f"root/sessions/{i}") for i in range(50)))
    checks = health_document(condition(tree=root(crowd)))["checks"]
    assert [c["observedValue"] for c in checks["region:awake"]] == [50]
    assert [c["componentId"] for c in checks["supervision:state"]] == ["root", "root/sessions"]


def test_every_message_has_a_fate_in_the_document() -> None:
    checks = health_document(condition())["checks"]
    fates = {k: c[0]["observedValue"] for k, c in checks.items() if k.startswith("messages:")}
    assert fates == {
        "messages:sent": 10,
        "messages:handled": 6,
        "messages:dead": 1,
        "messages:expired": 1,
        "messages:queued": 2,
    }


def test_a_report_is_dated_when_it_came() -> None:
    report = Reported(
        component="telegram",
        status="warn",
        output="slow down",
        measurements=(
            Measurement(name="flood_wait_seconds", value=3.0),
            Measurement(name=REPORT_AGE, value=60.5),
        ),
    )
    checks = health_document(condition(reports=(report,)))["checks"]
    assert checks["telegram:state"][0]["time"] == "2026-03-01T11:59:00.000Z"
    assert checks["telegram:state"][0]["status"] == "warn"
    assert checks["telegram:flood_wait_seconds"][0]["observedValue"] == 3.0
    assert checks["telegram:flood_wait_seconds"][0]["observedUnit"] == "s"
    assert checks["telegram:report_age_seconds"][0]["observedValue"] == 60.5


def test_odd_figures_and_names_still_make_json() -> None:
    report = Reported(
        component="a:b\x00\ud800",
        status="pass",
        measurements=(
            Measurement(name="ratio", value=float("nan")),
            Measurement(name="peak", value=float("inf")),
        ),
    )
    document = health_document(condition(reports=(report,)))
    json.dumps(document, allow_nan=False)
    assert document["checks"]["a_b__:ratio"][0]["observedValue"] is None


def test_a_system_without_children_has_a_document() -> None:
    lonely = Node(name="root", path="root", class_name="S", kind="supervisor", state="running")
    assert health_document(condition(tree=lonely, reports=()))["status"] == "pass"


def test_a_document_can_be_read_back() -> None:
    document = health_document(condition())
    assert read_document(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"null",
        b"[]",
        b"{}",
        b'{"status": "pass"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"status": "fine", "version": "", "releaseId": "", "serviceId": "", "checks": {}}',
        b'{"status": "pass", "checks": {"a:b": [{"status": 1}]}}',
        b'{"status": NaN}',
    ],
)
def test_anything_else_is_no_document(body: bytes) -> None:
    with pytest.raises(ValueError, match="no health document"):
        read_document(body)
