"""Actors of the shop in the behaviour kit: their whole behaviour, without a system."""

from __future__ import annotations

from datetime import datetime, timedelta

from actors.broadcast import messages as broadcast
from actors.broadcast.actor import BroadcastDispatcher
from actors.broadcast.model import Flooded
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId, RecordId, UpdateId
from actors.operations import messages as operations
from actors.sessions import messages as sessions
from actors.sessions.actor import UserSession
from actors.sessions.alarms import INTERVAL_SECONDS, LOOK_SECONDS, SessionAlarms
from actors.sessions.model import Session, State
from actors.sessions.ports import Alarm
from actors.tracker import messages as tracker
from actors.tracker.actor import PaymentTracker
from adapters.memory.broadcast import MemoryMessenger
from adapters.memory.database import MemoryDatabase
from adapters.memory.dispatch import MemoryPostBook
from adapters.memory.orders import MemoryOrders
from adapters.memory.payments import MemoryPayments
from adapters.memory.sessions import MemoryRecords, MemorySessions
from adapters.memory.tracker import MemoryPaidRecords, MemoryWatches
from runtime.testing.behaviour import Behaviour
from runtime.testing.effects import Failed, Piped, Stopped, Suspended, Told
from runtime.testing.hand_loop import at_once
from runtime.world import VirtualWorld

CHAT, RECORD = ChatId(70), RecordId(7)
PROFILE = sessions.Profile(first_name="Ann", language_code="en")


# The dispatcher


async def no_pause(seconds: float) -> None:
    """Nobody waits here."""


def telegram(world: VirtualWorld) -> MemoryMessenger:
    def clock() -> float:
        return world.monotonic()  # the kit's, once there is one

    return MemoryMessenger(clock=clock, pause=no_pause)


def dispatcher(world: VirtualWorld, messenger: MemoryMessenger) -> Behaviour:
    book = MemoryPostBook(MemoryDatabase(now=world.now).connect())
    return Behaviour(
        lambda _: BroadcastDispatcher(messenger=messenger, book=book, pause=no_pause),
        world=world,
    )


def say(kit: Behaviour, number: int, chat_id: ChatId = CHAT) -> broadcast.Say:
    return broadcast.Say(
        letter_id=LetterId(f"letter-{number}"),
        chat_id=chat_id,
        text="hello",
        notify=kit.recipient("author"),
    )


def delivered(letter: broadcast.Say, message_id: int) -> Told:
    receipt = broadcast.Delivered(
        letter_id=letter.letter_id, chat_id=letter.chat_id, message_id=MessageId(message_id)
    )
    return Told("author", receipt)


def test_a_letter_is_carried_and_its_author_told() -> None:
    world = VirtualWorld()
    messenger = telegram(world)
    kit = dispatcher(world, messenger)
    letter = say(kit, 1)

    assert kit.tell(letter).of(Piped)[0].work == "BroadcastDispatcher._carry"
    assert kit.finish() == [delivered(letter, 1)]


def test_one_chat_has_one_letter_out_at_a_time() -> None:
    world = VirtualWorld()
    messenger = telegram(world)
    kit = dispatcher(world, messenger)
    first, second = say(kit, 1), say(kit, 2)

    kit.tell(first)
    assert kit.tell(second).of(Piped) == []
    assert kit.finish().of(Piped)  # now the second one leaves
    assert kit.finish() == [delivered(second, 2)]


def test_a_flood_wait_is_waited_out() -> None:
    world = VirtualWorld()
    messenger = telegram(world)
    messenger.fail(Flooded(30.0))
    kit = dispatcher(world, messenger)
    letter = say(kit, 1)

    kit.tell(letter)
    assert kit.finish().of(Told) == []
    kit.finish()  # the book has it
    assert kit.advance(29).of(Piped) == []
    assert len(kit.advance(10).of(Piped)) == 1
    assert kit.finish() == [delivered(letter, 1)]


# The alarms


def test_the_alarms_wake_whoever_is_due_and_wait_for_a_store_that_is_away() -> None:
    class Store(MemorySessions):
        away = False

        async def due(
            self, *, now: datetime, limit: int, after: Alarm | None = None
        ) -> tuple[Alarm, ...]:
            if self.away:
                raise Unavailable("the store is away")
            return await super().due(now=now, limit=limit, after=after)

    world = VirtualWorld()
    store = Store(MemoryDatabase(now=world.now).connect())
    kit = Behaviour(
        lambda kit: SessionAlarms(store=store, sessions=kit.family("sessions")), world=world
    )
    deadline = world.now() + timedelta(seconds=7)
    at_once(store.save(Session(chat_id=CHAT, deadline=deadline)))
    kit.tell(sessions.DueBy(at=deadline))

    assert kit.advance(INTERVAL_SECONDS) == []
    assert kit.advance(INTERVAL_SECONDS).of(Told) == [Told("sessions", sessions.Due(), key=CHAT)]
    store.away = True
    assert kit.advance(LOOK_SECONDS) == [Suspended(Unavailable("the store is away"))]
    store.away = False
    assert kit.restart().told("sessions") == [sessions.Due()]


# The tracker


def _tracker(watches: MemoryWatches, table: MemoryPaidRecords) -> PaymentTracker:
    connection = watches.connection
    return PaymentTracker(
        store=watches,
        records=table,
        payments=MemoryPayments(connection),
        orders=MemoryOrders(connection),
        live=True,
    )


def test_the_tracker_publishes_a_payment_once_and_only_when_it_is_stored() -> None:
    world = VirtualWorld()
    rows = MemorySessions(MemoryDatabase(now=world.now).connect())
    watches = MemoryWatches(rows.connection)
    table = MemoryPaidRecords(now=world.now)
    table.insert(RECORD, CHAT)
    kit = Behaviour(lambda _: _tracker(watches, table), world=world)

    waiting = Session(chat_id=CHAT, state=State.AWAITING_PAYMENT, record_id=RECORD)
    at_once(rows.save(waiting))
    kit.tell(tracker.Track(record_id=RECORD, chat_id=CHAT))
    published: list[tracker.PaymentStatusChanged] = []
    for look in range(3):
        if look == 1:
            table.tick(RECORD)
        kit.advance(20)
        while kit.under_way:
            published += kit.finish().published(tracker.PaymentStatusChanged)

    paid = tracker.PaymentStatus.PAID
    assert published == [tracker.PaymentStatusChanged(record_id=RECORD, chat_id=CHAT, status=paid)]
    assert [watch.paid for watch in at_once(watches.waiting())] == [True]


def test_a_tracker_without_its_table_says_so_and_goes_on() -> None:
    world = VirtualWorld()
    kit = Behaviour(
        lambda _: _tracker(
            MemoryWatches(MemorySessions().connection), MemoryPaidRecords(now=world.now)
        ),
        world=world,
    )
    kit.tell(tracker.Track(record_id=RECORD, chat_id=CHAT))
    kit.advance(20)

    effects = kit.finish(result=Unavailable("no route"))

    assert effects.published(operations.Reported)[-1].status != "pass"
    assert effects.of(Failed) == []
    assert kit.advance(60).of(Piped)


# A session


def test_a_session_shows_its_view_again_until_it_was_seen_whatever_dies() -> None:
    world = VirtualWorld()
    store, records = MemorySessions(MemoryDatabase(now=world.now).connect()), MemoryRecords()
    kit = Behaviour(
        lambda kit: UserSession(
            chat_id=CHAT,
            store=store,
            records=records,
            dispatcher=kit.recipient("dispatcher"),
            tracker=kit.recipient("tracker"),
        ),
        key=CHAT,
        world=world,
    )
    start = sessions.CommandReceived(update_id=UpdateId(1), name="start", profile=PROFILE)

    [shown] = kit.tell(start).told("dispatcher")
    assert kit.restart().told("dispatcher") == [shown]
    receipt = broadcast.Delivered(letter_id=shown.letter_id, chat_id=CHAT, message_id=MessageId(1))
    assert kit.tell(receipt) == []
    assert kit.restart() == []
    assert kit.stop() == [Stopped()]
