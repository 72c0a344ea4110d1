"""The queue of updates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from adapters.sandbox.telegram_updates import FIRST_UPDATE_ID, Updates
from tests.adapters.sandbox.calls import NOON


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def test_updates_are_numbered_in_order() -> None:
    updates = Updates(Clock())

    pushed = [updates.push({"message": {}}), updates.push({"callback_query": {}})]

    assert updates.waiting(100) == pushed
    assert [update["update_id"] for update in pushed if update] == [
        FIRST_UPDATE_ID,
        FIRST_UPDATE_ID + 1,
    ]


@pytest.mark.parametrize(
    ("kind", "seconds"), [("message", 86_400), ("callback_query", 150), ("pre_checkout_query", 150)]
)
def test_an_update_nobody_fetches_expires(kind: str, seconds: float) -> None:
    clock = Clock()
    updates = Updates(clock)
    updates.push({kind: {}})

    clock.time += timedelta(seconds=seconds - 1)
    assert len(updates) == 1
    clock.time += timedelta(seconds=1)
    assert updates.waiting(100) == []


def test_kinds_that_must_be_asked_for_are_not_sent_unasked() -> None:
    updates = Updates(Clock())

    assert updates.push({"chat_member": {}}) is None
    updates.allow(["chat_member"])
    assert updates.push({"chat_member": {}}) is not None
    assert updates.push({"message": {}}) is None


def test_a_given_number_is_kept_for_tests_of_the_worst() -> None:
    updates = Updates(Clock())
    updates.push({"update_id": 5, "message": {}})
    updates.push({"update_id": 5, "message": {}})
    updates.push({"update_id": "broken", "message": None})

    assert len(updates) == 3
    updates.confirm(6)
    assert len(updates) == 0


@pytest.mark.parametrize(("ahead", "left"), [(1, 0), (11, 0), (12, 1)])
def test_an_offset_far_ahead_is_ignored(ahead: int, left: int) -> None:
    updates = Updates(Clock())
    updates.push({"message": {}})

    updates.confirm(FIRST_UPDATE_ID + ahead)

    assert len(updates) == left


def test_dropping_forgets_all() -> None:
    updates = Updates(Clock())
    updates.push({"message": {}})
    updates.clear()
    assert len(updates) == 0


def test_one_that_a_webhook_took_is_gone_and_its_twin_stays() -> None:
    updates = Updates(Clock())
    first = updates.push({"update_id": 5, "message": {}})
    second = updates.push({"update_id": 5, "message": {}})
    assert first is not None
    assert second is not None

    updates.drop(first)

    (left,) = updates.waiting(None)
    assert left is second


def test_whoever_delivers_is_woken_by_what_comes_and_by_others() -> None:
    updates = Updates(Clock())
    first = updates.arrived
    updates.push({"message": {}})
    second = updates.arrived
    updates.wake()
    assert (first.is_set(), second.is_set(), updates.arrived.is_set()) == (True, True, False)
