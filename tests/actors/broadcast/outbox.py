"""An outbox in memory that writes down what it is told."""

from __future__ import annotations

from actors.broadcast import ports
from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, LetterId


class Outbox(ports.Outbox):
    """Lets everything go that was not withdrawn."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.withdrawn: set[LetterId] = set()
        self.away: Unavailable | None = None
        self.sending: set[LetterId] = set()
        """Whose request may be under way."""
        self.became: dict[LetterId, ChatId] = {}
        """Where letters go instead."""

    async def starting(self, letter_id: LetterId) -> bool:
        self._call("starting", letter_id)
        if letter_id in self.withdrawn:
            return False
        self.sending.add(letter_id)
        return True

    async def postponed(self, letter_id: LetterId, *, became: ChatId | None = None) -> None:
        self._call("postponed", letter_id)
        if became is not None:
            self.became[letter_id] = became
        self.sending.discard(letter_id)

    def _call(self, name: str, letter_id: LetterId) -> None:
        if self.away is not None:
            raise self.away
        self.calls.append(f"{name} {letter_id}")
