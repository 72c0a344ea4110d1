"""Planned faults meet exactly the requests they were planned for."""

from __future__ import annotations

import pytest

from adapters.sandbox.faults import Drop, Fail, Faults, Hang
from adapters.sandbox.server import Response


def test_a_fault_meets_its_number_of_requests_then_is_gone() -> None:
    faults = Faults()
    faults.plan(Drop(), times=2, kind=None)

    assert [faults.take("a"), faults.take("b"), faults.take("c")] == [Drop(), Drop(), None]


def test_a_fault_for_one_kind_lets_the_others_pass() -> None:
    faults = Faults()
    faults.plan(Hang(3), times=1, kind="sendMessage")

    assert faults.take("getupdates") is None
    assert faults.take("sendmessage") == Hang(3)


def test_a_request_takes_the_earliest_fault_that_fits() -> None:
    faults = Faults()
    first, second = Fail(Response(status=500)), Fail(Response(status=502))
    faults.plan(first, times=1, kind=None)
    faults.plan(second, times=1, kind="a")

    assert [faults.take("a"), faults.take("a")] == [first, second]


@pytest.mark.parametrize(("status", "times"), [(500, 0), (500, -1), (200, 1), (99, 1), (1000, 1)])
def test_what_no_server_could_do_is_refused(status: int, times: int) -> None:
    with pytest.raises(ValueError, match=r"turn|status"):
        Faults().plan(Fail(Response(status=status)), times=times, kind=None)
