"""`main.py broadcast` against the real operator API, served beside it."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.broadcasts.actor import Broadcaster
from actors.broadcasts.model import State
from actors.kernel.ids import BroadcastId, ChatId
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.broadcasts import broadcast_routes
from runtime.testing import running
from runtime.world import RealWorld
from tests.actors.broadcasts.post import ADMIN, Bureau
from tests.adapters.http.wire import serving
from tests.config.program import Program, ended, started

TOKEN = "a token of twenty-four characters"


class Shop:
    """A running shop, as far as it is asked; `run` types a command."""

    def __init__(self, url: str, bureau: Bureau, folder: Path) -> None:
        self.bureau, self._url, self._folder = bureau, url, folder

    def typed(self, *words: str) -> tuple[str, ...]:
        return ("broadcast", *words, "--url", self._url)

    async def run(self, *words: str, **environment: str) -> tuple[int, str, str]:
        told = {"OPERATOR_TOKEN": TOKEN} | environment
        return await ended(*self.typed(*words), folder=self._folder, environment=told)

    @asynccontextmanager
    async def running(self, *words: str) -> AsyncIterator[Program]:
        async with started(
            *self.typed(*words), folder=self._folder, environment={"OPERATOR_TOKEN": TOKEN}
        ) as program:
            yield program

    async def kept(self) -> Any:
        return await self.bureau.store.find(BroadcastId(1))

    async def carrying(self) -> None:
        """The dispatcher works."""
        while True:
            await self.bureau.post.carry(5)
            await trio.sleep(0.05)


@asynccontextmanager
async def open_shop(folder: Path, *, people: int = 3) -> AsyncIterator[Shop]:
    bureau = Bureau()
    await bureau.people(people)
    async with running(world=RealWorld()) as system:
        ref = system.spawn(
            lambda: Broadcaster(
                store=bureau.store, dispatcher=bureau.post, pause=trio.sleep, admin_chat_id=ADMIN
            )
        )
        operators = Operators(token=TOKEN, loopback=True)
        app = application(broadcast_routes(bureau.store, ref, operators))
        async with serving(app) as served:
            yield Shop(f"http://127.0.0.1:{served.port}", bureau, folder)


@pytest.mark.process
async def test_an_operator_sends_looks_on_and_sees_what_became_of_it(tmp_path: Path) -> None:
    async with open_shop(tmp_path, people=12) as shop, trio.open_nursery() as nursery:
        nursery.start_soon(shop.carrying)
        shop.bureau.post.fates[ChatId(2)] = "refused"
        button = "--button=More=https://example.org/?a=1"
        status, out, err = await shop.run(
            "create", "Hi {first_name}", button, "--wait", "--json", "--why", "news"
        )
        told = json.loads(out)
        assert (status, told["state"], told["sent"], told["failed"]) == (1, "finished", 11, 1)
        assert (told["reachable"], told["buttons"][0][0]["url"]) == (12, "https://example.org/?a=1")
        assert "12 of 12" in err
        status, out, _ = await shop.run("show", "1", "--recipients", "failed")
        assert (status, out) == (0, "chat  outcome  reason\n2     failed   why\n")
        shop.bureau.post.fates.clear()
        status, out, _ = await shop.run("retry-failed", "1", "--why", "again", "--wait")
        assert (status, out.split()[:2]) == (0, ["1", "finished"])
        status, out, _ = await shop.run("edit", "1", "Bye", "--why", "typo", "--wait")
        assert (status, out) == (0, "2 finished edit of 1; 12 sent; Bye\n")
        status, out, _ = await shop.run("delete", "1", "--why", "wrong", "--wait")
        assert (status, out.split(";")[0]) == (0, "3 finished delete of 1")
        status, out, _ = await shop.run("list", "--state", "finished", "--limit", "2")
        assert [each.split()[0] for each in out.splitlines()] == ["broadcast", "3", "2"]
        nursery.cancel_scope.cancel()


@pytest.mark.process
async def test_ctrl_c_stops_looking_and_nothing_else(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, shop.running("create", "Hi", "--wait") as program:
        with trio.fail_after(30):
            while not shop.bureau.post.waiting:  # noqa: ASYNC110 - another process acts
                await trio.sleep(0.02)
        program.send(signal.SIGINT)
        assert await program.exit_status() == 130
        await program.says("broadcast 1 goes on as it stands; `broadcast show 1 --wait`")
        assert (await shop.kept()).state is State.RUNNING


@pytest.mark.process
async def test_what_is_held_waits_for_a_word_and_what_runs_can_be_stopped(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        status, out, _ = await shop.run("create", "Hi", "--hold")
        assert (status, out.split()[:2]) == (0, ["1", "ready"])
        assert "for 3" in out
        status, out, _ = await shop.run("resume", "1", "--why", "go")
        assert status == 0
        await trio.sleep(1.2)
        status, out, _ = await shop.run("pause", "1", "--why", "wait")
        assert (status, out.split()[:2]) == (0, ["1", "paused"])
        status, out, _ = await shop.run("cancel", "1", "--why", "no")
        assert (status, (await shop.kept()).state) == (0, State.CANCELLED)
        status, out, err = await shop.run("resume", "1", "--why", "go")
        assert (status, out, err) == (2, "", "it is over\n")


@pytest.mark.process
async def test_what_is_refused_says_why(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        shop.bureau.post.refusal = "can't parse entities"
        status, out, _ = await shop.run("create", "<b>Hi")
        assert (status, "can't parse entities" in out) == (1, True)
        for words, told in [
            (("create", "{nme}"), "is not known"),
            (("create", "Hi", "--at", "18:00"), "with its zone"),
            (("create", "Hi", "--at", "2999-01-01 18:00"), "set TIME_ZONE"),
            (("create", "Hi", "--active", "soon"), "no age"),
            (("create", "Hi", "--button", "More"), "no button"),
            (("create", "Hi", "--chats", "nowhere"), "no file"),
            (("create", "Hi", "--plan", "vip"), "no such product is on sale: vip"),
            (("create", "Hi", "--photo", "a", "--video", "b"), "one photo"),
        ]:
            status, out, err = await shop.run(*words)
            assert (status, out, told in err) == (2, "", True), err
        status, _, err = await shop.run("show", "9")
        assert (status, err) == (1, "there is no such broadcast\n")


@pytest.mark.process
async def test_a_time_is_told_by_the_clocks_of_the_time_zone(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        at = ("--at", "2999-01-01 12:00")
        status, out, _ = await shop.run("create", "Hi", *at, TIME_ZONE="Europe/Kyiv")
        assert (status, "starts at 2999-01-01 12:00 UTC+2;" in out) == (0, True)
        assert (await shop.kept()).starts_at == datetime(2999, 1, 1, 10, tzinfo=UTC)
        status, out, _ = await shop.run("list", "--json", TIME_ZONE="Europe/Kyiv")
        assert '"starts_at": "2999-01-01T10:00:00+00:00"' in out
