"""A message that comes twice is seen, unless nobody could know that the first one had come."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import trio

from actors.kernel.ids import ChatId, MessageId, RecordId
from actors.sessions.model import Session, State
from actors.sessions.views import view_of
from adapters.sandbox.server import Request
from config.scenarios.copies import Copies
from config.scenarios.shop import TELEGRAM, SimulatedShop
from config.scenarios.weather import telegram_is_cut_off
from config.scenarios.witness import WitnessedTables, WitnessedTelegram
from runtime.testing.pytest_plugin import simulation
from runtime.testing.simulation import Simulation

CHAT = 7
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = "123456789:SimulatedSimulatedSimulatedSimulat"
SESSION = Session(chat_id=ChatId(CHAT), state=State.SUCCESS, record_id=RecordId(1), view_version=1)
TEXT = view_of(SESSION).text


class Chat:
    """One chat, in which all that is shown says the same."""

    def __init__(self) -> None:
        self.wrongs: list[str] = []
        self.doubtful_since = float("inf")
        self.copies = Copies(
            doubtful=lambda since: since >= self.doubtful_since, wrong=self.wrongs.append
        )

    def stores(self, version: int, *, knows: int | None = None) -> None:
        """The bot stores what is to be shown, and the newest message that it knows to be there."""
        panel = None if knows is None else MessageId(knows)
        self.copies.stored(replace(SESSION, view_version=version, panel_message_id=panel))

    def shows(self, message_id: int, *, at: float = 0.0, text: str = TEXT) -> None:
        known = self.copies.known(CHAT)
        self.copies.shown(CHAT, text, message_id, began=at, known=known)


def test_each_version_of_what_is_stored_is_shown_by_one_message() -> None:
    chat = Chat()
    for version in (1, 2):
        chat.stores(version)
        chat.shows(version)
        chat.shows(version)  # edited, to say the same

    assert chat.wrongs == []
    chat.shows(3)
    assert chat.wrongs == [f"chat 7 is sent a second time: {TEXT!r}"]


def test_an_edit_counts_as_the_message_that_shows_it() -> None:
    chat = Chat()
    chat.stores(4, knows=20)
    chat.shows(20)

    chat.shows(21)

    assert len(chat.wrongs) == 1


def test_where_the_answer_may_have_got_lost_it_may_come_once_more() -> None:
    chat = Chat()
    chat.doubtful_since = 100.0
    chat.stores(1)
    chat.shows(1, at=100.0)

    chat.shows(2, at=130.0)
    assert chat.wrongs == []

    chat.doubtful_since = 131.0
    chat.shows(3, at=140.0)
    assert len(chat.wrongs) == 1


def test_what_the_bot_knows_to_have_come_is_never_sent_again() -> None:
    chat = Chat()
    chat.doubtful_since = 0.0
    chat.stores(1)
    chat.shows(1)
    chat.stores(1, knows=1)

    chat.shows(2)

    assert len(chat.wrongs) == 1


def test_what_is_no_view_of_a_session_is_not_counted() -> None:
    chat = Chat()
    for number in range(3):
        chat.shows(number, text="what is on sale")

    assert chat.wrongs == []


@simulation(seeds=1, twice=False)
async def test_a_shop_is_doubted_around_its_disturbances_only(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    doubtful = shop.telegram.doubtful
    assert not doubtful(0.0)

    shop.disturbed()

    assert doubtful(0.0)
    assert doubtful(60.0), "a request that was held up arrives"
    assert not doubtful(61.0)


@simulation(seeds=1, twice=False)
async def test_a_cut_is_a_disturbance_when_it_begins_and_when_it_ends(sim: Simulation) -> None:
    shop = SimulatedShop(sim)
    sim.network.host(TELEGRAM)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(telegram_is_cut_off, shop, sim.luck("cut"))
        await trio.sleep(0.5)
        assert shop.disturbed_at == 0.0
    assert shop.disturbed_at == trio.current_time() > 0.5


async def test_telegram_and_the_disk_tell_what_is_shown_and_what_was_stored() -> None:
    wrongs: list[str] = []
    tables = WitnessedTables(now=lambda: NOW)
    telegram = WitnessedTelegram(
        token=TOKEN, now=lambda: NOW, tables=tables, has_paid=lambda _: True, wrong=wrongs.append
    )
    telegram.user(CHAT).commands("/start")
    tables.put_session(SESSION)
    for _ in range(2):
        body = msgspec.json.encode({"chat_id": CHAT, "text": TEXT, "parse_mode": "HTML"})
        path, headers = f"/bot{TOKEN}/sendMessage", {"content-type": "application/json"}
        await telegram(Request(method="POST", path=path, headers=headers, body=body))

    assert wrongs == [f"chat 7 is sent a second time: {TEXT!r}"]
