"""Messages with media, changed captions, many deletions, and chats that are closed for a while."""

from __future__ import annotations

import pytest
import trio

from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_limits import PENDING_HELD_SECONDS, PENDING_MAX
from tests.adapters.sandbox.calls import Bot, virtual_now

FILE = "AgACAgIAAxkBAAI"


def world() -> tuple[TelegramSandbox, Bot]:
    telegram = TelegramSandbox(now=virtual_now)
    telegram.user(7).commands("/start")
    return telegram, Bot(telegram)


async def test_a_photo_is_a_list_of_sizes_and_its_text_a_caption() -> None:
    telegram, bot = world()
    shown = await bot("sendPhoto", chat_id=7, photo=FILE, caption="<b>hi</b>", parse_mode="HTML")
    assert shown["photo"] == [
        {"file_id": FILE, "file_unique_id": FILE[-6:], "width": 512, "height": 512}
    ]
    assert shown["caption"] == "hi"
    assert shown["caption_entities"] == [{"type": "bold", "offset": 0, "length": 2}]
    assert "text" not in shown
    assert (await telegram.user(7).sees("hi")).captioned


@pytest.mark.parametrize("kind", ["video", "document", "animation"])
async def test_other_media_is_one_file_with_or_without_a_caption(kind: str) -> None:
    _, bot = world()
    shown = await bot(f"send{kind}", chat_id=7, **{kind: "https://shop.example/a"})
    assert shown[kind]["file_id"] == "https://shop.example/a"
    assert "caption" not in shown


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({}, "there is no photo in the request"),
        ({"photo": "a b"}, "wrong remote file identifier specified"),
        ({"photo": FILE, "caption": "x" * 1025}, "message caption is too long"),
        (
            {"photo": FILE, "caption": "<b>", "parse_mode": "HTML"},
            "can't parse entities",
        ),
    ],
)
async def test_media_that_telegram_does_not_take(
    parameters: dict[str, str], description: str
) -> None:
    _, bot = world()
    status, told = await bot.refused("sendPhoto", chat_id=7, **parameters)
    assert status == 400
    assert description in told


async def test_a_caption_is_changed_as_a_caption_and_a_text_as_a_text() -> None:
    _, bot = world()
    photo = (await bot("sendPhoto", chat_id=7, photo=FILE, caption="a"))["message_id"]
    text = (await bot("sendMessage", chat_id=7, text="a"))["message_id"]
    changed = await bot("editMessageCaption", chat_id=7, message_id=photo, caption="b")
    assert changed["caption"] == "b"
    assert (await bot("editMessageCaption", chat_id=7, message_id=photo)).get("caption") is None
    for method, message_id, missing in (
        ("editMessageCaption", text, "caption"),
        ("editMessageText", photo, "text"),
    ):
        parameters = {"chat_id": 7, "message_id": message_id, "text": "c", "caption": "c"}
        told = await bot.refused(method, **parameters)
        assert told == (400, f"Bad Request: there is no {missing} in the message to edit")


async def test_messages_are_deleted_together_and_those_that_are_gone_are_passed_over() -> None:
    telegram, bot = world()
    shown = [
        (await bot("sendMessage", chat_id=7, text=str(number)))["message_id"] for number in range(3)
    ]
    assert await bot("deleteMessages", chat_id=7, message_ids=[*shown[:2], 4_000]) is True
    assert [message.text for message in telegram.user(7).screen().shown] == ["2"]
    for named, description in (
        ([], "message identifiers are not specified"),
        (list(range(1, 102)), "too many message identifiers specified"),
        (7, "expected an Array of message identifiers"),
    ):
        told = await bot.refused("deleteMessages", chat_id=7, message_ids=named)
        assert told == (400, f"Bad Request: {description}")


async def test_a_flood_wait_is_kept_whatever_is_said_about_rates() -> None:
    telegram, bot = world()
    telegram.flood(7, 5)
    for _ in range(2):
        status, body = await bot.ask("sendMessage", chat_id=7, text="a")
        assert (status, body["parameters"]) == (429, {"retry_after": 5})
    assert telegram.limits.too_early == 1
    await trio.sleep(5)
    await bot("sendMessage", chat_id=7, text="a")
    telegram.flood_next(1, 3)
    assert (await bot.refused("sendPhoto", chat_id=7, photo=FILE))[0] == 429
    assert (await bot.refused("sendMessage", chat_id=7, text="a"))[0] == 429
    assert telegram.limits.too_early == 2


async def test_a_group_that_became_a_supergroup_says_which() -> None:
    telegram, bot = world()
    telegram.group(-5, "Friends")
    telegram.upgrade(-5, -1005)
    status, body = await bot.ask("sendMessage", chat_id=-5, text="a")
    assert (status, body["parameters"]) == (400, {"migrate_to_chat_id": -1005})
    assert (await bot("sendMessage", chat_id=-1005, text="a"))["chat"]["title"] == "Friends"


async def test_more_than_three_hundred_and_ten_requests_for_one_chat_are_held_and_refused() -> None:
    telegram, bot = world()
    telegram.hang_next(PENDING_MAX, 10, method="sendMessage")
    statuses: list[tuple[float, int]] = []

    async def send() -> None:
        status, _ = await bot.ask("sendMessage", chat_id=7, text="a")
        statuses.append((trio.current_time(), status))

    async with trio.open_nursery() as nursery:
        for _ in range(PENDING_MAX + 2):
            nursery.start_soon(send)
    assert statuses[:2] == [(PENDING_HELD_SECONDS, 429)] * 2
    assert statuses[2:] == [(10.0, 200)] * PENDING_MAX
    assert not telegram.limits.pending
