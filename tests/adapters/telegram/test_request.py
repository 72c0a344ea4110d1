"""Whatever happens to a request, the error says whether it may have been carried out."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
import trio
from telegram import InputFile
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from adapters.sandbox.server import Request, Response, serve
from adapters.telegram.request import (
    RETRY_AFTER_DEFAULT_SECONDS,
    NotSent,
    OutcomeUnknown,
    TooManyRequests,
    TrioRequest,
)
from adapters.telegram.route import tls_for
from tests.adapters.telegram.wire import TOKEN, Recorder, http, raw, says

OK = http(200, {"ok": True, "result": {"id": 1}})
HTML = b"<html><h1>Bad Gateway</h1>"


@asynccontextmanager
async def request(
    *, connections: int = 1, response_bytes_max: int = 1_000_000
) -> AsyncIterator[TrioRequest]:
    made = TrioRequest(
        connections=connections, tls=tls_for("http:"), response_bytes_max=response_bytes_max
    )
    try:
        yield made
    finally:
        await made.shutdown()


async def ask(content: bytes, *, response_bytes_max: int = 1_000_000) -> object:
    """What a request comes to whose answer is these bytes."""
    async with raw(says(content)) as url, request(response_bytes_max=response_bytes_max) as made:
        return await made.post(f"{url}/bot{TOKEN}/getMe", RequestData())


async def test_the_result_of_an_ok_answer() -> None:
    assert await ask(OK) == {"id": 1}


# Provably not carried out


@pytest.mark.real_clock
async def test_a_closed_port_means_not_sent() -> None:
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    async with request() as made:
        with pytest.raises(NotSent, match="no connection: ConnectionRefusedError"):
            await made.post(f"http://127.0.0.1:{port}/bot{TOKEN}/getMe")


@pytest.mark.real_clock
async def test_a_failed_tls_handshake_means_not_sent() -> None:
    async with raw(says(OK)) as url, request() as made:
        with pytest.raises(NotSent):
            await made.post(f"{url.replace('http', 'https')}/bot{TOKEN}/getMe", connect_timeout=1)


async def test_a_busy_pool_means_not_sent() -> None:
    async with raw(hangs) as url, request() as made, trio.open_nursery() as nursery:
        nursery.start_soon(_until_cancelled, made, url)
        await trio.sleep(0.05)
        with pytest.raises(NotSent, match="every connection is in use"):
            await made.post(f"{url}/bot{TOKEN}/getMe", pool_timeout=0.05)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("status", [400, 404, 407, 413])
async def test_a_refusal_of_somebody_in_between_means_not_sent(status: int) -> None:
    with pytest.raises(NotSent, match=f"HTTP {status}"):
        await ask(http(status, HTML))


async def test_an_url_that_is_none_means_not_sent() -> None:
    async with request() as made:
        with pytest.raises(NotSent):
            await made.post("localhost/bot1:2/getMe")


async def hangs(stream: trio.SocketStream) -> None:
    await trio.sleep_forever()


async def _until_cancelled(made: TrioRequest, url: str) -> None:
    await made.post(f"{url}/bot{TOKEN}/getMe")


# 429


async def test_a_429_says_how_long() -> None:
    body = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": 7}}
    with pytest.raises(TooManyRequests) as told:
        await ask(http(429, body))
    assert told.value.retry_after_seconds == 7


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (HTML, "Retry-After: 9\r\n", 9.0),
        (HTML, "", RETRY_AFTER_DEFAULT_SECONDS),
        (HTML, "Retry-After: tomorrow\r\n", RETRY_AFTER_DEFAULT_SECONDS),
        ({"ok": False, "error_code": 429}, "Retry-After: 9\r\n", 9.0),
        ({"ok": False, "error_code": 429}, "", RETRY_AFTER_DEFAULT_SECONDS),
    ],
)
async def test_a_429_without_telegrams_word_takes_the_header_or_a_guess(
    body: object, headers: str, expected: float
) -> None:
    with pytest.raises(TooManyRequests) as told:
        await ask(http(429, body, headers))
    assert told.value.retry_after_seconds == expected


# Nobody knows


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        http(200, HTML),
        http(302, b"", "Location: http://portal.example/\r\n"),
        http(502, HTML),
        http(500, {"ok": False, "error_code": 500, "description": "Internal Server Error"}),
        http(503, {"ok": True, "result": True}),
        http(200, b'{"ok": true, "result": [', length=1_000),
        http(200, b'{"ok": true, "result": ['),
        http(200, [1]),
        http(200, b"not gzip", "Content-Encoding: gzip\r\n"),
        http(200, b"x" * 2_000_000),
    ],
)
async def test_no_usable_answer_means_the_outcome_is_unknown(content: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        await ask(content)


async def test_a_silent_server_means_the_outcome_is_unknown() -> None:
    async with raw(hangs) as url, request() as made:
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            await made.post(f"{url}/bot{TOKEN}/getMe", read_timeout=0.1)


async def test_an_answer_that_drips_ends_all_the_same() -> None:
    async def drips(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await stream.send_all(b" ")
            await trio.sleep(0.05)

    async with raw(drips) as url, request() as made:
        with pytest.raises(OutcomeUnknown, match="TooSlowError"):
            await made.post(
                f"{url}/bot{TOKEN}/getMe",
                read_timeout=0.2,
                connect_timeout=0.2,
                write_timeout=0.1,
                pool_timeout=0.1,
            )


# Telegram's own refusals are python-telegram-bot's errors


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (400, BadRequest),
        (401, InvalidToken),
        (403, Forbidden),
        (404, InvalidToken),
        (409, Conflict),
    ],
)
async def test_a_refusal_in_telegrams_words(code: int, expected: type[Exception]) -> None:
    with pytest.raises(expected, match="what it said"):
        await ask(http(code, {"ok": False, "error_code": code, "description": "what it said"}))


async def test_a_group_that_moved() -> None:
    body = {"ok": False, "error_code": 400, "parameters": {"migrate_to_chat_id": -1001}}
    with pytest.raises(ChatMigrated) as told:
        await ask(http(400, body))
    assert told.value.new_chat_id == -1001


async def test_a_refusal_with_status_200_is_one_too() -> None:
    with pytest.raises(Forbidden):
        await ask(http(200, {"ok": False, "error_code": 403, "description": "blocked"}))


async def test_text_that_has_no_utf8_is_refused_before_it_is_sent() -> None:
    data = RequestData([RequestParameter.from_input("text", "\ud800")])
    async with raw(says(OK)) as url, request() as made:
        with pytest.raises(BadRequest):
            await made.post(f"{url}/bot{TOKEN}/sendMessage", data)


async def test_a_server_behind_basic_authentication_is_told_who_asks_and_never_compresses() -> None:
    heads: list[Mapping[str, str]] = []

    class Asked(Recorder):
        async def __call__(self, request: Request) -> Response:
            heads.append(request.headers)
            return await super().__call__(request)

    async with serve(Asked()) as url, request() as made:
        await made.post(f"{url.replace('//', '//ann:secret@')}/bot{TOKEN}/getMe")
    (head,) = heads
    assert head["authorization"] == "Basic YW5uOnNlY3JldA=="
    assert head["accept-encoding"] == "identity"


async def test_a_file_and_its_fields_are_sent_as_one_form() -> None:
    recorder = Recorder()
    photo = RequestParameter.from_input("photo", InputFile(b"\x89PNG", filename="a.png"))
    data = RequestData([RequestParameter.from_input("chat_id", 7), photo])
    async with serve(recorder) as url, request() as made:
        assert await made.post(f"{url}/bot{TOKEN}/sendPhoto", data) is True
    assert recorder.asked == [("sendPhoto", {"chat_id": "7", "photo": "a.png"})]


# Connections


async def test_a_cancelled_request_gives_its_connection_back() -> None:
    answers = [hangs, says(OK)] * 20

    async def answer(stream: trio.SocketStream) -> None:
        await answers.pop(0)(stream)

    async with raw(answer) as url, request() as made:
        for _ in range(20):
            with trio.move_on_after(0.02) as scope:
                await made.post(f"{url}/bot{TOKEN}/getMe")
            assert scope.cancelled_caught
            assert await made.post(f"{url}/bot{TOKEN}/getMe") == {"id": 1}


async def test_requests_run_beside_each_other_up_to_the_number_of_connections() -> None:
    open_now = most = 0

    async def slow(stream: trio.SocketStream) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await trio.sleep(0.05)
        open_now -= 1
        await stream.send_all(OK)

    async with raw(slow) as url, request(connections=4) as made, trio.open_nursery() as nursery:
        for _ in range(12):
            nursery.start_soon(_until_cancelled, made, url)
    assert most == 4


async def test_a_connection_is_made_when_it_is_first_needed_and_then_used_again() -> None:
    async with serve(Recorder()) as url, request(connections=250) as made:
        for _ in range(5):
            await made.post(f"{url}/bot{TOKEN}/getMe")
        assert len(made.pool) == 1


# The token


async def test_the_token_is_in_no_error_and_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(OK)
    for content in (b"", HTML, http(404, HTML), http(502, f"/bot{TOKEN}/getMe".encode())):
        with pytest.raises((NotSent, OutcomeUnknown)) as told:
            await ask(content)
        assert TOKEN not in "".join(traceback.format_exception(told.value))
    assert TOKEN not in caplog.text
