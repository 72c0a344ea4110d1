"""Whoever is asked, a request ends in time, and its credentials go nowhere else."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import trio
from starlette.requests import Request as Asked
from starlette.responses import StreamingResponse
from starlette.routing import Route

from actors.kernel.failures import Unavailable
from adapters.http.app import application
from adapters.sandbox.server import Request, Response, serve
from adapters.web.api import DETAIL_LENGTH_MAX, Answer, Api, printable, tls_for
from tests.adapters.http.wire import serving

KEY = "canary-key-that-nobody-may-ever-print"
BYTES_MAX = 1_000


@dataclass
class Server:
    """Gives every request the same answer, late; None hangs up."""

    answer: Response | None
    delay_seconds: float = 0.0
    head_bytes_max: int = 16_384
    seen: list[Request] = field(default_factory=list)

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: datetime(2026, 11, 21, tzinfo=UTC)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        await trio.sleep(self.delay_seconds)
        return self.answer


def api(url: str) -> Api:
    return Api(
        "Someone",
        url=url,
        headers={"x-key": KEY},
        connections_max=2,
        bytes_max=BYTES_MAX,
        deadline_seconds=5.0,
    )


async def asked(server: Server, target: str = "/a") -> Answer:
    async with serve(server) as url, api(f"{url}/v1/") as someone:
        return await someone.ask("POST", target, b"body", {"x-more": "b"})


async def test_a_request_goes_out_with_its_credentials_and_the_answer_comes_back_whole() -> None:
    server = Server(Response(status=402, body=b"no", headers={"X-Why": "money"}))
    answer = await asked(server)
    assert (answer.status, answer.content, answer.headers["x-why"]) == (402, b"no", "money")
    (request,) = server.seen
    assert (request.method, request.path, request.body) == ("POST", "/v1/a", b"body")
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert (sent["x-key"], sent["x-more"], sent["accept-encoding"]) == (KEY, "b", "identity")


async def test_an_answer_may_have_so_many_bytes() -> None:
    whole = await asked(Server(Response(status=200, body=b"x" * BYTES_MAX)))
    assert len(whole.content) == BYTES_MAX
    with pytest.raises(Unavailable, match="answered more than 1000 bytes"):
        await asked(Server(Response(status=200, body=b"x" * (BYTES_MAX + 1))))


async def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    async def endless(_request: Asked) -> StreamingResponse:
        async def lines() -> AsyncIterator[bytes]:
            while True:
                yield b"line\n"
                await trio.sleep(0.001)

        return StreamingResponse(lines())

    began = trio.current_time()
    async with (
        serving(application([Route("/v1/a", endless)])) as served,
        api(f"http://127.0.0.1:{served.port}/v1") as someone,
    ):
        with pytest.raises(Unavailable, match="answered more than"):
            await someone.ask("GET", "/a")
    assert trio.current_time() - began < 4, "the deadline ended it"


async def test_an_answer_that_does_not_come_in_time_is_none() -> None:
    began = trio.current_time()
    with pytest.raises(Unavailable, match="did not answer within 5 s"):
        await asked(Server(Response(status=200, body=b""), delay_seconds=60.0))
    assert trio.current_time() - began < 6


async def test_who_has_time_left_of_another_deadline_waits_so_long() -> None:
    server = Server(Response(status=200, body=b""), delay_seconds=60.0)
    began = trio.current_time()
    async with serve(server) as url, api(url) as someone:
        with pytest.raises(Unavailable, match="did not answer"):
            await someone.ask("GET", "/a", deadline=began + 2.0)
    assert trio.current_time() - began < 2.5


async def test_an_answer_in_part_is_one_for_who_wants_it() -> None:
    too_long = Server(Response(status=201, body=b"x" * (BYTES_MAX + 1)))
    async with serve(too_long) as url, api(url) as someone:
        answer = await someone.ask("GET", "/a", whole=False)
    assert (answer.status, len(answer.content)) == (201, BYTES_MAX)
    assert "more than" in answer.fault
    hung_up = Server(answer=None)
    async with serve(hung_up) as url, api(url) as someone:
        with pytest.raises(Unavailable):
            await someone.ask("GET", "/a", whole=False)


async def test_credentials_follow_no_redirect() -> None:
    server = Server(Response(status=302, body=b"", headers={"location": "/elsewhere"}))
    assert (await asked(server)).status == 302
    assert len(server.seen) == 1


async def test_a_failure_names_the_host_and_nothing_that_is_secret() -> None:
    with pytest.raises(Unavailable, match=r"^Someone at 127\.0\.0\.1 cannot be asked: ") as raised:
        await asked(Server(answer=None))
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


async def test_a_target_that_is_none_is_a_failure_as_well() -> None:
    with pytest.raises(Unavailable, match="InvalidURL"):
        await asked(Server(Response(status=200, body=b"")), "/a\x00" + "b" * 70_000)


def test_certificates_are_read_for_https_only_and_nothing_is_trusted_without() -> None:
    assert tls_for("http://api.test").get_ca_certs() == []
    for url in ("http://api.test", "https://api.test"):
        assert tls_for(url).verify_mode is ssl.CERT_REQUIRED
        assert tls_for(url).check_hostname


def test_what_a_log_gets_is_one_short_line() -> None:
    assert printable(" a\nb\x1b ") == "a b"
    assert len(printable("x" * 1_000)) == DETAIL_LENGTH_MAX


async def test_an_address_is_asked_in_the_place_of_a_name_that_has_to_be_proved() -> None:
    async with Api(
        "Someone",
        url="https://hook.example.org:8443/v1",
        headers={},
        connections_max=1,
        bytes_max=BYTES_MAX,
        deadline_seconds=1.0,
    ) as someone:
        for address, place in (("192.0.2.7", "192.0.2.7"), ("2001:db8::7", "[2001:db8::7]")):
            request = someone._request("POST", "/a?b=c", b"x", {"k": "v"}, address)
            assert str(request.url) == f"https://{place}:8443/v1/a?b=c"
            assert request.headers["host"] == "hook.example.org:8443"
            assert request.headers["k"] == "v"
            assert request.extensions["sni_hostname"] == "hook.example.org"
