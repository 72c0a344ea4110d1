"""How commands ask the operator API, and what they make of every answer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from config.office import ANSWER_SECONDS, ONCE_TRIES, Refused, Unsure, office_at
from config.whereabouts import Unreachable


class Shop:
    """A server that says `reply` to anybody, and remembers what it was asked."""

    def __init__(self, status: str, body: bytes, *, silent: bool = False) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self._reply, self._silent = head.encode() + body, silent
        self.asked = b""

    @property
    def _is_asked(self) -> bool:
        head, end, body = self.asked.partition(b"\r\n\r\n")
        _, named, length = head.lower().partition(b"content-length: ")
        return bool(end) and len(body) >= (int(length.split(b"\r\n")[0]) if named else 0)

    async def __call__(self, stream: trio.SocketStream) -> None:
        async with stream:
            while not self._is_asked:
                self.asked += await stream.receive_some(65_536)
            if self._silent:
                await trio.sleep_forever()
            await stream.send_all(self._reply)


@asynccontextmanager
async def open_shop(shop: Shop) -> AsyncIterator[str]:
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, shop, [listener])
        yield f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"
        nursery.cancel_scope.cancel()


def problem(detail: str) -> bytes:
    return json.dumps({"title": "No", "detail": detail}).encode()


async def test_a_question_carries_the_token_and_brings_json() -> None:
    shop = Shop("200 OK", b'{"events": []}')
    async with open_shop(shop) as url, office_at(url, "canary token") as office:
        assert await office.get("/v1/admin/events", {"id": [1, 2]}) == {"events": []}
    assert shop.asked.startswith(b"GET /v1/admin/events?id=1&id=2 HTTP/1.1\r\n")
    assert b"authorization: Bearer canary token\r\n" in shop.asked


async def test_what_is_done_is_sent_as_json() -> None:
    shop = Shop("200 OK", b"{}")
    async with open_shop(shop) as url, office_at(url, None) as office:
        await office.post("/v1/admin/prune", {"why": "x"})
    assert b"content-type: application/json\r\n" in shop.asked.lower()
    assert b"authorization" not in shop.asked.lower()
    assert shop.asked.endswith(b'{"why":"x"}')


class Forgetful(Shop):
    """It does what it is asked, and says so only the last time that it is asked."""

    def __init__(self, *, silences: int) -> None:
        super().__init__("200 OK", b'{"broadcast_id": 1}')
        self.keys: list[bytes] = []
        self._silences = silences

    async def __call__(self, stream: trio.SocketStream) -> None:
        self.asked = b""
        while not self._is_asked:
            self.asked += await stream.receive_some(65_536)
        self.keys += [
            line for line in self.asked.lower().split(b"\r\n") if b"idempotency-key" in line
        ]
        if len(self.keys) > self._silences:
            await stream.send_all(self._reply)
        await stream.aclose()


async def test_what_must_not_be_done_twice_is_asked_again_under_one_key() -> None:
    shop = Forgetful(silences=ONCE_TRIES - 1)
    async with open_shop(shop) as url, office_at(url, None) as office:
        assert await office.post_once("/v1/admin/broadcasts", {}) == {"broadcast_id": 1}
        assert (len(shop.keys), len(set(shop.keys))) == (ONCE_TRIES, 1)
        await office.post_once("/v1/admin/broadcasts", {})
        assert len(set(shop.keys)) == 2, "another one has another key"


async def test_what_is_never_answered_is_said_to_be_unsure() -> None:
    shop = Forgetful(silences=ONCE_TRIES)
    async with open_shop(shop) as url, office_at(url, None) as office:
        with pytest.raises(Unsure):
            await office.post_once("/v1/admin/broadcasts", {})


async def test_where_nobody_listens_nothing_was_done_and_nothing_is_asked_again() -> None:
    async with open_shop(Shop("200 OK", b"{}")) as url:
        pass
    async with office_at(url, None) as office:
        with pytest.raises(Unreachable) as nobody:
            await office.post_once("/v1/admin/broadcasts", {})
    assert not isinstance(nobody.value, Unsure)


@pytest.mark.parametrize(
    ("status", "missing"),
    [("404 Not Found", True), ("409 Conflict", False), ("400 Bad Request", False)],
)
async def test_a_no_is_the_shops_own_word(status: str, missing: bool) -> None:
    shop = Shop(status, problem("there is no such event"))
    async with open_shop(shop) as url, office_at(url, None) as office:
        with pytest.raises(Refused, match="there is no such event") as refused:
            await office.get("/v1/admin/events/7")
    assert refused.value.missing is missing


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        ("401 Unauthorized", problem("the token is wrong"), "set OPERATOR_TOKEN"),
        ("403 Forbidden", b"", "set OPERATOR_TOKEN"),
        ("503 Service Unavailable", problem("the inbox does not answer"), "inbox does not answer"),
        ("500 Internal Server Error", b"<html>", "answers 500"),
        ("200 OK", b"<html>", "no JSON"),
        ("200 OK", b"[" * 100_000, "no JSON"),
        ("200 OK", b'["pong"]', "another program"),
        ("200 OK", b"null", "another program"),
    ],
)
async def test_everything_else_is_no_shop(status: str, body: bytes, said: str) -> None:
    async with open_shop(Shop(status, body)) as url, office_at(url, None) as office:
        with pytest.raises(Unreachable, match=said):
            await office.get("/v1/admin/events")


async def test_an_answer_without_what_a_shop_tells_comes_from_another_program() -> None:
    async with (
        open_shop(Shop("200 OK", b'{"status": "ok"}')) as url,
        office_at(url, None) as office,
    ):
        answer = await office.get("/v1/admin/x")
        assert answer["status"] == "ok"
        with pytest.raises(Unreachable, match="another program"):
            answer["events"]


async def test_nobody_there_and_nobody_who_answers() -> None:
    async with office_at("http://127.0.0.1:9", None) as office:
        with pytest.raises(Unreachable, match="is the shop running"):
            await office.get("/x")
    shop = Shop("200 OK", b"", silent=True)
    async with open_shop(shop) as url, office_at(url, None) as office:
        started = trio.current_time()
        with pytest.raises(Unreachable):
            await office.get("/x")
        assert trio.current_time() - started <= ANSWER_SECONDS
