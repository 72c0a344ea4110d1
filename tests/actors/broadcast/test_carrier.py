"""One attempt: the outbox first, and nothing is sent that it does not know."""

from __future__ import annotations

import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.carrier import Carrier
from actors.broadcast.model import Held, NotSent, Sent, Withdrawn
from actors.broadcast.queues import Entry
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId
from adapters.memory.broadcast import MemoryMessenger
from tests.actors.broadcast.outbox import Outbox

ANNA = ChatId(1)


def entry(lane: broadcast.Lane = "bulk") -> Entry:
    letter = broadcast.Say(letter_id=LetterId("x"), chat_id=ANNA, text="x", lane=lane)
    return Entry(letter, to=ANNA, told_at=0)


def telegram() -> MemoryMessenger:
    return MemoryMessenger(clock=trio.current_time, pause=trio.sleep)


async def test_the_outbox_knows_of_a_letter_before_telegram_does() -> None:
    messenger, outbox = telegram(), Outbox()
    carrier = Carrier(messenger, outbox)
    assert await carrier.carry(entry()) == Sent(MessageId(1))
    assert outbox.calls == ["starting x"]
    await carrier.postpone(entry())
    assert outbox.calls == ["starting x", "postponed x"]


async def test_the_outbox_hears_where_a_letter_goes_instead() -> None:
    outbox, moved = Outbox(), entry()
    carrier = Carrier(telegram(), outbox)
    await carrier.postpone(moved)
    assert outbox.became == {}
    moved.to = ChatId(-1_001)
    await carrier.postpone(moved)
    assert outbox.became == {"x": -1_001}


async def test_what_was_withdrawn_is_not_sent() -> None:
    messenger, outbox = telegram(), Outbox()
    outbox.withdrawn.add(LetterId("x"))
    assert await Carrier(messenger, outbox).carry(entry()) == Withdrawn()
    assert messenger.received == []


async def test_while_the_outbox_is_away_nothing_is_sent() -> None:
    messenger, outbox = telegram(), Outbox()
    outbox.away = Unavailable("the database is away", retry_after_seconds=3)
    outcome = await Carrier(messenger, outbox).carry(entry())
    assert outcome == Held("the database is away", retry_after_seconds=3)
    assert messenger.received == []


async def test_who_answers_asks_no_outbox_and_without_one_nobody_does() -> None:
    messenger, outbox = telegram(), Outbox()
    await Carrier(messenger, outbox).carry(entry("answer"))
    await Carrier(messenger, outbox).postpone(entry("notice"))
    assert outbox.calls == []
    carrier = Carrier(messenger, None)
    assert isinstance(await carrier.carry(entry()), Sent)
    await carrier.postpone(entry())


async def test_a_messenger_that_is_unavailable_has_sent_nothing() -> None:
    messenger = telegram()
    messenger.fail(Unavailable("no connection", retry_after_seconds=2))
    outcome = await Carrier(messenger, Outbox()).carry(entry())
    assert outcome == NotSent("no connection", retry_after_seconds=2)
