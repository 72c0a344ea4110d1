"""Webhooks under way: repeated until accepted, and disturbed on request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio

from adapters.sandbox.deliveries import Deliveries, any_2xx
from adapters.sandbox.outgoing import Answer, Webhook

SCHEDULE = (10, 60, 600)


class Shop:
    """Takes webhooks without a socket; answers the next of `answers`, then 200. None: nothing."""

    def __init__(self, *answers: int | None, takes_seconds: float = 0.0) -> None:
        self.answers, self.takes_seconds = list(answers), takes_seconds
        self.got: list[tuple[str, float]] = []
        """Names as they arrived, and when."""

    async def __call__(self, webhook: Webhook) -> Answer | None:
        self.got.append((webhook.body.decode(), round(trio.current_time(), 3)))
        answer = self.answers.pop(0) if self.answers else 200
        await trio.sleep(self.takes_seconds)
        return None if answer is None else Answer(status=answer, headers={})

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.got]


def deliveries(shop: Shop, schedule: tuple[float, ...] = SCHEDULE) -> Deliveries:
    return Deliveries(schedule=schedule, accepted=any_2xx, post=shop)


def named(name: str) -> Callable[[], Webhook]:
    return lambda: Webhook(url="http://shop/hook", headers={}, body=name.encode())


async def test_what_is_accepted_is_told_once() -> None:
    shop = Shop(204)
    async with deliveries(shop) as under_way:
        sending = under_way.send("a", named("a"))
        await under_way.settled()
        assert shop.names == ["a"]
        assert [attempt.status for attempt in sending.attempts] == [204]
        assert sending.delivered


async def test_what_fails_is_repeated_after_each_pause_then_given_up() -> None:
    shop = Shop(500, 302, None, 404)
    async with deliveries(shop) as under_way:
        sending = under_way.send("a", named("a"))
        await under_way.settled()

    assert [at for _, at in shop.got] == [0, 10, 70, 670]
    assert [attempt.status for attempt in sending.attempts] == [500, 302, None, 404]
    assert not sending.delivered


async def test_a_repetition_that_is_accepted_is_the_last() -> None:
    shop = Shop(503)
    async with deliveries(shop) as under_way:
        under_way.send("a", named("a"))
        await under_way.settled()
    assert [at for _, at in shop.got] == [0, 10]


async def test_each_attempt_is_made_anew() -> None:
    shop, numbers = Shop(500), iter("12")

    def make() -> Webhook:
        return Webhook(url="http://shop/", headers={}, body=next(numbers).encode())

    async with deliveries(shop) as under_way:
        under_way.send("a", make)
        await under_way.settled()
    assert shop.names == ["1", "2"]


async def test_a_shop_that_takes_too_long_has_not_answered() -> None:
    shop = Shop(takes_seconds=30)
    under_way = Deliveries(schedule=(), accepted=any_2xx, post=shop, patience_seconds=5)
    async with under_way:
        sending = under_way.send("a", named("a"))
        await under_way.settled()
    (attempt,) = sending.attempts
    assert attempt.at_seconds == pytest.approx(5)
    assert attempt.status is None


async def test_webhooks_do_not_wait_for_each_other() -> None:
    shop = Shop(takes_seconds=3)
    async with deliveries(shop) as under_way:
        for name in "abc":
            under_way.send(name, named(name))
        await under_way.settled()
        assert trio.current_time() == pytest.approx(3)
    assert sorted(shop.names) == ["a", "b", "c"]


async def test_a_duplicate_arrives_while_the_first_is_being_taken() -> None:
    shop = Shop(takes_seconds=1)
    async with deliveries(shop) as under_way:
        under_way.duplicate_next(1, copies=3)
        sending = under_way.send("a", named("a"))
        under_way.send("b", named("b"))
        await under_way.settled()
    assert sorted(shop.got) == [("a", 0)] * 3 + [("b", 0)]
    assert len(sending.attempts) == 3


async def test_every_copy_is_repeated_by_itself() -> None:
    shop = Shop(500, 500)
    async with deliveries(shop) as under_way:
        under_way.duplicate_next(1)
        under_way.send("a", named("a"))
        await under_way.settled()
    assert [at for _, at in shop.got] == [0, 0, 10, 10]


async def test_a_late_webhook_is_overtaken() -> None:
    shop = Shop()
    async with deliveries(shop) as under_way:
        under_way.delay_next(1, seconds=100)
        for name in "ab":
            under_way.send(name, named(name))
        await under_way.settled()
    assert shop.got == [("b", 0), ("a", 100)]


async def test_reordered_ones_arrive_newest_first_whatever_the_shop_takes() -> None:
    shop = Shop(500, takes_seconds=2)
    async with deliveries(shop) as under_way:
        under_way.reorder_next(3)
        for name in "abc":
            under_way.send(name, named(name))
        await under_way.settled()
        under_way.send("d", named("d"))
        await under_way.settled()
    assert shop.got == [("c", 0), ("b", 2), ("a", 4), ("c", 12), ("d", 14)]


async def test_what_is_held_back_can_be_released_before_all_are_there() -> None:
    shop = Shop()
    async with deliveries(shop) as under_way:
        under_way.reorder_next(3)
        for name in "ab":
            under_way.send(name, named(name))
        await under_way.settled()
        assert shop.names == []
        under_way.release()
        under_way.send("c", named("c"))
        await under_way.settled()
    assert sorted(shop.names) == ["a", "b", "c"]
    assert shop.names.index("b") < shop.names.index("a")


async def test_a_lost_webhook_is_repeated() -> None:
    shop = Shop()
    async with deliveries(shop) as under_way:
        under_way.lose_next(2)
        under_way.send("a", named("a"))
        await under_way.settled()
    assert shop.got == [("a", 70)]


async def test_a_webhook_whose_answer_is_lost_comes_twice() -> None:
    shop = Shop()
    async with deliveries(shop) as under_way:
        under_way.lose_answers_next(1)
        sending = under_way.send("a", named("a"))
        await under_way.settled()
    assert shop.got == [("a", 0), ("a", 10)]
    assert [attempt.status for attempt in sending.attempts] == [None, 200]


async def test_an_operator_sends_one_again() -> None:
    shop = Shop()
    async with deliveries(shop) as under_way:
        under_way.send("a", named("a"))
        await under_way.settled()
        under_way.resend("a")
        await under_way.settled()
        with pytest.raises(KeyError):
            under_way.resend("b")
    assert shop.names == ["a", "a"]


async def test_something_else_happens_later_and_nobody_waits_for_it() -> None:
    under_way, seen = deliveries(Shop()), list[float]()
    under_way.later(50, lambda: seen.append(trio.current_time()))
    async with under_way:
        await under_way.settled()
        assert trio.current_time() == 0
        await trio.sleep(60)
    assert seen == [pytest.approx(50)]


async def test_nothing_leaves_outside_and_nothing_is_left_behind() -> None:
    shop = Shop(500, takes_seconds=1)
    under_way = deliveries(shop)
    under_way.send("early", named("early"))
    await trio.sleep(5)
    assert shop.names == []
    async with under_way:
        await trio.sleep(0.5)
    assert shop.names == ["early"]
    async with under_way:
        await under_way.settled()  # what was dropped is not waited for
        under_way.send("b", named("b"))
        await under_way.settled()
    assert shop.names == ["early", "b"]


def test_counts_are_positive() -> None:
    under_way = deliveries(Shop())
    wrong_ones: tuple[Callable[[], None], ...] = (
        lambda: under_way.duplicate_next(1, copies=0),
        lambda: under_way.reorder_next(0),
        lambda: under_way.lose_next(0),
        lambda: under_way.lose_answers_next(-1),
    )
    for wrong in wrong_ones:
        with pytest.raises(ValueError, match="at least 1"):
            wrong()
