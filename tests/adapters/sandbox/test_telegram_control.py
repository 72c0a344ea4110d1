"""A Telegram sandbox moved from another process."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing

from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_control import controlled
from tests.adapters.sandbox.calls import Bot, ask_control, virtual_now

KEYBOARD = {"inline_keyboard": [[{"text": "Save", "callback_data": "save"}]]}


class Remote:
    def __init__(self) -> None:
        self.telegram = TelegramSandbox(now=virtual_now)
        self._app = controlled(self.telegram)

    async def __call__(self, path: str, **fields: object) -> tuple[int, Any]:
        return await ask_control(self._app, "POST", f"/_control/{path}", fields)


async def test_a_whole_conversation() -> None:
    remote = Remote()
    assert (await remote("users", user_id=7, first_name="Olha", language_code="uk"))[0] == 200
    assert await remote("users/7/commands", text="/start") == (200, True)
    bot = Bot(remote.telegram)
    (update,) = await bot("getUpdates", timeout=30)
    assert update["message"]["from"]["language_code"] == "uk"
    await bot("sendMessage", chat_id=7, text="Ready?", reply_markup=KEYBOARD)

    status, seen = await remote("users/7/sees", text="Ready", within=1)
    assert (status, seen["text"]) == (200, "Ready?")
    assert await remote("users/7/presses", button="Save") == (200, True)
    assert await remote("users/7/shares_contact", phone_number="+380501112233") == (200, True)
    assert await remote("users/7/sends", kind="photo") == (200, True)
    assert await remote("users/7/blocks_bot") == (200, True)
    assert (await remote("users/7/screen"))[1]["messages"][1]["text"] == "Ready?"

    counters = (await remote("counters"))[1]
    assert counters["calls"] == {"getupdates": 1, "sendmessage": 1}
    assert counters["waiting_updates"] == 5


async def test_a_group_is_seen_and_moved_by_somebody_in_it() -> None:
    remote = Remote()
    remote.telegram.group(-100, "Administrators")
    bot = Bot(remote.telegram)
    await bot("sendMessage", chat_id=-100, text="Paid", reply_markup=KEYBOARD)

    assert (await remote("users/-100/screen"))[1]["messages"][0]["text"] == "Paid"
    assert (await remote("users/-100/commands", text="/broadcast"))[0] == 200
    assert await remote("users/-100/presses", button="Save") == (200, True)
    written, pressed = await bot("getUpdates", timeout=30)
    assert written["message"]["chat"]["id"] == -100
    assert written["message"]["from"]["id"] > 0
    assert pressed["callback_query"]["message"]["chat"]["id"] == -100
    status, refused = await remote("users/-7/screen")
    assert (status, refused) == (400, {"error": "ValueError: there is no group -7"})


async def test_faults_and_limits_are_switched() -> None:
    remote = Remote()
    bot = Bot(remote.telegram)
    remote.telegram.user(7).says("hello")

    assert (await remote("fail_next", times=1, status=500, description="Oops"))[0] == 200
    assert await bot.refused("getMe") == (500, "Oops")
    assert (await remote("hang_next", times=1, seconds=1, method="getMe"))[0] == 200
    assert (await remote("rate_limit", on=True))[0] == 200
    assert remote.telegram.world.rate_limited
    status, pushed = await remote("push", message={"text": "odd"})
    assert (status, pushed["message"]) == (200, {"text": "odd"})


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("users/7/sees", {"text": "never", "within": 1}, 408),
        ("users/7/sees", {"text": "never", "within": "long"}, 400),
        ("users/7/sees", {}, 400),
        ("users/7/presses", {"button": "nothing"}, 409),
        ("users/7/says", {}, 400),
        ("users/7/screams", {}, 404),
        ("users/x/says", {"text": "a"}, 400),
        ("users/-7/says", {"text": "a"}, 400),
        ("fail_next", {"times": 0, "status": 500, "description": ""}, 400),
        ("fail_next", {"times": 1, "status": 200, "description": ""}, 400),
        ("fail_next", {"times": "1", "status": 500, "description": ""}, 400),
        ("reboot", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_an_answer(
    path: str, fields: dict[str, object], status: int
) -> None:
    got, answer = await Remote()(path, **fields)
    assert got == status
    assert answer["error"]


async def test_somebody_pays_and_the_control_waits_for_it() -> None:
    remote = Remote()
    await remote("users/7/commands", text="/start")
    bot = Bot(remote.telegram)
    prices = [{"label": "VIP", "amount": 100}]
    text = {"title": "VIP", "description": "For a month", "payload": "order-42"}
    await bot("sendInvoice", chat_id=7, currency="XTR", prices=prices, **text)
    answers: list[tuple[int, Any]] = []

    async def pay() -> None:
        answers.append(await remote("users/7/pays"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pay)
        await trio.testing.wait_all_tasks_blocked()
        (query_id,) = remote.telegram.payments.queries
        await bot("answerPreCheckoutQuery", pre_checkout_query_id=query_id, ok=True)
    ((status, message),) = answers
    assert status == 200
    assert message["successful_payment"]["invoice_payload"] == "order-42"
    assert (await remote("users/7/pays", link=""))[0] == 409  # nobody answers this time
    assert (await remote("users/7/pays", link="https://t.me/$nothing"))[0] == 409
