"""Whom a broadcast is for, in memory: what the twin in `adapters/postgres` finds in one query."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actors.broadcasts.model import Audience, Broadcast, Kind, Outcome
from actors.kernel.ids import ChatId, MessageId, ProductId
from actors.payments.orders import DONE
from adapters.memory.tables import Tables


def chosen(tables: Tables, broadcast: Broadcast) -> Iterator[tuple[ChatId, MessageId | None]]:
    """Everybody who is meant, reachable or not, and the message that is to be changed."""
    if broadcast.kind is Kind.SEND:
        audience = broadcast.audience
        owners = _owners(tables, audience.products)
        everybody = set(audience.chat_ids or tables.sessions)
        for chat_id in everybody:
            if _applies(tables, audience, owners, chat_id):
                yield chat_id, None
    elif broadcast.of is not None and (row := tables.broadcasts.get(broadcast.of)) is not None:
        for recipient in row.recipients.values():
            if recipient.outcome is Outcome.SENT:
                yield recipient.chat_id, recipient.message_id


def _applies(
    tables: Tables, audience: Audience, owners: frozenset[ChatId], chat_id: ChatId
) -> bool:
    session = tables.sessions.get(chat_id)
    if session is None:
        narrowed = (audience.languages, audience.states, audience.products, audience.active_since)
        return not any(narrowed)
    return (
        (not audience.languages or session.language in audience.languages)
        and (not audience.states or session.state.value in audience.states)
        and (not audience.products or chat_id in owners)
        and (
            audience.active_since is None
            or tables.session_saved_at[chat_id] >= audience.active_since
        )
    )


def _owners(tables: Tables, products: Collection[ProductId]) -> frozenset[ChatId]:
    return frozenset(
        row.order.chat_id
        for row in tables.orders.values()
        if row.order.product_id in products and row.order.state in DONE
    )


def is_open(tables: Tables, chat_id: ChatId) -> bool:
    """Whether this chat can be written to, as far as anybody knows."""
    session = tables.sessions.get(chat_id)
    return chat_id not in tables.unreachable and (session is None or not session.blocked)
