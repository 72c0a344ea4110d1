"""The dispatcher's book in PostgreSQL: `broadcast.ports.PostBook` on `0010_dispatch.sql`."""

from __future__ import annotations

from collections.abc import Mapping

from actors.broadcast.model import FLOOD_MAX_SECONDS
from actors.broadcast.ports import Page, PostBook, Unreachable
from actors.kernel.ids import ChatId
from adapters.postgres.database import Database, Statement


class PostgresPostBook(PostBook):
    """Reads and writes go through the batching writer, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Page:
        # By the writer: a predecessor that was killed may have a page under way.
        within = {"seconds": FLOOD_MAX_SECONDS}
        _, cut, closings, rows, unreachable, moved, groups, _ = await self._database.write(
            Statement("delete from flood_wait where until <= now()"),
            Statement(_CUT, within),
            Statement("select chat_id, until from flood_wait"),
            Statement("select bulk_closed_until, stars_tenths, quiet_since from dispatcher"),
            Statement("select chat_id, reason, detail from unreachable_chat"),
            Statement("select chat_id, moved_to from moved_chat"),
            Statement("select chat_id, counts_until from group_minute"),
            # Carried out twice it says that somebody was killed, which does no harm.
            Statement(_BEGUN),
        )
        quiet_since = rows[0]["quiet_since"] if rows else None
        return Page(
            quiet_since=quiet_since,
            groups={
                ChatId(one["chat_id"]): tuple(one["counts_until"])
                for one in groups
                if quiet_since is not None
            },
            is_new=not rows,
            cut=cut[0]["cut"],
            closings={ChatId(one["chat_id"]): one["until"] for one in closings},
            bulk_closed_until=rows[0]["bulk_closed_until"] if rows else None,
            unreachable={
                ChatId(one["chat_id"]): Unreachable(reason=one["reason"], detail=one["detail"])
                for one in unreachable
            },
            moved={ChatId(one["chat_id"]): ChatId(one["moved_to"]) for one in moved},
            stars_tenths=rows[0]["stars_tenths"] if rows else 0,
        )

    async def write(self, page: Page) -> None:
        await self._database.write(
            *([_closings(page)] if page.closings else []),
            *(_unreachable(page) if page.unreachable else []),
            *([moved_chats(page.moved)] if page.moved else []),
            *(_groups(page) if page.quiet_since is not None else []),
            Statement(
                # `greatest` passes over nulls.
                """
                insert into dispatcher (bulk_closed_until, stars_tenths, quiet_since)
                values (
                    %(until)s::timestamptz, coalesce(%(stars)s::bigint, 0),
                    %(quiet_since)s::timestamptz
                )
                on conflict (only_row) do update set
                    quiet_since = excluded.quiet_since,
                    bulk_closed_until =
                        greatest(dispatcher.bulk_closed_until, excluded.bulk_closed_until),
                    stars_tenths = coalesce(%(stars)s::bigint, dispatcher.stars_tenths)
                """,
                {
                    "until": page.bulk_closed_until,
                    "stars": page.stars_tenths,
                    "quiet_since": page.quiet_since,
                },
            ),
        )


_CUT = """
with latest as (select now() + %(seconds)s::float8 * interval '1 second' as until),
chats as (
    update flood_wait as f set until = l.until from latest as l where f.until > l.until
    returning 1
),
lane as (
    update dispatcher as d set bulk_closed_until = l.until
    from latest as l where d.bulk_closed_until > l.until
    returning 1
)
select (select count(*) from chats) + (select count(*) from lane) as cut
"""

_BEGUN = """
insert into dispatcher (quiet_since) values (null)
on conflict (only_row) do update set quiet_since = null
"""


def _groups(page: Page) -> list[Statement]:
    return [
        Statement("delete from group_minute"),
        *[
            Statement(
                """
                insert into group_minute (chat_id, counts_until)
                values (%(chat_id)s, %(counts_until)s::timestamptz[])
                """,
                {"chat_id": chat_id, "counts_until": list(ends)},
            )
            for chat_id, ends in page.groups.items()
        ],
    ]


def _closings(page: Page) -> Statement:
    return Statement(
        """
        insert into flood_wait (chat_id, until)
        select * from unnest(%(chat_ids)s::bigint[], %(untils)s::timestamptz[])
        on conflict (chat_id) do update set until = greatest(flood_wait.until, excluded.until)
        """,
        {"chat_ids": list(page.closings), "untils": list(page.closings.values())},
    )


def _unreachable(page: Page) -> list[Statement]:
    marked = {chat_id: why for chat_id, why in page.unreachable.items() if why is not None}
    return [
        Statement(
            "delete from unreachable_chat where chat_id = any(%(chat_ids)s::bigint[])",
            {"chat_ids": [chat_id for chat_id in page.unreachable if chat_id not in marked]},
        ),
        Statement(
            """
            insert into unreachable_chat (chat_id, reason, detail)
            select * from unnest(%(chat_ids)s::bigint[], %(reasons)s::text[], %(details)s::text[])
            on conflict (chat_id) do update
            set reason = excluded.reason, detail = excluded.detail, since = now()
            where unreachable_chat.reason <> excluded.reason
            """,
            {
                "chat_ids": list(marked),
                "reasons": [why.reason for why in marked.values()],
                "details": [why.detail for why in marked.values()],
            },
        ),
    ]


def moved_chats(moved: Mapping[ChatId, ChatId]) -> Statement:
    """These groups became other ones."""
    return Statement(
        """
        insert into moved_chat (chat_id, moved_to)
        select * from unnest(%(chat_ids)s::bigint[], %(moved_to)s::bigint[])
        on conflict (chat_id) do update set moved_to = excluded.moved_to
        """,
        {"chat_ids": list(moved), "moved_to": list(moved.values())},
    )
