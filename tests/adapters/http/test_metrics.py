"""The exposition, read back by prometheus-client's own parser."""

from __future__ import annotations

import math
from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import REGISTRY

from actors.operations.messages import Measurement, Reported
from actors.operations.model import REPORT_AGE, Identity, Phase, Readiness
from adapters.http.metrics import Exposition
from tests.actors.operations.test_document import condition
from tests.actors.operations.test_tree import actor, region, root

IDENTITY = Identity(service_id="factorage", version="0.1.0", release_id='a"b\\c\n')

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(**changes: object) -> Samples:
    text = Exposition(IDENTITY).render(condition(identity=IDENTITY, **changes)).decode()
    samples: Samples = {}
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family came twice"
    for family in families:
        assert family.documentation
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in samples, f"{key} came twice"
            samples[key] = sample.value
    return samples


def test_it_says_what_is_running_and_how_it_is() -> None:
    samples = scrape()
    assert samples["factorage_build_info", (("release", 'a"b\\c\n'), ("version", "0.1.0"))] == 1
    assert samples["factorage_ready", ()] == 1
    assert samples["factorage_phase", (("phase", "serving"),)] == 1
    assert samples["factorage_phase", (("phase", "draining"),)] == 0
    assert samples["factorage_health", (("status", "pass"),)] == 1
    assert samples["factorage_health", (("status", "fail"),)] == 0
    assert samples["factorage_uptime_seconds", ()] == 12.34567


def test_a_system_that_drains_is_not_ready() -> None:
    samples = scrape(readiness=Readiness(phase=Phase.DRAINING))
    assert samples["factorage_ready", ()] == 0
    assert samples["factorage_health", (("status", "warn"),)] == 1


def test_every_message_has_a_fate() -> None:
    samples = scrape()
    assert samples["factorage_messages_sent_total", ()] == 10
    assert samples["factorage_messages_total", (("fate", "handled"),)] == 6
    assert samples["factorage_messages_total", (("fate", "dead"),)] == 1
    assert samples["factorage_messages_total", (("fate", "expired"),)] == 1
    assert samples["factorage_messages_queued", ()] == 2


def test_actors_are_counted_and_measured() -> None:
    node = actor(handled=9, failed=1, mailbox_depth=3, oldest_message_seconds=0.5, restarts_used=2)
    samples = scrape(tree=root(node, actor("root/other", state="waiting")))
    where = (("actor", "root/tracker"),)
    assert samples["factorage_actor_messages_handled_total", where] == 9
    assert samples["factorage_actor_messages_failed_total", where] == 1
    assert samples["factorage_actor_mailbox_depth", where] == 3
    assert samples["factorage_actor_oldest_message_seconds", where] == 0.5
    assert samples["factorage_actor_restarts_used", where] == 2
    assert samples["factorage_actor_restarts_allowed", where] == 5
    assert samples["factorage_actor_incarnations_total", where] == 1
    kind = ("class", "PaymentTracker")
    assert samples["factorage_actors", (kind, ("state", "running"))] == 1
    assert samples["factorage_actors", (kind, ("state", "waiting"))] == 1


def test_users_never_become_labels() -> None:
    crowd = replace(region(*(actor(f"root/sessions/{i}") for i in range(100))), awake=50_000)
    samples = scrape(tree=root(crowd))
    assert samples["factorage_region_awake", (("actor", "root/sessions"),)] == 50_000
    assert not [key for key in samples if "root/sessions/" in str(key)]


def test_reports_become_metrics_named_after_their_component() -> None:
    report = Reported(
        component="telegram",
        status="warn",
        output="slow down",
        measurements=(
            Measurement(name="requests_total", value=7),
            Measurement(name="flood_wait_seconds", value=1.5),
            Measurement(name=REPORT_AGE, value=4.0),
        ),
    )
    samples = scrape(reports=(report,))
    assert samples["factorage_telegram_requests_total", ()] == 7
    assert samples["factorage_telegram_flood_wait_seconds", ()] == 1.5
    component = ("component", "telegram")
    assert samples["factorage_component_status", (component, ("status", "warn"))] == 1
    assert samples["factorage_component_status", (component, ("status", "pass"))] == 0
    assert samples["factorage_component_report_age_seconds", (component,)] == 4.0
    assert ("factorage_telegram_report_age_seconds", ()) not in samples


def test_odd_names_and_figures_are_still_valid() -> None:
    reports = (
        Reported(
            component="a b-c.ü\ud800",
            status="pass",
            measurements=(
                Measurement(name="x y", value=math.nan),
                Measurement(name="x y", value=math.inf),
                Measurement(name="z_total", value=1),
                Measurement(name="z", value=2),
            ),
        ),
        Reported(
            component="actor",  # would take one of our own names
            status="pass",
            measurements=(Measurement(name="mailbox_depth", value=99),),
        ),
    )
    samples = scrape(reports=reports)
    assert samples["factorage_a_b_c____x_y", ()] == math.inf
    assert samples["factorage_a_b_c____z_total", ()] == 1
    assert ("factorage_actor_mailbox_depth", ()) not in samples


def test_the_observers_silence_leaves_the_rest() -> None:
    assert scrape(reports=None)["factorage_health", (("status", "warn"),)] == 1


def test_the_process_is_measured_and_nothing_is_registered_globally() -> None:
    before = {family.name for family in REGISTRY.collect()}
    samples = scrape()
    assert samples["process_open_fds", ()] > 0
    assert {family.name for family in REGISTRY.collect()} == before
    assert not [name for name in before if name.startswith("factorage")]
