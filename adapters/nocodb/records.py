"""Registrations as rows of a NocoDB table, one row per chat.

Implements `actors.sessions.ports.Records`. NocoDB knows no idempotency key and no unique
column, so every attempt looks for the chat's row first: an attempt whose answer got lost is
found, not repeated. Only one that arrives after the next attempt has looked leaves a second row;
it names the same chat, and the tracker takes a tick on either for the chat's payment, for as long
as the table tells its changes (`PaidRecords.changed`).
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.kernel.failures import Unavailable
from actors.kernel.ids import ChatId, RecordId
from actors.sessions.model import Registration
from actors.sessions.ports import Records
from adapters.nocodb.client import NocoClient, Refusal, Reply
from adapters.nocodb.paid_records import chat_id_from

ID = "Id"
NOT_FOUND = 404
UNFIT = frozenset({400, 422})
"""A filter that does not fit the type of its column."""
ROWS_PER_CHAT_MAX = 100
"""Rows looked at for one chat: one, unless somebody copied rows by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The titles of the table's columns."""

    name: str = "Name"
    contact: str = "Contact"
    chat_id: str = "ChatId"
    language: str = "Language"
    paid: str = "Paid"


class NocoRecords(Records):
    """The table that operators look at; they tick `Paid`, this writes everything else."""

    def __init__(self, *, client: NocoClient, columns: Columns | None = None) -> None:
        self._client, self._columns = client, columns or Columns()

    async def create(self, registration: Registration) -> RecordId:
        row = self._row(registration)
        record_id = await self.find(registration.chat_id)
        if record_id is not None:
            answer = await self._client.patch({ID: record_id} | row)
            if isinstance(answer, Reply):
                return record_id
            if answer.status != NOT_FOUND:  # else deleted a moment ago: it is missing now
                raise self._refused(answer)
        answer = await self._client.post(row)
        if isinstance(answer, Refusal):
            raise self._refused(answer)
        created = _id_of(answer.body)
        if created is None:
            raise self._client.unreadable("a new record without its Id")
        return created

    async def missing_columns(self) -> tuple[str, ...]:
        """Titles of ours that the table does not have; to be looked at before the first user.

        NocoDB ignores unknown columns in what is written without a word, so a misspelt title
        would show only as empty cells. Raises `Unavailable` with the reason when the table
        cannot be read at all.
        """
        columns = self._columns
        wanted = [columns.name, columns.contact, columns.chat_id, columns.language, columns.paid]
        missing: list[str] = []
        while wanted:
            answer = await self._client.get({"fields": ",".join([ID, *wanted]), "limit": 1})
            if isinstance(answer, Reply):
                rows = self._rows(answer)
                missing += [title for title in wanted if rows and title not in rows[0]]
                break
            absent = answer.missing_columns(wanted)
            if not absent:
                raise self._refused(answer)
            missing += absent
            wanted = [title for title in wanted if title not in absent]
        return tuple(missing)

    async def find(self, chat_id: ChatId) -> RecordId | None:
        """As the port says.

        However the cell spells the chat: a number that was written into a text column of sqlite
        is "5000000001.0" there. PostgreSQL takes no such spelling for its numbers, so that there
        the plain one is asked for alone (measured on NocoDB 0.262 and 0.301).
        """
        answer = await self._ask(f"in,{chat_id},{chat_id}.0")
        if isinstance(answer, Refusal) and answer.status in UNFIT:
            answer = await self._ask(f"eq,{chat_id}")
        if isinstance(answer, Refusal):
            raise self._refused(answer)
        # Compared here once more: a server that does not understand the filter must not make us
        # overwrite somebody else's row.
        found = [
            record_id
            for row in self._rows(answer)
            if chat_id_from(row.get(self._columns.chat_id)) == chat_id
            and (record_id := _id_of(row)) is not None
        ]
        return min(found, default=None)

    async def _ask(self, chats: str) -> Reply | Refusal:
        """The rows whose chat is one of `chats`, a comparison in NocoDB's filter language."""
        title = self._columns.chat_id
        return await self._client.get(
            {
                "where": f"({title},{chats})",
                "fields": f"{ID},{title}",
                "sort": ID,
                "limit": ROWS_PER_CHAT_MAX,
            }
        )

    def _row(self, registration: Registration) -> dict[str, object]:
        columns = self._columns
        return {
            columns.name: registration.name,
            columns.contact: registration.contact,
            # As a text: a number would arrive in a text column of sqlite as "5000000001.0".
            columns.chat_id: str(registration.chat_id),
            columns.language: registration.language.value,
        }

    def _rows(self, reply: Reply) -> list[dict[str, object]]:
        listed = reply.body.get("list") if isinstance(reply.body, dict) else None
        if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
            raise self._client.unreadable("no list of rows")
        return listed

    def _refused(self, refusal: Refusal) -> Unavailable:
        """For a session every refusal means "later": a person has to act, and he can wait."""
        return Unavailable(
            self._client.said(refusal),
            retry_after_seconds=refusal.retry_after_seconds or None,
        )


def _id_of(body: object) -> RecordId | None:
    """`{"Id": 6}`, or the same in a list of one."""
    match body:
        case {"Id": int(record_id)} | [{"Id": int(record_id)}]:
            return RecordId(record_id) if type(record_id) is int and record_id > 0 else None
        case _:
            return None
