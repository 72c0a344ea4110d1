"""What a bot does wrong is seen at the moment when it does it, and nothing else is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
import trio

from actors.gateway.model import Entry
from actors.kernel.ids import ChatId, RecordId, UpdateId
from actors.kernel.language import Language
from actors.sessions import texts
from actors.sessions.model import Note, Session, State
from actors.sessions.views import view_of
from adapters.memory.tables import UpdateRow
from adapters.sandbox.server import Request
from adapters.sandbox.telegram_limits import CHAT_BURST
from config.scenarios.witness import (
    Pauses,
    WitnessedNocodb,
    WitnessedTables,
    WitnessedTelegram,
)

TOKEN = "123456789:SimulatedSimulatedSimulatedSimulat"
CHAT = 7
QUESTION = "(Paid,checked)"


def _now() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=trio.current_time())


class World:
    """A Telegram with one person, and what is stored of him."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        self.paid: set[int] = set()
        self.tables = WitnessedTables(now=_now)
        self.telegram = WitnessedTelegram(
            token=TOKEN,
            now=_now,
            tables=self.tables,
            has_paid=self.paid.__contains__,
            wrong=self.wrongs.append,
        )
        self.person = self.telegram.user(CHAT)
        self.person.commands("/start")

    def store(self, state: State) -> str:
        """Store him in this state; what he may be shown from now on."""
        session = Session(
            chat_id=ChatId(CHAT), state=state, record_id=RecordId(1), language=Language.EN
        )
        self.tables.put_session(session)
        return view_of(session).text

    async def call(self, method: str, **parameters: object) -> Mapping[str, object]:
        """What Telegram answers to the bot."""
        response = await self.telegram(
            Request(
                method="POST",
                path=f"/bot{TOKEN}/{method}",
                headers={"content-type": "application/json"},
                body=msgspec.json.encode(parameters),
            )
        )
        assert response is not None
        return msgspec.json.decode(response.body, type=dict[str, object])

    async def shows(self, text: str) -> Mapping[str, object]:
        """The bot sends this."""
        return await self.call("sendMessage", chat_id=CHAT, text=text, parse_mode="HTML")


async def test_a_stored_view_may_be_shown() -> None:
    world = World()

    await world.shows(world.store(State.AWAITING_PAYMENT))

    assert world.wrongs == []
    assert world.telegram.told == {}


async def test_a_view_that_is_not_stored_is_seen() -> None:
    world = World()
    world.store(State.AWAITING_PAYMENT)

    await world.shows("something else")

    assert world.wrongs == ["chat 7 is shown what was never stored: 'something else'"]


async def test_a_page_for_everybody_need_not_be_stored() -> None:
    world = World()
    world.telegram.pages = frozenset({"what is on sale"})

    await world.shows("what is on sale")

    assert world.wrongs == []


async def test_success_without_a_payment_is_seen_and_with_one_it_is_counted() -> None:
    world = World()
    success = world.store(State.SUCCESS)

    await world.shows(success)
    assert len(world.wrongs) == 1
    assert "has not paid" in world.wrongs[0]

    world.paid.add(CHAT)
    await world.shows(success)
    assert len(world.wrongs) == 1
    assert len(world.telegram.told[CHAT]) == 2


async def test_who_sends_more_than_telegram_allows_is_seen() -> None:
    world = World()
    view = world.store(State.AWAITING_PAYMENT)

    for _ in range(CHAT_BURST):
        await world.shows(view)
    assert world.wrongs == []
    await world.shows(view)
    assert world.wrongs == [f"Telegram got more than it allows, chat {CHAT} the last of it"]


async def test_a_reproach_is_seen() -> None:
    world = World()

    await world.shows(texts.note(Note.PHONE_BAD, Language.EN))

    assert any("did as it was told" in wrong for wrong in world.wrongs)


@pytest.mark.parametrize("stored", [True, False])
async def test_an_update_has_to_be_stored_before_it_is_confirmed(stored: bool) -> None:
    world = World()
    (update,) = world.telegram.world.updates.waiting(10)
    update_id = UpdateId(update["update_id"])
    if stored:
        row = UpdateRow(
            entry=Entry(update_id, "{}"),
            received_at=_now(),
            batch_id=UUID(int=1),
            handled_at=None,
            parked_reason=None,
        )
        world.tables.put_update(row)

    await world.call("getUpdates", offset=update_id + 1)

    assert (world.wrongs == []) is stored


async def test_only_the_strict_see_that_nobody_waits_after_a_429() -> None:
    world = World()
    view = world.store(State.AWAITING_PAYMENT)
    for strict in (False, True):
        world.telegram.strict = strict
        world.telegram.fail_next(1, 429, "Too Many Requests", retry_after=10)
        await world.shows(view)
        await trio.sleep(9)
        await world.shows(view)
        assert bool(world.wrongs) is strict


async def test_only_the_strict_see_that_what_is_gone_is_erased_again_and_again() -> None:
    world = World()
    view = world.store(State.AWAITING_PAYMENT)
    await world.shows(view)
    (message_id,) = [message.message_id for message in world.person.screen().shown]
    for strict in (False, False, False, True, True):
        world.telegram.strict = strict
        assert world.wrongs == []
        await world.call("deleteMessage", chat_id=CHAT, message_id=message_id)

    assert world.wrongs == [f"chat {CHAT}: message {message_id} is erased again and again"]


async def test_a_closed_chat_is_left_alone_and_nobody_else() -> None:
    pauses = Pauses()
    pauses.begin(1)
    pauses.end(1, began=0.0, retry_after=100.0)

    await trio.sleep(29)
    for number in (2, 3):
        assert pauses.begin(number) == ""
    pauses.end(2, began=29.0, retry_after=None)
    assert "71.000 s too early" in pauses.begin(1)
    pauses.end(1, began=29.0, retry_after=None)

    pauses.begin(4)
    pauses.end(4, began=29.0, retry_after=5.0)
    await trio.sleep(1)
    assert pauses.begin(2) == "", "something got through between the two"


async def test_when_a_second_chat_is_closed_the_others_are_left_alone_for_half_a_minute() -> None:
    pauses = Pauses()

    for number in (5, 1):
        assert pauses.begin(number) == ""
        pauses.end(number, began=0.0, retry_after=100.0)
    assert pauses.begin(2) == ""  # it was under way
    pauses.end(2, began=0.0, retry_after=None)

    await trio.sleep(29)
    assert "1.000 s too early" in pauses.begin(2)
    pauses.end(2, began=29.0, retry_after=None)
    await trio.sleep(2)
    assert pauses.begin(2) == ""
    assert "71.0" not in pauses.begin(3)
    pauses.end(3, began=31.0, retry_after=None)
    assert "69.000 s too early" in pauses.begin(1)


async def test_what_got_through_just_after_a_second_429_may_have_been_heard_before_it() -> None:
    pauses = Pauses()
    pauses.end(1, began=0.0, retry_after=100.0)
    await trio.sleep(0.02)
    pauses.end(2, began=0.01, retry_after=100.0)
    pauses.end(3, began=0.01, retry_after=None)

    await trio.sleep(1)
    assert pauses.begin(4) == ""


@pytest.mark.parametrize(("began", "seconds"), [(0.0, 0.02), (0.01, 0.1)])
async def test_what_left_before_the_first_429_or_was_answered_late_was_not_in_between(
    began: float, seconds: float
) -> None:
    pauses = Pauses()
    pauses.end(1, began=0.0, retry_after=100.0)
    await trio.sleep(0.02)
    pauses.end(2, began=0.01, retry_after=100.0)
    await trio.sleep(seconds)
    pauses.end(3, began=began, retry_after=None)

    await trio.sleep(1)
    assert "Telegram was written to" in pauses.begin(4)


async def test_after_a_429_one_request_goes_alone_until_one_was_answered() -> None:
    pauses = Pauses()
    for number in (5, 1):
        pauses.begin(number)
        pauses.end(number, began=0.0, retry_after=1.0)

    await trio.sleep(2)
    assert pauses.begin(2) == ""
    assert "2 requests at once" in pauses.begin(3)
    pauses.end(3, began=2.0, retry_after=None)
    assert pauses.begin(4) == ""


async def test_nocodb_sees_who_asks_too_often_or_too_early() -> None:
    wrongs: list[str] = []
    nocodb = WitnessedNocodb(now=_now, interval_seconds=20.0, wrong=wrongs.append)
    nocodb.strict = True

    async def ask(where: str) -> None:
        await nocodb(
            Request(
                method="GET",
                path=f"/api/v2/tables/{nocodb.table_id}/records",
                query=f"where={where}",
                headers={"xc-token": nocodb.token},
            )
        )

    for _ in range(3):
        await ask("(ChatId,eq,7)")  # who saves his form
    await ask(QUESTION)
    await ask(QUESTION)
    await trio.sleep(20)
    await ask(QUESTION)
    await ask(QUESTION)
    assert wrongs == []
    assert nocodb.questions == 4
    await ask(QUESTION)
    assert wrongs == ["3 questions to NocoDB in one interval"]

    wrongs.clear()
    await trio.sleep(20)
    nocodb.fail_next(1, 429, retry_after=30)
    await ask(QUESTION)
    await trio.sleep(29)
    await ask(QUESTION)
    assert len(wrongs) == 1
    assert "too early" in wrongs[0]
