"""What the event processor stands between: sources, an inbox, a tracker that is the test's."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID

from actors.ingress import messages as ingress
from actors.ingress.model import Arrival, Event, RecordsTouched, SourceName
from actors.ingress.processor import EventProcessor
from actors.ingress.progress import COMPONENT
from actors.kernel.ids import EventId, RecordId
from actors.operations.messages import Reported
from actors.tracker import messages as tracker
from runtime import ActorRef
from runtime.testing import Probe, TestSystem
from tests.actors.ingress.provider import Provider, SlowEvents, paid

TOUCHED = RecordsTouched(record_ids=(RecordId(7), RecordId(8)))


class World:
    """What the processor stands between. `answers` is how the tracker settles: at once (True),
    never, or with a refusal.
    """

    def __init__(self) -> None:
        self.stripe, self.nocodb = Provider(), Provider(SourceName.NOCODB)
        self.stripe.facts = {"paid": paid(), "rows": TOUCHED}
        self.events = SlowEvents()
        self.told, self.reports, self.news = Probe(), Probe(), Probe()
        self.answers: bool | str = True
        self._numbers = count(1)

    def start(self, system: TestSystem, tracker_ref: Any = None) -> ActorRef[EventProcessor]:
        system.events.subscribe(Reported, self.reports)
        for fact in (ingress.EventParked, ingress.SubscriptionChanged):
            system.events.subscribe(fact, self.news)
        return system.spawn(
            lambda: EventProcessor(
                sources={SourceName.STRIPE: self.stripe, SourceName.NOCODB: self.nocodb},
                events=self.events,
                tracker=tracker_ref or self,
            ),
            name="processor",
        )

    def tell(self, message: tracker.Command, /) -> None:
        """Be the payment tracker."""
        self.told.tell(message)
        assert isinstance(message, tracker.Observed | tracker.Recheck)
        assert message.event_id is not None
        assert message.notify is not None
        if self.answers is True and isinstance(message, tracker.Observed):
            tables = self.events.connection.tables
            tables.mark_event_processed(message.event_id, tables.now())
        if self.answers is not False:
            refused = self.answers if isinstance(self.answers, str) else ""
            message.notify.tell(tracker.Settled(event_id=message.event_id, refused=refused))

    async def add(
        self,
        key: str,
        kind: str = "paid",
        subject: str = "",
        source: SourceName = SourceName.STRIPE,
    ) -> EventId:
        event = Event(source=source, key=key, kind=kind, subject=subject, body=b"", headers={})
        number, now = next(self._numbers), self.events.connection.tables.now()
        arrival = Arrival(event=event, delivery_id=UUID(int=number), at=now)
        return (await self.events.add([arrival]))[0].event_id

    def figures(self) -> dict[str, float]:
        found = [r for r in self.reports.told if r.component == COMPONENT]
        return {m.name: m.value for m in found[-1].measurements}
