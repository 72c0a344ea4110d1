"""Whatever a server answers has one defined outcome."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import trio

from actors.kernel.failures import Unavailable
from adapters.nocodb import client as subject
from adapters.nocodb.client import ANSWER_BYTES_MAX, NocoClient, Refusal, Reply
from adapters.sandbox.server import Request, Response, serve

TOKEN = "canary-token-that-nobody-may-ever-print"


@dataclass
class Scripted:
    """A server that gives every request the same answer."""

    answer: Response | None
    head_bytes_max: int = 16_384
    seen: list[Request] = field(default_factory=list)

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        return self.answer


def a_client(url: str) -> NocoClient:
    return NocoClient(url=url, token=TOKEN, table_id="mtable")


async def ask(answer: Response | None) -> Reply | Refusal:
    async with serve(Scripted(answer)) as url, a_client(url) as client:
        return await client.get({"limit": 1})


def text(
    body: bytes, status: int = 200, kind: str = "application/json", **headers: str
) -> Response:
    return Response(status=status, body=body, headers={"content-type": kind} | headers)


async def test_an_answer_carries_its_json_and_the_servers_time() -> None:
    reply = await ask(Response.of({"list": [1, None, "ї"]}))
    assert isinstance(reply, Reply)
    assert reply.body == {"list": [1, None, "ї"]}
    assert reply.server_time == datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC)
    assert reply.latency_seconds > 0


@pytest.mark.real_clock
async def test_the_question_goes_out_as_nocodb_wants_it() -> None:
    server = Scripted(Response.of({}))
    async with serve(server) as url, a_client(f"{url}/") as client:
        await client.get({"where": "(Id,in,1,2)~and(A & B,eq,ї+1)", "limit": 2})
        await client.post({"Name": "Її"})
    listed, created = server.seen
    assert listed.path == "/api/v2/tables/mtable/records"
    assert listed.query == "where=(Id,in,1,2)~and(A%20%26%20B,eq,%D1%97%2B1)&limit=2"
    assert listed.headers["xc-token"] == TOKEN
    assert (created.method, created.body) == ("POST", '{"Name":"Її"}'.encode())


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b'{"msg": "Invalid token"}', "", "Invalid token"),
        (b'{"error": "ERR_TABLE_NOT_FOUND", "message": "No"}', "TABLE_NOT_FOUND", "No"),
        (b'{"error": "TABLE_NOT_FOUND", "message": "No"}', "TABLE_NOT_FOUND", "No"),
        (b'{"error": 7, "message": ["x"]}', "", ""),
        (b"[1]", "", ""),
        (b"<html>", "", ""),
        (b"", "", ""),
        (b'{"msg": "a\\u0000b\\nc\\u001b[31m"}', "", "a b c [31m"),
        (f'{{"msg": "{TOKEN} is wrong"}}'.encode(), "", "[token] is wrong"),
    ],
)
async def test_both_shapes_of_an_error_are_understood(body: bytes, code: str, said: str) -> None:
    refusal = await ask(text(body, 422))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code, refusal.text) == (422, code, said)


@pytest.mark.parametrize(
    "answer",
    [
        text(b'{"list": []}', 500),
        text(b"<html>Bad gateway</html>", 502, "text/html"),
        text(b"<html>Welcome</html>", 200, "text/html"),
        text(b'{"list": [', 200),
        text(b"\xff\xfe\x00", 200),
        text(b"", 204),
        text(b"NaN", 200),
        text(b"[" * 200_000, 200),
        text(b"9" * 10_000, 200),
        text(b"", 301, location="https://elsewhere.example.org/"),
        text(b'"' + b"x" * ANSWER_BYTES_MAX + b'"', 200),
        text(b"\x1f\x8b\x08 gzip nobody asked for", 200, **{"content-encoding": "gzip"}),
        None,
    ],
)
async def test_whatever_is_not_an_answer_is_unavailable(answer: Response | None) -> None:
    with pytest.raises(Unavailable) as raised:
        await ask(answer)
    assert raised.value.detail.startswith("NocoDB at 127.0.0.1 ")
    assert raised.value.detail.isprintable()
    assert len(raised.value.detail) < 400


@pytest.mark.real_clock
async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with serve(Scripted(None)) as url:
        pass
    async with a_client(url) as client:
        with pytest.raises(Unavailable, match="cannot be asked"):
            await client.get({})


async def test_a_server_that_does_not_answer_in_time_is_unavailable() -> None:
    async def keep_silent(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, keep_silent, listeners)
        port = listeners[0].socket.getsockname()[1]
        async with NocoClient(
            url=f"http://127.0.0.1:{port}", token=TOKEN, table_id="m", deadline_seconds=0.2
        ) as client:
            with pytest.raises(Unavailable, match=r"did not answer within 0\.2 s"):
                await client.get({})
        nursery.cancel_scope.cancel()


async def test_what_does_not_speak_http_is_unavailable() -> None:
    async def garble(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"SSH-2.0-OpenSSH_9.6\r\n")
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, garble, listeners)
        port = listeners[0].socket.getsockname()[1]
        async with a_client(f"http://127.0.0.1:{port}") as client:
            with pytest.raises(Unavailable, match="cannot be asked"):
                await client.get({})
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, subject.THROTTLED_SECONDS),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Sat, 21 Nov 2026 01:03:03 GMT"}, 60),
        ({"retry-after": "soon"}, subject.THROTTLED_SECONDS),
        ({"retry-after": "-5"}, subject.THROTTLED_SECONDS),
        ({"retry-after": "9" * 30}, subject.THROTTLED_SECONDS),
    ],
)
async def test_after_a_429_nobody_asks_for_a_while(
    headers: Mapping[str, str], seconds: float
) -> None:
    server = Scripted(Response(status=429, headers=headers))
    async with serve(server) as url, a_client(url) as client:
        first = await client.get({})
        second = await client.post({})
    assert isinstance(first, Refusal)
    assert isinstance(second, Refusal)
    assert (first.status, first.retry_after_seconds) == (429, seconds)
    assert second.status == 429
    assert second.latency_seconds is None
    assert len(server.seen) == 1


async def test_a_pause_named_with_a_5xx_is_passed_on() -> None:
    with pytest.raises(Unavailable) as raised:
        await ask(text(b"", 503, **{"retry-after": "12"}))
    assert raised.value.retry_after_seconds == 12


async def test_the_token_is_never_printed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await ask(Response.of({}))
    with pytest.raises(Unavailable) as raised:
        await ask(text(b"", 301, location="https://elsewhere.example.org/"))
    assert TOKEN not in repr(raised.value.__dict__)
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("said", "missing"),
    [
        ("Column alias 'Paid' not found.", ("Paid",)),
        ("Field 'Updated At' not found", ("Updated At",)),
        ("Field 'Nope, Updated At, Paid' not found", ("Paid", "Updated At")),
        ("Field 'Anna's' not found", ("Anna's",)),
        ("Field 'Nope' not found", ()),
        ("Invalid filter format.", ()),
        ("", ()),
    ],
)
def test_missing_columns_are_read_from_the_text(said: str, missing: tuple[str, ...]) -> None:
    refusal = Refusal(status=422, text=said)
    assert refusal.missing_columns(("Paid", "Updated At", "Anna's")) == missing
