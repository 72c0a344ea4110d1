"""Clients in a storm: HTTP and WebSockets under every fault of the network, to be run anywhere."""

from __future__ import annotations

import httpx
import trio
import trio_websocket

from runtime.testing.node import Boot, Life
from runtime.testing.simulation import Simulation

HERE = __name__
CLIENTS = 4
FAULTS = 25


async def storm(sim: Simulation) -> None:
    """Some clients ask a server that is slow, cut off, silent, refusing, or dead."""
    server = sim.node("server", _serve)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.run)
        nursery.start_soon(sim.node("sky", _weather(sim)).run)
        async with trio.open_nursery() as clients:
            for number in range(CLIENTS):
                clients.start_soon(sim.node(f"client{number}", _client(sim)).run)
        nursery.cancel_scope.cancel()


async def _serve(_: Life) -> None:
    async def echo(request: trio_websocket.WebSocketRequest) -> None:
        connection = await request.accept()
        try:
            while True:
                await connection.send_message(await connection.get_message())
        except trio_websocket.ConnectionClosed:
            return

    await trio_websocket.serve_websocket(echo, "server", 80, None)


def _client(sim: Simulation) -> Boot:
    async def asks(life: Life) -> None:
        for turn in range(10):
            try:
                with trio.fail_after(3):
                    async with trio_websocket.open_websocket_url("ws://server/") as socket:
                        await socket.send_message(f"{life.node.name} {turn}")
                        sim.note(str(await socket.get_message()))
                async with httpx.AsyncClient(timeout=2) as http:
                    answer = await http.get("http://server/")  # it speaks WebSocket only
                    sim.note(f"answered {answer.status_code}")
            except (
                OSError,
                trio.TooSlowError,
                httpx.TransportError,
                trio_websocket.HandshakeError,
                trio_websocket.ConnectionClosed,
            ) as error:
                sim.note(f"{life.node.name}: {type(error).__name__}")
                sim.sometimes(type(error).__name__)
            await trio.sleep(1)

    return asks


def _weather(sim: Simulation) -> Boot:
    luck, net = sim.luck("weather"), sim.network

    async def blows(_: Life) -> None:
        for _number in range(FAULTS):
            await trio.sleep(luck.random() * 2)
            match luck.randrange(7):
                case 0:
                    net.reset()
                case 1:
                    net.cut("server", f"client{luck.randrange(CLIENTS)}", one_way=True)
                case 2:
                    net.slow(seconds=(0.0, 1.0), bytes_per_second=2_000)
                case 3:
                    net.refuse("server")
                case 4:
                    net.lose(connects=0.5)
                case 5:
                    sim.nodes["server"].crash()
                case _:
                    net.heal()

    return blows
