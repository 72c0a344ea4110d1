"""The books of either store, and what the contract suites do with them again and again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from actors.ingress.model import Event, EventState, SourceName
from actors.kernel.charges import Payment, PaymentReport, Rail, Standing
from actors.kernel.ids import ChatId, EventId, OrderId, PaymentId
from actors.kernel.ledger import provider
from actors.kernel.money import Money
from actors.tracker.settlement import Observation, OrderView, observe
from adapters.memory.payments import MemoryPayments
from adapters.postgres.payments import PostgresPayments, recorded
from tests.adapters.contract.provider_events import delivered
from tests.adapters.contract.stores import Stores

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
ORDER = OrderId("a" * 32)
ANNA = OrderView(order_id=ORDER, chat_id=ChatId(7))
STRIPE = provider(Rail.STRIPE)


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def report(
    amount: str = "10", standing: Standing = Standing.PAID, number: int = 1, **more: object
) -> PaymentReport:
    fields = {"order_id": ORDER, "live": True} | more
    return PaymentReport(
        rail=Rail.STRIPE,
        payment_id=PaymentId(f"pi_{number}"),
        standing=standing,
        amount=usd(amount),
        **fields,  # type: ignore[arg-type]
    )


class Books:
    """The stores, and what is done with them again and again."""

    def __init__(self, stores: Stores) -> None:
        self.stores, self.payments, self.notices = stores, stores.payments, stores.notices

    async def load(self, number: int = 1) -> Payment:
        payment = await self.payments.load(Rail.STRIPE, PaymentId(f"pi_{number}"))
        assert payment is not None
        return payment

    async def see(self, told: PaymentReport, order: OrderView | None = ANNA) -> Observation:
        before = await self.payments.load(told.rail, told.payment_id)
        seen = observe(before, told, order, live=True)
        assert isinstance(seen, Observation)
        return seen

    async def hear(
        self,
        told: PaymentReport,
        order: OrderView | None = ANNA,
        *,
        event_id: EventId | None = None,
        at: datetime = NOON,
    ) -> Observation:
        seen = await self.see(told, order)
        assert await self.payments.record(seen, event_id=event_id, at=at) is None
        return seen

    async def event(self, number: int = 1) -> EventId:
        """An event of a provider is in the inbox."""
        event = Event(
            source=SourceName.STRIPE, key=f"evt_{number}", kind="", subject="", body=b"", headers={}
        )
        return (await delivered(self.stores.events, event, number)).event_id

    async def state_of(self, event_id: EventId) -> EventState:
        found = await self.stores.events.find(event_id)
        assert found is not None
        return found.summary.state

    async def mark_recorded(self, number: int, version: int) -> None:
        payment_id = PaymentId(f"pi_{number}")
        if isinstance(self.payments, PostgresPayments):
            await self.payments._database.write(recorded(Rail.STRIPE, payment_id, version))
            return
        assert isinstance(self.payments, MemoryPayments)
        await self.payments.connection.write(
            lambda tables: tables.mark_charge_recorded(Rail.STRIPE, payment_id, version)
        )

    async def held(self) -> dict[str, str]:
        trial = await self.payments.trial_balance(thorough=True)
        assert (trial.imbalance, trial.drift) == ((), ())
        assert trial == replace(
            await self.payments.trial_balance(thorough=False), transfers=trial.transfers
        )
        return {each.account: str(each.amount) for each in trial.balances}

    async def unrecorded(self) -> list[str]:
        return [each.payment_id for each in await self.payments.unrecorded(limit=100)]
