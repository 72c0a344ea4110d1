"""The books that do not balance are an alarm; money of nobody is a warning."""

from __future__ import annotations

import trio

from actors.kernel.charges import PaymentReport, Rail, Standing
from actors.kernel.failures import Unavailable
from actors.kernel.ids import PaymentId
from actors.kernel.ledger import Account, TrialBalance
from actors.kernel.money import Currency, Money
from actors.operations import messages as operations
from actors.payments.auditor import INTERVAL_SECONDS, THOROUGH_EVERY, LedgerAuditor
from actors.tracker.settlement import Observation, observe
from adapters.memory.payments import MemoryPayments
from runtime.testing import Probe, TestSystem, running

STRIPE = (Account("provider:stripe"), Currency("USD"))


class FlakyPayments(MemoryPayments):
    away = 0
    thorough: int = 0

    async def trial_balance(self, *, thorough: bool) -> TrialBalance:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("the database is away")
        self.thorough += thorough
        return await super().trial_balance(thorough=thorough)


async def pay(payments: MemoryPayments) -> None:
    report = PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId("pi_1"),
        standing=Standing.PAID,
        amount=Money.of("5", "USD"),
        live=True,
    )
    seen = observe(None, report, None, live=True)
    assert isinstance(seen, Observation)
    await payments.record(seen, event_id=None, at=payments.connection.tables.now())


def listen(system: TestSystem, payments: MemoryPayments) -> Probe:
    reports = Probe()
    system.events.subscribe(operations.Reported, reports)
    system.spawn(lambda: LedgerAuditor(books=payments), name="auditor")
    return reports


def figures(report: operations.Reported) -> dict[str, float]:
    return {each.name: each.value for each in report.measurements}


async def test_books_that_balance_pass() -> None:
    async with running() as system:
        reports = listen(system, MemoryPayments())
        await trio.sleep(1)
        (report,) = reports.told
        assert (report.component, report.status, report.output) == ("ledger", "pass", "")
        assert figures(report) == {
            "imbalance_amount": 0,
            "drift_amount": 0,
            "transfers_total": 0,
            "unmatched_charges": 0,
        }
        await trio.sleep(INTERVAL_SECONDS)
        assert len(reports.told) == 2


async def test_money_of_nobody_is_a_warning() -> None:
    payments = MemoryPayments()
    await pay(payments)
    async with running() as system:
        reports = listen(system, payments)
        await trio.sleep(1)
        report = reports.told[-1]
        assert report.status == "warn"
        assert report.output.startswith("5.00 USD came in for no order of ours")
        assert figures(report)["unmatched_charges"] == figures(report)["transfers_total"] == 1


async def test_balances_that_do_not_sum_to_zero_fail() -> None:
    payments = MemoryPayments()
    await pay(payments)
    payments.connection.tables.ledger.balances[STRIPE] = Money.of("6", "USD")
    async with running() as system:
        reports = listen(system, payments)
        await trio.sleep(1)
        report = reports.told[-1]
        assert report.status == "fail"
        assert "off by 1.00 USD, provider:stripe 1.00 USD" in report.output
        assert figures(report)["imbalance_amount"] == figures(report)["drift_amount"] == 1


async def test_a_drift_is_found_within_the_hour_and_stays_until_it_is_gone() -> None:
    payments = MemoryPayments()
    await pay(payments)
    async with running() as system:
        reports = listen(system, payments)
        await trio.sleep(1)
        ledger = payments.connection.tables.ledger
        ledger.balances[STRIPE] = Money.of("6", "USD")
        ledger.balances[Account("unmatched"), Currency("USD")] = Money.of("-6", "USD")
        await trio.sleep(INTERVAL_SECONDS)
        assert reports.told[-1].status == "warn"
        await trio.sleep(INTERVAL_SECONDS * THOROUGH_EVERY)
        assert reports.told[-1].status == "fail"
        assert figures(reports.told[-1])["imbalance_amount"] == 0
        await trio.sleep(INTERVAL_SECONDS)
        assert reports.told[-1].status == "fail"


async def test_not_every_look_adds_everything_up() -> None:
    payments = FlakyPayments()
    async with running() as system:
        listen(system, payments)
        await trio.sleep(INTERVAL_SECONDS * (THOROUGH_EVERY + 1))
        assert payments.thorough == 2


async def test_a_store_that_is_away_is_waited_for() -> None:
    payments = FlakyPayments()
    payments.away = 2
    async with running() as system:
        reports = listen(system, payments)
        await trio.sleep(INTERVAL_SECONDS)
        assert reports.told[-1].status == "pass"
