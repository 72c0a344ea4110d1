"""Whatever order the reports come in, the same is known of the charge and the same is booked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.charges import Payment, PaymentReport, Rail, Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.ledger import FEES, REFUNDS, UNMATCHED, Ledger, customer, imbalance, provider
from actors.kernel.money import Money
from actors.tracker.settlement import Incomparable, Observation, OrderView, observe

ORDER = OrderId("a" * 32)
ANNA = OrderView(order_id=ORDER, chat_id=ChatId(7))
STRIPE = provider(Rail.STRIPE)
NOTHING = Money.of("0", "USD")


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def report(standing: Standing = Standing.PAID, amount: str = "10", **more: object) -> PaymentReport:
    fields = {"order_id": ORDER, "live": True} | more
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId("pi_1"),
        standing=standing,
        amount=usd(amount),
        **fields,  # type: ignore[arg-type]
    )


class Books:
    """What a store would keep of one charge."""

    def __init__(self, *, live: bool = True) -> None:
        self.payment: Payment | None = None
        self.ledger = Ledger()
        self.notices = self.news = 0
        self._live = live

    def hear(self, told: PaymentReport, order: OrderView | None = ANNA) -> Observation:
        seen = observe(self.payment, told, order, live=self._live)
        assert isinstance(seen, Observation)
        for each in seen.transfers:
            assert each.key not in self.ledger.transfers
            assert self.ledger.post(each) is None
        assert imbalance(self.ledger.entries()) == ()
        if self.payment is not None:
            _assert_forward(self.payment, seen.after)
        self.payment = seen.after
        self.notices += seen.notice
        self.news += seen.news
        return seen

    def hear_all(self, reports: Iterable[PaymentReport], order: OrderView | None = ANNA) -> Books:
        for each in reports:
            self.hear(each, order)
        return self

    @property
    def held(self) -> dict[str, str]:
        """Balances that are not zero, as people read them; without a word they are in dollars."""
        return {
            account if currency == "USD" else f"{account} {currency}": amount.text
            for (account, currency), amount in self.ledger.balances.items()
            if amount
        }


def _assert_forward(before: Payment, after: Payment) -> None:
    assert after.standing.rank >= before.standing.rank
    assert after.version >= before.version
    for name in ("received", "refunded", "disputed"):
        assert getattr(after, name) >= getattr(before, name)


def test_what_was_paid_is_owed_to_the_customer() -> None:
    books = Books()
    seen = books.hear(report())
    assert (seen.changed, seen.news, seen.notice) == (True, True, True)
    assert [each.key for each in seen.transfers] == ["stripe:pi_1:receipt:10.00"]
    assert books.held == {STRIPE: "10.00", customer(ChatId(7)): "-10.00"}


def test_the_same_report_again_changes_nothing() -> None:
    books = Books()
    first = books.hear(report()).after
    again = books.hear(report(amount="10.00"))
    assert again == Observation(after=first)


def test_an_older_report_changes_nothing() -> None:
    books = Books()
    first = books.hear(report()).after
    for older in (Standing.WAITING, Standing.PROCESSING, Standing.EXPIRED, Standing.FAILED):
        assert books.hear(report(older, "0")) == Observation(after=first)
    assert books.hear(report(Standing.PARTIAL, "4")) == Observation(after=first)


def test_what_comes_in_parts_is_booked_by_what_it_has_grown() -> None:
    books = Books()
    books.hear(report(Standing.PARTIAL, "4"))
    assert books.notices == 0
    seen = books.hear(report(Standing.PAID, "10"))
    assert [each.key for each in seen.transfers] == ["stripe:pi_1:receipt:10.00"]
    assert books.held == {STRIPE: "10.00", customer(ChatId(7)): "-10.00"}
    assert books.notices == 1


def test_a_late_deposit_after_the_expiry_counts() -> None:
    books = Books()
    books.hear(report(Standing.EXPIRED, "0"))
    assert books.hear(report(Standing.PAID, "10")).news
    assert books.held[STRIPE] == "10.00"


def test_a_fee_is_booked_and_no_news() -> None:
    books = Books()
    books.hear(report())
    seen = books.hear(report(fee=Money.of("0.5", "TRX")))
    assert (seen.changed, seen.news, seen.notice) == (True, False, False)
    assert seen.after.news_version == seen.after.version - 1
    assert books.held == {
        STRIPE: "10.00",
        customer(ChatId(7)): "-10.00",
        f"{FEES} TRX": "0.50",
        f"{STRIPE} TRX": "-0.50",
    }


def test_what_went_back_is_booked_by_what_it_has_grown() -> None:
    books = Books()
    books.hear_all(
        [
            report(),
            report(Standing.REFUNDED, refunded=usd("3")),
            report(Standing.REFUNDED, refunded=usd("4")),
            report(Standing.DISPUTED, refunded=usd("4"), disputed=usd("6")),
        ]
    )
    assert books.held == {customer(ChatId(7)): "-10.00", REFUNDS: "10.00"}
    assert books.news == 4
    assert set(books.ledger.transfers) == {
        "stripe:pi_1:receipt:10.00",
        "stripe:pi_1:refund:3.00",
        "stripe:pi_1:refund:4.00",
        "stripe:pi_1:chargeback:6.00",
    }


def test_a_bank_that_takes_more_than_was_paid_brings_nothing() -> None:
    bank = replace(report(Standing.DISPUTED, "11", disputed=usd("11")), dispute="du_1")
    books = Books().hear_all([report(), bank])
    assert books.held == {STRIPE: "-1.00", customer(ChatId(7)): "-10.00", REFUNDS: "11.00"}
    won = replace(bank, standing=Standing.REINSTATED, reinstated=usd("11"))
    books.hear(won)
    assert books.held == {STRIPE: "10.00", customer(ChatId(7)): "-10.00"}
    alone = Books().hear_all([bank])  # how much was paid is not known yet
    assert alone.held == {STRIPE: "-11.00", REFUNDS: "11.00"}


@pytest.mark.parametrize("order", [ANNA, None])
@pytest.mark.parametrize("won", [False, True])
def test_a_dispute_of_more_than_the_charge_is_no_receipt_whichever_is_told_first(
    order: OrderView | None, *, won: bool
) -> None:
    bank = replace(report(Standing.DISPUTED, "11", disputed=usd("11")), dispute="du_1")
    bank = replace(bank, order_id=None)  # a dispute carries none
    if won:
        bank = replace(bank, standing=Standing.REINSTATED, reinstated=usd("11"))
    told = [report(), bank, report(Standing.REFUNDED, refunded=usd("1"))]
    ends = [Books().hear_all(each, order) for each in permutations(told)]
    assert {each.payment.received for each in ends if each.payment} == {usd("10")}
    assert all(each.held == ends[0].held for each in ends)
    assert {each.notices for each in ends} == {1}


def test_a_dispute_that_names_no_total_is_about_everything() -> None:
    books = Books().hear_all([report(), report(Standing.DISPUTED)])
    assert books.held == {customer(ChatId(7)): "-10.00", REFUNDS: "10.00"}


def test_money_without_an_order_is_unmatched_and_nobodys_news() -> None:
    books = Books()
    seen = books.hear(report(order_id=None), None)
    assert (seen.changed, seen.news, seen.notice) == (True, False, True)
    assert books.held == {STRIPE: "10.00", UNMATCHED: "-10.00"}
    books.hear(report(Standing.REFUNDED, refunded=usd("10"), order_id=None), None)
    assert books.held == {}


def test_an_order_that_becomes_known_gets_its_money() -> None:
    books = Books()
    books.hear(report(Standing.REFUNDED, refunded=usd("3")), None)
    seen = books.hear(report(Standing.REFUNDED, "12", refunded=usd("3")))
    assert seen.news
    assert [each.key for each in seen.transfers] == [
        "stripe:pi_1:match",
        "stripe:pi_1:receipt:12.00",
    ]
    assert books.held == {STRIPE: "9.00", customer(ChatId(7)): "-12.00", REFUNDS: "3.00"}


def test_only_the_order_that_the_charge_names_gets_its_money() -> None:
    other = OrderView(order_id=OrderId("b" * 32), chat_id=ChatId(8))
    assert Books().hear(report(), other).after.chat_id is None
    assert Books().hear(report(order_id=None), other).after.chat_id is None


def test_test_money_is_kept_and_never_booked_by_a_shop_that_takes_real_money() -> None:
    shop = Books()
    seen = shop.hear(report(live=False, fee=usd("1"), refunded=usd("2")))
    assert (seen.changed, seen.news, seen.notice) == (True, True, False)
    assert shop.held == {}
    assert Books(live=False).hear(report(live=False)).transfers


def test_a_charge_of_nothing_is_news_without_money() -> None:
    seen = Books().hear(report(amount="0"))
    assert (seen.news, seen.notice, seen.transfers) == (True, False, ())


@pytest.mark.parametrize(
    ("contradiction", "why"),
    [
        (report(amount="-1"), "negative"),
        (report(refunded=usd("-1")), "negative"),
        (report(refunded=Money.of("1", "EUR")), "another currency"),
        (report(disputed=Money.of("1", "EUR")), "another currency"),
        (replace(report(), amount=Money.of("10", "EUR")), "in EUR, and before in USD"),
        (report(fee=Money.of("1", "TRX")), "the fee is in TRX"),
        (report(live=False), "test money"),
        (report(order_id=OrderId("b" * 32)), "for order bbb"),
    ],
)
def test_what_contradicts_its_charge_is_refused(contradiction: PaymentReport, why: str) -> None:
    before = Books().hear(report(fee=usd("0.3"))).after
    refused = observe(before, contradiction, ANNA, live=True)
    assert isinstance(refused, Incomparable)
    assert why in refused.why


amounts = st.integers(0, 20).map(lambda units: Money.of_minor(units * 50, "USD"))
reports = st.builds(
    PaymentReport,
    rail=st.just(Rail.STRIPE),
    payment_id=st.just(PaymentId("pi_1")),
    standing=st.sampled_from(Standing),
    amount=amounts,
    live=st.just(True),
    order_id=st.sampled_from([None, ORDER]),
    refunded=st.none() | amounts,
    disputed=st.none() | amounts,
    fee=st.none() | st.integers(0, 9).map(lambda units: Money.of_minor(units, "EUR")),
    parent=st.sampled_from([None, PaymentId("pi_0")]),
)


def _facts(payment: Payment | None) -> Payment | None:
    """Without the counts of how it came about."""
    return payment and replace(payment, version=0, news_version=0)


@given(st.lists(reports, min_size=1, max_size=7), st.data(), st.booleans())
def test_any_order_with_any_repetition_ends_in_the_same_books(
    told: list[PaymentReport], data: st.DataObject, known: bool
) -> None:
    order = ANNA if known else None
    shuffled = data.draw(st.permutations(told))
    repeated = data.draw(st.lists(st.sampled_from(told), max_size=5))
    places = data.draw(st.lists(st.integers(0, 12), min_size=5, max_size=5))
    for place, again in zip(places, repeated, strict=False):
        shuffled.insert(place, again)
    straight, crooked = Books().hear_all(told, order), Books().hear_all(shuffled, order)
    assert _facts(straight.payment) == _facts(crooked.payment)
    assert straight.held == crooked.held
    assert straight.notices == crooked.notices
    assert crooked.notices <= 1


@given(st.lists(reports, min_size=1, max_size=5), st.integers(0, 5))
def test_an_order_may_become_known_at_any_time(told: list[PaymentReport], late: int) -> None:
    """Until the last report on the charge, which names it."""
    told = [*told, report(Standing.WAITING, "0")]
    early, books = Books().hear_all(told), Books()
    for number, each in enumerate(told):
        books.hear(each, ANNA if number >= min(late, len(told) - 1) else None)
    assert books.held == early.held
    assert _facts(books.payment) == _facts(early.payment)


@given(st.lists(reports, min_size=1, max_size=8))
def test_the_books_say_what_the_charge_says(told: list[PaymentReport]) -> None:
    books = Books().hear_all([*told, report(Standing.WAITING, "0")])
    payment = books.payment
    assert payment is not None
    assert books.held.get(customer(ChatId(7)), "0.00").removeprefix("-") == payment.received.text
    gone = payment.refunded + payment.disputed
    assert books.held.get(STRIPE, "0.00") == (payment.received - gone).text
    assert books.held.get(REFUNDS, "0.00") == gone.text
    assert UNMATCHED not in books.held
