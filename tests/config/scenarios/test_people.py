"""People do each thing once, and know at the end what went wrong for them."""

from __future__ import annotations

import trio

from config.scenarios.people import Person, Temper
from config.scenarios.shop import SimulatedShop
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation

KINDS = (
    Temper(pays_after=3.0),
    Temper(pays_after=None),
    Temper(pays_after=-1.0),
    Temper(cancels=True),
    Temper(cancels_saving_after=0.0),
    Temper(cancels_saving_after=0.0, pays_after=-1.0),
    Temper(cancels_saving_after=0.0, returns=True),
    Temper(asks=3),
    Temper(renames=True),
    Temper(blocks_for=40.0),
    Temper(comes_after=30.0, thinks_for=20.0),
)


@simulation(
    seeds=1,
    sometimes=("paid at once", "cancelled while saving", "paid although cancelled"),
    twice=False,
)
async def test_people_of_every_kind_come_to_the_end_of_their_story(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    crowd = [Person(shop, number, temper) for number, temper in enumerate(KINDS, start=1)]
    async with shop.open():
        async with trio.open_nursery() as nursery:
            for person in crowd:
                nursery.start_soon(person.live)
        await trio.sleep(60)

        assert [fault for person in crowd for fault in person.faults()] == []
        paid = [person.paid_at is not None for person in crowd]
        assert paid == [temper.pays_after is not None for temper in KINDS]
        assert [person.told_at is not None for person in crowd] == paid


@simulation(seeds=1)
async def test_who_waits_for_a_dead_bot_is_under_way(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper())
    async with shop.open():
        sim.network.refuse("telegram")  # the bot hears nobody
        async with trio.open_nursery() as nursery:
            nursery.start_soon(person.live)
            await trio.sleep(100)

            assert person.under_way
            assert any("still under way" in fault for fault in person.faults())
            nursery.cancel_scope.cancel()
        sim.heal()


@simulation(seeds=1)
async def test_who_cancelled_before_there_was_a_record_owes_nothing_and_is_told_nothing(
    sim: Simulation,
) -> None:
    shop = SimulatedShop(sim)
    shop.nocodb.fail_next(1, 502, kind="create")
    person = Person(shop, 1, Temper(cancels_saving_after=0.0))
    async with shop.open():
        await person.live()
        await trio.sleep(100)

        assert (shop.nocodb.rows, person.paid_at, person.faults()) == ([], None, [])


@simulation(seeds=1)
async def test_a_twin_record_and_an_operators_message_are_faults(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    person = Person(shop, 1, Temper())
    async with shop.open():
        await person.live()
        await trio.sleep(10)
        assert person.faults() == []

        shop.nocodb.insert(ChatId="1", Name="twin")
        assert any("has the records" in fault for fault in person.faults())
