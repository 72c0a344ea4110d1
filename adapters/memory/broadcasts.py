"""Broadcasts in memory: for simulation, and tests in virtual time."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from actors.broadcast.ports import Outbox
from actors.broadcasts.model import (
    Action,
    Broadcast,
    Content,
    Counts,
    Kind,
    Outcome,
    Reach,
    Recipient,
    Settled,
    State,
    settles,
)
from actors.broadcasts.ports import MOVED, NOT_SENT, Broadcasts, edition_of, recipient_of
from actors.broadcasts.template import Person
from actors.kernel.failures import Conflict
from actors.kernel.ids import BroadcastId, ChatId, LetterId, MessageId, UpdateId
from adapters.memory.database import MemoryConnection, MemoryDatabase
from adapters.memory.preparing import chosen, is_open
from adapters.memory.tables import BroadcastRow, Tables, check_texts


@dataclass(frozen=True, slots=True)
class _Turn:
    person: Person
    message_id: MessageId | None


class MemoryBroadcasts(Broadcasts, Outbox):
    """Without a `connection` it has a database of its own."""

    def __init__(self, connection: MemoryConnection | None = None) -> None:
        self.connection = connection or MemoryDatabase().connect()

    async def create(
        self,
        broadcast: Broadcast,
        *,
        creation_id: UUID,
        action: Action,
        handled: UpdateId | None = None,
    ) -> Broadcast:
        def create(tables: Tables) -> Broadcast:
            check_texts((broadcast.content.text, broadcast.trouble, action.who, action.why))
            known = tables.broadcast_creations.get(creation_id)
            if known is None:
                known = BroadcastId(len(tables.broadcasts) + 1)
                kept = replace(broadcast, broadcast_id=known, version=1, counts=Counts())
                tables.broadcasts[known] = BroadcastRow(kept, creation_id, actions=[action])
                tables.broadcast_creations[creation_id] = known
            if handled is not None:
                tables.mark_handled(handled, tables.now())
            return tables.broadcasts[known].broadcast

        return await self.connection.write(create)

    async def find(self, broadcast_id: BroadcastId) -> Broadcast | None:
        def find(tables: Tables) -> Broadcast | None:
            row = tables.broadcasts.get(broadcast_id)
            return None if row is None else row.broadcast

        return await self.connection.write(find)

    async def actions(self, broadcast_id: BroadcastId) -> tuple[Action, ...]:
        def actions(tables: Tables) -> tuple[Action, ...]:
            row = tables.broadcasts.get(broadcast_id)
            return () if row is None else tuple(row.actions)

        return await self.connection.read(actions)

    async def listing(
        self, *, states: Collection[State], limit: int, before: BroadcastId | None = None
    ) -> tuple[Broadcast, ...]:
        def listing(tables: Tables) -> tuple[Broadcast, ...]:
            found = (
                row.broadcast
                for broadcast_id, row in reversed(tables.broadcasts.items())
                if (before is None or broadcast_id < before)
                and (not states or row.broadcast.state in states)
            )
            return tuple(broadcast for broadcast, _ in zip(found, range(limit), strict=False))

        return await self.connection.read(listing)

    async def save(
        self,
        broadcast: Broadcast,
        *,
        action: Action | None = None,
        handled: UpdateId | None = None,
    ) -> None:
        me = object()

        def save(tables: Tables) -> None:
            row = _row_before(tables, broadcast, me)
            if row is None:
                return  # carried out a second time
            check_texts((broadcast.content.text, broadcast.trouble))
            _keep(row, broadcast, me)
            if action is not None:
                row.actions.append(action)
            if handled is not None:
                tables.mark_handled(handled, tables.now())

        await self.connection.write(save)

    async def start(self, broadcast: Broadcast) -> None:
        me = object()

        def start(tables: Tables) -> None:
            row = _row_before(tables, broadcast, me)
            if row is None:
                return
            _keep(row, broadcast, me)
            if broadcast.kind is Kind.EDIT and broadcast.of is not None:
                _hand_over(tables.broadcasts[broadcast.of], broadcast.content, me)

        await self.connection.write(start)

    async def prepare(self, broadcast: Broadcast) -> None:
        def prepare(tables: Tables) -> None:
            row = tables.broadcasts[broadcast.broadcast_id]
            if not row.broadcast.preparing:
                return
            if broadcast.again:
                for recipient in list(row.recipients.values()):
                    if recipient.outcome in broadcast.again:
                        _move(row, replace(recipient, detail=""), Outcome.PENDING)
                return
            meant = dict(chosen(tables, broadcast))
            reachable = {c: m for c, m in meant.items() if is_open(tables, c)}
            row.chat_ids = sorted(reachable)
            row.recipients = {
                chat_id: Recipient(
                    chat_id=chat_id, outcome=Outcome.PENDING, message_id=reachable[chat_id]
                )
                for chat_id in row.chat_ids
            }
            counts = Counts(total=len(reachable), left_out=len(meant) - len(reachable))
            row.broadcast = replace(row.broadcast, counts=counts)

        await self.connection.write(prepare)

    async def reach(self, broadcast: Broadcast) -> Reach:
        def reach(tables: Tables) -> Reach:
            meant = [is_open(tables, chat_id) for chat_id, _ in chosen(tables, broadcast)]
            return Reach(reachable=sum(meant), left_out=len(meant) - sum(meant))

        return await self.connection.read(reach)

    async def page(
        self, broadcast_id: BroadcastId, *, after: ChatId | None, limit: int
    ) -> Sequence[_Turn]:
        def page(tables: Tables) -> Sequence[_Turn]:
            found = _recipients(tables, broadcast_id, after=after)
            pending = (each for each in found if each.outcome is Outcome.PENDING)
            return [
                _Turn(_person(tables, each.chat_id), each.message_id)
                for each, _ in zip(pending, range(limit), strict=False)
            ]

        return await self.connection.read(page)

    async def recipients(
        self,
        broadcast_id: BroadcastId,
        *,
        outcomes: Collection[Outcome],
        limit: int,
        after: ChatId | None = None,
    ) -> tuple[Recipient, ...]:
        def recipients(tables: Tables) -> tuple[Recipient, ...]:
            found = _recipients(tables, broadcast_id, after=after)
            listed = (each for each in found if not outcomes or each.outcome in outcomes)
            return tuple(each for each, _ in zip(listed, range(limit), strict=False))

        return await self.connection.read(recipients)

    async def person(self, chat_id: ChatId) -> Person:
        return await self.connection.read(lambda tables: _person(tables, chat_id))

    async def settle(self, settled: Sequence[Settled]) -> None:
        def settle(tables: Tables) -> None:
            check_texts(each.detail for each in settled)
            for each in settled:
                row = tables.broadcasts.get(each.broadcast_id)
                known = None if row is None else row.recipients.get(each.chat_id)
                if row is None or known is None:
                    continue
                blind = each.outcome is Outcome.PENDING and not row.broadcast.idempotent
                if settles(known.outcome, each.outcome) and not blind:
                    message_id = each.message_id or known.message_id
                    after = replace(known, message_id=message_id, detail=each.detail)
                    _move(row, after, each.outcome)
                    if (known.outcome, each.outcome) == (Outcome.UNKNOWN, Outcome.SENT):
                        _follow(tables, after, row.broadcast.broadcast_id)

        await self.connection.write(settle)

    async def recover(self) -> int:
        def recover(tables: Tables) -> int:
            unknown = 0
            for row in tables.broadcasts.values():
                row.stopped = False
                for recipient in _sending(row):
                    harmless = row.broadcast.idempotent
                    unknown += not harmless
                    _move(row, recipient, Outcome.PENDING if harmless else Outcome.UNKNOWN)
            return unknown

        return await self.connection.write(recover)

    async def hold(self) -> None:
        def hold(tables: Tables) -> None:
            for row in tables.broadcasts.values():
                row.stopped = True

        await self.connection.write(hold)

    async def under_way(self, broadcast_id: BroadcastId | None = None) -> int:
        return await self.connection.write(
            lambda tables: sum(
                len(_sending(row))
                for each, row in tables.broadcasts.items()
                if broadcast_id is None or each == broadcast_id
            )
        )

    async def finish(self, update_id: UpdateId) -> None:
        await self.connection.write(lambda tables: tables.mark_handled(update_id, tables.now()))

    async def starting(self, letter_id: LetterId) -> bool:
        def starting(tables: Tables) -> bool:
            named = recipient_of(letter_id)
            row = None if named is None else tables.broadcasts.get(named[0])
            if named is None or row is None or row.stopped:
                return False
            kept = row.broadcast
            if kept.state is not State.RUNNING or not kept.prepared:
                return False
            if kept.edition != edition_of(letter_id):
                return False
            recipient = row.recipients.get(named[1])
            if recipient is None or recipient.outcome is not Outcome.PENDING:
                return recipient is not None and recipient.outcome is Outcome.SENDING
            if tables.moved_chats.get(named[1]) in row.recipients:
                _move(row, replace(recipient, detail=MOVED), Outcome.BLOCKED)
                return False
            _move(row, recipient, Outcome.SENDING)
            return True

        return await self.connection.write(starting)

    async def postponed(self, letter_id: LetterId, *, became: ChatId | None = None) -> None:
        def postponed(tables: Tables) -> None:
            named = recipient_of(letter_id)
            if named is not None and became is not None:
                tables.moved_chats[named[1]] = became
            row = None if named is None else tables.broadcasts.get(named[0])
            known = None if named is None or row is None else row.recipients.get(named[1])
            if row is None or known is None:
                return
            if known.outcome is Outcome.UNKNOWN and row.broadcast.state is State.FINISHED:
                _move(row, replace(known, detail=NOT_SENT), Outcome.FAILED)
            elif known.outcome in {Outcome.SENDING, Outcome.UNKNOWN}:
                _move(row, replace(known, detail=""), Outcome.PENDING)

        await self.connection.write(postponed)


def _row_before(tables: Tables, broadcast: Broadcast, saved_by: object) -> BroadcastRow | None:
    """The row as this save found it; None when it was carried out before. Raises `Conflict`."""
    row = tables.broadcasts.get(broadcast.broadcast_id)
    if row is not None and row.saved_by is saved_by:
        return None
    if row is None or row.broadcast.version != broadcast.version - 1:
        raise Conflict("the broadcast has changed meanwhile")
    return row


def _keep(row: BroadcastRow, broadcast: Broadcast, saved_by: object) -> None:
    kept = row.broadcast
    row.broadcast = replace(broadcast, counts=kept.counts, edition=kept.edition)
    row.saved_by = saved_by


def _hand_over(row: BroadcastRow, content: Content, saved_by: object) -> None:
    """What a change says is what the broadcast says that it changes."""
    kept = row.broadcast
    row.broadcast = replace(
        kept, content=content, edition=kept.edition + 1, version=kept.version + 1
    )
    row.saved_by = saved_by


def _move(row: BroadcastRow, recipient: Recipient, outcome: Outcome) -> None:
    """The recipient as it is now gets another outcome, which is counted."""
    was = row.recipients[recipient.chat_id].outcome
    row.recipients[recipient.chat_id] = replace(recipient, outcome=outcome)
    counts = row.broadcast.counts
    changes = Counter({outcome.value: 1})
    changes[was.value] -= 1
    counted = {name: getattr(counts, name) + n for name, n in changes.items() if name in _COUNTED}
    row.broadcast = replace(row.broadcast, counts=replace(counts, **counted))


def _follow(tables: Tables, recipient: Recipient, of: BroadcastId) -> None:
    """Who got it after all is pending in what changes it, or takes it back, without him."""
    following = [row for row in tables.broadcasts.values() if row.broadcast.of == of]
    going = [row for row in following if row.broadcast.started_at and row.broadcast.state in _GOING]
    row = going[-1] if going else None
    if row is None or recipient.chat_id in row.recipients:
        return
    chat_id = recipient.chat_id
    row.recipients[chat_id] = replace(recipient, outcome=Outcome.PENDING)
    insort(row.chat_ids, chat_id)
    kept = row.broadcast
    counts = replace(kept.counts, total=kept.counts.total + 1)
    row.broadcast = replace(kept, counts=counts)
    if kept.state is State.FINISHED:
        version = kept.version + 1
        again = replace(row.broadcast, state=State.RUNNING, ended_at=None, version=version)
        _keep(row, again, object())


_GOING = frozenset({State.RUNNING, State.PAUSED, State.FINISHED})
"""What has begun, and is for everybody who got what it changes; a cancelled one for nobody."""
_COUNTED = ("sent", "blocked", "failed", "unknown")


def _sending(row: BroadcastRow) -> list[Recipient]:
    return [each for each in row.recipients.values() if each.outcome is Outcome.SENDING]


def _recipients(
    tables: Tables, broadcast_id: BroadcastId, *, after: ChatId | None
) -> Iterator[Recipient]:
    row = tables.broadcasts.get(broadcast_id)
    if row is None:
        return iter(())
    first = 0 if after is None else bisect_right(row.chat_ids, after)
    return (row.recipients[row.chat_ids[n]] for n in range(first, len(row.chat_ids)))


def _person(tables: Tables, chat_id: ChatId) -> Person:
    session = tables.sessions.get(chat_id)
    if session is None:
        return Person(chat_id=chat_id)
    return Person(
        chat_id=chat_id,
        first_name=session.first_name,
        name=session.name,
        language=session.language,
    )
