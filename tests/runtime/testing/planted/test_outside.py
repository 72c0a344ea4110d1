"""The planted programs' disk and bank keep what a kill -9 lets them keep, and count."""

from __future__ import annotations

import pytest
import trio

from runtime.testing.node import Killed
from runtime.testing.planted.outside import BANK_SECONDS, DISK_SECONDS, Bank, Disk
from runtime.testing.simulation import Plan, Simulation


class Life:
    """Dies at the `last` look."""

    def __init__(self, last: int) -> None:
        self.left = last

    def check(self) -> None:
        self.left -= 1
        if self.left <= 0:
            raise Killed


def _sim() -> Simulation:
    return Simulation(Plan(seed=1))


async def test_a_disk_keeps_what_was_written_and_takes_its_time() -> None:
    disk = Disk(_sim())

    await disk.write({"a": 1})
    assert 2 * DISK_SECONDS[0] <= trio.current_time() <= 2 * DISK_SECONDS[1]
    rows = await disk.read()
    rows["b"] = 2

    assert disk.rows == {"a": 1}


@pytest.mark.parametrize(("last", "kept"), [(1, {}), (2, {}), (3, {"a": 1}), (4, {"a": 1})])
async def test_killed_before_the_write_it_is_lost_and_after_it_kept(
    last: int, kept: dict[str, int]
) -> None:
    disk = Disk(_sim())

    with pytest.raises(Killed):
        await disk.write({"a": 1}, Life(last).check)

    assert disk.rows == kept


@pytest.mark.parametrize(("last", "paid"), [(1, 0), (2, 0), (3, 1), (4, 1)])
async def test_killed_before_the_payment_it_is_not_made_and_after_it_is(
    last: int, paid: int
) -> None:
    bank = Bank(_sim())

    with pytest.raises(Killed):
        await bank.pay("o1", Life(last).check)

    assert bank.paid["o1"] == paid
    assert trio.current_time() <= 2 * BANK_SECONDS[1]


async def test_a_bank_pays_as_often_as_it_is_asked_but_once_for_a_key() -> None:
    bank = Bank(_sim())

    for _ in range(2):
        await bank.pay("without")
        await bank.pay("with", key="k")

    assert bank.paid == {"without": 2, "with": 1}
