"""Spacing and closing, in virtual time."""

from __future__ import annotations

import pytest
import trio

from adapters.nocodb.gate import PATIENCE_SECONDS, Gate, is_cloud


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("app.nocodb.com", True),
        ("nocodb.com", True),
        ("nocodb.example.org", False),
        ("nocodb.com.example.org", False),
        ("notnocodb.com", False),
        ("", False),
    ],
)
def test_the_cloud_is_known_by_its_name(host: str, expected: bool) -> None:
    assert is_cloud(host) is expected


async def test_requests_to_the_cloud_are_spaced_out() -> None:
    gate, passed = Gate(requests_per_second=4), list[float]()
    started = trio.current_time()

    async def ask() -> None:
        assert await gate.enter() == 0
        passed.append(trio.current_time() - started)

    async with trio.open_nursery() as nursery:
        for _ in range(8):
            nursery.start_soon(ask)
    assert passed == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75])


async def test_a_server_of_ones_own_is_not_slowed_down() -> None:
    gate, started = Gate(requests_per_second=None), trio.current_time()
    for _ in range(100):
        assert await gate.enter() == 0
    assert trio.current_time() == started


async def test_a_closed_gate_sends_everybody_away_until_it_opens() -> None:
    gate = Gate(requests_per_second=None)
    gate.close(30)
    assert await gate.enter() == pytest.approx(30)
    await trio.sleep(30 - PATIENCE_SECONDS)
    assert await gate.enter() == 0  # the rest was worth waiting for
    gate.close(10)
    gate.close(1)
    assert await gate.enter() == pytest.approx(10)


async def test_who_waits_when_the_gate_closes_does_not_pass() -> None:
    gate, answers = Gate(requests_per_second=1), list[float]()

    async def ask() -> None:
        answers.append(await gate.enter())

    await ask()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.sleep(0.5)
        gate.close(30)
    assert answers == [0, pytest.approx(29.5)]


async def test_a_long_queue_is_told_rather_than_joined() -> None:
    gate = Gate(requests_per_second=1)

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(gate.enter)
        await trio.sleep(0.1)
        assert await gate.enter() > PATIENCE_SECONDS
