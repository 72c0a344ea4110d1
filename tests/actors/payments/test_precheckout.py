"""Telegram's question before a payment is answered in time, whatever happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
import trio

from actors.gateway.model import Entry
from actors.kernel.charges import Rail
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, OrderId, UpdateId
from actors.kernel.money import STARS, Money
from actors.payments import texts
from actors.payments.messages import PreCheckoutAsked
from actors.payments.orders import Order, State
from actors.payments.ports import PreCheckoutAnswers
from actors.payments.precheckout import (
    FINISH_SECONDS,
    PATIENCE_SECONDS,
    QUESTIONS_MAX,
    PreCheckout,
    refusal_of,
)
from actors.payments.texts import Refusal
from actors.sessions.messages import Profile
from adapters.memory.gateway import MemoryInbox
from adapters.memory.orders import MemoryOrders
from runtime import ActorRef, ActorStarted, VirtualWorld
from runtime.testing import TestSystem, running
from tests.actors.payments.orders import NOON, ORDER, usd

TELEGRAM_SECONDS = 10.0
STARS_ORDER = replace(
    ORDER,
    rail=Rail.STARS,
    price=Money.of_minor(100, STARS),
    state=State.WAITING,
    checkout_id="link",
    url="https://t.me/$link",
)
ASKED = PreCheckoutAsked(
    update_id=UpdateId(1),
    query_id="query",
    chat_id=ORDER.chat_id,
    profile=Profile(first_name="Anna", language_code="uk"),
    currency="XTR",
    total_amount=100,
    payload=ORDER.order_id,
)


class Store(MemoryOrders):
    slow_seconds = 0.0
    failure: Exception | None = None
    forgetful = 0
    """So often it cannot keep that an update is handled."""
    finish_seconds = 0.0
    defect: Exception | None = None
    """What `finish` meets once."""

    async def finish(self, update_id: UpdateId) -> None:
        if self.forgetful:
            self.forgetful -= 1
            raise Unavailable("could not serialize access")
        await trio.sleep(self.finish_seconds)
        defect, self.defect = self.defect, None
        if defect is not None:
            raise defect
        await super().finish(update_id)

    async def load(self, order_id: OrderId) -> Order | None:
        await trio.sleep(self.slow_seconds)
        if self.failure is not None:
            raise self.failure
        return await super().load(order_id)


@dataclass
class Answers(PreCheckoutAnswers):
    given: list[tuple[str, bool, str, float]] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    slow_seconds: float = 0.0

    async def answer(self, query_id: str, *, ok: bool, error: str) -> None:
        await trio.sleep(self.slow_seconds)
        if self.failures:
            raise self.failures.pop(0)
        self.given.append((query_id, ok, error, trio.current_time()))


@dataclass
class Till:
    system: TestSystem
    actor: ActorRef[PreCheckout]
    store: Store
    answers: Answers
    inbox: MemoryInbox

    async def ask(self, asked: PreCheckoutAsked = ASKED) -> None:
        entry = Entry(asked.update_id, "{}", chat_id=asked.chat_id)
        await self.inbox.add([entry], batch_id=UUID(int=asked.update_id), at=NOON)
        self.actor.tell(asked)
        await self.system.settle()

    async def unhandled(self) -> int:
        return len(await self.inbox.unhandled())


@asynccontextmanager
async def till(order: Order | None = STARS_ORDER) -> AsyncIterator[Till]:
    store, answers = Store(), Answers()
    if order is not None:
        await store.save(order)
    async with running(world=VirtualWorld(epoch=NOON)) as system:
        actor = system.spawn(lambda: PreCheckout(store=store, answers=answers))
        yield Till(system, actor, store, answers, MemoryInbox(store.connection))


async def test_a_payment_that_fits_may_go_ahead() -> None:
    async with till() as shop:
        await shop.ask()
        ((query_id, ok, error, _),) = shop.answers.given
        assert (query_id, ok, error) == ("query", True, "")
        assert await shop.unhandled() == 0


@pytest.mark.parametrize(
    ("order", "asked", "refusal"),
    [
        (None, ASKED, Refusal.UNKNOWN),
        (STARS_ORDER, replace(ASKED, payload="42"), Refusal.UNKNOWN),
        (replace(STARS_ORDER, rail=Rail.STRIPE, price=usd("1")), ASKED, Refusal.UNKNOWN),
        (STARS_ORDER, replace(ASKED, chat_id=ChatId(2)), Refusal.FOREIGN),
        (STARS_ORDER, replace(ASKED, total_amount=99), Refusal.CHANGED),
        (STARS_ORDER, replace(ASKED, total_amount=-100), Refusal.CHANGED),
        (STARS_ORDER, replace(ASKED, total_amount=10**40), Refusal.CHANGED),
        (STARS_ORDER, replace(ASKED, currency="USD"), Refusal.CHANGED),
        (STARS_ORDER, replace(ASKED, currency="?"), Refusal.CHANGED),
        (replace(STARS_ORDER, expires_at=NOON), ASKED, Refusal.EXPIRED),
    ],
)
async def test_a_payment_that_does_not_fit_is_refused_in_the_payers_language(
    order: Order | None, asked: PreCheckoutAsked, refusal: Refusal
) -> None:
    async with till(order) as shop:
        await shop.ask(asked)
        ((_, ok, error, _),) = shop.answers.given
        assert (ok, error) == (False, texts.REFUSALS[refusal].uk)
        assert await shop.unhandled() == 0


@pytest.mark.parametrize("state", State)
def test_only_an_order_that_waits_is_paid(state: State) -> None:
    refusal = refusal_of(ASKED, replace(STARS_ORDER, state=state), now=NOON)
    if state is State.WAITING:
        assert refusal is None
    else:
        assert refusal in {Refusal.PAID, Refusal.EXPIRED}


def test_it_may_be_paid_until_it_expires() -> None:
    just = STARS_ORDER.expires_at - timedelta(microseconds=1)
    assert refusal_of(ASKED, STARS_ORDER, now=just) is None
    assert refusal_of(ASKED, STARS_ORDER, now=STARS_ORDER.expires_at) is Refusal.EXPIRED


@pytest.mark.parametrize("slow_seconds", [6.0, 60.0])
async def test_a_store_that_does_not_tell_in_time_is_no_silence(slow_seconds: float) -> None:
    async with till() as shop:
        shop.store.slow_seconds = slow_seconds
        await shop.ask()
        await trio.sleep(slow_seconds + 1)
        ((_, ok, error, when),) = shop.answers.given
        assert (ok, error) == (False, texts.REFUSALS[Refusal.AWAY].uk)
        assert when <= PATIENCE_SECONDS + 0.1 < TELEGRAM_SECONDS


async def test_a_store_that_is_away_is_no_silence() -> None:
    async with till() as shop:
        shop.store.failure = Unavailable("away")
        await shop.ask()
        assert [(ok, when < 1) for _, ok, _, when in shop.answers.given] == [(False, True)]


async def test_one_slow_question_does_not_hold_up_the_next() -> None:
    async with till() as shop:
        shop.store.slow_seconds = 4
        for number in range(1, 21):
            await shop.ask(replace(ASKED, update_id=UpdateId(number), query_id=str(number)))
        await trio.sleep(4.5)
        assert len(shop.answers.given) == 20
        assert all(ok for _, ok, _, _ in shop.answers.given)


async def test_an_answer_that_did_not_get_through_is_given_once_more() -> None:
    async with till() as shop:
        shop.answers.failures = [Unavailable("reset")]
        await shop.ask()
        assert [ok for _, ok, _, _ in shop.answers.given] == [True]
        shop.answers.failures = [Unavailable("reset")] * 2
        await shop.ask(replace(ASKED, update_id=UpdateId(2)))
        assert len(shop.answers.given) == 1
        assert await shop.unhandled() == 0


async def test_an_answered_question_is_handled_as_soon_as_the_store_can_keep_that() -> None:
    async with till() as shop:
        shop.store.forgetful = 3
        await shop.ask()
        assert await shop.unhandled() == 1
        await trio.sleep(60)
        assert await shop.unhandled() == 0
        assert len(shop.answers.given) == 1


@pytest.mark.parametrize("struck_at", ["look", "answer", "finish", "forgetful"])
async def test_struck_anywhere_it_answers_in_time_and_leaves_nothing_unhandled(
    struck_at: str,
) -> None:
    async with till() as shop:
        shop.store.slow_seconds = 1.0 * (struck_at == "look")
        shop.answers.slow_seconds = 1.0 * (struck_at == "answer")
        shop.store.finish_seconds = 1.0 * (struck_at == "finish")
        shop.store.forgetful = 1 * (struck_at == "forgetful")
        await shop.ask()
        await trio.sleep(0.5)
        shop.actor.kill(RuntimeError("struck by lightning"))
        await trio.sleep(60)
        assert [ok for _, ok, _, when in shop.answers.given if when < TELEGRAM_SECONDS][:1] == [
            True
        ]
        assert await shop.unhandled() == 0


async def test_only_who_still_waits_is_asked_about_again() -> None:
    async with till() as shop:
        for number in range(1, 6):
            await shop.ask(replace(ASKED, update_id=UpdateId(number), query_id=str(number)))
        shop.store.slow_seconds = 1.0
        await shop.ask(replace(ASKED, update_id=UpdateId(6), query_id="6"))
        shop.actor.kill(RuntimeError("struck by lightning"))
        await trio.sleep(10)
        assert [query_id for query_id, *_ in shop.answers.given] == list("123456")


async def test_a_defect_at_one_question_is_no_silence_and_no_end_of_the_others() -> None:
    async with till() as shop:
        shop.store.failure = RuntimeError("a defect")
        await shop.ask()
        assert [ok for _, ok, _, _ in shop.answers.given] == [False]
        shop.store.failure, shop.store.defect = None, RuntimeError("another")
        await shop.ask(replace(ASKED, update_id=UpdateId(2)))
        shop.answers.failures = [RuntimeError("a third")]
        await shop.ask(replace(ASKED, update_id=UpdateId(3)))
        assert [ok for _, ok, _, _ in shop.answers.given] == [False, True]
        await trio.sleep(FINISH_SECONDS + 1)
        assert await shop.unhandled() == 0
        assert [type(incident) for incident in shop.system.incidents] == [ActorStarted]


async def test_more_questions_than_can_be_set_aside_are_refused_at_once() -> None:
    async with till() as shop:
        shop.store.slow_seconds = 2.0
        for number in range(1, QUESTIONS_MAX + 2):
            await shop.ask(replace(ASKED, update_id=UpdateId(number), query_id=str(number)))
        assert [query_id for query_id, *_ in shop.answers.given] == [str(QUESTIONS_MAX + 1)]
        await trio.sleep(3)
        assert sum(ok for _, ok, _, _ in shop.answers.given) == QUESTIONS_MAX
        assert await shop.unhandled() == 0
