"""Regions: one actor per key, asleep when idle, and no way to take the others down."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from runtime import (
    Actor,
    ActorDeadError,
    ActorFailed,
    ActorStopped,
    Asks,
    Backoff,
    Budget,
    KeyedSpec,
    SupervisorSpec,
    Terminated,
    message,
)
from runtime.testing import Probe, TestSystem, running
from tests.runtime.puppet import Puppet, child, fail


@message
class Add:
    amount: int


@message
class Total(Asks[int]):
    pass


@message
class Fail:
    pass


class Account(Actor[Any]):
    """Keeps its sum in a store, as sessions do."""

    def __init__(self, key: int, store: dict[int, int], out: Probe, sleep_seconds: float) -> None:
        super().__init__()
        self._key = key
        self._store = store
        self._out = out
        self._sleep_seconds = sleep_seconds

    async def on_start(self) -> None:
        self._sum = self._store.get(self._key, 0)
        self._out.tell(("awake", self._key))

    async def on_stop(self) -> None:
        await trio.sleep(self._sleep_seconds)
        self._out.tell(("asleep", self._key))

    async def on_receive(self, message: Any) -> int | None:
        match message:
            case Add(amount=amount):
                self._sum += amount
                self._store[self._key] = self._sum
            case Total():
                return self._sum
            case Fail():
                raise ValueError(self._key)
            case _:
                self.after(1.0, "tick")
        return None


def region(
    store: dict[int, int], out: Probe, *, sleep_seconds: float = 0.0, **options: Any
) -> SupervisorSpec:
    spec = KeyedSpec(
        name="accounts",
        factory=lambda key: Account(key, store, out, sleep_seconds),
        backoff=Backoff(first_seconds=0.2, last_seconds=5.0, jitter=0.0),
        **options,
    )
    return SupervisorSpec(name="root", children=(spec,))


async def test_the_first_message_wakes_the_actor_of_its_key() -> None:
    out = Probe()
    async with running(region({}, out)) as system:
        accounts = system.region("root/accounts")
        assert accounts.awake == 0
        accounts.tell(7, Add(amount=3))
        assert await accounts.ref(7).ask(Total()) == 3
        assert out.told == [("awake", 7)]
        assert accounts.awake == 1


async def test_an_idle_actor_sleeps_and_wakes_with_its_state() -> None:
    store: dict[int, int] = {}
    out = Probe()
    async with running(region(store, out, idle_seconds=10.0)) as system:
        accounts = system.region("root/accounts")
        ref = accounts.ref(7)
        ref.tell(Add(amount=3))
        await trio.sleep(30)
        assert accounts.awake == 0
        assert await ref.ask(Total()) == 3
        assert out.told == [("awake", 7), ("asleep", 7), ("awake", 7)]


async def test_an_actor_that_is_written_to_stays_awake() -> None:
    out = Probe()
    async with running(region({}, out, idle_seconds=10.0)) as system:
        accounts = system.region("root/accounts")
        for _ in range(20):
            accounts.tell(7, Add(amount=1))
            await trio.sleep(6)
        assert out.told == [("awake", 7)]


async def test_timers_are_no_reason_to_stay_awake() -> None:
    out = Probe()
    async with running(region({}, out, idle_seconds=10.0)) as system:
        system.region("root/accounts").tell(7, "tick")
        await trio.sleep(60)
        assert out.told == [("awake", 7), ("asleep", 7)]


async def test_what_arrives_while_it_falls_asleep_is_for_the_next_incarnation() -> None:
    store: dict[int, int] = {}
    out = Probe()
    async with running(region(store, out, idle_seconds=10.0, sleep_seconds=2.0)) as system:
        accounts = system.region("root/accounts")
        accounts.tell(7, Add(amount=1))
        await trio.sleep(11)
        accounts.tell(7, Add(amount=2))
        assert await accounts.ref(7).ask(Total()) == 3
        assert out.told == [("awake", 7), ("asleep", 7), ("awake", 7)]


async def test_falling_asleep_has_a_hard_time_limit() -> None:
    out = Probe()
    spec = KeyedSpec(
        name="accounts",
        factory=lambda key: Account(key, {}, out, 1_000.0),
        idle_seconds=10.0,
        sleep_seconds=3.0,
        shutdown_seconds=1.0,
    )
    async with running(SupervisorSpec(name="root", children=(spec,))) as system:
        accounts = system.region("root/accounts")
        accounts.tell(7, Add(amount=1))
        await trio.sleep(60)
        assert ("asleep", 7) not in out.told
        accounts.tell(7, Add(amount=1))
        await out.fish(tuple)
        assert await accounts.ref(7).ask(Total()) == 1


async def test_a_failed_actor_keeps_its_queue_and_comes_back_after_its_own_backoff() -> None:
    out = Probe()
    async with running(region({}, out)) as system:
        accounts = system.region("root/accounts")
        for told in (Add(amount=1), Fail(), Add(amount=2)):
            accounts.tell(7, told)
        assert await accounts.ref(7).ask(Total()) == 3
        assert trio.current_time() == pytest.approx(0.2)
        assert [type(letter.message) for letter in system.dead_letters] == [Fail]


async def test_a_thousand_crashes_leave_everybody_else_untouched() -> None:
    out = Probe()
    budget = Budget(restarts=2, within_seconds=60.0)
    async with running(region({}, out, budget=budget)) as system:
        accounts = system.region("root/accounts")
        for key in range(2_000):
            accounts.tell(key, Add(amount=key))
        await system.settle()
        for _ in range(5):
            for key in range(0, 2_000, 2):
                accounts.tell(key, Fail())
        started = trio.current_time()
        for key in range(1, 2_000, 2):
            assert await accounts.ref(key).ask(Total()) == key
        assert trio.current_time() == started, "nobody waited for the fallen ones"
        await trio.sleep(120)
        for key in range(0, 2_000, 2):
            assert await accounts.ref(key).ask(Total()) == key
        assert len(system.dead_letters) == 5_000


async def test_only_so_many_are_awake_and_the_longest_idle_sleep_first() -> None:
    store: dict[int, int] = {}
    async with running(region(store, Probe(), awake_max=100)) as system:
        accounts = system.region("root/accounts")
        for key in range(1_000):
            accounts.tell(key, Add(amount=key))
            await system.settle()
            assert accounts.awake <= 101
        assert await accounts.ref(0).ask(Total()) == 0
        assert await accounts.ref(999).ask(Total()) == 999
        assert store == {key: key for key in range(1_000)}


async def test_events_reach_the_actor_they_concern() -> None:
    out = Probe()
    async with running(region({}, out)) as system:
        accounts = system.region("root/accounts")
        system.events.subscribe(Add, accounts.by(lambda add: add.amount))
        system.events.publish(Add(amount=5))
        assert await accounts.ref(5).ask(Total()) == 5
        assert accounts.awake == 1


async def test_a_reference_by_key_outlives_sleep_stop_and_failure() -> None:
    async with running(region({}, Probe(), idle_seconds=5.0)) as system:
        ref = system.region("root/accounts").ref(7)
        ref.tell(Add(amount=1))
        await trio.sleep(20)
        ref.tell(Add(amount=1))
        await ref.stop()
        ref.tell(Fail())
        assert ref.is_alive()
        assert await ref.ask(Total()) == 2
        assert ref == system.region("root/accounts").ref(7)
        assert ref != system.region("root/accounts").ref(8)


async def test_a_region_that_has_stopped_takes_nothing_more() -> None:
    keep: list[TestSystem] = []
    async with running(region({}, Probe())) as system:
        keep.append(system)
        system.region("root/accounts").tell(7, Add(amount=1))
    with pytest.raises(ActorDeadError):
        keep[0].region("root/accounts").tell(7, Add(amount=1))


async def test_the_snapshot_of_a_region_shows_those_in_trouble_first() -> None:
    async with running(region({}, Probe())) as system:
        accounts = system.region("root/accounts")
        for key in range(500):
            accounts.tell(key, Add(amount=1))
        accounts.tell(250, Fail())
        await system.settle()
        node = system.snapshot().children[0]
        assert (node.kind, node.awake, node.handled, node.failed) == ("region", 500, 500, 1)
        assert len(node.children) == 100
        assert (node.children[0].name, node.children[0].state) == ("250", "restarting")


async def test_even_few_are_kept_within_the_limit() -> None:
    async with running(region({}, Probe(), awake_max=3)) as system:
        accounts = system.region("root/accounts")
        for key in range(50):
            accounts.tell(key, Add(amount=key))
            await system.settle()
            assert accounts.awake <= 4


async def test_a_region_whose_actor_hangs_falls_with_its_siblings_within_its_time() -> None:
    class Hangs(Actor[Any]):
        async def on_receive(self, message: Any) -> Any:
            return await trio.sleep_forever() if message == "hang" else message

    keyed = KeyedSpec(name="keyed", factory=lambda _: Hangs(), shutdown_seconds=3.0)
    family = (child(Puppet, "elder"), keyed)
    spec = SupervisorSpec(name="root", strategy="one_for_all", children=family)
    async with running(spec) as system:
        ref = system.region("root/keyed").ref(7)
        ref.tell("hang")
        ref.tell("behind")
        await system.settle()
        system.ref("root/elder").tell(fail)
        assert await system.ref("root/elder").ask("back") == "back"
        assert trio.current_time() == pytest.approx(3.1)
        assert await ref.ask("back") == "back"
        assert system.region("root/keyed")._cells[7].handled == 2, "its queue was kept"


async def test_who_wakes_while_the_region_halts_is_asked_to_halt_and_not_killed() -> None:
    class Naps(Actor[Any]):
        async def on_receive(self, message: Any) -> Any:
            return await trio.sleep(message)

    keyed = KeyedSpec(name="keyed", factory=lambda _: Naps(), shutdown_seconds=10.0)
    family = (child(Puppet, "elder"), keyed)
    spec = SupervisorSpec(name="root", strategy="one_for_all", children=family)
    async with running(spec) as system:
        accounts = system.region("root/keyed")
        accounts.tell(1, 5.0)
        await system.settle()
        system.ref("root/elder").tell(fail)
        await trio.sleep(1.0)
        accounts.tell(2, 8.0)
        await trio.sleep(30.0)
        assert [event for event in system.incidents if isinstance(event, ActorFailed)][1:] == []
        assert [accounts._cells[key].handled for key in (1, 2)] == [1, 1]


async def test_a_restart_of_the_tree_above_keeps_queues_and_keys() -> None:
    store: dict[int, int] = {}
    inner = SupervisorSpec(
        name="inner",
        strategy="one_for_all",
        children=(child(Puppet, "elder"), *region(store, Probe()).children),
    )
    async with running(SupervisorSpec(name="root", children=(inner,))) as system:
        accounts = system.region("root/inner/accounts")
        for key in range(100):
            accounts.tell(key, Add(amount=1))
        await system.settle()
        system.ref("root/inner/elder").tell(fail)
        for key in range(100):
            accounts.tell(key, Add(amount=1))
        await trio.sleep(5)
        assert [await accounts.ref(key).ask(Total()) for key in range(100)] == [2] * 100


async def test_who_has_slow_work_under_way_stays_awake() -> None:
    """What the work brings is for the incarnation that began it: asleep, nobody would hear it."""

    class Fetches(Actor[Any]):
        async def on_receive(self, message: Any) -> None:
            if message == "go":
                self.pipe(trio.sleep, 100.0, then=lambda _: "done")
            else:
                out.tell(message)

    out = Probe()
    keyed = KeyedSpec(name="keyed", factory=lambda _: Fetches(), idle_seconds=30.0)
    async with running(SupervisorSpec(name="root", children=(keyed,))) as system:
        region = system.region("root/keyed")
        region.tell("a", "go")
        await trio.sleep(99)
        assert region.awake == 1
        assert await out.expect(str, within=2) == "done"
        await trio.sleep(100)
        assert region.awake == 0


async def test_falling_asleep_is_told_as_what_it_is() -> None:
    async with running(region({}, Probe(), idle_seconds=5.0)) as system:
        out = Probe()
        ref = system.region("root/accounts").ref(7)
        ref.tell(Add(amount=1))
        watcher = system.spawn(lambda: Puppet(out))
        await watcher.ask(lambda me: me.watch(ref))
        await trio.sleep(30)
        assert out.told == [Terminated(ref=ref, reason="asleep")]
        ended = [i for i in system.incidents if isinstance(i, ActorStopped)]
        assert ended == [ActorStopped(path="root/accounts/7", reason="asleep")]
