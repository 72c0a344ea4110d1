"""What the methods and the people of one world share."""

from __future__ import annotations

from adapters.sandbox.telegram_state import Account, Chat, Message
from adapters.sandbox.telegram_world import World
from tests.adapters.sandbox.calls import NOON

BOT = Account(id=1, first_name="Bot", is_bot=True)
ADA = Account(id=7, first_name="Ada")


def a_world() -> World:
    return World(bot=BOT, now=lambda: NOON)


def test_private_chats_share_a_counter_and_groups_have_their_own() -> None:
    world = a_world()
    chats = [Chat(id=number, type="private") for number in (7, 8)]
    group = Chat(id=-5, type="supergroup")

    assert [world.next_message_id(c) for c in (*chats, group, chats[0], group)] == [1, 2, 1, 3, 2]


def test_a_message_wakes_whoever_watches_and_ends_the_bots_typing() -> None:
    world = a_world()
    chat = Chat(id=7, type="private", peer=ADA, action="typing")
    watched, seen = chat.changed, []

    for number, sender in enumerate((ADA, BOT), start=1):
        world.show(Message(message_id=number, chat=chat, sender=sender, date=NOON))
        seen.append(chat.action)

    assert seen == ["typing", None]
    assert (watched.is_set(), chat.changed.is_set()) == (True, False)


def test_a_service_message_is_shown_and_told() -> None:
    world = a_world()
    chat = Chat(id=7, type="private", peer=ADA)

    message = world.tell(chat, ADA, {"successful_payment": {"currency": "XTR"}})

    assert (chat.messages[message.message_id], chat.started) == (message, True)
    (update,) = world.updates.waiting(None)
    assert update["message"]["successful_payment"] == {"currency": "XTR"}
