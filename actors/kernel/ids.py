"""Identifiers: one NewType each, so that two kinds can never be swapped."""

from __future__ import annotations

from typing import NewType

ChatId = NewType("ChatId", int)
"""A Telegram chat; negative for groups and channels."""

MessageId = NewType("MessageId", int)
"""A message inside one Telegram chat."""

UpdateId = NewType("UpdateId", int)
"""One Telegram update; unique per bot, not monotonic for ever (Bot API, `Update`)."""

RecordId = NewType("RecordId", int)
"""A row of the record table (NocoDB's `Id`)."""

LetterId = NewType("LetterId", str)
"""One outgoing Telegram request, named by whoever asks for it."""

OrderId = NewType("OrderId", str)
"""One order of ours: 32 hexadecimal digits (a UUID); what providers carry for us in metadata."""

ProductId = NewType("ProductId", str)
"""One thing on sale, as the configuration names it."""

PaymentId = NewType("PaymentId", str)
"""A provider's own id of one charge; unique within its rail."""

EventId = NewType("EventId", int)
"""A provider's event as our inbox numbers it, in the order of arrival."""

BroadcastId = NewType("BroadcastId", int)
"""One broadcast, as the store numbers it, in the order in which they were made."""
