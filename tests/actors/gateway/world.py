"""What surrounds a gateway under test: it outlives the gateway, and the whole process."""

from __future__ import annotations

from typing import Any

from actors.gateway.actor import TelegramGateway
from actors.gateway.backlog import STORED_MAX, TOLD_MAX
from actors.gateway.messages import UpdateParked
from actors.gateway.model import COMPONENT
from actors.gateway.ports import Webhook
from actors.kernel.ids import UpdateId
from actors.operations.messages import Reported
from adapters.memory.gateway import MemoryInbox, MemoryUpdates
from runtime import ActorRef, DeadLetter, KeyedRecipient
from runtime.events import Reason
from runtime.testing import Probe, TestSystem


def text(words: str, *, chat_id: int = 7) -> dict[str, Any]:
    return {
        "message": {
            "message_id": 1,
            "date": 1,
            "chat": {"id": chat_id, "type": "private"},
            "from": {"id": chat_id, "first_name": "Ada"},
            "text": words,
        }
    }


POISON = {"message": {"message_id": True, "chat": {"id": 7, "type": "private"}}}
ASKED = {
    "pre_checkout_query": {
        "id": "q1",
        "from": {"id": 7, "first_name": "Ada"},
        "currency": "XTR",
        "total_amount": 100,
        "invoice_payload": "0" * 32,
    }
}
GROUP = {"message": {"message_id": 1, "chat": {"id": -7, "type": "group"}, "text": "hi"}}


FEW = TOLD_MAX + 500
"""What an inbox may hold that is full soon."""


class World:
    """A gateway's surroundings: they outlive it, and the whole process."""

    def __init__(self, webhook: Webhook | None = None) -> None:
        self.updates, self.inbox, self.webhook = MemoryUpdates(), MemoryInbox(), webhook
        self.sessions, self.reports, self.parked = Probe(), Probe(), Probe()
        self.purchases, self.pre_checkout = Probe(), Probe()
        self.stored_max = STORED_MAX

    def start(
        self,
        system: TestSystem,
        sessions: KeyedRecipient[Any, Any] | None = None,
        kind: type[TelegramGateway] = TelegramGateway,
    ) -> ActorRef[TelegramGateway]:
        """Start the gateway, watched by the probes."""
        system.events.subscribe(Reported, self.reports)
        system.events.subscribe(UpdateParked, self.parked)
        return system.spawn(
            lambda: kind(
                updates=self.updates,
                inbox=self.inbox,
                sessions=sessions or self.sessions.keyed,
                purchases=self.purchases.keyed,
                pre_checkout=self.pre_checkout,
                webhook=self.webhook,
                stored_max=self.stored_max,
            ),
            name="gateway",
        )

    @property
    def heard(self) -> list[tuple[int, str]]:
        """(chat, text) of everything that sessions were told so far."""
        return [(chat_id, heard.text) for chat_id, heard in self.sessions.told]

    @property
    def report(self) -> Reported:
        found: Reported = self.reports.told[-1]
        assert found.component == COMPONENT
        return found

    @property
    def status(self) -> str:
        return self.report.status

    def figure(self, name: str) -> float:
        return {m.name: m.value for m in self.report.measurements}[name]


def mark_handled(inbox: MemoryInbox, *update_ids: UpdateId) -> None:
    """What the saves of their sessions do."""
    tables = inbox.connection.tables
    for update_id in update_ids:
        tables.mark_handled(update_id, tables.now())


def dead(heard: object, reason: Reason) -> DeadLetter:
    return DeadLetter(message=heard, recipient="root/sessions/7", sender=None, reason=reason)
