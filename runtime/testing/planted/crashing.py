"""Planted: programs on a node that is right until somebody kills it between two steps."""

from __future__ import annotations

import trio

from runtime.testing.node import Life
from runtime.testing.planted.bug import Bug
from runtime.testing.planted.outside import Bank, Disk
from runtime.testing.simulation import Simulation

ORDERS = ("o1", "o2", "o3")
NODE = "till"
PORT = 80
OK = b"ok"
PATIENCE_SECONDS = 600.0
CRASHED = f"crash of {NODE}"
"""What the kit itself notes as having happened sometimes."""


async def send_then_record(sim: Simulation, *, sound: bool) -> None:
    """Pay each order, then write down that it is paid."""
    disk, bank = Disk(sim), Bank(sim)

    async def boot(life: Life) -> None:
        done = await disk.read(life.check)
        for order in ORDERS:
            if order not in done:
                await bank.pay(order, life.check, key=order if sound else None)
                await disk.write({order: "paid"}, life.check)

    await sim.node(NODE, boot).run()
    _everybody_paid_once(bank)


async def record_then_send(sim: Simulation, *, sound: bool) -> None:
    """Write each payment down, then pay it."""
    disk, bank = Disk(sim), Bank(sim)

    async def boot(life: Life) -> None:
        known = await disk.read(life.check)
        for order in ORDERS:
            if sound and known.get(order) != "paid":
                await disk.write({order: "intended"}, life.check)
                await bank.pay(order, life.check, key=order)
                await disk.write({order: "paid"}, life.check)
            elif not sound and order not in known:
                await disk.write({order: "paid"}, life.check)
                await bank.pay(order, life.check, key=order)

    await sim.node(NODE, boot).run()
    _everybody_paid_once(bank)


async def claim_never_released(sim: Simulation, *, sound: bool) -> None:
    """Claim each order, so that no other clerk pays it meanwhile; release it in any case."""
    disk, bank = Disk(sim), Bank(sim)

    async def clerk(name: str, life: Life) -> None:
        for order in ORDERS:
            claim = (await disk.read(life.check)).get(order)
            if claim is None or (sound and claim != "paid" and claim[1] != life.number):
                disk.rows[order] = (name, life.number)  # whoever is first; a row lock
                state: object = None
                try:
                    await bank.pay(order, life.check, key=order)
                    state = "paid"
                finally:
                    with trio.CancelScope(shield=True):  # careful, and still no help
                        await disk.write({order: state}, life.check)

    async def boot(life: Life) -> None:
        async with trio.open_nursery() as clerks:
            clerks.start_soon(clerk, "ann", life)
            clerks.start_soon(clerk, "bob", life)

    await sim.node(NODE, boot).run()
    _everybody_paid_once(bank)


async def acknowledge_then_keep(sim: Simulation, *, sound: bool) -> None:
    """Take events by TCP from a sender who repeats each until it is acknowledged."""
    disk = Disk(sim)

    async def boot(life: Life) -> None:
        async def serve(stream: trio.SocketStream) -> None:
            event = (await stream.receive_some()).decode()
            if event and not sound:
                await stream.send_all(OK)
            if event:
                await disk.write({event: "kept"}, life.check)
            if event and sound:
                await stream.send_all(OK)

        await trio.serve_tcp(serve, PORT)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sim.node(NODE, boot).run)
        with trio.fail_after(PATIENCE_SECONDS):
            for event in ORDERS:
                await _deliver(event)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert sorted(disk.rows) == sorted(ORDERS), f"all acknowledged, kept: {sorted(disk.rows)}"


async def _deliver(event: str) -> None:
    """Send it until it is acknowledged."""
    while True:
        try:
            with trio.fail_after(2):
                async with await trio.open_tcp_stream(NODE, PORT) as stream:
                    await stream.send_all(event.encode())
                    if await stream.receive_some() == OK:
                        return
        except (OSError, trio.BrokenResourceError, trio.TooSlowError):
            await trio.sleep(0.5)


def _everybody_paid_once(bank: Bank) -> None:
    assert dict(bank.paid) == dict.fromkeys(ORDERS, 1), f"not once each: {dict(bank.paid)}"


CRASHING = (
    Bug(
        name="send then record",
        what="pays, then writes it down: killed in between, it pays again",
        play=send_then_record,
        danger=CRASHED,
        crashed=NODE,
    ),
    Bug(
        name="record then send",
        what="writes it down, then pays: killed in between, it never pays",
        play=record_then_send,
        danger=CRASHED,
        crashed=NODE,
    ),
    Bug(
        name="claim never released",
        what="leaves the release of a durable claim to a `finally`, which a kill -9 does not run",
        play=claim_never_released,
        danger=CRASHED,
        crashed=NODE,
    ),
    Bug(
        name="acknowledge then keep",
        what="acknowledges an event before it is durable: killed in between, it is lost",
        play=acknowledge_then_keep,
        danger=CRASHED,
        crashed=NODE,
    ),
)
