"""One promise for every messenger: the one in memory, and Telegram's over HTTP.

The dispatcher's tests believe the messenger in memory; this is why they may.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
import trio

from actors.broadcast import messages as broadcast
from actors.broadcast.model import Blocked, Flooded, Gone, NotSent, Outcome, Refused, Sent
from actors.broadcast.ports import Messenger
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId, MessageId
from adapters.memory.broadcast import MemoryMessenger
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TOKEN, TelegramSandbox
from adapters.telegram.bot import connected
from adapters.telegram.messenger import TelegramMessenger

CHAT = ChatId(7)


@dataclass(frozen=True)
class Telegram:
    """A messenger, and the user at the other end of it."""

    messenger: Messenger
    block: Callable[[], None]
    texts: Callable[[], list[str]]

    async def say(self, text: str) -> Outcome:
        letter = broadcast.Say(letter_id=LetterId("s"), chat_id=CHAT, text=text)
        return await self.messenger.deliver(letter)

    async def edit(self, message_id: MessageId, text: str) -> Outcome:
        letter = broadcast.Edit(
            letter_id=LetterId("e"), chat_id=CHAT, message_id=message_id, text=text
        )
        return await self.messenger.deliver(letter)

    async def erase(self, message_id: MessageId) -> Outcome:
        return await self.messenger.deliver(broadcast.Erase(chat_id=CHAT, message_id=message_id))


@asynccontextmanager
async def memory() -> AsyncIterator[Telegram]:
    messenger = MemoryMessenger(clock=trio.current_time, pause=trio.sleep)
    yield Telegram(
        messenger,
        lambda: messenger.blocked.update({CHAT: "Forbidden: bot was blocked by the user"}),
        lambda: [letter.text for letter in messenger.shown(CHAT).values()],
    )


@asynccontextmanager
async def sandbox() -> AsyncIterator[Telegram]:
    telegram = TelegramSandbox()
    telegram.rate_limit(on=True)
    user = telegram.user(CHAT)
    user.commands("/start")
    async with serve(telegram) as url, connected(token=TOKEN, api_url=url) as bot:
        yield Telegram(
            TelegramMessenger(bot),
            user.blocks_bot,
            lambda: [message.text for message in user.screen().shown],
        )


Opened = Callable[[], AbstractAsyncContextManager[Telegram]]

each = pytest.mark.parametrize("opened", [memory, sandbox])


def named(outcome: Outcome) -> MessageId:
    """The message that an accepted letter is shown by."""
    assert isinstance(outcome, Sent)
    assert outcome.message_id is not None
    return outcome.message_id


@each
async def test_a_new_message_is_shown_under_an_id_that_grows(opened: Opened) -> None:
    async with opened() as telegram:
        first, second = named(await telegram.say("one")), named(await telegram.say("two"))
        assert second > first
        assert telegram.texts() == ["one", "two"]


@each
async def test_an_edit_changes_the_message_and_names_it(opened: Opened) -> None:
    async with opened() as telegram:
        shown = named(await telegram.say("before"))
        assert await telegram.edit(shown, "after") == Sent(shown)
        assert telegram.texts() == ["after"]


@each
async def test_the_same_edit_twice_is_sent_twice(opened: Opened) -> None:
    async with opened() as telegram:
        shown = named(await telegram.say("before"))
        assert await telegram.edit(shown, "after") == await telegram.edit(shown, "after")


@each
async def test_a_message_that_is_not_there_is_gone(opened: Opened) -> None:
    async with opened() as telegram:
        await telegram.say("another")
        assert await telegram.edit(MessageId(4_000), "after") == Gone()


@each
async def test_erased_it_is_no_longer_shown_and_cannot_be_edited(opened: Opened) -> None:
    async with opened() as telegram:
        shown = named(await telegram.say("before"))
        assert await telegram.erase(shown) == Sent()
        assert telegram.texts() == []
        assert await telegram.edit(shown, "after") == Gone()
        assert await telegram.erase(shown) == Gone()


@each
async def test_the_answer_to_a_button_that_nobody_waits_for_does_no_harm(opened: Opened) -> None:
    async with opened() as telegram:
        letter = broadcast.AnswerCallback(chat_id=CHAT, callback_id="123", text="yes")
        assert await telegram.messenger.deliver(letter) == Sent()


@each
async def test_a_chat_that_blocked_the_bot_says_so(opened: Opened) -> None:
    async with opened() as telegram:
        telegram.block()
        assert await telegram.say("hello") == Blocked("Forbidden: bot was blocked by the user")


@each
@pytest.mark.parametrize("text", ["", "   \n", "x" * 4_097])
async def test_a_text_that_telegram_does_not_take_is_refused_in_its_words(
    opened: Opened, text: str
) -> None:
    async with opened() as telegram:
        refusal = await telegram.say(text)
        assert isinstance(refusal, Refused)
        assert ("too long" if text.strip() else "empty") in refusal.detail
        assert telegram.texts() == []


@each
async def test_too_much_at_once_is_flooded_with_a_time_and_not_shown(opened: Opened) -> None:
    async with opened() as telegram:
        outcomes = [await telegram.say(str(number)) for number in range(10)]
        floods = [outcome for outcome in outcomes if isinstance(outcome, Flooded)]
        assert floods
        assert all(flood.retry_after_seconds > 0 for flood in floods)
        assert len(telegram.texts()) == len(outcomes) - len(floods)


@each
async def test_a_caption_is_changed_as_a_caption_and_a_text_as_a_text(opened: Opened) -> None:
    media = broadcast.Media(kind="photo", file="AgACAgIAAxkBAAI")
    async with opened() as telegram:
        letter = broadcast.Say(letter_id=LetterId("m"), chat_id=CHAT, text="before", media=media)
        shown = named(await telegram.messenger.deliver(letter))
        edit = broadcast.Edit(
            letter_id=LetterId("e"), chat_id=CHAT, message_id=shown, text="after", caption=True
        )
        assert isinstance(await telegram.edit(shown, "as text"), Refused)
        assert await telegram.messenger.deliver(edit) == Sent(shown)
        assert telegram.texts() == ["after"]
        await trio.sleep(9)  # for the pace of the chat
        long = broadcast.Say(letter_id=LetterId("l"), chat_id=CHAT, text="x" * 1_025, media=media)
        assert isinstance(await telegram.messenger.deliver(long), Refused)
        text = named(await telegram.say("text"))
        wrong = broadcast.Edit(
            letter_id=LetterId("w"), chat_id=CHAT, message_id=text, text="x", caption=True
        )
        assert isinstance(await telegram.messenger.deliver(wrong), Refused)


@each
async def test_typing_is_no_message(opened: Opened) -> None:
    async with opened() as telegram:
        assert await telegram.messenger.deliver(broadcast.Typing(chat_id=CHAT)) == Sent()
        assert telegram.texts() == []


async def test_in_memory_what_is_scripted_happens_once_and_shows_nothing() -> None:
    messenger = MemoryMessenger(clock=trio.current_time, pause=trio.sleep)
    messenger.fail(NotSent("no route"), Unavailable("away"))
    letter = broadcast.Say(letter_id=LetterId("s"), chat_id=CHAT, text="hello")
    assert await messenger.deliver(letter) == NotSent("no route")
    with pytest.raises(Unavailable):
        await messenger.deliver(letter)
    assert messenger.shown(CHAT) == {}
    assert await messenger.deliver(letter) == Sent(MessageId(1))
    assert len(messenger.received) == 3


async def test_in_memory_a_flooded_chat_is_refused_until_its_time_is_over() -> None:
    now = 0.0
    messenger = MemoryMessenger(clock=lambda: now, pause=trio.sleep)
    letter = broadcast.Say(letter_id=LetterId("s"), chat_id=CHAT, text="hello")
    for _ in range(3):
        assert isinstance(await messenger.deliver(letter), Sent)
    assert await messenger.deliver(letter) == Flooded(5.0)
    now = 4.0
    assert await messenger.deliver(letter) == Flooded(1.0)
    now = 5.0
    assert isinstance(await messenger.deliver(letter), Sent)
    assert messenger.refused_for_pace() == 2


async def test_in_memory_a_group_takes_twenty_a_minute() -> None:
    now = 0.0
    messenger = MemoryMessenger(clock=lambda: now, pause=trio.sleep)
    letter = broadcast.Say(letter_id=LetterId("s"), chat_id=ChatId(-7), text="hello")
    for _ in range(20):
        assert isinstance(await messenger.deliver(letter), Sent)
        now += 1.0
    assert isinstance(await messenger.deliver(letter), Flooded)


async def test_in_memory_thirty_a_second_are_taken_over_all_chats() -> None:
    messenger = MemoryMessenger(clock=lambda: 0.0, pause=trio.sleep)
    for number in range(30):
        letter = broadcast.AnswerCallback(chat_id=ChatId(number + 1), callback_id="1")
        assert await messenger.deliver(letter) == Sent()
    letter = broadcast.AnswerCallback(chat_id=ChatId(31), callback_id="1")
    assert isinstance(await messenger.deliver(letter), Flooded)


async def test_in_memory_what_is_paid_for_uses_up_what_is_free_and_then_is_billed() -> None:
    messenger = MemoryMessenger(clock=lambda: 0.0, pause=trio.sleep)
    for number in range(50):
        letter = broadcast.Say(
            letter_id=LetterId("s"), chat_id=ChatId(number + 1), text="hello", paid=True
        )
        assert isinstance(await messenger.deliver(letter), Sent)
    assert messenger.billed == 20
    letter = broadcast.Say(letter_id=LetterId("s"), chat_id=ChatId(99), text="hello")
    assert isinstance(await messenger.deliver(letter), Flooded)


async def test_in_memory_a_chat_that_was_closed_is_hit_too_early_once_it_said_so() -> None:
    now = 0.0
    messenger = MemoryMessenger(clock=lambda: now, pause=trio.sleep)
    letter = broadcast.Say(letter_id=LetterId("s"), chat_id=CHAT, text="hello")
    messenger.close(CHAT, 10)
    assert await messenger.deliver(letter) == Flooded(10.0)
    assert messenger.too_early == 0
    now = 9.0
    assert await messenger.deliver(letter) == Flooded(1.0)
    assert messenger.too_early == 1
    now = 10.0
    assert isinstance(await messenger.deliver(letter), Sent)
