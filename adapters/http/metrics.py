"""The condition for Prometheus, built anew on each scrape; nothing global.

Labels are paths of the topology, states, fates and component names: none grows with users.
The keyed actors of a region are added up under the region's path.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from actors.operations import tree
from actors.operations.document import Condition, health_document
from actors.operations.messages import Reported, Status
from actors.operations.model import REPORT_AGE, Identity, Phase, age_seconds, line
from runtime import Node

PREFIX = "factorage_"
STATUSES: tuple[Status, ...] = ("pass", "warn", "fail")

_UNFIT = re.compile(r"[^a-zA-Z0-9_]")


class Exposition:
    """Renders conditions as Prometheus text; the process's own figures come along."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def render(self, condition: Condition) -> bytes:
        """Return the text format, version 0.0.4."""
        families = {f.name: f for f in (*_process(condition), *_supervision(condition.tree))}
        for family in _reports(condition.reports or ()):
            families.setdefault(family.name, family)  # a component cannot take our own names
        # A registry for this one scrape, so that two scrapes at once do not mix.
        scrape = CollectorRegistry(auto_describe=False)
        scrape.register(_Fixed(families.values()))
        return generate_latest(scrape) + generate_latest(self._registry)


class _Fixed(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _process(condition: Condition) -> Iterable[Metric]:
    identity, readiness, fates = condition.identity, condition.readiness, condition.fates
    build = _gauge("build_info", "Always 1; says what is running.", ("version", "release"))
    build.add_metric([identity.version, identity.release_id], 1)
    yield build
    yield _gauge("uptime_seconds", "Since the process started.", value=condition.uptime_seconds)
    yield _gauge("ready", "1 when new work is taken.", value=readiness.ready)
    phase = _gauge("phase", "1 for the phase that the process is in.", ("phase",))
    for name in Phase:
        phase.add_metric([name.value], readiness.phase is name)
    yield phase
    health = _gauge("health", "1 for the overall status, as /health has it.", ("status",))
    _mark(health, [], health_document(condition)["status"])
    yield health
    yield _counter("messages_sent", "Messages accepted or refused.", value=fates.sent)
    ended = _counter("messages", "Messages whose fate is known.", ("fate",))
    ended.add_metric(["handled"], fates.handled)
    ended.add_metric(["dead"], fates.dead)
    ended.add_metric(["expired"], fates.expired)
    yield ended
    yield _gauge("messages_queued", "Messages that wait.", value=fates.queued)


def _supervision(root: Node) -> Iterable[Metric]:
    actors = _gauge("actors", "Actors of the topology by class and state.", ("class", "state"))
    handled = _counter("actor_messages_handled", "Messages handled.", ("actor",))
    failed = _counter("actor_messages_failed", "Messages whose handler raised.", ("actor",))
    depth = _gauge("actor_mailbox_depth", "Messages that wait.", ("actor",))
    oldest = _gauge("actor_oldest_message_seconds", "Age of the longest-waiting one.", ("actor",))
    incarnations = _counter("actor_incarnations", "Incarnations started.", ("actor",))
    used = _gauge("actor_restarts_used", "Restarts used in the current window.", ("actor",))
    allowed = _gauge("actor_restarts_allowed", "Restarts allowed in a window.", ("actor",))
    awake = _gauge("region_awake", "Keyed actors that are awake.", ("actor",))
    counts: Counter[tuple[str, str]] = Counter()
    for node in tree.static(root):
        if node.kind == "supervisor":
            continue
        path = [node.path]
        handled.add_metric(path, node.handled)
        failed.add_metric(path, node.failed)
        depth.add_metric(path, node.mailbox_depth)
        oldest.add_metric(path, node.oldest_message_seconds)
        if node.kind == "region":
            awake.add_metric(path, node.awake or 0)
        else:
            counts[node.class_name, node.state] += 1
            incarnations.add_metric(path, node.incarnation)
            used.add_metric(path, node.restarts_used)
            allowed.add_metric(path, node.restarts_allowed)
    for (class_name, state), count in sorted(counts.items()):
        actors.add_metric([class_name, state], count)
    return actors, awake, handled, failed, depth, oldest, incarnations, used, allowed


def _reports(reports: Sequence[Reported]) -> Iterable[Metric]:
    status = _gauge("component_status", "1 for a component's status.", ("component", "status"))
    age = _gauge("component_report_age_seconds", "Since it last reported.", ("component",))
    yield status
    yield age
    for report in reports:
        _mark(status, [line(report.component)], report.status)
        age.add_metric([line(report.component)], age_seconds(report))
        figures = {m.name: m.value for m in report.measurements if m.name != REPORT_AGE}
        for name, value in figures.items():
            full = _UNFIT.sub("_", f"{report.component}_{name}")
            help_text = f"Reported by {line(report.component)}."
            if name.endswith("_total"):
                yield _counter(full.removesuffix("_total"), help_text, value=value)
            else:
                yield _gauge(full, help_text, value=value)


def _mark(family: GaugeMetricFamily, labels: list[str], status: Status) -> None:
    for name in STATUSES:
        family.add_metric([*labels, name], status == name)


def _gauge(
    name: str, text: str, labels: Sequence[str] | None = None, value: float | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=value, labels=labels)


def _counter(
    name: str, text: str, labels: Sequence[str] | None = None, value: float | None = None
) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, text, value=value, labels=labels)
