"""What is asked of Telegram next, and what an answer without updates means."""

from __future__ import annotations

from collections import deque

import pytest

from actors.gateway.line import (
    FAILURES_UNTIL_FAIL,
    PERSON_WAIT_SECONDS,
    WEBHOOK_AGAIN_SECONDS,
    Line,
)
from actors.gateway.model import Arrival
from actors.gateway.ports import (
    Batch,
    Conflicted,
    Pushing,
    TokenRejected,
    Webhook,
    WebhookRefused,
)
from actors.kernel.failures import Unavailable
from actors.kernel.ids import UpdateId
from adapters.memory.gateway import MemoryUpdates

WEBHOOK = Webhook("https://shop.example.org/webhooks/telegram", "canary")


def line(webhook: Webhook | None = None) -> tuple[Line, MemoryUpdates]:
    updates = MemoryUpdates()
    updates.script = deque([Batch()] * 9)
    return Line(updates, webhook), updates


async def test_a_batch_that_is_left_comes_again() -> None:
    polls, updates = line()
    polls.confirm(7)
    polls.heard(Unavailable("reset"), jitter=0)
    polls.confirm(7)
    await polls.ask()
    polls.left()
    await polls.ask()
    assert updates.polls == [(7, True)] * 2
    polls.heard(Unavailable("reset"), jitter=0)
    polls.left()
    await polls.ask()
    assert updates.polls[2:] == [(None, True)]


def test_of_a_batch_that_comes_again_only_what_is_urgent_is_taken_and_that_once() -> None:
    polls, _ = line()

    def taken(*numbers: int, full: bool) -> list[int]:
        batch = [Arrival(UpdateId(each), "") for each in numbers]
        urgent = polls.taken(batch, full=full, urgent=lambda update: update.update_id % 2 == 0)
        return [update.update_id for update in urgent]

    assert taken(1, 2, 3, full=True) == [2]
    assert taken(1, 2, 3, 4, full=True) == [4]
    assert taken(1, 2, 3, 4, 5, full=True) == []
    assert taken(1, 2, 3, 4, 5, 6, full=False) == [1, 3, 5, 6]
    assert taken(2, 7, full=False) == [2, 7], "it counts anew: nothing of the past is confirmed"


async def test_a_poll_confirms_what_is_stored_and_after_trouble_nothing() -> None:
    polls, updates = line()
    await polls.ask()
    polls.confirm(7)
    await polls.ask()
    polls.heard(Unavailable("reset"), jitter=0)
    await polls.ask()
    assert updates.polls == [(None, True), (7, True), (None, False)]


async def test_with_a_webhook_nothing_is_polled() -> None:
    pushes, updates = line(WEBHOOK)
    assert await pushes.ask() == Pushing()
    assert (updates.webhooks, updates.polls) == ([WEBHOOK], [])
    told = pushes.heard(Pushing(), jitter=0)
    assert (told.status, told.wait_seconds) == ("pass", WEBHOOK_AGAIN_SECONDS)


def test_what_only_a_person_can_mend_is_said_at_once_and_asked_slowly() -> None:
    polls, _ = line(WEBHOOK)
    for outcome, word in (
        (WebhookRefused("bad webhook: HTTPS url must be provided"), "TELEGRAM_WEBHOOK_URL"),
        (TokenRejected("Unauthorized"), "BOT_TOKEN"),
    ):
        told = polls.heard(outcome, jitter=0)
        assert (told.status, told.wait_seconds) == ("fail", PERSON_WAIT_SECONDS)
        assert word in told.output
        assert outcome.detail in told.output
    told = polls.heard(Conflicted("terminated"), jitter=0.5)
    assert (told.status, told.wait_seconds) == ("fail", 15)


def test_an_outage_becomes_a_failure_and_waits_ever_longer() -> None:
    polls, _ = line(WEBHOOK)
    told = [polls.heard(Unavailable("HTTP 502"), jitter=0.0) for _ in range(FAILURES_UNTIL_FAIL)]
    assert [t.status for t in told] == ["warn"] * (FAILURES_UNTIL_FAIL - 1) + ["fail"]
    assert [t.wait_seconds for t in told] == [0.5, 1, 2]
    assert "given the webhook" in told[0].output
    polls.heard(Pushing(), jitter=0)
    assert polls.heard(Unavailable("HTTP 502"), jitter=0.0).status == "warn"


def test_what_is_no_trouble_with_telegram_is_raised() -> None:
    polls, _ = line()
    with pytest.raises(ZeroDivisionError):
        polls.heard(ZeroDivisionError(), jitter=0)
    with pytest.raises(TypeError, match="a batch is stored first"):
        polls.heard(Batch(), jitter=0)


def test_the_secret_is_not_shown() -> None:
    assert "canary" not in repr(WEBHOOK)
