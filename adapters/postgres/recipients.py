"""Recipients of broadcasts in PostgreSQL, on `0011_broadcasts.sql`.

They are moved by statements that name the outcome they move from, and count what they moved in the
same statement: carried out twice, the second time they find nothing to move.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from actors.broadcast.ports import Outbox
from actors.broadcasts.model import (
    Broadcast,
    Outcome,
    Reach,
    Recipient,
    Settled,
    settles,
)
from actors.broadcasts.ports import MOVED, NOT_SENT, edition_of, recipient_of
from actors.broadcasts.template import Person
from actors.kernel.ids import BroadcastId, ChatId, LetterId, MessageId
from actors.kernel.language import Language
from adapters.postgres.database import Statement
from adapters.postgres.dispatch import moved_chats
from adapters.postgres.preparing import PostgresPreparation, choice, chosen


@dataclass(frozen=True, slots=True)
class _Turn:
    person: Person
    message_id: MessageId | None


class PostgresRecipients(PostgresPreparation, Outbox):
    """The half of `broadcasts.ports.Broadcasts` that is about recipients."""

    async def reach(self, broadcast: Broadcast) -> Reach:
        (row,) = await self._database.read(chosen(broadcast) + _REACH, choice(broadcast))
        return Reach(**row)

    async def page(
        self, broadcast_id: BroadcastId, *, after: ChatId | None, limit: int
    ) -> Sequence[_Turn]:
        told = {"broadcast_id": broadcast_id, "after": after, "limit": limit}
        rows = await self._database.read(_PAGE, told)
        return [_Turn(_person(row), row["message_id"]) for row in rows]

    async def recipients(
        self,
        broadcast_id: BroadcastId,
        *,
        outcomes: Collection[Outcome],
        limit: int,
        after: ChatId | None = None,
    ) -> tuple[Recipient, ...]:
        rows = await self._database.read(
            """
            select chat_id, outcome, message_id, detail from broadcast_recipient
            where broadcast_id = %(broadcast_id)s
                and (%(any)s or outcome = any(%(outcomes)s::text[]))
                and (%(after)s::bigint is null or chat_id > %(after)s)
            order by chat_id limit %(limit)s
            """,
            {
                "broadcast_id": broadcast_id,
                "any": not outcomes,
                "outcomes": [outcome.value for outcome in outcomes],
                "after": after,
                "limit": limit,
            },
        )
        return tuple(Recipient(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows)

    async def person(self, chat_id: ChatId) -> Person:
        rows = await self._database.read(
            """
            select chat_id, first_name, name, language from user_session
            where chat_id = %(chat_id)s
            """,
            {"chat_id": chat_id},
        )
        return _person(rows[0]) if rows else Person(chat_id=chat_id)

    async def settle(self, settled: Sequence[Settled]) -> None:
        # One statement moves a row once: of several news of one recipient what they come to.
        latest: dict[tuple[BroadcastId, ChatId], Settled] = {}
        for each in settled:
            key = each.broadcast_id, each.chat_id
            if key not in latest or settles(latest[key].outcome, each.outcome):
                latest[key] = each
        news = list(latest.values())
        await self._database.write(
            Statement(
                _SETTLE,
                {
                    "broadcast_ids": [each.broadcast_id for each in news],
                    "chat_ids": [each.chat_id for each in news],
                    "outcomes": [each.outcome.value for each in news],
                    "message_ids": [each.message_id for each in news],
                    "details": [each.detail for each in news],
                },
            )
        )

    async def recover(self) -> int:
        statements = (
            Statement("update broadcast set stopped = false where stopped"),
            Statement(_RECOVER),
        )
        _, rows = await self._database.write(*statements)
        return int(rows[0]["unknown"])

    async def hold(self) -> None:
        await self._database.write(
            Statement("update broadcast set stopped = true where state = 'running'")
        )

    async def under_way(self, broadcast_id: BroadcastId | None = None) -> int:
        count = Statement(
            """
            select count(*) as sending from broadcast_recipient
            where outcome = 'sending'
                and (%(broadcast_id)s::bigint is null or broadcast_id = %(broadcast_id)s)
            """,
            {"broadcast_id": broadcast_id},
        )
        ((row,),) = await self._database.write(count)
        return int(row["sending"])

    async def starting(self, letter_id: LetterId) -> bool:
        named = recipient_of(letter_id)
        if named is None:
            return False
        told = {
            "broadcast_id": named[0],
            "chat_id": named[1],
            "edition": edition_of(letter_id),
            "moved": MOVED,
        }
        ((row,),) = await self._database.write(Statement(_STARTING, told))
        return bool(row["begins"])

    async def postponed(self, letter_id: LetterId, *, became: ChatId | None = None) -> None:
        named = recipient_of(letter_id)
        if named is not None:
            told = {"broadcast_id": named[0], "chat_id": named[1], "why": NOT_SENT}
            moved = [] if became is None else [moved_chats({named[1]: became})]
            await self._database.write(*moved, Statement(_POSTPONED, told))


# Recipients first: a join of all of them would read everybody before `after` once for each page.
_PAGE: LiteralString = """
select r.chat_id, r.message_id, s.first_name, s.name, s.language
from (
    select chat_id, message_id from broadcast_recipient
    where broadcast_id = %(broadcast_id)s and outcome = 'pending'
        and (%(after)s::bigint is null or chat_id > %(after)s)
    order by chat_id limit %(limit)s
) as r left join user_session as s using (chat_id)
order by r.chat_id
"""

_REACH: LiteralString = """
select count(*) filter (where not closed) as reachable, count(*) filter (where closed) as left_out
from chosen
"""

_SETTLE = """
with told as (
    select * from unnest(
        %(broadcast_ids)s::bigint[], %(chat_ids)s::bigint[], %(outcomes)s::text[],
        %(message_ids)s::bigint[], %(details)s::text[]
    ) as t (broadcast_id, chat_id, outcome, message_id, detail)
),
moved as (
    update broadcast_recipient as r set
        outcome = t.outcome, message_id = coalesce(t.message_id, r.message_id), detail = t.detail
    from (
        select told.*, was.outcome as was, b.repeat or b.kind <> 'send' as harmless
        from told join broadcast_recipient as was using (broadcast_id, chat_id)
            join broadcast as b using (broadcast_id)
    ) as t
    where r.broadcast_id = t.broadcast_id and r.chat_id = t.chat_id and case
        when t.outcome = 'pending' then t.was = 'sending' and t.harmless
        when t.was = 'unknown' then t.outcome <> 'unknown'
        else t.was in ('pending', 'sending')
    end
    returning r.broadcast_id, r.chat_id, r.message_id, t.was, t.outcome
),
followed as (
    insert into broadcast_recipient (broadcast_id, chat_id, message_id)
    select follows.broadcast_id, m.chat_id, m.message_id
    from moved as m, lateral (
        select broadcast_id from broadcast
        where of = m.broadcast_id and started_at is not null
            and state in ('running', 'paused', 'finished')
        order by broadcast_id desc limit 1
    ) as follows
    where m.was = 'unknown' and m.outcome = 'sent'
    on conflict (broadcast_id, chat_id) do nothing
    returning broadcast_id
),
changed as (
    select broadcast_id,
        count(*) filter (where outcome = 'sent') as sent,
        count(*) filter (where outcome = 'blocked') as blocked,
        count(*) filter (where outcome = 'failed') as failed,
        count(*) filter (where outcome = 'unknown') - count(*) filter (where was = 'unknown')
            as unknown,
        count(*) filter (where outcome = 'followed') as more
    from (
        select broadcast_id, was, outcome from moved
        union all
        select broadcast_id, '', 'followed' from followed
    ) as news
    group by broadcast_id
),
reopened as (
    select b.broadcast_id, gen_random_uuid() as saved_by
    from broadcast as b join changed as c using (broadcast_id)
    where c.more > 0 and b.state = 'finished'
)
update broadcast as b set
    sent = b.sent + c.sent, blocked = b.blocked + c.blocked, failed = b.failed + c.failed,
    unknown = b.unknown + c.unknown, total = b.total + c.more,
    state = case when o.saved_by is null then b.state else 'running' end,
    ended_at = case when o.saved_by is null then b.ended_at end,
    version = b.version + case when o.saved_by is null then 0 else 1 end,
    saved_by = coalesce(o.saved_by, b.saved_by)
from changed as c left join reopened as o using (broadcast_id)
where b.broadcast_id = c.broadcast_id
"""

_RECOVER = """
with moved as (
    update broadcast_recipient as r
    set outcome = case when b.repeat or b.kind <> 'send' then 'pending' else 'unknown' end
    from broadcast as b
    where r.broadcast_id = b.broadcast_id and r.outcome = 'sending'
    returning r.broadcast_id, r.outcome
),
changed as (
    select broadcast_id, count(*) as unknown from moved where outcome = 'unknown'
    group by broadcast_id
),
counted as (
    update broadcast as b set unknown = b.unknown + c.unknown
    from changed as c where b.broadcast_id = c.broadcast_id
)
select count(*) filter (where outcome = 'unknown') as unknown from moved
"""

_STARTING = """
with begun as (
    update broadcast_recipient as r set
        outcome = case when t.twice then 'blocked' else 'sending' end,
        detail = case when t.twice then %(moved)s else r.detail end
    from (
        select broadcast_id, exists (
            select from moved_chat as m join broadcast_recipient as o
                on o.broadcast_id = %(broadcast_id)s and o.chat_id = m.moved_to
            where m.chat_id = %(chat_id)s
        ) as twice
        from broadcast
        where broadcast_id = %(broadcast_id)s and state = 'running' and not stopped
            and prepared and edition = %(edition)s
    ) as t
    where r.broadcast_id = t.broadcast_id and r.chat_id = %(chat_id)s and r.outcome = 'pending'
    returning t.twice
),
counted as (
    update broadcast set blocked = blocked + 1
    where broadcast_id = %(broadcast_id)s and exists (select from begun where twice)
)
select exists (select from begun where not twice) or exists (
    select from broadcast_recipient as r join broadcast as b using (broadcast_id)
    where r.broadcast_id = %(broadcast_id)s and r.chat_id = %(chat_id)s
        and r.outcome = 'sending' and b.state = 'running' and not b.stopped
        and b.prepared and b.edition = %(edition)s
) as begins
"""

_POSTPONED = """
with moved as (
    update broadcast_recipient as r set
        outcome = t.becomes, detail = case when t.becomes = 'failed' then %(why)s else '' end
    from (
        select w.outcome as was, case
            when w.outcome = 'unknown' and b.state = 'finished' then 'failed' else 'pending'
        end as becomes
        from broadcast_recipient as w join broadcast as b using (broadcast_id)
        where w.broadcast_id = %(broadcast_id)s and w.chat_id = %(chat_id)s
            and w.outcome in ('sending', 'unknown')
    ) as t
    where r.broadcast_id = %(broadcast_id)s and r.chat_id = %(chat_id)s
    returning t.was, t.becomes
)
update broadcast set
    unknown = unknown - 1,
    failed = failed + (select count(*) from moved where becomes = 'failed')
where broadcast_id = %(broadcast_id)s and exists (select from moved where was = 'unknown')
"""


def _person(row: Mapping[str, Any]) -> Person:
    language = row["language"]
    return Person(
        chat_id=ChatId(row["chat_id"]),
        first_name=row["first_name"],
        name=row["name"],
        language=None if language is None else Language(language),
    )
