"""Clients that always have another request ready do not hold up the others."""

from __future__ import annotations

from collections import Counter

import trio

from adapters.http.turns import BEGIN_MAX, RequestTurns


class Rounds:
    """Counts the rounds of trio's scheduler, by one task that is always ready."""

    def __init__(self) -> None:
        self.now = 0

    async def count(self) -> None:
        while True:
            await trio.lowlevel.checkpoint()
            self.now += 1


async def test_few_requests_begin_at_once() -> None:
    turns = RequestTurns()
    for _ in range(BEGIN_MAX):
        with trio.CancelScope(deadline=trio.current_time()):
            await turns.begin("192.0.2.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.serve)
        for _ in range(9 * BEGIN_MAX):
            await turns.begin("192.0.2.1")
        nursery.cancel_scope.cancel()


async def test_of_a_crowd_so_many_begin_in_each_round_and_the_addresses_take_turns() -> None:
    turns, rounds = RequestTurns(), Rounds()
    begun: list[tuple[int, str]] = []

    async def begin(host: str) -> None:
        await turns.begin(host)
        begun.append((rounds.now, host))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(rounds.count)
        nursery.start_soon(turns.serve)
        async with trio.open_nursery() as crowd:
            for _ in range(20 * BEGIN_MAX):
                crowd.start_soon(begin, "192.0.2.1")
            await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()
            for number in range(3):
                crowd.start_soon(begin, f"198.51.100.{number}")
        nursery.cancel_scope.cancel()
    first = begun[0][0]
    assert max(Counter(round_ for round_, _ in begun).values()) <= 2 * BEGIN_MAX
    late = [round_ - first for round_, host in begun if host != "192.0.2.1"]
    assert max(late) <= 6
    assert begun[-1][0] - first >= 15


async def test_a_request_that_waits_for_its_turn_may_be_cut() -> None:
    turns = RequestTurns()
    for _ in range(BEGIN_MAX):
        await turns.begin("192.0.2.1")
    with trio.move_on_after(1):
        await turns.begin("192.0.2.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(turns.serve)
        with trio.fail_after(1):
            await turns.begin("192.0.2.2")
        nursery.cancel_scope.cancel()
