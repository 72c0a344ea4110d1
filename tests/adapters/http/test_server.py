"""The server as an actor: a real port, under supervision, over real sockets."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from actors.operations.messages import HEARTBEAT_SECONDS, Reported
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.connection import Deadlines
from adapters.http.listening import Bind, CannotListen, listen, port_of
from adapters.http.messages import FindUrl, Listening
from adapters.http.operator import operator_routes
from adapters.http.server import REPORT_SECONDS, HttpServer
from runtime import ActorFailed, ActorRef, ActorSystem, ask
from runtime.testing import Probe, running
from tests.adapters.http.operations import Watched
from tests.adapters.http.wire import connect, exchange, get, read_all, read_until, status_of

LOOPBACK = Bind("127.0.0.1", 0)
IMPATIENT = Deadlines(
    headers_seconds=0.3,
    keep_alive_seconds=5.0,
    write_seconds=0.3,
    half_closed_seconds=0.3,
    linger_seconds=0.1,
)


HUGE = b"x" * 20_000_000
"""More than the machine's own buffers hold for whoever does not read."""


async def hello(_request: Request) -> Response:
    return PlainTextResponse("hello")


async def slow(_request: Request) -> Response:
    await trio.sleep(0.5)
    return PlainTextResponse("at last")


async def huge(_request: Request) -> Response:
    return PlainTextResponse(HUGE)


async def crash(_request: Request) -> Response:
    raise KeyError("secret")


ROUTES: list[BaseRoute] = [
    Route("/hello", hello),
    Route("/slow", slow),
    Route("/huge", huge),
    Route("/crash", crash),
]


async def serve(system: ActorSystem, bind: Bind = LOOPBACK, **options: Any) -> tuple[Any, int]:
    """Start a server and return its reference and its port."""
    app = application(ROUTES)
    server: ActorRef[Any] = system.spawn(
        lambda: HttpServer(app=app, bind=bind, deadlines=IMPATIENT, **options), name="http"
    )
    url = await ask(server, FindUrl())
    return server, int(url.rpartition(":")[2])


async def test_it_publishes_its_url_and_serves_there() -> None:
    async with running() as system:
        heard = Probe()
        system.events.subscribe(Listening, heard)
        server, port = await serve(system)
        announced = await heard.expect(Listening)
        assert announced.url == f"http://127.0.0.1:{port}" == await ask(server, FindUrl())
        async with httpx.AsyncClient(base_url=announced.url) as http:
            answer = await http.get("/hello")
        assert (answer.status_code, answer.text) == (200, "hello")
        assert "server" not in answer.headers
        assert answer.headers["date"]


@pytest.mark.real_clock
async def test_ipv6_is_spoken() -> None:
    async with running() as system:
        server, port = await serve(system, Bind("::1", 0))
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"http://[::1]:{port}/hello")).text == "hello"
        assert await ask(server, FindUrl()) == f"http://[::1]:{port}"


@pytest.mark.real_clock
async def test_a_port_in_use_fails_the_start_with_a_sentence() -> None:
    (taken,) = await listen(LOOPBACK)
    async with taken, running() as system:
        bind = Bind("127.0.0.1", port_of(taken))
        failures = Probe()
        system.events.subscribe(ActorFailed, failures)
        app = application([])
        system.spawn(lambda: HttpServer(app=app, bind=bind), restart="temporary")
        failure = (await failures.expect(ActorFailed)).error
    assert isinstance(failure, CannotListen)
    assert str(failure) == (
        f"cannot listen on {bind}: address already in use; set HTTP_BIND to another host:port"
    )


@pytest.mark.real_clock
async def test_it_takes_the_port_again_after_a_failure() -> None:
    async with running() as system:
        spare, port = await serve(system)
        await spare.stop()
        server, port = await serve(system, Bind("127.0.0.1", port))
        async with await connect(port) as stream:
            await stream.send_all(get("/hello", close=False))
            await read_until(stream, b"hello")
            server.tell("no message of its")
            assert await read_all(stream) == b"", "connections end with their incarnation"
        while True:
            try:
                assert status_of(await exchange(port, get("/hello"))) == 200
                break
            except OSError:
                await trio.sleep(0.05)
        assert (await ask(server, FindUrl())).endswith(f":{port}")


async def test_a_crashing_request_costs_nobody_else_anything() -> None:
    async with running() as system:
        reports = Probe()
        system.events.subscribe(Reported, reports)
        server, port = await serve(system)
        for _ in range(3):
            assert status_of(await exchange(port, get("/crash"))) == 500
        assert status_of(await exchange(port, get("/hello"))) == 200
        await ask(server, FindUrl())
        assert system.incidents[-1].path.endswith("http"), "it has only ever started"
        assert len(system.incidents) == 1


@pytest.mark.real_clock
async def test_garbage_does_not_restart_it() -> None:
    async with running() as system:
        _, port = await serve(system)
        for garbage in (b"\x16\x03\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"A" * 40_000):
            async with await connect(port) as stream:
                await stream.send_all(garbage)
                answer = await read_all(stream)
                assert status_of(answer) in (400, 431)
        assert len(system.incidents) == 1


async def test_idle_connections_make_room_for_those_who_ask() -> None:
    async with running() as system:
        _, port = await serve(system, connections_max=8)
        idle = [await connect(port) for _ in range(30)]
        for _ in range(10):
            assert status_of(await exchange(port, get("/hello"))) == 200
        for stream in idle:
            await stream.aclose()


BODY_THAT_NEVER_COMES = (
    b"POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n",
    b"POST /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
)


@pytest.mark.parametrize("request_bytes", [*BODY_THAT_NEVER_COMES, get("/hello"), get("/huge")])
async def test_whoever_keeps_us_waiting_makes_room(request_bytes: bytes) -> None:
    """For a body, for a close after the answer, for reading the answer."""
    async with running() as system:
        _, port = await serve(system, connections_max=8)
        slow = [await connect(port) for _ in range(8)]
        for stream in slow:
            await stream.send_all(request_bytes)
        await trio.sleep(0.02)
        assert status_of(await exchange(port, get("/hello"))) == 200
        for stream in slow:
            await stream.aclose()


@pytest.mark.real_clock
async def test_room_is_made_by_the_address_that_takes_most() -> None:
    async with running() as system:
        _, port = await serve(system, connections_max=4)
        patient = await connect_from("127.0.0.2", port)
        await patient.send_all(get("/hello", close=False))
        await read_until(patient, b"hello")
        crowd = [await connect(port) for _ in range(12)]
        assert status_of(await exchange(port, get("/hello"))) == 200
        await patient.send_all(get("/hello"))
        assert (await read_all(patient)).endswith(b"hello"), "the oldest, and yet not the one"
        for stream in (patient, *crowd):
            await stream.aclose()


async def connect_from(host: str, port: int) -> trio.SocketStream:
    socket = trio.socket.socket()
    await socket.bind((host, 0))
    await socket.connect(("127.0.0.1", port))
    return trio.SocketStream(socket)


async def test_with_everybody_busy_a_newcomer_is_turned_away() -> None:
    async with running() as system:
        _, port = await serve(system, connections_max=2)
        busy = [await connect(port) for _ in range(2)]
        for stream in busy:
            await stream.send_all(get("/slow"))
        await trio.sleep(0.1)
        async with await connect(port) as newcomer:
            assert await read_all(newcomer) == b""
        for stream in busy:
            assert (await read_all(stream)).endswith(b"at last")
            await stream.aclose()


async def test_stopping_answers_who_is_being_served_and_nobody_new() -> None:
    async with running() as system:
        server, port = await serve(system)
        async with await connect(port) as busy, await connect(port) as idle:
            await busy.send_all(get("/slow", close=False))
            await trio.sleep(0.1)
            stopped = server.stop()
            assert await read_all(idle) == b""
            with pytest.raises(OSError, match="attempts to connect"):
                await exchange(port, get("/hello"))
            assert (await read_all(busy)).endswith(b"at last")
            assert await stopped


@pytest.mark.real_clock
async def test_a_client_that_never_reads_does_not_hold_up_the_stop() -> None:
    async with running() as system:
        server, port = await serve(system)
        async with await connect(port) as stream:
            await stream.send_all(get("/huge"))
            await trio.sleep(0.1)
            begun = trio.current_time()
            await server.stop()
            assert trio.current_time() - begun < 3.5


async def test_it_reports_what_it_does() -> None:
    async with running() as system:
        reports = Probe()
        system.events.subscribe(Reported, reports)
        server, port = await serve(system)
        await exchange(port, get("/hello"))
        await exchange(port, get("/crash"))
        figures: dict[str, float] = {}
        while figures.get("connections_served_total") != 2:
            server.tell(_report())
            report = await reports.expect(Reported)
            figures = {m.name: m.value for m in report.measurements}
        assert report.component == "http"
        assert figures["requests_total"] == 2
        assert figures["requests_crashed_total"] == 1
        assert figures["connections"] == 0


async def test_what_happened_is_reported_soon_and_that_nothing_did_at_each_heartbeat() -> None:
    async with running() as system:
        reports = Probe()
        system.events.subscribe(Reported, reports)
        _, port = await serve(system)
        await trio.sleep(10 * HEARTBEAT_SECONDS + 1)
        quiet = len(reports.told)
        assert quiet == 11
        await exchange(port, get("/hello"))
        await exchange(port, get("/hello"))
        await trio.sleep(REPORT_SECONDS + 0.1)
        assert len(reports.told) == quiet + 1
        assert {m.name: m.value for m in reports.told[-1].measurements}["requests_total"] == 2
        await trio.sleep(HEARTBEAT_SECONDS - 1)
        assert len(reports.told) == quiet + 1


def _report() -> object:
    from adapters.http.server import _Report  # noqa: PLC0415 - private on purpose

    return _Report()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health", "/health/tree", "/metrics"])
async def test_the_operators_routes_work_over_a_real_port(path: str) -> None:
    async with running() as system:
        app = application(
            operator_routes(Watched(system).views(), Operators(token=None, loopback=True))
        )
        server = system.spawn(lambda: HttpServer(app=app, bind=LOOPBACK), name="http")
        url = await ask(server, FindUrl())
        async with httpx.AsyncClient(base_url=url) as http:
            assert (await http.get(path)).status_code == 200
            head = await http.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert int(head.headers["content-length"]) > 0
            wrong = await http.post(path)
            assert wrong.status_code == 405
            assert wrong.headers["content-type"] == "application/problem+json"
