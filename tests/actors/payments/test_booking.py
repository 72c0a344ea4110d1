"""Whatever providers and people do, the books say what a customer is owed, and somebody sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.charges import Payment, PaymentReport, Rail, Standing
from actors.kernel.ids import PaymentId
from actors.kernel.ledger import REFUNDS, SALES, Ledger, customer, imbalance
from actors.kernel.money import Currency, Money
from actors.payments.life import heard_of, step
from actors.payments.orders import ALIVE, Concern, Order, State
from actors.payments.rules import Event, Occurrence
from actors.payments.views import view_of
from actors.tracker.settlement import Observation, OrderView, observe
from tests.actors.payments.orders import NOON, ORDER, order, usd

USD = Currency("USD")
ANNA = OrderView(order_id=ORDER.order_id, chat_id=ORDER.chat_id)


def told(
    received: str = "10",
    standing: Standing = Standing.PAID,
    *,
    name: str = "a",
    currency: str = "USD",
    **more: object,
) -> PaymentReport:
    """What a provider says; the totals that went back are texts."""
    for total in ("refunded", "disputed", "reinstated"):
        if more.get(total) is not None:
            more[total] = Money.of(str(more[total]), currency)
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(name),
        standing=standing,
        amount=Money.of(received, currency),
        order_id=ORDER.order_id,
        **{"live": True, **more},  # type: ignore[arg-type]
    )


REFUNDED = told(standing=Standing.REFUNDED, refunded="10")
TAKEN = told(standing=Standing.DISPUTED, disputed="10", dispute="dp_1")
WON = replace(TAKEN, standing=Standing.REINSTATED, reinstated=usd("10"))


def taken(name: str) -> PaymentReport:
    """A bank took six dollars of a charge."""
    return told("6", Standing.DISPUTED, name=name, disputed="6")


def won(name: str) -> PaymentReport:
    """The shop has them again."""
    return told("6", Standing.REINSTATED, name=name, disputed="6", reinstated="6")


DISMISS, ACCEPT, TAKE, DELIVERED = (
    Occurrence(event=Event.DISMISS),
    Occurrence(event=Event.ACCEPT),
    Occurrence(event=Event.TAKE, still_sold=True),
    Occurrence(event=Event.DELIVERED),
)
Happening = PaymentReport | Occurrence


@dataclass
class Shop:
    """One order, its charges, and the books of both."""

    order: Order
    charges: dict[PaymentId, Payment] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    def after(self, *happenings: Happening) -> Shop:
        for each in happenings:
            if isinstance(each, Occurrence):
                self._moves(self.order, each)
            else:
                self._hears(each)
            self.check()
        return self

    def _hears(self, report: PaymentReport) -> None:
        seen = observe(self.charges.get(report.payment_id), report, ANNA, live=True)
        if not isinstance(seen, Observation):
            return
        self._book(seen.transfers)
        self.charges[report.payment_id] = seen.after
        if seen.news:
            known, event = heard_of(self.order, seen.after)
            self._moves(known, Occurrence(event=event))

    def _moves(self, known: Order, heard: Occurrence) -> None:
        moved = step(known, heard, now=NOON, before=self.order)
        self._book(moved.transfers)
        self.order = moved.order

    def _book(self, transfers: tuple) -> None:  # type: ignore[type-arg]
        for each in transfers:
            assert each.key not in self.ledger.transfers
            assert self.ledger.post(each) is None

    def owed(self, currency: Currency = USD) -> Money:
        """What the books say that the customer is owed."""
        nothing = Money.zero(currency)
        account = customer(ORDER.chat_id)
        return nothing - self.ledger.balances.get((account, currency), nothing)

    def check(self) -> None:
        """What is owed is what is here of what was paid, and was not sold; and it is seen."""
        assert imbalance(self.ledger.entries()) == ()
        known = self.order.charges
        for currency in {each.received.currency for each in known} | {USD}:
            nothing = Money.zero(currency)
            ours = [c for c in known if c.received.currency == currency and c.live]
            sold = (self.order.sold or nothing) if currency == USD else nothing
            paid = sum((c.kept for c in ours if self.order.counts(c)), start=nothing)
            rest = (c.kept for c in ours if not self.order.counts(c))
            due = max(paid - sold, nothing) + sum(rest, start=nothing)
            assert self.owed(currency) == due
            if due and self.order.state not in ALIVE:
                assert self.order.concern is not None or self.order.dismissed
        assert view_of(self.order).text


PARENTS = {"r": PaymentId("a")}
TOTALS = st.sampled_from([None, None, "4", "10"])
REPORTS = st.builds(
    lambda *said, name, **more: told(*said, name=name, parent=PARENTS.get(name), **more),
    st.sampled_from(["0", "4", "6", "10", "12"]),
    st.sampled_from(Standing),
    name=st.sampled_from("abr"),
    currency=st.sampled_from(["USD", "USD", "USD", "EUR"]),
    refunded=TOTALS,
    disputed=TOTALS,
    reinstated=st.sampled_from([None, None, "4", "10"]),
    dispute=st.sampled_from([None, None, "dp_1"]),
    live=st.sampled_from([True, True, True, False]),
)
DEEDS = st.builds(
    Occurrence,
    event=st.sampled_from(
        [Event.TIMED_OUT, Event.CANCEL, Event.TAKE, Event.DELIVERED, Event.ACCEPT, Event.DISMISS]
    ),
    still_sold=st.booleans(),
)


@given(st.lists(REPORTS | DEEDS, max_size=14))
def test_the_customer_is_owed_what_is_here_and_was_not_sold(course: list[Happening]) -> None:
    Shop(order()).after(*course)


@pytest.mark.parametrize(
    ("course", "state", "owed", "sales", "refunds"),
    [
        ([told()], State.PAID, "0", "-10", "0"),
        ([told(), DELIVERED, told(name="b")], State.GRANTED, "10", "-10", "0"),
        (
            [told(), told(name="b"), replace(REFUNDED, payment_id=PaymentId("b"))],
            *(State.PAID, "0", "-10", "0"),
        ),
        ([told("12"), told("12", Standing.REFUNDED, refunded="2")], State.PAID, "0", "-10", "0"),
        ([told(), REFUNDED], State.REFUNDED, "0", "-10", "10"),
        ([told(), REFUNDED, told(name="b")], State.HELD, "0", "-10", "0"),
        ([told("4"), told("4", Standing.REFUNDED, refunded="4")], State.REFUNDED, "0", "0", "0"),
        ([told("10", Standing.REFUNDED, refunded="4")], State.UNDERPAID, "6", "0", "0"),
        ([told("4"), ACCEPT, told("6", name="b")], State.PAID, "6", "-4", "0"),
        ([told(), TAKEN], State.DISPUTED, "0", "-10", "10"),
        ([told(), TAKEN, WON], State.PAID, "0", "-10", "0"),
        ([told(), DELIVERED, TAKEN, WON], State.GRANTED, "0", "-10", "0"),
        ([told(), DELIVERED, WON, TAKEN], State.GRANTED, "0", "-10", "0"),
        ([told(), REFUNDED, TAKEN], State.DISPUTED, "0", "-10", "20"),
        ([told(), REFUNDED, TAKEN, WON], State.REFUNDED, "0", "-10", "10"),
        (
            [told(), REFUNDED, told("4", name="b"), told("6", name="c")],
            *(State.HELD, "0", "-10", "0"),
        ),
        (
            [told("6"), told("6", name="b"), taken("a"), taken("b"), won("a")],
            *(State.DISPUTED, "0", "-10", "4"),
        ),
        (
            [told("6"), told("6", name="b"), taken("a"), taken("b"), won("a"), won("b")],
            *(State.PAID, "2", "-10", "0"),
        ),
        (
            [told("12", Standing.DISPUTED, disputed="12", dispute="dp_1"), told()],
            *(State.DISPUTED, "0", "0", "2"),
        ),
        (
            [told(), told("12", Standing.DISPUTED, disputed="12", dispute="dp_1")],
            *(State.DISPUTED, "0", "-10", "12"),
        ),
        ([replace(WON, amount=usd("12")), told()], State.PAID, "0", "-10", "0"),
        ([told("4", Standing.PARTIAL), told("4", Standing.FAILED)], State.HELD, "4", "0", "0"),
        ([told("4", Standing.FAILED), told("4", Standing.PARTIAL)], State.HELD, "4", "0", "0"),
        ([told("4", Standing.PARTIAL), told()], State.PAID, "0", "-10", "0"),
        ([told(), told("4", Standing.PARTIAL)], State.PAID, "0", "-10", "0"),
        (
            [told("4", Standing.PARTIAL), told("4", Standing.FAILED), told()],
            *(State.PAID, "0", "-10", "0"),
        ),
        (
            [told("4", Standing.PARTIAL), ACCEPT, told("4", Standing.FAILED)],
            *(State.PAID, "0", "-4", "0"),
        ),
        (
            [
                *(told("4", Standing.PARTIAL), ACCEPT, told("4", Standing.FAILED)),
                told("4", Standing.REFUNDED, refunded="4"),
            ],
            *(State.REFUNDED, "0", "-4", "4"),
        ),
        ([told(currency="EUR")], State.HELD, "0", "0", "0"),
        ([told("3", parent=PaymentId("old"))], State.HELD, "3", "0", "0"),
        ([told(live=False)], State.HELD, "0", "0", "0"),
    ],
)
def test_each_course_of_payments_has_its_end(
    course: list[Happening], state: State, owed: str, sales: str, refunds: str
) -> None:
    shop = Shop(order()).after(*course)
    nothing = usd("0")
    assert shop.order.state is state
    assert shop.owed() == usd(owed)
    assert shop.ledger.balances.get((SALES, USD), nothing) == usd(sales)
    assert shop.ledger.balances.get((REFUNDS, USD), nothing) == usd(refunds)


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELLED, State.FAILED])
@pytest.mark.parametrize(
    ("course", "ends", "owed"),
    [
        ([told()], State.LATE, "10"),
        ([told(), TAKE], State.PAID, "0"),
        ([told("4")], State.HELD, "4"),
        ([told("10", Standing.REFUNDED, refunded="4")], State.HELD, "6"),
        ([told(), TAKEN], State.DISPUTED, "0"),
        ([told(), TAKEN, WON], State.LATE, "10"),
        ([told(), TAKEN, WON, TAKE], State.PAID, "0"),
        ([told("4"), replace(TAKEN, amount=usd("4"), disputed=usd("4"))], State.DISPUTED, "0"),
        (
            [
                told(),
                told(standing=Standing.DISPUTED, disputed="4"),
                replace(REFUNDED, refunded=usd("6")),
            ],
            *(State.DISPUTED, "0"),
        ),
        ([told(), REFUNDED], State.REFUNDED, "0"),
        ([told(), REFUNDED, TAKEN, told(name="b")], State.DISPUTED, "10"),
        ([told(), REFUNDED, told(name="b")], State.LATE, "10"),
        ([told(), REFUNDED, told("4", name="b")], State.HELD, "4"),
    ],
)
def test_money_for_an_order_that_has_ended_is_owed_until_it_is_taken_or_goes_back(
    state: State, course: list[Happening], ends: State, owed: str
) -> None:
    shop = Shop(order(state)).after(*course)
    assert shop.order.state is ends
    assert shop.owed() == usd(owed)


def test_a_second_dispute_of_one_charge_is_no_part_of_the_first() -> None:
    shop = Shop(order()).after(told(), DELIVERED, TAKEN, WON, replace(TAKEN, dispute="dp_2"))
    assert shop.order.state is State.GRANTED
    again = observe(shop.charges[PaymentId("a")], replace(TAKEN, dispute="dp_2"), ANNA, live=True)
    assert not isinstance(again, Observation)


def test_what_an_operator_has_seen_to_is_seen_again_when_more_comes() -> None:
    shop = Shop(order())
    concerns = [
        shop.after(each).order.concern
        for each in (told(), told("3", name="b"), DISMISS, told("1", name="c"))
    ]
    assert concerns == [None, Concern.SURPLUS, None, Concern.SURPLUS]
