"""Users write, Make answers: the whole tree in virtual time, Make over HTTP with its failures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any
from uuid import UUID

import pytest
import trio

from actors.broadcast.desk import CHAT_MAX_LETTERS
from actors.broadcast.messages import Say, Typing
from actors.debounce.model import Patience
from actors.kernel.ids import ChatId
from actors.relay import messages as relay
from adapters.make.client import MakeWebhook
from adapters.sandbox.make import MakeSandbox
from adapters.sandbox.server import serve
from config.relay import RelayParts
from runtime import ask
from tests.stories.memory_shop import MemoryShop, now
from tests.stories.phone import Phone


@asynccontextmanager
async def relaying(seed: int, *, deadline_seconds: float = 40.0) -> AsyncIterator[MemoryShop]:
    """A shop whose users write to Make; `make` of it is the other side."""
    shop, make = MemoryShop(seed), MakeSandbox(now=now)
    async with (
        serve(make) as url,
        MakeWebhook(
            url=f"{url}/hook",
            private_hosts={"127.0.0.1"},
            now=now,
            deadline_seconds=deadline_seconds,
        ) as webhook,
    ):
        shop.relay = RelayParts(destination=webhook, patience=Patience())
        shop.make = make  # type: ignore[attr-defined]
        yield shop


def make_of(shop: MemoryShop) -> MakeSandbox:
    make: MakeSandbox = shop.make  # type: ignore[attr-defined]
    return make


def texts(event: dict[str, Any]) -> list[str]:
    return [message["text"] for message in event["messages"]]


async def test_a_user_writes_and_is_answered() -> None:
    async with relaying(1) as shop:
        anna, make = Phone(shop, 1), make_of(shop)
        make.answer_with("We open at <nine> & close at six.", seconds=6)
        async with shop.process():
            await anna.register_and_pay()
            anna.says("Hello")
            await trio.sleep(1)
            anna.says("When do you open?")
            await anna.sees("We open at &lt;nine&gt; &amp; close at six.")
            await trio.sleep(60)
        (event,) = make.received
        assert (event["user_id"], texts(event)) == (1, ["Hello", "When do you open?"])
        typing = [one.at for one in shop.messenger.received if isinstance(one.letter, Typing)]
        assert len(typing) == 2, "3 s typing, 2 s of rest, typing until the answer"
        assert 4.8 < typing[1] - typing[0] < 5.3
        assert shop.messenger.told(ChatId(1), "We open") == 1
        assert (await shop.store.inbox.counts()).unhandled == 0


async def test_an_answer_may_come_later_through_our_own_door() -> None:
    async with relaying(2) as shop:
        anna = Phone(shop, 1)
        async with shop.process() as system:
            await anna.register_and_pay()
            anna.says("Hello")
            await trio.sleep(6)
            courier = system.ref("root/courier")
            for _ in range(2):
                taken = await ask(courier, relay.Write(key="k", chat_id=ChatId(1), text="Hi!"))
            assert isinstance(taken, relay.Taken)
            await anna.sees("Hi!")
            await trio.sleep(30)
            note = await ask(courier, relay.FindNote(note_id=taken.note.note_id))
            assert note is not None
            assert note.state is relay.NoteState.SENT
        assert shop.messenger.told(ChatId(1), "Hi!") == 1


async def test_more_than_the_dispatcher_holds_for_a_chat_reaches_its_user_in_order() -> None:
    notes = CHAT_MAX_LETTERS + 20
    async with relaying(5) as shop:
        for number in range(notes):
            await shop.store.notes.keep(
                UUID(int=number),
                key=str(number),
                chat_id=ChatId(1),
                text=f"note {number:03}",
                at=now(),
                waiting_max=notes,
            )
        async with shop.process():
            await trio.sleep(notes * 1.2)
        said = [
            one.letter.text
            for one in shop.messenger.received
            if isinstance(one.letter, Say) and one.letter.text.startswith("note")
        ]
        assert said == [f"note {number:03}" for number in range(notes)]


async def test_what_was_written_before_a_restart_leaves_after_it_and_once() -> None:
    async with relaying(3) as shop:
        anna, make = Phone(shop, 1), make_of(shop)
        async with shop.process():
            await anna.register_and_pay()
            anna.says("one")
            anna.says("two")
            await trio.sleep(2)
        assert make.received == []
        async with shop.process():
            await trio.sleep(1)
            anna.says("three")
            await trio.sleep(30)
        assert [texts(event) for event in make.received] == [["one", "two", "three"]]


async def test_an_orderly_stop_at_any_moment_doubles_no_answer() -> None:
    async with relaying(4) as shop:
        anna, make = Phone(shop, 1), make_of(shop)
        make.answer_with("Noted.")
        async with shop.process():
            await anna.register_and_pay()
        for round_ in range(12):
            async with shop.process():
                anna.says(f"{round_}")
                await trio.sleep(Patience().quiet_seconds - 0.1)  # nothing leaves before
                while len(make.received) <= round_:  # noqa: ASYNC110 - Make announces nothing
                    await trio.sleep(0.001)
                await trio.sleep(round_ * 0.015)
            async with shop.process():
                await trio.sleep(20)
            events = {event["event_id"] for event in make.received}
            assert shop.messenger.told(ChatId(1), "Noted.") == len(events) == round_ + 1
            del make.received[round_ + 1 :]  # what was sent again, because nobody had its answer


@pytest.mark.parametrize("seed", [1])  # `make test` runs the scenario `talk` with more
async def test_whatever_make_does_every_word_arrives_in_order_and_is_answered_once(
    seed: int,
) -> None:
    luck = Random(seed)
    async with relaying(10 + seed, deadline_seconds=5.0) as shop:
        people, make = [Phone(shop, number) for number in range(1, 9)], make_of(shop)
        make.answer_with("Noted.")
        said: dict[int, list[str]] = defaultdict(list)
        async with shop.process(), trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(person.register_and_pay)
        for life in range(4):
            async with shop.process():
                for word in range(12):
                    person = luck.choice(people)
                    said[person.chat_id].append(f"{life}.{word}")
                    person.says(said[person.chat_id][-1])
                    await _trouble(make, luck)
                    await trio.sleep(luck.uniform(0, 8))
        make.forget_faults()
        make.listen()
        async with shop.process() as system:
            await ask(system.ref("root/relay/destination"), relay.Resume(who="test"))
            await trio.sleep(1_500)
        events: dict[str, dict[str, Any]] = {}
        for event in make.received:
            known = events.setdefault(event["event_id"], event)
            assert json.dumps(known) == json.dumps(event), "the same event says the same"
        for chat_id, words in said.items():
            mine = [event for event in events.values() if event["user_id"] == chat_id]
            assert [word for event in mine for word in texts(event)] == words
            assert shop.messenger.told(ChatId(chat_id), "Noted.") == len(mine)
        outbox = await shop.store.relay_outbox.counts()
        assert (outbox.pending, outbox.parked) == (0, 0)


async def _trouble(make: MakeSandbox, luck: Random) -> None:
    match luck.randrange(8):
        case 0:
            make.fail_next(1, luck.choice([500, 502, 503, 429]))
        case 1:
            make.drop_next(1)
        case 2:
            make.hang_next(1, 20.0)
        case 3:
            make.listen(on=luck.random() < 0.7)
        case 4:
            make.fail_next(1, 400, text="Queue is full")
        case _:
            pass
