"""Idempotency keys."""

from __future__ import annotations

import pytest

from adapters.sandbox.server import Request, Response
from adapters.sandbox.stripe_errors import Refused
from adapters.sandbox.stripe_replays import Replays

DONE = Response(status=200, body=b"first", headers={"request-id": "req_1"})


def request(key: str = "k", *, body: bytes = b"a=1", method: str = "POST") -> Request:
    headers = {"idempotency-key": key} if key else {}
    return Request(method=method, path="/v1/x", headers=headers, body=body)


def test_the_first_answer_is_given_again_and_says_so() -> None:
    replays = Replays()
    assert replays.answer(request()) is None
    replays.keep(request(), DONE)
    again = replays.answer(request())
    assert again is not None
    assert (again.status, again.body) == (200, b"first")
    assert again.headers == {"request-id": "req_1", "idempotent-replayed": "true"}


def test_the_same_key_with_something_else_is_refused() -> None:
    replays = Replays()
    replays.keep(request(), DONE)
    with pytest.raises(Refused) as told:
        replays.answer(request(body=b"a=2"))
    assert (told.value.status, told.value.error_type) == (400, "idempotency_error")


def test_a_key_that_is_worked_on_cannot_be_used() -> None:
    replays = Replays()
    with replays.working(request()):
        with pytest.raises(Refused) as told, replays.working(request()):
            pass
        with replays.working(request("other")):
            pass
    assert (told.value.status, told.value.code) == (409, "idempotency_key_in_use")
    with replays.working(request()):
        pass


@pytest.mark.parametrize("unkeyed", [request(""), request("k", method="GET")])
def test_without_a_key_nothing_is_remembered(unkeyed: Request) -> None:
    replays = Replays()
    replays.keep(unkeyed, DONE)
    assert replays.answer(unkeyed) is None
    with replays.working(unkeyed), replays.working(unkeyed):
        pass


def test_a_key_has_an_end() -> None:
    with pytest.raises(Refused):
        Replays().answer(request("k" * 256))
