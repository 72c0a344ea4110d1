"""The Bot API's front door: addresses, tokens, faults, counters."""

from __future__ import annotations

import httpx
import pytest
import trio

from adapters.sandbox.server import Request, serve
from adapters.sandbox.telegram import TOKEN, TelegramSandbox
from tests.adapters.sandbox.calls import Bot, bot_request


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        (f"/bot{TOKEN}/getMe", 200, None),
        (f"/bot{TOKEN}/GETME", 200, None),
        (f"/bot{TOKEN[:-1]}y/getMe", 401, "Unauthorized"),
        ("/bot123/getMe", 404, "Not Found"),
        ("/bot0:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe", 404, "Not Found"),
        (f"/bot{TOKEN}", 404, "Not Found"),
        (f"/bot{TOKEN}/noSuchMethod", 404, "Not Found: method not found"),
        (f"/bot{TOKEN}/", 404, "Not Found: method not found"),
        ("/", 404, "Not Found"),
        ("/botї/getMe", 404, "Not Found"),
    ],
)
async def test_an_address_names_a_bot_and_a_method(
    path: str, status: int, description: str | None
) -> None:
    response = await TelegramSandbox()(Request(method="GET", path=path))

    assert response is not None
    assert response.status == status
    assert description is None or f'"description": "{description}"' in response.body.decode()


@pytest.mark.parametrize("token", ["", "1:short", "x:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])
def test_a_token_of_the_wrong_shape_is_refused_at_once(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        TelegramSandbox(token=token)


async def test_a_failed_call_changes_nothing() -> None:
    telegram = TelegramSandbox()
    telegram.user(7).says("hello")
    telegram.fail_next(1, 429, "Too Many Requests: retry after 5", retry_after=5)

    response = await telegram(bot_request(telegram, "sendMessage", {"chat_id": 7, "text": "a"}))

    assert response is not None
    assert (response.status, response.headers["retry-after"]) == (429, "5")
    assert b'"parameters": {"retry_after": 5}' in response.body
    assert telegram.user(7).screen().shown == []
    assert (await Bot(telegram)("sendMessage", chat_id=7, text="a"))["text"] == "a"


async def test_a_proxys_page_may_come_instead_of_an_answer() -> None:
    telegram = TelegramSandbox()
    telegram.fail_next(1, 502, "Bad Gateway", html=True)

    response = await telegram(bot_request(telegram, "getMe", {}))

    assert response is not None
    assert (response.status, response.headers["content-type"][:9]) == (502, "text/html")


async def test_a_fault_for_one_method_lets_the_others_pass() -> None:
    telegram = TelegramSandbox()
    telegram.fail_next(1, 502, "Bad Gateway", method="sendMessage")

    await Bot(telegram)("getMe")
    assert await Bot(telegram).refused("sendMessage") == (502, "Bad Gateway")


async def test_a_dropped_call_is_carried_out() -> None:
    telegram = TelegramSandbox()
    telegram.user(7).says("hello")
    telegram.drop_next(1, method="sendMessage")

    assert await telegram(bot_request(telegram, "sendMessage", {"chat_id": 7, "text": "a"})) is None
    assert [message.text for message in telegram.user(7).screen().shown] == ["a"]


async def test_a_hanging_call_is_carried_out_late() -> None:
    telegram = TelegramSandbox()
    telegram.user(7).says("hello")
    telegram.hang_next(1, 30)

    with trio.move_on_after(29) as scope:
        await Bot(telegram)("sendMessage", chat_id=7, text="a")
    assert scope.cancelled_caught
    assert telegram.user(7).screen().shown == []

    telegram.hang_next(1, 30)
    await Bot(telegram)("sendMessage", chat_id=7, text="a")
    assert trio.current_time() >= 59


async def test_every_request_with_the_right_token_is_counted() -> None:
    telegram = TelegramSandbox()
    telegram.fail_next(1, 500, "Internal Server Error")
    bot = Bot(telegram)

    await bot.ask("getMe")
    await bot.ask("getMe")
    await bot.ask("sendMessage")

    assert telegram.calls == {"getme": 2, "sendmessage": 1}


async def test_a_whole_conversation_over_a_socket() -> None:
    telegram = TelegramSandbox()
    olha = telegram.user(7, "Olha", language_code="uk")

    async def bot(client: httpx.AsyncClient) -> None:
        (start,) = (await client.get("getUpdates?timeout=30")).json()["result"]
        keyboard = {"inline_keyboard": [[{"text": "EN", "callback_data": "en"}]]}
        greeting = {"chat_id": 7, "text": "<b>Hi</b> &amp; pick", "parse_mode": "HTML"}
        sent = (await client.post("sendMessage", json=greeting | {"reply_markup": keyboard})).json()
        again = {"offset": start["update_id"] + 1, "timeout": 30}
        (press,) = (await client.post("getUpdates", data=again)).json()["result"]
        query = press["callback_query"]
        await client.post("answerCallbackQuery", data={"callback_query_id": query["id"]})
        message_id = sent["result"]["message_id"]
        done = {"chat_id": 7, "message_id": message_id, "text": f"You chose {query['data']}"}
        await client.post("editMessageText", data=done)

    async with (
        serve(telegram) as url,
        httpx.AsyncClient(base_url=f"{url}/bot{TOKEN}/") as client,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(bot, client)
        olha.commands("/start")
        await olha.sees("Hi & pick")
        olha.presses("EN")
        changed = await olha.sees("You chose en")

    assert (changed.history, changed.buttons) == (["Hi & pick"], [])
    assert olha.callbacks[0].answered


def test_a_person_and_a_group_are_known_by_their_ids() -> None:
    telegram = TelegramSandbox()

    assert telegram.user(7, "Olha") is telegram.user(7)
    assert telegram.group(-5, "Buyers") is telegram.group(-5, "Buyers")
    with pytest.raises(ValueError, match="positive"):
        telegram.user(-7)
    with pytest.raises(ValueError, match="negative"):
        telegram.group(5, "Buyers")
