"""What is wrong at the end is said."""

from __future__ import annotations

import pytest
import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from config.scenarios.verdict import (
    ANSWER_SECONDS,
    TELL_SECONDS,
    check,
    check_calm,
    check_promptness,
    check_rest,
    check_that_nobody_failed,
    check_the_end,
    check_timers,
    served,
)
from runtime import Actor, ChildSpec, KeyedSpec, SupervisorSpec
from runtime.testing import running
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import PropertyError, Simulation


@simulation(seeds=1, twice=False)
async def test_a_shop_at_rest_passes_and_a_late_answer_or_telling_does_not(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper())
    async with shop.open():
        await person.live()
        await served(sim, [person])
        await trio.sleep(5)  # the receipt of what he sees is still on its way
        check_promptness(person)
        await check(shop, [person])
        await check_calm(shop)

        person.slowest = ANSWER_SECONDS + 1
        with pytest.raises(PropertyError, match="for an answer"):
            check_promptness(person)
        person.slowest, person.told_at = 0.0, trio.current_time() + TELL_SECONDS
        with pytest.raises(PropertyError, match="after he had paid"):
            check_promptness(person)
    check_the_end(shop)


@simulation(seeds=1, twice=False)
async def test_who_is_never_served_is_named_with_what_he_sees(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper())
    async with shop.open(), trio.open_nursery() as nursery:
        sim.network.refuse("telegram")
        nursery.start_soon(person.live)
        await trio.sleep(1)
        with pytest.raises(PropertyError, match="everybody is served") as caught:
            await served(sim, [person])
        assert any("Person <1>" in note for note in caught.value.__notes__)
        with pytest.raises(PropertyError, match="still under way"):
            await check(shop, [person])
        nursery.cancel_scope.cancel()
    with pytest.raises(PropertyError, match="never confirmed"):
        check_the_end(shop)


@simulation(seeds=1, twice=False)
async def test_too_many_questions_are_said(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(60)
        shop.nocodb.wheres += ["(Paid,checked)"] * 20
        with pytest.raises(PropertyError, match="20 questions to NocoDB in 3 intervals"):
            await check(shop, [])


@simulation(seeds=1, twice=False)
async def test_a_bot_that_is_unwell_at_rest_is_said(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(60)
        await check_rest(shop)
        sim.network.refuse("telegram")
        sim.network.reset("telegram")
        await trio.sleep(60)
        with pytest.raises(PropertyError, match=r"not within|unwell at rest: .*Telegram"):
            await check_rest(shop)
        shop.heal()


@simulation(seeds=1, twice=False)
async def test_who_failed_is_said_and_who_only_waited_is_not(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    async with shop.open():
        await trio.sleep(10)
        shop.database_away = True
        await trio.sleep(60)
        shop.heal()
        await trio.sleep(60)
        check_that_nobody_failed(shop)

        assert shop.present is not None
        shop.present.system.ref("root/tracker").kill(RuntimeError("struck"))
        await trio.sleep(1)
        with pytest.raises(PropertyError, match=r"root/tracker failed 1 times: .*struck"):
            check_that_nobody_failed(shop)


class Waits(Actor[int]):
    """Has as many timers as it is told to."""

    def on_receive(self, message: int) -> None:
        for number in range(message):
            self.after(3600, 0, key=number)


async def test_timers_that_add_up_and_those_of_a_chat_are_seen() -> None:
    tree = SupervisorSpec(
        name="root",
        children=(
            ChildSpec(name="waits", factory=Waits),
            KeyedSpec(name="chats", factory=lambda _: Waits()),
        ),
    )
    async with running(tree) as system:
        system.ref("root/waits").tell(2)
        system.region("root/chats").tell(1, 0)
        await system.settle()
        check_timers(system)

        system.ref("root/waits").tell(5)
        await system.settle()
        with pytest.raises(PropertyError, match="timers of 2 actors at rest"):
            check_timers(system)

        system.region("root/chats").tell(1, 1)
        await system.settle()
        with pytest.raises(PropertyError, match="timers at rest of root/chats/1"):
            check_timers(system)
