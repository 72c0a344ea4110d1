"""The tree as operators see it: figures that mean what they say, and cost nothing unseen."""

from __future__ import annotations

import pytest
import trio

from runtime import Fates, KeyedSpec, Node, SupervisorSpec
from runtime.snapshot import state_of
from runtime.testing import TestSystem, running
from tests.runtime.puppet import QUICK, Puppet, child, fail, outage, sleeps


def tree() -> SupervisorSpec:
    inner = SupervisorSpec(
        name="inner", strategy="rest_for_one", children=(child(Puppet, "a"), child(Puppet, "b"))
    )
    keyed = KeyedSpec(name="keyed", factory=lambda _: Puppet(), backoff=QUICK)
    return SupervisorSpec(name="root", children=(inner, keyed))


def node(system: TestSystem, path: str) -> Node:
    """The node at `path` of a fresh snapshot."""
    found = system.snapshot()
    for name in path.split("/")[1:]:
        (found,) = (child for child in found.children if child.name == name)
    return found


async def test_the_tree_has_the_shape_of_its_spec() -> None:
    async with running(tree()) as system:
        root = system.snapshot()
        inner, keyed = root.children
        assert (root.kind, inner.kind, inner.strategy) == (
            "supervisor",
            "supervisor",
            "rest_for_one",
        )
        assert [(leaf.name, leaf.path, leaf.class_name) for leaf in inner.children] == [
            ("a", "root/inner/a", "Puppet"),
            ("b", "root/inner/b", "Puppet"),
        ]
        assert (keyed.kind, keyed.awake, keyed.children) == ("region", 0, ())
        system.spawn(Puppet, name="extra")
        assert node(system, "root/spawned/extra").class_name == "Puppet"


async def test_depth_and_age_are_those_of_the_queue() -> None:
    async with running(tree()) as system:
        ref = system.ref("root/inner/a")
        ref.tell(sleeps(10))
        await trio.sleep(2)
        ref.tell("behind")
        await trio.sleep(3)
        leaf, inner = node(system, "root/inner/a"), node(system, "root/inner")
        assert (leaf.mailbox_depth, leaf.mailbox_limit) == (2, 1_000_000)
        assert (leaf.oldest_message_seconds, leaf.busy_seconds) == (5.0, 5.0)
        assert (inner.mailbox_depth, inner.oldest_message_seconds) == (2, 5.0)
        await trio.sleep(10)
        leaf = node(system, "root/inner/a")
        assert (leaf.mailbox_depth, leaf.oldest_message_seconds, leaf.handled) == (0, 0.0, 2)


async def test_failures_restarts_and_the_last_error_are_counted() -> None:
    async with running(tree()) as system:
        ref = system.ref("root/inner/a")
        for _ in range(3):
            ref.tell(fail)
        await trio.sleep(5)
        leaf, root = node(system, "root/inner/a"), system.snapshot()
        assert (leaf.incarnation, leaf.failed, leaf.restarts_used) == (4, 3, 3)
        assert leaf.last_error == "ValueError('told to')"
        assert (root.restarts_used, root.restarts_allowed) == (3, 10_000), (
            "the worst of those below"
        )
        await trio.sleep(120)
        assert node(system, "root/inner/a").restarts_used == 0, "forgotten after a while"


async def test_a_supervisor_is_in_the_worst_state_of_its_children() -> None:
    async with running(tree()) as system:
        assert system.snapshot().state == "running"
        system.ref("root/inner/b").tell(outage(60.0))
        await system.settle()
        assert (node(system, "root/inner/b").state, system.snapshot().state) == ("waiting",) * 2
        system.ref("root/inner/a").tell(fail)
        await system.settle()
        assert system.snapshot().state == "restarting"


def test_restarting_is_worse_than_waiting_is_worse_than_starting() -> None:
    def leaf(state: str) -> Node:
        return Node(name="a", path="a", class_name="A", kind="actor", state=state)

    def worst(*states: str) -> str:
        return state_of(tuple(leaf(state) for state in states))

    assert worst() == worst("running", "stopped", "dormant") == "running"
    assert worst("starting", "running") == "starting"
    assert worst("starting", "waiting") == "waiting"
    assert worst("restarting", "waiting") == "restarting"


async def test_a_regions_figures_include_those_who_sleep_again() -> None:
    async with running(tree()) as system:
        region = system.region("root/keyed")
        for key in range(10):
            region.tell(key, "hello")
        region.tell(3, fail)
        await trio.sleep(1)
        await region.ref(5).stop()
        keyed = node(system, "root/keyed")
        assert (keyed.handled, keyed.failed, keyed.awake) == (11, 1, 9)


def test_a_message_without_a_fate_is_seen() -> None:
    assert Fates(sent=10, handled=5, dead=2, expired=1, queued=2).lost == 0
    assert Fates(sent=10, handled=5, dead=2, expired=1, queued=1).lost == 1


@pytest.mark.parametrize("deep", [1, 50])
async def test_a_snapshot_wakes_and_changes_nobody(deep: int) -> None:
    async with running(tree()) as system:
        for _ in range(deep):
            system.snapshot()
        assert system.fates() == Fates(sent=0, handled=0, dead=0, expired=0, queued=0)
        assert system.region("root/keyed").awake == 0
