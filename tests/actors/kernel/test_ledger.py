"""Double entry: what balances is booked once, what does not is no transfer at all."""

from __future__ import annotations

import pytest

from actors.kernel.charges import Rail
from actors.kernel.ids import ChatId, OrderId
from actors.kernel.ledger import (
    FEES,
    KEY_LENGTH_MAX,
    REFUNDS,
    SALES,
    UNMATCHED,
    Account,
    Entry,
    KeyReused,
    Ledger,
    Transfer,
    TrialBalance,
    customer,
    imbalance,
    owner,
    provider,
    returned,
    sale,
    transfer,
)
from actors.kernel.money import Currency, Money

ANNA = customer(ChatId(7))
STRIPE = provider(Rail.STRIPE)
ORDER = OrderId("0" * 32)
RETURNED = {f"order:{ORDER}:returned:USD:{fact}" for fact in ("3", "5", "5:1")}


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def rub(amount: str) -> Money:
    return Money.of(amount, "RUB")


def test_accounts_have_readable_names() -> None:
    assert (STRIPE, ANNA) == ("provider:stripe", "customer:7")
    assert customer(ChatId(-100)) == "customer:-100"
    assert owner("acme") == "owner:acme"


@pytest.mark.parametrize(
    "sides",
    [
        [(STRIPE, "5"), (ANNA, "-4.999999999")],
        [(STRIPE, "5")],
        [],
        [(STRIPE, "0"), (ANNA, "0")],
        [(STRIPE, "5"), (STRIPE, "-5")],
    ],
)
def test_what_does_not_balance_is_no_transfer(sides: list[tuple[Account, str]]) -> None:
    entries = tuple(Entry(account, usd(amount)) for account, amount in sides)
    with pytest.raises(ValueError, match="key"):
        Transfer("key", entries)


def test_currencies_balance_each_for_itself() -> None:
    with pytest.raises(ValueError, match=r"out of balance by 5\.00 RUB, -5\.00 USD"):
        Transfer("key", (Entry(STRIPE, rub("5")), Entry(ANNA, usd("-5"))))
    both = [(STRIPE, rub("5")), (ANNA, rub("-5")), (FEES, usd("1")), (ANNA, usd("-1"))]
    assert len(transfer("key", *both).entries) == 4


@pytest.mark.parametrize("key", ["", "k" * (KEY_LENGTH_MAX + 1)])
def test_a_key_is_neither_empty_nor_long(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        transfer(key, (STRIPE, usd("5")), (ANNA, usd("-5")))


def test_the_order_of_the_sides_means_nothing() -> None:
    there = transfer("key", (STRIPE, usd("5")), (ANNA, usd("-5.00")))
    back = transfer("key", (ANNA, usd("-5")), (STRIPE, usd("5.00")))
    assert there == back
    assert there != transfer("other", (ANNA, usd("-5")), (STRIPE, usd("5")))


def test_sides_of_one_account_are_added_up_and_zeros_left_out() -> None:
    added = transfer(
        "key", (STRIPE, usd("2")), (STRIPE, usd("3")), (ANNA, usd("-5")), (FEES, usd("0"))
    )
    assert added.entries == (Entry(ANNA, usd("-5")), Entry(STRIPE, usd("5")))


def test_a_key_is_booked_once() -> None:
    ledger = Ledger()
    five = transfer("key", (STRIPE, usd("5")), (ANNA, usd("-5")))
    for _ in range(2):
        assert ledger.post(five) is None
    assert ledger.balances == {(STRIPE, "USD"): usd("5"), (ANNA, "USD"): usd("-5")}
    assert list(ledger.entries()) == list(five.entries)


def test_a_key_never_stands_for_something_else() -> None:
    ledger = Ledger()
    ledger.post(transfer("key", (STRIPE, usd("5")), (ANNA, usd("-5"))))
    other = transfer("key", (STRIPE, usd("6")), (ANNA, usd("-6")))
    assert ledger.refusal([transfer("fine", (STRIPE, usd("1")), (ANNA, usd("-1"))), other]) == (
        KeyReused("key")
    )
    assert ledger.post(other) == KeyReused("key")
    assert ledger.balances[STRIPE, Currency("USD")] == usd("5")


def test_a_sale_and_a_return_end_what_is_owed() -> None:
    ledger = Ledger()
    ledger.post(transfer("in", (STRIPE, usd("9")), (ANNA, usd("-9"))))
    ledger.post(sale(ORDER, ChatId(7), usd("5")))
    for change, fact in ((usd("3"), "USD:3"), (usd("2"), "USD:5"), (usd("-1"), "USD:5:1")):
        ledger.post(returned(ORDER, ChatId(7), change, fact=fact))
    assert ledger.balances == {
        (STRIPE, "USD"): usd("9"),
        (ANNA, "USD"): usd("0"),
        (SALES, "USD"): usd("-5"),
        (REFUNDS, "USD"): usd("-4"),
    }
    with pytest.raises(ValueError, match="returned"):
        returned(ORDER, ChatId(7), usd("0"), fact="USD:9")
    assert set(ledger.transfers) == {"in", f"order:{ORDER}:sale", *RETURNED}


def test_a_trial_balance_leaves_out_what_is_zero() -> None:
    held = [Entry(STRIPE, usd("5")), Entry(UNMATCHED, usd("-5")), Entry(FEES, usd("0"))]
    trial = TrialBalance.of(held, transfers=3)
    assert trial.balances == (Entry(STRIPE, usd("5")), Entry(UNMATCHED, usd("-5")))
    assert (trial.imbalance, trial.drift, trial.transfers) == ((), (), 3)
    assert trial.unmatched == (usd("5"),)


def test_a_trial_balance_tells_what_is_off() -> None:
    held = [Entry(STRIPE, usd("5")), Entry(ANNA, usd("-4"))]
    sums = [Entry(STRIPE, usd("4")), Entry(ANNA, usd("-4")), Entry(ANNA, rub("1"))]
    trial = TrialBalance.of(held, sums, transfers=1)
    assert trial.imbalance == (usd("1"),)
    assert trial.drift == (Entry(ANNA, rub("-1")), Entry(STRIPE, usd("1")))
    assert imbalance([]) == ()
