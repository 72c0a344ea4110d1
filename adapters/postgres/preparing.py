"""Writing down whom a broadcast is for, in PostgreSQL: `broadcasts.ports.Broadcasts.prepare`.

Everybody's commits go through one writer, and a million rows would keep it for a minute. So a
reader looks once who is meant, at one moment, and the writer puts them down slice by slice, with
everybody else's commits between. Each slice can be carried out twice, and does nothing for a
broadcast that is not being prepared any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from actors.broadcasts.model import Broadcast, Kind
from actors.kernel.ids import ChatId
from adapters.postgres.database import Database, Statement

SLICE = 1_000
"""Recipients in one transaction: some ten milliseconds of the writer."""


class PostgresPreparation:
    """The part of the store that makes ready."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self, broadcast: Broadcast) -> None:
        if broadcast.again:
            await self._try_again(broadcast)
        else:
            await self._forget(broadcast)
            await self._freeze(broadcast)
        await self._database.write(Statement(_ANALYZE))

    async def _forget(self, broadcast: Broadcast) -> None:
        """Take out whom an interrupted attempt has left, also what it still had under way."""
        named = {"broadcast_id": broadcast.broadcast_id, "slice": SLICE}
        left = True
        while left:
            statements = Statement(_FORGET, named), Statement(_IS_LEFT, named)
            _, (row,) = await self._database.write(*statements)
            left = bool(row["is_left"])

    async def _freeze(self, broadcast: Broadcast) -> None:
        # Arrays stay text: whoever is meant is nothing that Python has to look at.
        slices = await self._database.read(
            chosen(broadcast) + _SLICES, choice(broadcast) | {"slice": SLICE}
        )
        left_out = sum(each["closed"] for each in slices)
        for each in slices:
            told = {**each, "left_out": left_out, "broadcast_id": broadcast.broadcast_id}
            if not await self._write_slice(_WRITE_DOWN, told):
                return

    async def _try_again(self, broadcast: Broadcast) -> None:
        told: dict[str, object] = {
            "broadcast_id": broadcast.broadcast_id,
            "again": [outcome.value for outcome in broadcast.again],
            "slice": SLICE,
        }
        after: ChatId | None = None
        while True:
            # Few may have failed among many: the reader looks for them.
            (row,) = await self._database.read(_WITH_OUTCOMES, told | {"after": after})
            if row["chat_ids"] is None:
                return
            if not await self._write_slice(_TRY_AGAIN, told | {"chat_ids": row["chat_ids"]}):
                return
            after = row["last"]

    async def _write_slice(self, sql: LiteralString, told: Mapping[str, object]) -> bool:
        """Whether the broadcast is still being prepared."""
        _, (row,) = await self._database.write(Statement(sql, told), Statement(_GOES_ON, told))
        return bool(row["goes_on"])


_EVERYBODY: LiteralString = """
with chosen as (
    select s.chat_id, null::bigint as message_id,
        s.blocked or exists (select from unreachable_chat as u where u.chat_id = s.chat_id)
            as closed
    from user_session as s
"""

_LISTED: LiteralString = """
with chosen as (
    select c.chat_id, null::bigint as message_id,
        coalesce(s.blocked, false)
            or exists (select from unreachable_chat as u where u.chat_id = c.chat_id) as closed
    from (select distinct unnest(%(chat_ids)s::bigint[]) as chat_id) as c
    left join user_session as s using (chat_id)
"""

_APPLIES: LiteralString = """
    where (%(languages)s::text[] is null or s.language = any(%(languages)s))
        and (%(states)s::text[] is null or s.state = any(%(states)s))
        and (%(active_since)s::timestamptz is null or s.saved_at >= %(active_since)s)
        and (%(products)s::text[] is null or exists (
            select from purchase_order as o
            where o.chat_id = s.chat_id and o.product_id = any(%(products)s)
                and o.state in ('paid', 'granted')
        ))
)
"""

_RECEIVED: LiteralString = """
with chosen as (
    select r.chat_id, r.message_id,
        coalesce(s.blocked, false)
            or exists (select from unreachable_chat as u where u.chat_id = r.chat_id) as closed
    from broadcast_recipient as r left join user_session as s using (chat_id)
    where r.broadcast_id = %(of)s and r.outcome = 'sent'
)
"""

_SLICES: LiteralString = """
select (array_agg(chat_id) filter (where not closed))::text as chat_ids,
    (array_agg(message_id) filter (where not closed))::text as message_ids,
    count(*) filter (where closed) as closed
from (select *, (row_number() over () - 1) / %(slice)s as slice from chosen) as numbered
group by slice
"""

# Of a broadcast that PostgreSQL has not looked at it expects a handful of recipients, and sorts all
# of them for each page. What it is looking at already is skipped.
_ANALYZE = "analyze (skip_locked) broadcast_recipient (broadcast_id, chat_id, outcome)"

_GOES_ON = """
select exists (
    select from broadcast
    where broadcast_id = %(broadcast_id)s and not prepared and state in ('running', 'paused')
) as goes_on
"""

_FORGET = """
with gone as (
    delete from broadcast_recipient as r using broadcast as b
    where b.broadcast_id = %(broadcast_id)s and not b.prepared
        and r.broadcast_id = b.broadcast_id and r.outcome = 'pending'
        and r.chat_id = any (array(
            select chat_id from broadcast_recipient
            where broadcast_id = %(broadcast_id)s and outcome = 'pending' limit %(slice)s
        ))
    returning 1
)
update broadcast set total = total - (select count(*) from gone)
where broadcast_id = %(broadcast_id)s and exists (select from gone)
"""

_IS_LEFT = """
select exists (
    select from broadcast_recipient as r join broadcast as b using (broadcast_id)
    where r.broadcast_id = %(broadcast_id)s and r.outcome = 'pending' and not b.prepared
) as is_left
"""

_WRITE_DOWN = """
with written as (
    insert into broadcast_recipient (broadcast_id, chat_id, message_id)
    select b.broadcast_id, t.chat_id, t.message_id
    from broadcast as b,
        unnest(%(chat_ids)s::bigint[], %(message_ids)s::bigint[]) as t (chat_id, message_id)
    where b.broadcast_id = %(broadcast_id)s and not b.prepared
        and b.state in ('running', 'paused')
    on conflict (broadcast_id, chat_id) do nothing
    returning 1
)
update broadcast set
    total = total + (select count(*) from written), left_out = %(left_out)s
where broadcast_id = %(broadcast_id)s and not prepared
"""

_WITH_OUTCOMES = """
select array_agg(chat_id)::text as chat_ids, max(chat_id) as last
from (
    select chat_id from broadcast_recipient
    where broadcast_id = %(broadcast_id)s and outcome = any(%(again)s::text[])
        and (%(after)s::bigint is null or chat_id > %(after)s)
    order by chat_id limit %(slice)s
) as found
"""

_TRY_AGAIN = """
with moved as (
    update broadcast_recipient as r set outcome = 'pending', detail = ''
    from (
        select w.chat_id, w.outcome
        from broadcast_recipient as w join broadcast as b using (broadcast_id)
        where w.broadcast_id = %(broadcast_id)s and w.chat_id = any(%(chat_ids)s::bigint[])
            and w.outcome = any(%(again)s::text[])
            and not b.prepared and b.state in ('running', 'paused')
    ) as was
    where r.broadcast_id = %(broadcast_id)s and r.chat_id = was.chat_id
    returning was.outcome
)
update broadcast set
    sent = sent - (select count(*) from moved where outcome = 'sent'),
    blocked = blocked - (select count(*) from moved where outcome = 'blocked'),
    failed = failed - (select count(*) from moved where outcome = 'failed'),
    unknown = unknown - (select count(*) from moved where outcome = 'unknown')
where broadcast_id = %(broadcast_id)s and exists (select from moved)
"""


def chosen(broadcast: Broadcast) -> LiteralString:
    """The beginning of a query that goes on with `chosen`: everybody who is meant, and whether he
    cannot be written to. Its parameters are `choice`.
    """
    if broadcast.kind is not Kind.SEND:
        return _RECEIVED
    return (_LISTED if broadcast.audience.chat_ids else _EVERYBODY) + _APPLIES


def choice(broadcast: Broadcast) -> dict[str, object]:
    """The parameters of `chosen`."""
    audience = broadcast.audience
    return {
        "broadcast_id": broadcast.broadcast_id,
        "of": broadcast.of,
        "chat_ids": list(audience.chat_ids),
        "languages": [language.value for language in audience.languages] or None,
        "states": list(audience.states) or None,
        "products": list(audience.products) or None,
        "active_since": audience.active_since,
    }
