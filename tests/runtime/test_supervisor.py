"""Supervision: order, strategies, budgets, escalation, shutdown."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
import trio

from runtime import (
    Actor,
    ActorFailed,
    ActorRestarting,
    ActorSystem,
    Backoff,
    Budget,
    ChildSpec,
    Escalated,
    SupervisionError,
    SupervisorSpec,
    Unrecoverable,
    VirtualWorld,
)
from runtime.strategy import Restart, Strategy
from runtime.testing import running

QUICK = Backoff(first_seconds=0.1, last_seconds=1.0, jitter=0.0)


class Life(Actor[Any]):
    """Writes down when it starts and stops; fails when it is told to."""

    def __init__(self, log: list[str], name: str, *, stop_seconds: float = 0.0) -> None:
        super().__init__()
        self._log = log
        self._name = name
        self._stop_seconds = stop_seconds

    async def on_start(self) -> None:
        self._log.append(f"+{self._name}")

    async def on_stop(self) -> None:
        await trio.sleep(self._stop_seconds)
        self._log.append(f"-{self._name}")

    async def on_receive(self, message: Any) -> Any:
        if message == "fail":
            raise ValueError(self._name)
        if message == "exit":
            self.stop()
        if message == "hang":
            await trio.sleep_forever()
        return message


def child(log: list[str], name: str, **options: Any) -> ChildSpec:
    stop_seconds = options.pop("stop_seconds", 0.0)
    return ChildSpec(
        name=name,
        factory=lambda: Life(log, name, stop_seconds=stop_seconds),
        backoff=options.pop("backoff", QUICK),
        **options,
    )


def tree(log: list[str], strategy: Strategy, **options: Any) -> SupervisorSpec:
    children = tuple(child(log, name, **options) for name in "abc")
    return SupervisorSpec(name="root", strategy=strategy, children=children)


async def test_children_start_left_to_right_and_stop_right_to_left() -> None:
    log: list[str] = []
    async with running(tree(log, "one_for_one")):
        assert log == ["+a", "+b", "+c"]
    assert log == ["+a", "+b", "+c", "-c", "-b", "-a"]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", ["+b"]),
        ("one_for_all", ["-c", "-a", "+a", "+b", "+c"]),
        ("rest_for_one", ["-c", "+b", "+c"]),
    ],
)
async def test_the_right_siblings_fall_with_a_failure(
    strategy: Strategy, expected: list[str]
) -> None:
    log: list[str] = []
    async with running(tree(log, strategy)) as system:
        log.clear()
        system.ref("root/b").tell("fail")
        await trio.sleep(5)
        assert log == expected
        assert [await system.ref(f"root/{name}").ask(name) for name in "abc"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("restart", "message", "alive"),
    [
        ("permanent", "fail", True),
        ("transient", "fail", True),
        ("temporary", "fail", False),
        ("permanent", "exit", True),
        ("transient", "exit", False),
        ("temporary", "exit", False),
    ],
)
async def test_who_comes_back_after_what(restart: Restart, message: str, *, alive: bool) -> None:
    log: list[str] = []
    async with running(tree(log, "one_for_one", restart=restart)) as system:
        ref = system.ref("root/b")
        ref.tell(message)
        await trio.sleep(5)
        assert ref.is_alive() is alive


async def test_the_budget_is_each_childs_own_and_resets_after_its_window() -> None:
    log: list[str] = []
    budget = Budget(restarts=2, within_seconds=60.0)
    async with running(tree(log, "one_for_one", budget=budget)) as system:
        for _ in range(3):
            for name in "abc":
                for _ in range(2):
                    system.ref(f"root/{name}").tell("fail")
                    await trio.sleep(5)
            await trio.sleep(61)
        assert all(system.ref(f"root/{name}").is_alive() for name in "abc")


async def test_a_budget_used_up_fails_the_system_with_the_reason() -> None:
    log: list[str] = []
    spec = tree(log, "one_for_one", budget=Budget(restarts=2, within_seconds=60.0))

    async def fail_thrice() -> None:
        async with ActorSystem(spec, world=VirtualWorld(), threads="inline") as system:
            for _ in range(3):
                system.ref("root/b").tell("fail")
            await trio.sleep_forever()

    with pytest.raises(SupervisionError, match="root/b failed more than 2 times") as caught:
        await fail_thrice()
    assert repr(caught.value.__cause__) == repr(ValueError("b"))
    assert log[-2:] == ["-c", "-a"], "the others were stopped in order"


async def test_a_supervisor_that_gives_up_is_restarted_by_its_parent() -> None:
    log: list[str] = []
    inner = SupervisorSpec(
        name="inner",
        children=tuple(child(log, n, budget=Budget(restarts=1)) for n in "ab"),
        backoff=QUICK,
    )
    spec = SupervisorSpec(name="root", children=(inner, child(log, "z")))
    async with running(spec) as system:
        log.clear()
        ref = system.ref("root/inner/a")
        ref.tell("fail")
        ref.tell("fail")
        ref.tell("queued")
        await trio.sleep(5)
        assert log == ["+a", "-b", "+a", "+b"], "z was left alone, b fell with its supervisor"
        assert await ref.ask("still here") == "still here"
        escalated = [e for e in system.incidents if isinstance(e, Escalated)]
        assert [(e.path, e.child) for e in escalated] == [("root/inner", "root/inner/a")]


async def test_the_backoff_doubles_and_is_told() -> None:
    log: list[str] = []
    async with running(tree(log, "one_for_one")) as system:
        for _ in range(4):
            system.ref("root/a").tell("fail")
        await trio.sleep(5)
        delays = [e.delay_seconds for e in system.incidents if isinstance(e, ActorRestarting)]
        failures = [e.incarnation for e in system.incidents if isinstance(e, ActorFailed)]
        assert delays == [0.1, 0.2, 0.4, 0.8]
        assert failures == [1, 2, 3, 4]


async def test_a_child_that_outstays_its_stop_is_killed_and_the_rest_goes_on() -> None:
    log: list[str] = []
    spec = SupervisorSpec(
        name="root",
        children=(
            child(log, "a"),
            child(log, "slow", stop_seconds=100.0, shutdown_seconds=2.0),
            child(log, "hangs", shutdown_seconds=2.0),
        ),
    )
    async with running(spec) as system:
        system.ref("root/hangs").tell("hang")
        await system.settle()
        started = trio.current_time()
    assert log[-1] == "-a"
    assert "-slow" not in log
    assert trio.current_time() - started == pytest.approx(4.0)


async def test_the_overall_deadline_ends_every_stop() -> None:
    log: list[str] = []
    children = tuple(
        child(log, str(n), stop_seconds=100.0, shutdown_seconds=50.0) for n in range(5)
    )
    async with running(SupervisorSpec(name="root", children=children), stop_seconds=3.0):
        started = trio.current_time()
    assert trio.current_time() - started == pytest.approx(3.0)


async def test_a_child_that_fails_at_its_first_start_holds_up_those_to_its_right() -> None:
    log: list[str] = []
    attempts: list[float] = []

    class Shaky(Actor[Any]):
        async def on_start(self) -> None:
            attempts.append(trio.current_time())
            if len(attempts) < 3:
                raise OSError("not yet")

    spec = SupervisorSpec(
        name="root",
        children=(ChildSpec(name="shaky", factory=Shaky, backoff=QUICK), child(log, "next")),
    )
    async with running(spec):
        assert len(attempts) == 3
        assert log == ["+next"]


async def test_a_start_that_hangs_is_a_failure() -> None:
    attempts: list[float] = []

    class Hangs(Actor[Any]):
        async def on_start(self) -> None:
            attempts.append(trio.current_time())
            if len(attempts) == 1:
                await trio.sleep_forever()

    hangs = ChildSpec(name="hangs", factory=Hangs, start_seconds=7.0, backoff=QUICK)
    async with running(SupervisorSpec(name="root", children=(hangs,))):
        assert attempts == [0.0, pytest.approx(7.1)]


def test_children_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="different names"):
        SupervisorSpec(name="root", children=(child([], "a"), child([], "a")))


async def test_what_no_restart_can_help_ends_the_system_at_once_with_its_reason() -> None:
    class Refused(Actor[Any]):
        async def on_start(self) -> None:
            raise Unrecoverable("set fsync to on")

    inner = SupervisorSpec(name="store", children=(ChildSpec(name="writer", factory=Refused),))
    spec = SupervisorSpec(name="root", children=(inner,))
    with (
        structlog.testing.capture_logs() as lines,
        pytest.raises(SupervisionError, match="set fsync to on") as caught,
    ):
        async with ActorSystem(spec, world=VirtualWorld(), threads="inline"):
            pytest.fail("it must not come up")
    assert isinstance(caught.value.__cause__, Unrecoverable)
    assert lines == []  # its own words are enough for whoever gets it
    assert trio.current_time() < 0.1


async def test_what_ends_a_child_alone_is_logged_though_no_restart_can_help_it() -> None:
    class Refused(Actor[Any]):
        async def on_start(self) -> None:
            raise Unrecoverable("set fsync to on")

    once = ChildSpec(name="once", factory=Refused, restart="temporary")
    with structlog.testing.capture_logs() as lines:
        async with running(SupervisorSpec(name="root", children=(once,))) as system:
            await system.settle()
            system.spawn(Refused)
            await system.settle()
    told = [line["event"] for line in lines]
    assert told == ["actor.failed", "actor.failed", "supervisor.gives_up"]
    assert lines[-1]["context"] == "no restart can help"


async def test_an_incarnation_can_be_made_to_fail_from_outside() -> None:
    log: list[str] = []
    async with running(tree(log, "one_for_one")) as system:
        ref = system.ref("root/b")
        ref.tell("hang")
        await system.settle()
        ref.kill(OSError("pulled the plug"))
        assert await ref.ask("back") == "back"
        assert [type(letter.message) for letter in system.dead_letters] == [str]


async def test_a_child_below_that_never_starts_ends_the_system_too() -> None:
    class Bad(Actor[Any]):
        async def on_start(self) -> None:
            raise OSError("never")

    inner = SupervisorSpec(
        name="store", children=(ChildSpec(name="bad", factory=Bad, backoff=QUICK),), backoff=QUICK
    )
    log: list[str] = []
    spec = SupervisorSpec(name="root", children=(inner, child(log, "next")))
    with pytest.raises(SupervisionError, match="root/store failed more than 5 times") as caught:
        async with ActorSystem(spec, world=VirtualWorld(), threads="inline"):
            pytest.fail("it must not come up")
    assert repr(caught.value.__cause__) == repr(OSError("never"))
    assert log == [], "nobody to its right was started"


async def test_a_branch_that_recovers_while_the_tree_starts_is_waited_for() -> None:
    attempts: list[None] = []

    class Shaky(Actor[Any]):
        async def on_start(self) -> None:
            attempts.append(None)
            if len(attempts) < 10:
                raise OSError("not yet")

    inner = SupervisorSpec(
        name="store",
        children=(ChildSpec(name="shaky", factory=Shaky, backoff=QUICK),),
        backoff=QUICK,
    )
    log: list[str] = []
    spec = SupervisorSpec(name="root", children=(inner, child(log, "next")))
    async with running(spec) as system:
        assert log == ["+next"]
        assert system.ref("root/store/shaky").state.value == "running"
