"""The sandbox fails as Make does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import trio

from adapters.sandbox.make import BODY_BYTES_MAX, PATH, REQUESTS_MAX, MakeSandbox
from adapters.sandbox.server import Request, Response


async def post(make: MakeSandbox, event: object = None, **headers: str) -> Response | None:
    body = event if isinstance(event, bytes) else json.dumps(event or {"event_id": "1"}).encode()
    return await make(Request(method="POST", path=PATH, body=body, headers=headers))


def told(response: Response | None) -> tuple[int, str]:
    assert response is not None
    return response.status, response.body.decode()


async def test_an_event_is_accepted() -> None:
    make = MakeSandbox()
    assert told(await post(make, {"event_id": "7"})) == (200, "Accepted")
    assert make.received == [{"event_id": "7"}]
    assert make.calls == {"200": 1}


async def test_a_scenario_may_answer_when_it_is_through() -> None:
    make = MakeSandbox()
    make.answer_with("Hi", seconds=7)
    assert told(await post(make)) == (200, '{"text": "Hi"}')
    assert trio.current_time() == 7
    make.answer_plainly("Plain")
    assert told(await post(make)) == (200, "Plain")
    make.answer_with(html="<p>")
    response = await post(make)
    assert response is not None
    assert response.headers["content-type"] == "text/html"
    make.answer_with()
    assert told(await post(make)) == (200, "Accepted")


async def test_a_payment_is_taken_and_gets_no_answer_that_is_meant_for_people() -> None:
    make = MakeSandbox()
    make.answer_with("Hi")
    assert told(await post(make, {"event_type": "payment"})) == (200, "Accepted")
    assert told(await post(make, {"event_type": "message_batch"})) == (200, '{"text": "Hi"}')
    assert told(await post(make, b"[]")) == (200, '{"text": "Hi"}')


async def test_nobody_listens() -> None:
    make = MakeSandbox()
    make.listen(on=False)
    assert told(await post(make)) == (410, "There is no scenario listening for this webhook.")
    make.listen()
    assert told(await post(make))[0] == 200
    assert len(make.received) == 1


async def test_a_queue_fills_and_is_worked_off() -> None:
    make = MakeSandbox()
    make.work_off(room=2)
    statuses = [told(await post(make)) for _ in range(3)]
    assert statuses == [(200, "Accepted"), (200, "Accepted"), (400, "Queue is full")]
    make.work_off()
    assert told(await post(make))[0] == 200


async def test_so_many_in_ten_seconds() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    make = MakeSandbox(now=lambda: now)
    assert {told(await post(make))[0] for _ in range(REQUESTS_MAX)} == {200}
    assert told(await post(make))[0] == 429
    now += timedelta(seconds=10)
    assert told(await post(make))[0] == 200


async def test_who_brings_no_key_is_refused() -> None:
    make = MakeSandbox(api_key="k")
    assert told(await post(make))[0] == 401
    assert told(await post(make, **{"x-make-apikey": "k"}))[0] == 200


async def test_what_is_too_large_or_no_json_is_refused() -> None:
    make = MakeSandbox()
    assert told(await post(make, b" " * (BODY_BYTES_MAX + 1)))[0] == 413
    assert told(await post(make, b"{"))[0] == 400
    assert told(await make(Request(method="GET", path=PATH)))[0] == 404
    assert make.received == []


async def test_what_goes_wrong_once() -> None:
    make = MakeSandbox()
    make.fail_next(1, 503, text="down")
    make.hang_next(1, 9.0)
    make.drop_next(1)
    assert told(await post(make)) == (503, "down")
    assert told(await post(make))[0] == 200
    assert trio.current_time() == 9
    assert await post(make) is None
    assert len(make.received) == 2, "the last one has arrived all the same"
    assert make.calls == {"503": 1, "200": 1, "lost": 1}
