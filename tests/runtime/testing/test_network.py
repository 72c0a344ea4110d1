"""Programs and libraries take the network in memory for TCP, with all that can go wrong in it."""

from __future__ import annotations

import errno
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
import trio
import trio_websocket

from adapters.sandbox.server import Request, Response, serve
from runtime.testing.network import LINK_SECONDS, Network
from runtime.testing.node import Killed, Life
from runtime.testing.simulation import EPOCH, Plan, Run, Simulation, simulate
from runtime.testing.sockets import NotModelledError
from runtime.testing.wire import IN_FLIGHT_BYTES_MAX


class Bank:
    """A server that counts, and takes its time when asked to."""

    head_bytes_max = 16_384

    def __init__(self) -> None:
        self.asked = 0

    @staticmethod
    def now() -> object:
        return EPOCH

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        await trio.sleep(float(request.parameters.get("wait", "0")))
        return Response.of({"path": request.path, "bytes": len(request.body)})


def plays(play: Callable[[Simulation, Bank], object], seed: int = 1) -> Run:
    """Run `play` as the host "shop", beside a bank that serves on http://bank:80."""
    bank = Bank()

    async def serves(_: Life) -> None:
        async with serve(bank, host="bank", port=80):  # type: ignore[arg-type]
            await trio.sleep_forever()

    async def scenario(sim: Simulation) -> None:
        async def shops(_: Life) -> None:
            await play(sim, bank)  # type: ignore[misc]

        async with trio.open_nursery() as nursery:
            nursery.start_soon(sim.node("bank", serves).run)
            await trio.sleep(1)
            await sim.node("shop", shops).run()
            nursery.cancel_scope.cancel()

    run = simulate(scenario, Plan(seed=seed, scheduler="fifo"), keep=None)
    if run.failure is not None:
        raise run.failure
    return run


def client(**options: object) -> httpx.AsyncClient:
    # Nothing is encrypted here: the reading of the machine's certificates is spared.
    return httpx.AsyncClient(base_url="http://bank", verify=False, **options)  # type: ignore[arg-type]  # noqa: S501


def test_httpx_gets_answers_over_one_connection_that_it_keeps() -> None:
    async def play(_: Simulation, bank: Bank) -> None:
        async with client() as http:
            for number in range(20):
                answer = await http.post(f"/{number}", content=b"x" * 1_000)
                assert answer.json() == {"path": f"/{number}", "bytes": 1_000}
        assert bank.asked == 20

    events = plays(play).events
    assert sum("connected" in event for event in events) == 1


def test_a_connection_that_rested_too_long_is_not_used_again() -> None:
    """The pool looks at `time.monotonic`, which is virtual as well."""

    async def play(_: Simulation, bank: Bank) -> None:
        async with client(limits=httpx.Limits(keepalive_expiry=5.0)) as http:
            await http.get("/")
            await trio.sleep(4)
            await http.get("/")
            await trio.sleep(6)
            await http.get("/")

    assert sum("connected" in event for event in plays(play).events) == 2


def test_bytes_take_their_time() -> None:
    async def play(sim: Simulation, _: Bank) -> None:
        async with client(timeout=60) as http:
            began = trio.current_time()
            await http.get("/")
            assert 2 * 2 * LINK_SECONDS[0] < trio.current_time() - began < 2 * 3 * LINK_SECONDS[1]
            sim.network.slow("shop", "bank", seconds=(2.0, 2.0))
            began = trio.current_time()
            await http.get("/")
            assert trio.current_time() - began >= 4.0

    plays(play)


def test_a_slow_answer_is_waited_for_as_long_as_the_client_wants() -> None:
    async def play(_: Simulation, bank: Bank) -> None:
        async with client(timeout=40) as http:
            await http.get("/", params={"wait": "30"})
        async with client(timeout=10) as http:
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/", params={"wait": "30"})
        assert bank.asked == 2

    plays(play)


def test_what_is_asked_over_a_way_back_that_is_cut_happens_and_is_not_answered() -> None:
    async def play(sim: Simulation, bank: Bank) -> None:
        async with client(timeout=10) as http:
            await http.get("/")
            sim.network.cut("bank", "shop", one_way=True)
            with pytest.raises(httpx.ReadTimeout):
                await http.get("/")
            assert bank.asked == 2
            with pytest.raises(httpx.ConnectTimeout):
                await http.get("/")
            assert bank.asked == 2
            sim.network.heal()
            await http.get("/")
            assert bank.asked == 3

    plays(play)


def test_bytes_that_a_cut_held_up_arrive_when_it_heals() -> None:
    async def play(sim: Simulation, bank: Bank) -> None:
        async with client(timeout=1_000) as http, trio.open_nursery() as nursery:
            await http.get("/")
            sim.network.cut("shop", "bank")
            nursery.start_soon(http.get, "/late")
            await trio.sleep(100)
            assert bank.asked == 1
            sim.network.heal("bank", "shop")
            await trio.sleep(1)
            assert bank.asked == 2

    plays(play)


def test_a_reset_breaks_what_is_under_way() -> None:
    async def play(sim: Simulation, bank: Bank) -> None:
        async with client(timeout=60) as http, trio.open_nursery() as nursery:

            async def is_broken() -> None:
                with pytest.raises(httpx.ReadError):
                    await http.get("/", params={"wait": "10"})
                broken_at.append(trio.current_time())

            broken_at: list[float] = []
            began = trio.current_time()
            nursery.start_soon(is_broken)
            await trio.sleep(5)
            assert sim.network.reset("shop", "bank") == 1
            await trio.sleep(1)
            assert [at - began for at in broken_at] == [5.0]
            await http.get("/")
            assert bank.asked == 2

    plays(play)


def test_refusals_are_errors_to_connect_and_old_connections_go_on() -> None:
    async def play(sim: Simulation, _: Bank) -> None:
        async with client() as http:
            await http.get("/")
            sim.network.refuse("bank")
            await http.get("/")
            async with client() as other:
                with pytest.raises(httpx.ConnectError):
                    await other.get("/")
                sim.network.heal("bank")
                await other.get("/")

    plays(play)


def test_unknown_names_closed_ports_and_dead_addresses_fail_as_they_do() -> None:
    async def play(_: Simulation, __: Bank) -> None:
        async with client() as http:
            for url in ("http://nobody/", "http://bank:81/", "http://10.9.9.9/"):
                with pytest.raises(httpx.ConnectError):
                    await http.get(url)

    plays(play)


def test_lost_packets_only_delay_a_connection() -> None:
    async def play(sim: Simulation, _: Bank) -> None:
        sim.network.lose("shop", "bank", connects=0.5)
        took = []
        for _number in range(10):
            began = trio.current_time()
            async with client(timeout=1_000) as http:
                await http.get("/")
            took.append(trio.current_time() - began)
        assert min(took) < 1.0 < max(took)

    plays(play)


def test_a_killed_host_resets_its_connections_and_comes_back() -> None:
    async def play(sim: Simulation, bank: Bank) -> None:
        async with client(timeout=60) as http, trio.open_nursery() as nursery:

            async def is_broken() -> None:
                with pytest.raises(httpx.ReadError):
                    await http.get("/", params={"wait": "10"})
                broken.append(trio.current_time())

            broken: list[float] = []
            nursery.start_soon(is_broken)
            await trio.sleep(1)
            sim.nodes["bank"].crash()
            await trio.sleep(0.5)
            assert broken
            with pytest.raises(httpx.ConnectError):
                await http.get("/")
            await trio.sleep(1)
            await http.get("/")
            assert bank.asked == 2

    plays(play)


def test_nothing_of_a_killed_host_reaches_anybody() -> None:
    async def scenario(sim: Simulation) -> None:
        async def speaks(life: Life) -> None:
            if life.number == 2:
                return
            stream = await trio.open_tcp_stream("ear", 7)
            await stream.send_all(b"alive")
            try:
                await trio.sleep_forever()
            finally:
                gone = (OSError, Killed, trio.ClosedResourceError)
                with trio.CancelScope(shield=True), pytest.raises(gone):
                    await stream.send_all(b"dead")

        async def hears(_: Life) -> None:
            await trio.serve_tcp(listen, 7, host="ear")

        async def listen(stream: trio.SocketStream) -> None:
            try:
                while data := await stream.receive_some():
                    heard.append(bytes(data))
            except trio.BrokenResourceError:
                heard.append(b"reset")

        heard: list[bytes] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sim.node("ear", hears).run)
            await trio.sleep(1)
            node = sim.node("mouth", speaks)
            nursery.start_soon(node.run)
            await trio.sleep(1)
            node.crash()
            await trio.sleep(5)
            nursery.cancel_scope.cancel()
        assert heard == [b"alive", b"reset"]

    failure = simulate(scenario, Plan(seed=1)).failure
    assert failure is None, failure


@asynccontextmanager
async def _pair() -> AsyncIterator[tuple[trio.SocketStream, trio.SocketStream]]:
    accepted: list[trio.SocketStream] = []
    hold = trio.Event()

    async def keep(stream: trio.SocketStream) -> None:
        accepted.append(stream)
        await hold.wait()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, keep, 0)
        port = listeners[0].socket.getsockname()[1]
        stream = await trio.open_tcp_stream("127.0.0.1", port)
        while not accepted:  # noqa: ASYNC110 - a test's own loop in virtual time
            await trio.sleep(0.001)
        yield stream, accepted[0]
        hold.set()
        nursery.cancel_scope.cancel()


async def test_a_reader_who_does_not_read_holds_the_writer_up() -> None:
    async with _pair() as (writer, reader):
        with trio.move_on_after(10) as patience:
            await writer.send_all(b"x" * (IN_FLIGHT_BYTES_MAX + 1))
        assert patience.cancelled_caught
        got = 0
        while got < IN_FLIGHT_BYTES_MAX:
            got += len(await reader.receive_some())
        with trio.fail_after(10):
            await writer.send_all(b"y")
            assert await reader.receive_some() == b"y"


async def test_one_side_may_end_and_still_listen() -> None:
    async with _pair() as (client_, server):
        await client_.send_all(b"question")
        await client_.send_eof()
        assert [bytes(part) async for part in server] == [b"question"]
        await server.send_all(b"answer")
        assert await client_.receive_some() == b"answer"


async def test_who_writes_to_a_closed_connection_hears_of_it() -> None:
    async with _pair() as (client_, server):
        await server.aclose()
        await client_.send_all(b"x")
        await trio.sleep(1)
        with pytest.raises(trio.BrokenResourceError):
            await client_.send_all(b"x")


async def test_a_port_is_taken_once() -> None:
    (listener,) = await trio.open_tcp_listeners(8080, host="127.0.0.1")
    with pytest.raises(OSError, match="in use") as taken:
        await trio.open_tcp_listeners(8080, host="127.0.0.1")
    assert errno.EADDRINUSE in {
        getattr(error, "errno", None)
        for error in (taken.value, taken.value.__cause__, taken.value.__context__)
    }
    await listener.aclose()
    (again,) = await trio.open_tcp_listeners(8080, host="127.0.0.1")
    await again.aclose()


async def test_what_is_not_modelled_says_so() -> None:
    with pytest.raises(NotModelledError, match="TCP only"):
        trio.socket.socket(trio.socket.AF_INET, trio.socket.SOCK_DGRAM)
    socket = trio.socket.socket()
    with pytest.raises(NotModelledError, match="setsockopt"):
        socket.setsockopt(trio.socket.SOL_SOCKET, 9_999, 1)


async def test_websockets_run_on_it(network: Network) -> None:
    async def echo(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        while True:
            await connection.send_message((await connection.get_message())[::-1])

    async with trio.open_nursery() as nursery:
        server = await nursery.start(trio_websocket.serve_websocket, echo, "127.0.0.1", 0, None)
        async with trio_websocket.open_websocket(
            "127.0.0.1", server.port, "/", use_ssl=False
        ) as ws:
            for text in ("abc", "x" * 100_000):
                await ws.send_message(text)
                assert await ws.get_message() == text[::-1]
            network.reset("outside", "outside")  # a host has itself only by name
            with pytest.raises(trio_websocket.ConnectionClosed):
                await ws.get_message()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(3))
def test_a_seed_gives_one_network(seed: int) -> None:
    async def play(sim: Simulation, _: Bank) -> None:
        luck = sim.luck("faults")
        async with client(timeout=5) as http:
            for _number in range(30):
                match luck.randrange(6):
                    case 0:
                        sim.network.reset()
                    case 1:
                        sim.network.cut("shop", "bank", one_way=True)
                    case 2:
                        sim.network.slow(seconds=(0.0, 3.0))
                    case _:
                        sim.network.heal()
                try:
                    await http.get("/")
                except httpx.TransportError as error:
                    sim.note(type(error).__name__)

    first, second = plays(play, seed), plays(play, seed)
    assert first.digest == second.digest
    assert first.digest != plays(play, seed + 100).digest


def test_names_are_as_in_urls() -> None:
    network = Network(luck=random.Random(1), note=lambda _: None, host_of=lambda: "a")
    with pytest.raises(ValueError, match="lower case"):
        network.host("Shop")
