"""One promise, two adapters: charges, and the ledger that goes with them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from actors.ingress.model import EventState
from actors.kernel.charges import Rail, Standing
from actors.kernel.failures import Conflict
from actors.kernel.ids import ChatId, EventId, PaymentId
from actors.kernel.ledger import (
    FEES,
    UNMATCHED,
    KeyReused,
    TrialBalance,
    customer,
    provider,
    transfer,
)
from actors.kernel.money import Money
from actors.tracker.settlement import Observation, observe
from tests.adapters.contract.books import ANNA, NOON, STRIPE, Books, report, usd
from tests.adapters.contract.stores import KINDS, stores_of


@pytest.fixture(params=KINDS)
def books(request: pytest.FixtureRequest) -> Books:
    return Books(stores_of(request))


# --- Charges ---------------------------------------------------------------------------------


async def test_what_was_never_reported_is_not_known(books: Books) -> None:
    assert await books.payments.load(Rail.STRIPE, PaymentId("pi_1")) is None
    assert await books.payments.unrecorded(limit=10) == ()
    assert await books.payments.unmatched(limit=10) == ()
    empty = TrialBalance(balances=(), imbalance=(), transfers=0)
    assert await books.payments.trial_balance(thorough=True) == empty


async def test_a_charge_is_kept_as_it_is(books: Books) -> None:
    seen = await books.hear(
        report(
            "12345678901234567890.123456789",
            Standing.DISPUTED,
            refunded=usd("0.000000001"),
            disputed=usd("3"),
            fee=Money.of("0", "USDTTRC20"),
            parent=PaymentId("pi_0"),
        )
    )
    assert await books.load() == seen.after
    other = await books.hear(report(number=2, live=False, order_id=None), None)
    assert await books.load(2) == other.after
    assert other.after.chat_id is None


async def test_the_same_id_on_two_rails_is_two_charges(books: Books) -> None:
    await books.hear(report())
    await books.hear(replace(report("4"), rail=Rail.YOOKASSA))
    assert (await books.load()).received == usd("10")
    assert await books.held() == {
        STRIPE: "10.00 USD",
        provider(Rail.YOOKASSA): "4.00 USD",
        customer(ChatId(7)): "-14.00 USD",
    }


async def test_it_moves_forward_and_is_booked_by_what_it_has_grown(books: Books) -> None:
    for told in (
        report("0", Standing.WAITING),
        report("4", Standing.PARTIAL),
        report("10", Standing.PAID, fee=usd("0.59")),
        report("10", Standing.PAID),
    ):
        seen = await books.hear(told)
    assert await books.load() == seen.after
    assert (seen.after.version, seen.after.standing) == (3, Standing.PAID)
    assert await books.held() == {
        STRIPE: "9.41 USD",
        FEES: "0.59 USD",
        customer(ChatId(7)): "-10.00 USD",
    }


async def test_recorded_twice_it_is_there_once(books: Books) -> None:
    """As after a commit whose acknowledgement was lost: the very same write, once more."""
    event_id = await books.event()
    seen = await books.see(report(fee=usd("1")))
    for _ in range(3):
        assert await books.payments.record(seen, event_id=event_id, at=NOON) is None
    assert (await books.payments.trial_balance(thorough=True)).transfers == 2
    assert await books.load() == seen.after
    assert len(await books.notices.pending(limit=10)) == 1
    assert await books.state_of(event_id) is EventState.PROCESSED


async def test_who_was_slower_loads_again_and_has_changed_nothing(books: Books) -> None:
    event_id = await books.event()
    slow = await books.see(report("4", Standing.PARTIAL))
    await books.hear(report())
    held = await books.held()
    with pytest.raises(Conflict):
        await books.payments.record(slow, event_id=event_id, at=NOON)
    assert await books.held() == held
    assert await books.state_of(event_id) is EventState.PENDING
    again = await books.hear(report("4", Standing.PARTIAL), event_id=event_id)
    assert not again.changed
    assert await books.state_of(event_id) is EventState.PROCESSED
    assert await books.held() == held


async def test_a_change_that_skips_one_is_refused(books: Books) -> None:
    seen = await books.hear(report())
    ahead = replace(seen, after=replace(seen.after, version=3))
    with pytest.raises(Conflict):
        await books.payments.record(ahead, event_id=None, at=NOON)
    assert await books.load() == seen.after


async def test_a_key_that_stands_for_something_else_refuses_everything(books: Books) -> None:
    event_id = await books.event()
    await books.hear(report())
    seen = await books.see(report("12", fee=usd("1")))
    forged = transfer(
        "stripe:pi_1:receipt:10.00", (STRIPE, usd("2")), (customer(ChatId(8)), usd("-2"))
    )
    wrong = replace(seen, transfers=(*seen.transfers[1:], forged))
    before = await books.held()
    refused = await books.payments.record(wrong, event_id=event_id, at=NOON)
    assert refused == KeyReused("stripe:pi_1:receipt:10.00")
    assert await books.held() == before
    assert (await books.load()).version == 1
    assert await books.state_of(event_id) is EventState.PENDING


async def test_an_event_is_processed_with_what_it_brought(books: Books) -> None:
    first, second, unknown = await books.event(1), await books.event(2), EventId(999)
    await books.hear(report(), event_id=first)
    assert await books.state_of(first) is EventState.PROCESSED
    assert await books.state_of(second) is EventState.PENDING
    again = await books.hear(report(), event_id=second)
    assert not again.changed
    assert await books.state_of(second) is EventState.PROCESSED
    await books.hear(report(), event_id=unknown)
    await books.hear(report())


async def test_a_text_that_cannot_be_stored_changes_nothing(books: Books) -> None:
    event_id = await books.event()
    seen = observe(None, replace(report(), payment_id=PaymentId("pi_1\0")), ANNA, live=True)
    assert isinstance(seen, Observation)
    with pytest.raises(ValueError, match="NUL"):
        await books.payments.record(seen, event_id=event_id, at=NOON)
    assert await books.state_of(event_id) is EventState.PENDING
    assert await books.held() == {}


# --- What the orders have to record ----------------------------------------------------------


async def test_news_are_unrecorded_until_the_order_has_them(books: Books) -> None:
    for number in (3, 1, 2):
        await books.hear(report(number=number))
    await books.hear(report(number=4, order_id=None), None)
    assert await books.unrecorded() == ["pi_1", "pi_2", "pi_3"]
    first, second = await books.payments.unrecorded(limit=2)
    assert (first.version, first.news_version, first.recorded_version) == (1, 1, 0)
    behind = await books.payments.unrecorded(limit=2, after=(second.rail, second.payment_id))
    assert [each.payment_id for each in behind] == ["pi_3"]
    for _ in range(2):
        await books.mark_recorded(2, 1)
    assert await books.unrecorded() == ["pi_1", "pi_3"]
    assert (await books.load(2)).recorded_version == 1


async def test_a_change_after_the_recording_is_news_again(books: Books) -> None:
    await books.hear(report("4", Standing.PARTIAL))
    await books.mark_recorded(1, 1)
    await books.hear(report())
    assert await books.unrecorded() == ["pi_1"]
    await books.mark_recorded(1, 1)
    assert await books.unrecorded() == ["pi_1"]
    await books.mark_recorded(1, 99)
    assert (await books.load()).recorded_version == 2
    await books.mark_recorded(1, 1)
    assert (await books.load()).recorded_version == 2
    await books.mark_recorded(77, 1)


async def test_a_fee_is_nothing_to_record(books: Books) -> None:
    await books.hear(report())
    await books.mark_recorded(1, 1)
    seen = await books.hear(report(fee=usd("1")))
    assert (seen.after.version, seen.after.recorded_version) == (2, 1)
    assert await books.unrecorded() == []
    assert await books.load() == seen.after


async def test_a_recording_that_came_in_between_is_kept(books: Books) -> None:
    await books.hear(report("4", Standing.PARTIAL))
    seen = await books.see(report())
    await books.mark_recorded(1, 1)
    for _ in range(2):
        assert await books.payments.record(seen, event_id=None, at=NOON) is None
    assert (await books.load()).recorded_version == 1


# --- The ledger ------------------------------------------------------------------------------


async def test_money_without_an_order_is_listed_oldest_first(books: Books) -> None:
    for number, amount in ((2, "5"), (1, "7"), (3, "0")):
        at = NOON + timedelta(seconds=10 - number)
        await books.hear(report(amount, number=number, order_id=None), None, at=at)
        if number == 2:
            await books.hear(report(number=9), at=at)
    unmatched = await books.payments.unmatched(limit=10)
    assert [each.payment_id for each in unmatched] == ["pi_2", "pi_1"]
    assert [each.payment_id for each in await books.payments.unmatched(limit=1)] == ["pi_2"]
    assert (await books.held())[UNMATCHED] == "-12.00 USD"
    trial = await books.payments.trial_balance(thorough=False)
    assert trial.unmatched == (usd("12"),)
    await books.hear(report("5", number=2))
    assert (await books.held())[UNMATCHED] == "-7.00 USD"
    assert [each.payment_id for each in await books.payments.unmatched(limit=10)] == ["pi_1"]


async def test_each_currency_has_a_balance_of_its_own(books: Books) -> None:
    await books.hear(report())
    await books.hear(replace(report(number=2), amount=Money.of("3", "TRX"), order_id=None), None)
    trial = await books.payments.trial_balance(thorough=True)
    assert [str(each.amount) for each in trial.balances if each.account == STRIPE] == [
        "3.00 TRX",
        "10.00 USD",
    ]
    assert (trial.imbalance, trial.drift, trial.transfers) == ((), (), 2)
