"""What every store of orders keeps its word about, in memory and in PostgreSQL."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import combinations

import psycopg
import pytest

from actors.kernel import ledger
from actors.kernel.charges import Payment, PaymentReport, Rail, Standing
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, MessageId, OrderId, PaymentId, ProductId, UpdateId
from actors.kernel.language import Language
from actors.kernel.ledger import Entry
from actors.kernel.money import STARS, Money
from actors.payments.orders import ALIVE, Charge, Order, State
from actors.payments.ports import OrderAlarm, Recording
from actors.sessions.model import Session
from actors.tracker.settlement import Observation, OrderView, observe
from tests.adapters.contract.stores import KINDS, Stores, stores_of

NOON = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
ANNA, BERTA = ChatId(7_000_000_001), ChatId(7_000_000_002)
FIRST, SECOND = OrderId("0" * 31 + "1"), OrderId("0" * 31 + "2")
PRICE = Money.of("990.00", "RUB")

BARE = Order(
    order_id=FIRST,
    chat_id=ANNA,
    product_id=ProductId("ticket"),
    rail=Rail.YOOKASSA,
    title="Билет <b>",
    description="Один\nбилет",
    goods="Код: 'x' \"y\" \\ 100% {z} 🔥",
    language=Language.UK,
    price=PRICE,
    live=True,
    created_at=NOON,
    expires_at=NOON + timedelta(hours=1),
    version=1,
)
CHARGE = Charge(
    payment_id=PaymentId("22e12f66-000f-5000-8000-18db351245c7"),
    version=3,
    standing=Standing.DISPUTED,
    received=Money.of("990.000000001", "RUB"),
    refunded=Money.of("1", "RUB"),
    disputed=Money.of("29999999999999999999999999999", "RUB"),
    live=False,
    parent=PaymentId("parent"),
    reinstated=Money.of("0.5", "RUB"),
)
FULL = replace(
    BARE,
    state=State.PAID,
    charges=(CHARGE, replace(CHARGE, payment_id=PaymentId("ї"), parent=None)),
    checkout_id="cs_1",
    url="https://pay.example/cs_1",
    attempts=2,
    sold=Money.of("12.000000001", "RUB"),
    paid_at=NOON,
    deadline=NOON,
    deliver_by=NOON + timedelta(microseconds=1),
    show_by=NOON + timedelta(microseconds=2),
    view_version=9,
    shown_version=8,
    panel_message_id=MessageId(2**33),
    stray_message_id=MessageId(5),
    renew=True,
    former=State.LATE,
    dismissed=True,
)


def later(order: Order, **changes: object) -> Order:
    """The next version of an order."""
    return replace(order, **{"version": order.version + 1, **changes})  # type: ignore[arg-type]


def other(number: int, **changes: object) -> Order:
    """Another order, for another product."""
    named = {"order_id": OrderId(f"{number:032x}"), "product_id": ProductId(f"p{number}")}
    return replace(BARE, **{**named, **changes})  # type: ignore[arg-type]


async def test_nobody_knows_an_order_that_was_never_saved(stores: Stores) -> None:
    assert await stores.orders.load(FIRST) is None
    assert await stores.orders.find(FIRST) is None
    assert await stores.orders.recent(ANNA, limit=9) == ()
    assert await stores.orders.unfinished(ANNA) == ()


async def test_an_order_comes_back_as_it_was_saved(stores: Stores) -> None:
    await stores.orders.save(BARE)
    assert await stores.orders.load(FIRST) == BARE
    whole = later(FULL, version=2)
    await stores.orders.save(whole)
    assert await stores.orders.load(FIRST) == whole
    assert await stores.orders.find(FIRST) == OrderView(order_id=FIRST, chat_id=ANNA)


@pytest.mark.parametrize("state", State)
async def test_every_state_is_kept(stores: Stores, state: State) -> None:
    await stores.orders.save(replace(FULL, state=state))
    assert await stores.orders.load(FIRST) == replace(FULL, state=state)


async def test_every_field_that_changes_is_kept(stores: Stores) -> None:
    fixed = {
        *("order_id", "chat_id", "product_id", "rail", "title", "description", "goods", "price"),
        *("live", "created_at", "expires_at", "version", "state", "checkout_id", "url"),
    }
    order = BARE
    await stores.orders.save(order)
    for field in fields(Order):
        if field.name not in fixed | {"language"}:
            order = later(order, **{field.name: getattr(FULL, field.name)})
            await stores.orders.save(order)
            assert await stores.orders.load(FIRST) == order
    order = later(order, language=Language.RU)
    await stores.orders.save(order)
    assert await stores.orders.load(FIRST) == order


@pytest.mark.parametrize("version", [0, 1, 3, 4])
async def test_only_the_next_version_is_kept(stores: Stores, version: int) -> None:
    await stores.orders.save(BARE)
    with pytest.raises((Conflict, psycopg.Error)):
        await stores.orders.save(replace(BARE, attempts=7, version=version))
    assert await stores.orders.load(FIRST) == BARE
    await stores.orders.save(later(BARE))


async def test_the_first_version_is_1(stores: Stores) -> None:
    with pytest.raises(Conflict):
        await stores.orders.save(replace(BARE, version=2))
    assert await stores.orders.load(FIRST) is None


async def test_a_chat_has_one_order_alive_for_a_product_on_a_rail(stores: Stores) -> None:
    for first, second in combinations((*ALIVE, ALIVE[0]), 2):
        await stores.orders.save(_named(f"{first}{second}a", state=first))
        with pytest.raises(Conflict):
            await stores.orders.save(
                replace(
                    _named(f"{first}{second}b", state=second), product_id=_product(first, second)
                )
            )


def _product(first: State, second: State) -> ProductId:
    return ProductId(f"{first}{second}a")


def _named(name: str, *, state: State) -> Order:
    return replace(BARE, order_id=OrderId(name), product_id=ProductId(name), state=state)


@pytest.mark.parametrize(
    "changes",
    [
        {"chat_id": BERTA},
        {"product_id": ProductId("another")},
        {"rail": Rail.STARS},
        {"state": State.EXPIRED},
        {"state": State.LATE},
    ],
)
async def test_other_orders_are_no_twins(stores: Stores, changes: dict[str, object]) -> None:
    await stores.orders.save(BARE)
    await stores.orders.save(replace(BARE, order_id=SECOND, **changes))  # type: ignore[arg-type]
    assert await stores.orders.load(SECOND) is not None


async def test_who_has_ended_makes_room_for_the_next(stores: Stores) -> None:
    await stores.orders.save(BARE)
    await stores.orders.save(later(BARE, state=State.CANCELLED))
    await stores.orders.save(replace(BARE, order_id=SECOND))


async def test_a_save_marks_its_update_as_handled(stores: Stores) -> None:
    await stores.receive(1, 2)
    await stores.orders.save(BARE, handled=UpdateId(1))
    assert await stores.unhandled() == [2]


async def test_an_update_that_was_handled_before_saves_nothing(stores: Stores) -> None:
    await stores.receive(1)
    await stores.orders.save(BARE, handled=UpdateId(1))
    for late in (later(BARE), replace(BARE, order_id=SECOND, product_id=ProductId("b"))):
        with pytest.raises(Conflict):
            await stores.orders.save(late, handled=UpdateId(1))
    assert await stores.orders.load(FIRST) == BARE
    assert await stores.orders.load(SECOND) is None


async def test_an_update_that_the_inbox_does_not_know_is_nobodys_conflict(stores: Stores) -> None:
    await stores.orders.save(BARE, handled=UpdateId(99))
    await stores.orders.save(later(BARE), handled=UpdateId(99))


async def test_an_update_that_changed_nothing_is_finished(stores: Stores) -> None:
    await stores.receive(1, 2)
    await stores.orders.finish(UpdateId(1))
    await stores.orders.finish(UpdateId(1))
    assert await stores.unhandled() == [2]


async def test_what_is_refused_leaves_nothing_behind(stores: Stores) -> None:
    await stores.receive(1)
    sale = ledger.sale(FIRST, ANNA, PRICE)
    await stores.orders.save(BARE)
    with pytest.raises(Conflict):
        await stores.orders.save(replace(BARE, attempts=9), handled=UpdateId(1), transfers=(sale,))
    for impossible in (
        later(BARE, state=State.PAID),
        later(BARE, state=State.GRANTED, sold=PRICE),
        later(BARE, checkout_id="without a url"),
        later(BARE, checkout_id="x\0", url="u"),
    ):
        with pytest.raises((ValueError, psycopg.Error)):
            await stores.orders.save(impossible, handled=UpdateId(1), transfers=(sale,))
    assert await stores.orders.load(FIRST) == BARE
    assert await stores.unhandled() == [1]
    assert (await stores.payments.trial_balance(thorough=True)).transfers == 0


async def test_a_sale_is_booked_with_the_order_that_was_sold(stores: Stores) -> None:
    sold = replace(FULL, sold=PRICE)
    sale = ledger.sale(FIRST, ANNA, PRICE)
    await stores.orders.save(sold, transfers=(sale,))
    await stores.orders.save(later(sold), transfers=(sale,))
    balance = await stores.payments.trial_balance(thorough=True)
    assert balance.transfers == 1
    assert set(balance.balances) == {
        Entry(ledger.customer(ANNA), PRICE),
        Entry(ledger.SALES, -PRICE),
    }


async def test_a_key_that_stands_for_another_sale_ends_the_save(stores: Stores) -> None:
    await stores.orders.save(BARE, transfers=(ledger.sale(FIRST, ANNA, PRICE),))
    other_sale = ledger.sale(FIRST, ANNA, PRICE + PRICE)
    fine = ledger.sale(SECOND, ANNA, PRICE)
    with pytest.raises((ValueError, psycopg.Error)):
        await stores.orders.save(later(BARE), transfers=(fine, other_sale))
    assert await stores.orders.load(FIRST) == BARE
    assert (await stores.payments.trial_balance(thorough=True)).transfers == 1


async def test_a_charge_is_recorded_with_what_its_order_made_of_it(stores: Stores) -> None:
    await stores.orders.save(BARE)
    payment = await _paid(stores)
    assert await stores.payments.unrecorded(limit=9) == (payment,)
    recording = Recording(payment.rail, payment.payment_id, payment.version)
    with pytest.raises(Conflict):
        await stores.orders.save(BARE, recorded=recording)
    assert await stores.payments.unrecorded(limit=9) == (payment,)
    await stores.orders.save(later(BARE), recorded=recording)
    assert await stores.payments.unrecorded(limit=9) == ()


async def _paid(stores: Stores) -> Payment:
    report = PaymentReport(
        rail=BARE.rail,
        payment_id=PaymentId("charge"),
        standing=Standing.PAID,
        amount=PRICE,
        live=True,
        order_id=FIRST,
    )
    seen = observe(None, report, await stores.orders.find(FIRST), live=True)
    assert isinstance(seen, Observation)
    await stores.payments.record(seen, event_id=None, at=NOON)
    return seen.after


async def test_the_unfinished_of_a_chat_come_oldest_first(stores: Stores) -> None:
    await stores.orders.save(other(1, deadline=NOON, created_at=NOON + timedelta(seconds=2)))
    await stores.orders.save(other(2, show_by=NOON))
    await stores.orders.save(
        other(3, stray_message_id=MessageId(1), created_at=NOON - timedelta(1))
    )
    await stores.orders.save(other(4))
    await stores.orders.save(other(5, deliver_by=NOON, chat_id=BERTA))
    found = await stores.orders.unfinished(ANNA)
    assert [order.product_id for order in found] == ["p3", "p2", "p1"]


async def test_the_newest_of_a_chat_come_first(stores: Stores) -> None:
    for number in range(1, 5):
        await stores.orders.save(other(number, created_at=NOON + timedelta(seconds=number % 3)))
    await stores.orders.save(other(9, chat_id=BERTA))
    found = await stores.orders.recent(ANNA, limit=3)
    assert [order.product_id for order in found] == ["p2", "p4", "p1"]


async def test_orders_are_found_by_how_their_ids_begin(stores: Stores) -> None:
    ids = ["0f" + "0" * 30, "0f0" + "f" * 29, "0f1" + "0" * 29, "10f0" + "1" * 28, "0e" + "f" * 30]
    for number, order_id in enumerate(ids):
        await stores.orders.save(other(number, order_id=OrderId(order_id)))

    async def named(beginning: str, limit: int = 9) -> list[str]:
        return [order.order_id for order in await stores.orders.named(beginning, limit=limit)]

    assert await named("0f") == ids[:3]
    assert await named("0f0") == ids[:2]
    assert await named("0f0", limit=1) == ids[:1]
    assert await named(ids[3]) == [ids[3]]
    assert await named("2") == []


async def test_a_chat_speaks_the_language_of_its_session(stores: Stores) -> None:
    await stores.sessions.save(Session(chat_id=ANNA, language=Language.UK))
    assert await stores.orders.language(ANNA) is Language.UK
    assert await stores.orders.language(BERTA) is None


async def test_the_due_come_in_pages(stores: Stores) -> None:
    second = timedelta(seconds=1)
    await stores.orders.save(other(3, deadline=NOON))
    await stores.orders.save(other(1, show_by=NOON, deadline=NOON + second))
    await stores.orders.save(other(2, deliver_by=NOON - second, chat_id=BERTA))
    await stores.orders.save(other(4, deadline=NOON + second))
    await stores.orders.save(other(5))
    found: list[OrderAlarm] = []
    while page := await stores.orders.due(now=NOON, limit=1, after=found[-1] if found else None):
        found += page
    assert [alarm.order_id[-1] for alarm in found] == ["2", "1", "3"]
    assert found[0] == OrderAlarm(NOON - second, other(2).order_id, BERTA)


async def test_the_next_one_due_is_the_earliest_of_those_to_come(stores: Stores) -> None:
    second = timedelta(seconds=1)
    assert await stores.orders.next_due(after=NOON) is None
    await stores.orders.save(other(1, deadline=NOON))
    await stores.orders.save(other(2))
    assert await stores.orders.next_due(after=NOON) is None
    await stores.orders.save(other(3, deadline=NOON + 3 * second, show_by=NOON + 2 * second))
    await stores.orders.save(other(4, deliver_by=NOON + 4 * second))
    assert await stores.orders.next_due(after=NOON) == NOON + 2 * second
    assert await stores.orders.next_due(after=NOON - second) == NOON


async def test_stars_and_coins_are_kept_exactly(stores: Stores) -> None:
    for number, price in enumerate(
        (
            Money.of_minor(1, STARS),
            Money.of("0.000000001", "BTC"),
            Money(Decimal("1E+5"), PRICE.currency),
        )
    ):
        order = other(number + 1, price=price, sold=price)
        await stores.orders.save(order)
        assert await stores.orders.load(order.order_id) == order


@pytest.fixture(params=KINDS)
def stores(request: pytest.FixtureRequest) -> Stores:
    return stores_of(request)
