"""A registration is paid, in virtual time: one buyer, a crowd, and one nobody waits for.

Whatever can go wrong meanwhile goes wrong in `config/scenarios/`.
"""

from __future__ import annotations

import trio

from actors.tracker.model import Place
from tests.stories.memory_shop import INTERVAL_SECONDS, MemoryShop
from tests.stories.phone import SUCCESS, WAITS, Phone

CROWD = 60
"""Two seconds of messages at the rate that Telegram allows."""
DAY_SECONDS = 86_400.0
CANCELLED = "is cancelled"


async def test_a_registration_is_paid() -> None:
    shop = MemoryShop(seed=1)
    anna = Phone(shop, 1)

    async with shop.process():
        await anna.register_and_pay()
        await trio.sleep(2 * INTERVAL_SECONDS)

    assert anna.faults() == []
    assert shop.messenger.told(anna.chat_id, SUCCESS) == 1
    assert (await shop.store.inbox.counts()).unhandled == 0


async def test_a_crowd_registers_and_pays_without_a_request_for_each() -> None:
    shop = MemoryShop(seed=2)
    people = [Phone(shop, number) for number in range(1, CROWD + 1)]

    async with shop.process():
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(person.register)
        asked, began = len(shop.paid_records.questions), trio.current_time()
        for person in people:
            shop.records.tick(person.chat_id)
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(person.sees, SUCCESS)
        took = trio.current_time() - began
        questions = len(shop.paid_records.questions) - asked
        await trio.sleep(2 * INTERVAL_SECONDS)

    assert [fault for person in people for fault in person.faults()] == []
    assert {shop.messenger.told(p.chat_id, SUCCESS) for p in people} == {1}
    assert questions <= 2 * (took / INTERVAL_SECONDS + 1)
    assert took < INTERVAL_SECONDS + CROWD / 30 + 5
    assert shop.messenger.refused_for_pace() == 0
    assert (await shop.store.inbox.counts()).unhandled == 0


async def test_waiting_for_a_day_costs_two_requests_an_interval_at_most() -> None:
    shop = MemoryShop(seed=3)
    people = [Phone(shop, number) for number in range(1, 31)]

    async with shop.process():
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(person.register)
        asked = len(shop.paid_records.questions)
        await trio.sleep(1_200)
        questions = shop.paid_records.questions[asked:]

    assert len(questions) <= 2 * 1_200 / INTERVAL_SECONDS
    assert any(isinstance(question, Place) for question in questions)


async def test_a_payment_that_is_taken_back_before_anybody_looked_tells_nobody() -> None:
    shop = MemoryShop(seed=4)
    anna = Phone(shop, 1)

    async with shop.process():
        await anna.register()
        (record_id,) = shop.records.rows
        shop.paid_records.tick(record_id)
        shop.paid_records.tick(record_id, paid=False)
        await trio.sleep(5 * INTERVAL_SECONDS)

    assert shop.messenger.told(anna.chat_id, SUCCESS) == 0
    assert any(WAITS in message.text for message in anna.shown.values())


async def test_after_a_restart_a_payment_of_the_night_is_told_in_the_morning() -> None:
    shop = MemoryShop(seed=6)
    anna = Phone(shop, 1)
    async with shop.process():
        await anna.register()

    shop.records.tick(anna.chat_id)
    await trio.sleep(DAY_SECONDS)
    async with shop.process():
        await anna.sees(SUCCESS)
        await trio.sleep(5 * INTERVAL_SECONDS)

    assert anna.faults() == []
    assert shop.messenger.told(anna.chat_id, SUCCESS) == 1


async def test_who_has_paid_and_cancels_is_told_once_whatever_he_and_the_process_do_next() -> None:
    shop = MemoryShop(seed=5)
    at_once, later, changes_his_mind = people = [Phone(shop, number) for number in (1, 2, 3)]

    async with shop.process():
        for person in people:
            await person.register()
            person.commands("/cancel")
            await person.sees(CANCELLED)
        shop.records.tick(at_once.chat_id)
        await at_once.sees(SUCCESS)
        changes_his_mind.commands("/start")
        await changes_his_mind.sees(WAITS)
        await trio.sleep(2 * INTERVAL_SECONDS)
    for person in (later, changes_his_mind):
        shop.records.tick(person.chat_id)  # while no process runs
    async with shop.process():
        for person in people:
            await person.sees(SUCCESS)
        await trio.sleep(3_600)

    assert [fault for person in people for fault in person.faults()] == []
    assert {shop.messenger.told(person.chat_id, SUCCESS) for person in people} == {1}
