"""A webhook over a socket: what arrives there, and what is told of the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest
import trio

from adapters.sandbox.outgoing import Answer, Webhook, post
from adapters.sandbox.server import Request, Response, serve, utc_now
from tests.adapters.telegram.wire import http, raw, says

HOOK = {"content-type": "application/json", "x-proof": "1"}


@dataclass
class Shop:
    """Answers `answer` and remembers what it was told."""

    answer: Response | None
    head_bytes_max: int = 16_384
    now: Callable[[], datetime] = utc_now
    seen: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        return self.answer


async def told(answer: Response | None, path: str = "/hook") -> tuple[Shop, Answer | None]:
    shop = Shop(answer)
    async with serve(shop) as url:
        return shop, await post(Webhook(url=f"{url}{path}", headers=HOOK, body=b'{"a":"\xd1\x97"}'))


async def test_the_exact_bytes_arrive_with_their_headers() -> None:
    shop, answer = await told(Response(status=204, headers={"retry-after": "3"}), "/h%20k?a=b%2F")

    assert answer is not None
    assert (answer.status, answer.headers["retry-after"]) == (204, "3")
    (request,) = shop.seen
    assert (request.method, request.path, request.query) == ("POST", "/h k", "a=b%2F")
    assert request.body == b'{"a":"\xd1\x97"}'
    assert HOOK.items() <= request.headers.items()


async def test_a_bare_address_is_the_root() -> None:
    shop, _ = await told(Response(status=200), "")
    assert shop.seen[0].path == "/"


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    shop, answer = await told(Response(status=302, headers={"location": "/elsewhere"}))
    assert answer is not None
    assert (answer.status, len(shop.seen)) == (302, 1)


@pytest.mark.parametrize(
    "content", [b"", b"not http\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"]
)
async def test_half_an_answer_is_none(content: bytes) -> None:
    async with raw(says(content)) as url:
        assert await post(Webhook(url=url, headers={}, body=b"{}")) is None


async def test_a_long_answer_is_read_to_its_end() -> None:
    async with raw(says(http(500, b"x" * 300_000))) as url:
        answer = await post(Webhook(url=url, headers={}, body=b"{}"))
    assert answer is not None
    assert answer.status == 500


async def test_nobody_there_is_none() -> None:
    async with serve(Shop(None)) as url:
        assert await post(Webhook(url=url, headers={}, body=b"")) is None
    assert await post(Webhook(url=url, headers={}, body=b"")) is None


async def test_it_waits_as_long_as_the_other_side_takes() -> None:
    async def slowly(stream: trio.SocketStream) -> None:
        await trio.sleep(500)
        await stream.send_all(http(200, b""))

    async with raw(slowly) as url:
        answer = await post(Webhook(url=url, headers={}, body=b""))
    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize("url", ["https://shop.example/", "/hook", "ftp://x/", ""])
async def test_only_plain_http_is_spoken(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        await post(Webhook(url=url, headers={}, body=b""))
