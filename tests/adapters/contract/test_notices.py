"""One promise, two adapters: of which payments administrators are told, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest

from actors.kernel.charges import Rail, Standing
from actors.kernel.ids import ChatId, PaymentId
from actors.payments.ports import Notice
from actors.sessions.model import Session, State
from tests.adapters.contract.books import LATER, NOON, ORDER, Books, report, usd
from tests.adapters.contract.stores import KINDS, stores_of


@pytest.fixture(params=KINDS)
def books(request: pytest.FixtureRequest) -> Books:
    return Books(stores_of(request))


def keys(notices: Iterable[Notice]) -> list[str]:
    return [notice.payment_id for notice in notices]


async def test_a_payment_is_noted_once(books: Books) -> None:
    await books.hear(report("4", Standing.PARTIAL))
    assert await books.notices.pending(limit=10) == ()
    await books.hear(report())
    await books.hear(report("10", Standing.REFUNDED, refunded=usd("1")))
    await books.hear(report("11"))
    (notice,) = await books.notices.pending(limit=10)
    assert notice == Notice(
        rail=Rail.STRIPE,
        payment_id=PaymentId("pi_1"),
        amount=usd("11"),
        order_id=ORDER,
        chat_id=ChatId(7),
        name=None,
        phone=None,
        noted_at=NOON,
    )


async def test_a_notice_says_who_paid_as_he_told_us(books: Books) -> None:
    await books.stores.sessions.save(
        Session(chat_id=ChatId(7), state=State.SUMMARY, name="Anna <b>", contact="+4912345")
    )
    await books.hear(report())
    await books.hear(report(number=2, order_id=None), None, at=NOON + timedelta(seconds=1))
    anna, nobody = await books.notices.pending(limit=10)
    assert (anna.name, anna.phone) == ("Anna <b>", "+4912345")
    assert (nobody.name, nobody.phone, nobody.order_id) == (None, None, None)
    assert keys(await books.notices.pending(limit=1)) == ["pi_1"]


async def test_what_was_claimed_is_pending_no_more(books: Books) -> None:
    for number in (1, 2, 3):
        await books.hear(report(number=number), at=NOON + timedelta(seconds=number))
    for _ in range(2):
        await books.notices.claim(Rail.STRIPE, PaymentId("pi_2"), at=NOON)
    assert keys(await books.notices.pending(limit=10)) == ["pi_1", "pi_3"]
    assert dict(await books.notices.counts(since=NOON)) == {"pending": 2, "sending": 1}
    await books.notices.end(Rail.STRIPE, PaymentId("pi_2"), "sent", detail="", at=NOON)
    await books.notices.end(Rail.STRIPE, PaymentId("pi_3"), "late", detail="", at=NOON)
    await books.notices.interrupted(claimed_before=LATER, at=NOON)
    assert dict(await books.notices.counts(since=NOON)) == {"pending": 1, "sent": 1, "late": 1}


async def test_what_is_still_being_told_is_left_alone(books: Books) -> None:
    await books.hear(report())
    await books.notices.claim(Rail.STRIPE, PaymentId("pi_1"), at=LATER)
    await books.notices.interrupted(claimed_before=LATER, at=LATER)
    assert dict(await books.notices.counts(since=NOON)) == {"sending": 1}
    assert dict(await books.notices.counts(since=LATER + timedelta(seconds=1))) == {}


async def test_what_a_dead_process_was_telling_is_unknown(books: Books) -> None:
    await books.hear(report())
    await books.notices.claim(Rail.STRIPE, PaymentId("pi_1"), at=NOON)
    for _ in range(2):
        await books.notices.interrupted(claimed_before=None, at=NOON)
    assert dict(await books.notices.counts(since=NOON)) == {"unknown": 1}
    await books.notices.claim(Rail.STRIPE, PaymentId("pi_1"), at=NOON)
    assert dict(await books.notices.counts(since=NOON)) == {"unknown": 1}
    await books.notices.end(Rail.STRIPE, PaymentId("pi_1"), "sent", detail="", at=NOON)
    await books.notices.end(Rail.STRIPE, PaymentId("pi_1"), "failed", detail="no", at=NOON)
    assert dict(await books.notices.counts(since=NOON)) == {"sent": 1}
