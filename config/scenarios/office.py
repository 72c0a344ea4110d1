"""The administrators' chat of a market: each payment is told there, once at most.

What a crash has cost is called `unknown` by the bot, and never told twice (`payments.notices`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from actors.payments.ports import NoticeState
from adapters.memory.tables import Tables
from config.scenarios.witness import WitnessedTelegram

ADMIN_CHAT_ID = -1_000_000_000_042
_NOTICED = re.compile(r"charge (?:<code>)?([\w-]+)")
_MESSAGES: dict[NoticeState, tuple[int, ...]] = {
    "sent": (1,),
    "sending": (0, 1),
    "unknown": (0, 1),
}
"""How often the chat may show a notice in this state. What the dispatcher has lost is `sending` for
an hour, and `unknown` then.
"""


class Office:
    """The chat, and what is wrong with it at the end."""

    def __init__(self, telegram: WitnessedTelegram, tables: Tables) -> None:
        self._chat = telegram.group(ADMIN_CHAT_ID, "Administrators")
        self._telegram, self._tables = telegram, tables
        telegram.offices[ADMIN_CHAT_ID] = self._odd

    @property
    def missed(self) -> bool:
        """The bot does not know whether a notice was seen: a reason to warn, and no fault."""
        return any(row.state == "unknown" for row in self._tables.notices.values())

    def faults(self) -> Iterator[str]:
        """For a market at rest."""
        shown = Counter(
            payment_id
            for message in self._chat.messages.values()
            for payment_id in _NOTICED.findall(message.text)
        )
        for (rail, payment_id), charge in self._tables.charges.items():
            row, times = self._tables.notices.get((rail, payment_id)), shown[payment_id]
            state = None if row is None else row.state
            allowed = _MESSAGES.get(state, ()) if state else (() if charge.received else (0,))
            if times not in allowed:
                yield f"charge {payment_id} was told {times} times, and its notice is {state}"

    def _odd(self, text: str) -> str:
        """What is wrong with a message to the administrators."""
        told = _NOTICED.findall(text)
        known = {payment_id for _, payment_id in self._tables.notices}
        return "" if len(told) == 1 and told[0] in known else f"administrators see {text!r}"
