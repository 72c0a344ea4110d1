"""A rail whose provider refuses us, and a product that nobody can buy, do not go unnoticed."""

from __future__ import annotations

from dataclasses import replace

import structlog
import trio

from actors.kernel.charges import Rail
from actors.kernel.money import Money
from actors.operations import messages as operations
from actors.operations.messages import HEARTBEAT_SECONDS
from actors.payments.catalogue import Catalogue
from actors.payments.messages import RailAnswered
from actors.payments.watch import RailWatch
from runtime.testing import Probe, TestSystem, running
from tests.actors.payments.shop import BOOK, CATALOGUE, TICKET, Shop

STRIPE = "rails.stripe"


def watch(system: TestSystem, catalogue: Catalogue = CATALOGUE) -> Probe:
    reports = Probe()
    system.events.subscribe(operations.Reported, reports)
    system.spawn(lambda: RailWatch(catalogue=catalogue, rails=catalogue.rails), name="rails")
    return reports


def newest(reports: Probe, component: str) -> operations.Reported:
    found = [report for report in reports.told if report.component == component]
    assert found, component
    report = found[-1]
    assert isinstance(report, operations.Reported)
    return report


def figures(report: operations.Reported) -> dict[str, float]:
    return {each.name: each.value for each in report.measurements}


async def test_while_nothing_is_amiss_everything_passes_and_says_so_again() -> None:
    async with running() as system:
        reports = watch(system)
        await system.settle()
        assert {(r.component, r.status, r.output) for r in reports.told} == {
            ("catalogue", "pass", ""), ("rails.stars", "pass", ""), (STRIPE, "pass", ""),
        }  # fmt: skip
        await trio.sleep(HEARTBEAT_SECONDS + 1)
        assert len(reports.told) == 6


async def test_what_is_on_sale_nowhere_is_a_warning_with_its_name_and_the_reason() -> None:
    zloty = replace(BOOK, prices=(Money.of("20", "PLN"),))
    with structlog.testing.capture_logs() as lines:
        async with running() as system:
            reports = watch(system, replace(CATALOGUE, products=(TICKET, zloty)))
            await system.settle()
        (line,) = [line for line in lines if line["event"] == "product.unsold"]
        assert (line["log_level"], line["product"]) == ("warning", "book")
        report = newest(reports, "catalogue")
        assert report.status == "warn"
        assert report.output.startswith("book is on sale nowhere: digital goods are sold for Stars")
        assert figures(report) == {"unsold": 1}


async def test_a_key_that_is_refused_fails_its_rail_until_it_is_taken_again() -> None:
    async with running() as system:
        reports = watch(system)
        await system.settle()
        refused = RailAnswered(
            rail=Rail.STRIPE, product_id=TICKET.product_id, detail="answered 401", key_refused=True
        )
        system.events.publish(refused)
        await system.settle()
        report = newest(reports, STRIPE)
        assert report.status == "fail"
        assert "STRIPE_SECRET_KEY" in report.output
        assert "answered 401" in report.output
        await trio.sleep(3 * HEARTBEAT_SECONDS)
        assert newest(reports, STRIPE).status == "fail"
        assert newest(reports, "rails.stars").status == "pass"

        system.events.publish(RailAnswered(rail=Rail.STRIPE, product_id=None))
        await system.settle()
        assert newest(reports, STRIPE).status == "pass"
        assert figures(newest(reports, STRIPE)) == {"opened_total": 0, "declined_total": 1}


async def test_a_product_that_is_declined_warns_until_it_is_opened() -> None:
    async with running() as system:
        reports = watch(system)
        await system.settle()
        declined = RailAnswered(
            rail=Rail.STRIPE, product_id=TICKET.product_id, detail="amount_too_small"
        )
        system.events.publish(declined)
        system.events.publish(RailAnswered(rail=Rail.STRIPE, product_id=BOOK.product_id))
        await system.settle()
        report = newest(reports, STRIPE)
        assert report.status == "warn"
        assert "nobody can buy ticket by stripe" in report.output
        assert "amount_too_small" in report.output

        system.events.publish(RailAnswered(rail=Rail.STRIPE, product_id=TICKET.product_id))
        await system.settle()
        assert newest(reports, STRIPE).status == "pass"
        await trio.sleep(HEARTBEAT_SECONDS + 1)
        assert figures(newest(reports, STRIPE)) == {"opened_total": 2, "declined_total": 1}


async def test_an_order_of_a_rail_without_credentials_is_no_concern() -> None:
    async with running() as system:
        reports = watch(system)
        system.events.publish(
            RailAnswered(rail=Rail.YOOKASSA, product_id=BOOK.product_id, detail="not configured")
        )
        await system.settle()
        assert all(report.status == "pass" for report in reports.told)


async def test_a_buyer_whose_checkout_is_declined_is_heard_of() -> None:
    shop = Shop()
    async with shop.open() as system:
        reports = watch(system)
        await system.settle()
        shop.provider.declines = True
        await shop.buy()
        assert newest(reports, STRIPE).status == "warn"
        assert "no such shop" in newest(reports, STRIPE).output

        shop.provider.key_refused = True
        await shop.buy()
        assert newest(reports, STRIPE).status == "fail"

        shop.provider.declines = shop.provider.key_refused = False
        await shop.buy()
        assert newest(reports, STRIPE).status == "pass"
