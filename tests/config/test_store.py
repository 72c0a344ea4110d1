"""What each store hangs into the tree. That it keeps its word is the contract's to show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio

from actors.kernel.ids import ChatId
from actors.operations.messages import Reported
from actors.sessions.model import Session
from adapters.memory.database import ConnectionLost, Line, MemoryDatabase
from config.settings import Settings, load_settings
from config.store import MemoryStore, PostgresStore
from runtime import ActorRef, State, SupervisorSpec
from runtime.testing import Probe, running


def settings(**more: str) -> Settings:
    return load_settings(
        {
            "BOT_TOKEN": "123:abc",
            "NOCODB_URL": "http://127.0.0.1:9",
            "NOCODB_TOKEN": "token",
            "NOCODB_TABLE_ID": "table",
        }
        | more
    )


def nobody(path: str) -> ActorRef[Any]:
    raise AssertionError(f"{path} is looked up before anybody asks")


def names(store: PostgresStore | MemoryStore) -> list[str]:
    return [child.name for child in store.children()]


def test_a_database_that_is_named_needs_no_server() -> None:
    store = PostgresStore(settings(DATABASE_URL="postgresql://db/shop"), nobody)
    assert store.server is None
    assert names(store) == ["writer", "reader-1", "reader-2", "pulse", "reporter"]


def test_without_one_our_own_server_comes_first(tmp_path: Path) -> None:
    store = PostgresStore(settings(DATA_DIR=str(tmp_path)), nobody)
    assert store.server is not None
    assert store.server.cluster.folder == tmp_path / "postgres"
    assert names(store) == ["postgres", "writer", "reader-1", "reader-2", "pulse", "reporter"]


class Cut(Line):
    """A line that is cut."""

    is_cut = True

    async def sent(self) -> None:
        await trio.sleep(0.01)
        if self.is_cut:
            raise ConnectionLost("refused")


async def test_a_store_in_memory_waits_for_its_database_and_says_so() -> None:
    line, reports = Cut(), Probe()
    store = MemoryStore(MemoryDatabase().connect(line))
    tree = SupervisorSpec(name="store", children=store.children())
    async with running(tree) as system:
        system.events.subscribe(Reported, reports)
        await trio.sleep(30)
        assert system.ref("store/writer").state is State.WAITING
        assert [report.status for report in reports.told][-1] == "warn"
        line.is_cut = False
        await trio.sleep(10)
        await store.sessions.save(Session(chat_id=ChatId(1)))
        assert reports.told[-1].status == "pass"
        assert system.ref("store/writer").state is State.RUNNING
