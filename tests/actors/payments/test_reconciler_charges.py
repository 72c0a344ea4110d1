"""A rail that lists nothing is read charge by charge, for as far as it once told of them."""

from __future__ import annotations

from dataclasses import replace

import trio

from actors.kernel.charges import PaymentReport, Rail
from actors.kernel.failures import KeyRefused, Unavailable
from actors.kernel.ids import PaymentId
from actors.payments.looks import LOOK_FIRST_SECONDS
from actors.payments.messages import RailAnswered
from actors.payments.orders import Charge
from actors.payments.ports import Charges
from actors.tracker import messages as tracker
from runtime.testing import Probe
from tests.actors.payments.orders import payment
from tests.actors.payments.test_reconciler import REPORT, Rig


class Readable(Charges):
    """A provider that is asked about one charge at a time, and does not know all of them."""

    def __init__(self, *known: PaymentReport) -> None:
        self.known = {report.payment_id: report for report in known}
        self.read_ids: list[str] = []

    async def read(self, payment_id: PaymentId) -> PaymentReport | None:
        self.read_ids.append(payment_id)
        return self.known.get(payment_id)


async def test_a_rail_that_lists_nothing_is_asked_about_the_charges_it_once_told_of() -> None:
    rig, charges = Rig(), Readable(REPORT)
    rig.yookassa.look_limits = None
    rig.charges = charges
    known = Charge.of(payment())
    lost = replace(known, payment_id=PaymentId("of another account"))
    async with rig.open():
        await rig.save(1, rail=Rail.YOOKASSA, charges=(known, lost))
        await rig.save(2, rail=Rail.YOOKASSA)
        await trio.sleep(LOOK_FIRST_SECONDS + 30)
        assert charges.read_ids == [known.payment_id, lost.payment_id]
        assert rig.yookassa.looked == []
        assert rig.tracker.told == [tracker.Observed(report=REPORT)]
        assert await rig.store.next_look() is not None


class Unreadable(Readable):
    """Those that it does not know cannot be read at all."""

    def __init__(self, failure: Exception, *known: PaymentReport) -> None:
        super().__init__(*known)
        self.failure = failure

    async def read(self, payment_id: PaymentId) -> PaymentReport | None:
        report = await super().read(payment_id)
        if report is None:
            raise self.failure
        return report


async def test_a_look_that_asks_nothing_says_nothing_about_the_provider() -> None:
    rig, charges, answers = Rig(), Unreadable(KeyRefused("401")), Probe()
    rig.yookassa.look_limits, rig.charges = None, charges
    async with rig.open() as system:
        system.events.subscribe(RailAnswered, answers)
        await rig.save(1, rail=Rail.YOOKASSA, charges=(Charge.of(payment()),))
        for number in range(2, 60):
            await rig.save(number, rail=Rail.YOOKASSA)
        await trio.sleep(3_600)
        refused = RailAnswered(rail=Rail.YOOKASSA, product_id=None, detail="401", key_refused=True)
        assert answers.told == [refused]
        assert len(charges.read_ids) <= 8, "it is left alone for longer each time"


async def test_a_charge_that_cannot_be_read_hides_no_other() -> None:
    rig = Rig()
    known = Charge.of(payment())
    bad = replace(known, payment_id=PaymentId("bad"))
    rig.yookassa.look_limits, rig.charges = None, Unreadable(Unavailable("500"), REPORT)
    async with rig.open():
        await rig.save(1, rail=Rail.YOOKASSA, charges=(bad, known))
        await trio.sleep(LOOK_FIRST_SECONDS + 30)
        assert rig.tracker.told == [tracker.Observed(report=REPORT)]
