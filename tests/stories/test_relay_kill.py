"""kill -9 of the relay: every word reaches Make in its order, and its answer the user, once.

People write all the time, also while nobody is there. Make thinks, fails, asks for a rest and hangs
up; the process is killed at what has just happened to it (`STRIKES`), never at a time, so that a
slow machine is struck no less; PostgreSQL restarts in between. `FACTORAGE_KILLS=50` asks for more
of it (with `-o faulthandler_timeout=0`, and `-s` to see what was struck). The same harness has to
find the fault of a shop that takes an event for delivered before it was.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trio

from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.migrate import migrate
from adapters.postgres.session import connect
from adapters.sandbox.make import FULL, NOBODY, MakeSandbox
from adapters.sandbox.nocodb import TABLE_ID, NocodbSandbox
from adapters.sandbox.nocodb import TOKEN as NOCODB_TOKEN
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.telegram import TOKEN as BOT_TOKEN
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_parameters import read
from tests.config.program import MAIN, PATIENCE_SECONDS, surroundings
from tests.fixtures.postgres import reachable_folder, url_of

KILLS = int(os.environ.get("FACTORAGE_KILLS", "5"))
STRIKES = ("asked", "said", "refused", "saying", "cut", "answered")
"""What has just happened when the process is killed: Make has a request before it, has refused one,
taken one and hung up, answered one; Telegram has a message before it, has shown one.
"""
REFUSALS = ((503, ""), (429, ""), (400, FULL), (410, NOBODY), (500, ""))
PEOPLE, FIRST = 12, 1_000
WORDS = 20
"""Said in each life; nobody says so many that he is stopped (`debounce.flood`)."""
WORD_SECONDS, THINK_SECONDS, MOMENT_SECONDS = 0.05, 0.1, 0.03
"""At most: between two words, of Make and of Telegram over a request, between strike and kill."""
LOOK_SECONDS = 0.1
"""Between two looks at the database, whether all is done."""
RESTARTS_EVERY = 3
"""After so many kills PostgreSQL is stopped as by a crash, and started again."""
PRODUCTION = (sys.executable, str(MAIN), "run")
CARELESS = (sys.executable, "-m", "tests.stories.careless_relay")

pytestmark = pytest.mark.process


class Facts:
    """What has happened outside in this life of the process."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._news = trio.Event()

    def note(self, what: str) -> None:
        self._counts[what] += 1
        self._news.set()
        self._news = trio.Event()

    async def until(self, what: str, times: int) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            while self._counts[what] < times:
                await self._news.wait()

    def forget(self) -> None:
        self._counts.clear()


class Make(MakeSandbox):
    """It thinks, and answers each event in words of its own."""

    def __init__(self, facts: Facts, luck: random.Random) -> None:
        super().__init__()
        self._facts, self._luck = facts, luck

    async def __call__(self, request: Request) -> Response | None:
        self._facts.note("asked")
        await trio.sleep(self._luck.uniform(0, THINK_SECONDS))
        response = await super().__call__(request)
        if response is None:
            self._facts.note("cut")
            return None
        if response.status != 200:
            self._facts.note("refused")
            return response
        self._facts.note("answered")
        return Response.of({"text": answer_to(read(request)["event_id"])})

    def be_struck(self, strike: str) -> None:
        """Do what the process is to be killed at, or something else that is no fun."""
        self.forget_faults()
        if strike == "refused":
            status, text = self._luck.choice(REFUSALS)
            self.fail_next(1, status, text=text)
        elif strike == "cut" or self._luck.random() < 0.3:
            self.drop_next(1)
        elif self._luck.random() < 0.5:
            self.fail_next(1, 503)


class Telegram(TelegramSandbox):
    """A Bot API server that thinks, and knows what it was asked to show."""

    def __init__(self, facts: Facts, luck: random.Random) -> None:
        super().__init__()
        self.asked: set[str] = set()
        """Texts that have arrived here, whatever became of them."""
        self._facts, self._luck = facts, luck

    async def __call__(self, request: Request) -> Response | None:
        if not request.path.lower().endswith("/sendmessage"):
            return await super().__call__(request)
        self.asked.add(read(request)["text"])
        self._facts.note("saying")
        await trio.sleep(self._luck.uniform(0, THINK_SECONDS))
        response = await super().__call__(request)
        self._facts.note("said")
        await trio.sleep(self._luck.uniform(0, THINK_SECONDS))
        return response


@dataclass
class Verdict:
    """What is wrong in the end."""

    lost: list[str] = field(default_factory=list)
    """Words of which Make never heard."""
    disordered: list[int] = field(default_factory=list)
    """Who was heard in another order than he spoke in, or twice."""
    changed: list[str] = field(default_factory=list)
    """Events that came again and said something else."""
    unanswered: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """Events that were answered more often than kills explain."""
    events: int = 0
    repeated: int = 0

    @property
    def faults(self) -> int:
        of_people = len(self.lost) + len(self.disordered)
        return of_people + len(self.changed) + len(self.unanswered) + len(self.doubled)


async def test_killed_at_any_moment_every_word_arrives_and_is_answered(tmp_path: Path) -> None:
    verdict = await _Campaign(tmp_path, seed=1).run(PRODUCTION, STRIKES, kills=KILLS)
    print(f"{KILLS} kills, {verdict}")  # noqa: T201 - on `-s`
    assert verdict.faults == 0, verdict
    assert verdict.repeated, "what Make took before it hung up comes again"


async def test_a_relay_that_marks_before_it_has_sent_is_found_out(tmp_path: Path) -> None:
    verdict = await _Campaign(tmp_path, seed=2).run(CARELESS, ["refused"], kills=1)
    assert verdict.lost, f"the harness would not notice a loss: {verdict}"


class _Campaign:
    """One world, and the lives of the process in it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._luck, self._facts = random.Random(seed), Facts()
        self._make = Make(self._facts, self._luck)
        self._telegram = Telegram(self._facts, self._luck)
        self._log, self._folder = folder / "log", reachable_folder()
        self._server = EmbeddedServer(self._folder / "postgres")
        self._said: dict[int, list[str]] = {n: [] for n in range(FIRST, FIRST + PEOPLE)}
        self._unconfirmed: Counter[str] = Counter()
        """Texts that Telegram had been asked to show, and nobody knew of it, at so many kills."""

    async def run(self, command: Sequence[str], strikes: Sequence[str], *, kills: int) -> Verdict:
        try:
            await self._server.start()
            _acquaint(self._server)
            async with (
                serve(self._telegram) as telegram,
                serve(self._make) as make,
                serve(NocodbSandbox()) as nocodb,
            ):
                environment = surroundings(
                    {
                        "BOT_TOKEN": BOT_TOKEN,
                        "TELEGRAM_API_URL": telegram,
                        "NOCODB_URL": nocodb,
                        "NOCODB_TOKEN": NOCODB_TOKEN,
                        "NOCODB_TABLE_ID": TABLE_ID,
                        "LOG_FORMAT": "json",
                        "HTTP_BIND": "127.0.0.1:0",
                        "DATABASE_URL": url_of(self._server, "postgres"),
                        "MAKE_WEBHOOK_URL": f"{make}/hook",
                        "RELAY_PRIVATE_HOSTS": "127.0.0.1",
                        "DEBOUNCE_SECONDS": "0.1",
                        "MAX_WAIT_SECONDS": "1",
                        "RELAY_WINDOW_SECONDS": "0",
                    }
                )
                async with trio.open_nursery() as people:
                    for kill, strike in enumerate(islice(cycle(strikes), kills), start=1):
                        people.start_soon(self._chat)
                        await self._die(command, environment, strike)
                        if kill % RESTARTS_EVERY == 0:
                            await self._server.stop(signal.SIGQUIT)
                            await self._server.start()
                    people.start_soon(self._chat)
                self._make.forget_faults()
                await self._live(command, environment)
            return self._judged()
        finally:
            await self._server.stop()
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _chat(self) -> None:
        for _ in range(WORDS):
            chat_id = self._luck.choice(list(self._said))
            self._said[chat_id].append(f"{chat_id}.{len(self._said[chat_id])}")
            self._telegram.user(chat_id).says(self._said[chat_id][-1])
            await trio.sleep(self._luck.uniform(0, WORD_SECONDS))

    async def _die(self, command: Sequence[str], environment: dict[str, str], strike: str) -> None:
        """One life, to its strike."""
        self._facts.forget()
        self._make.be_struck(strike)
        process = await self._started(command, environment)
        try:
            of_many = strike not in {"refused", "cut"}
            await self._facts.until(strike, self._luck.randint(1, 3) if of_many else 1)
            await trio.sleep(self._luck.uniform(0, MOMENT_SECONDS))
        finally:
            process.kill()
            await process.wait()
        waiting = self._ask("select text from note where state = 'pending'")
        self._unconfirmed.update(text for (text,) in waiting if text in self._telegram.asked)

    async def _live(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """The last life, until nothing is left to do."""
        process = await self._started(command, environment)
        try:
            with trio.fail_after(PATIENCE_SECONDS + KILLS * WORDS):
                while len(self._telegram.world.updates) or self._ask(_UNFINISHED) != [(0,)]:
                    assert process.returncode is None, self._log.read_text()
                    await trio.sleep(LOOK_SECONDS)
            process.send_signal(signal.SIGTERM)
            with trio.fail_after(PATIENCE_SECONDS):
                assert await process.wait() == 0, self._log.read_text()
        finally:
            if process.returncode is None:
                process.kill()

    async def _started(self, command: Sequence[str], environment: dict[str, str]) -> trio.Process:
        with self._log.open("ab") as said:
            return await trio.lowlevel.open_process(
                list(command),
                cwd=MAIN.parent,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def _ask(self, sql: Any) -> list[Any]:
        with psycopg.connect(self._server.conninfo) as connection:
            return connection.execute(sql).fetchall()

    def _judged(self) -> Verdict:
        verdict, events = Verdict(), dict[str, dict[str, Any]]()
        for event in self._make.received:
            if events.setdefault(event["event_id"], event) != event:
                verdict.changed.append(event["event_id"])
        verdict.events, verdict.repeated = len(events), len(self._make.received) - len(events)
        for chat_id, said in self._said.items():
            mine = [event for event in events.values() if event["user_id"] == chat_id]
            heard = [message["text"] for event in mine for message in event["messages"]]
            verdict.lost += sorted(set(said) - set(heard))
            if heard != [word for word in said if word in heard]:
                verdict.disordered.append(chat_id)
            shown = Counter(m.text for m in self._telegram.user(chat_id).screen().shown)
            for event in mine:
                answer = answer_to(event["event_id"])
                if not shown[answer]:
                    verdict.unanswered.append(event["event_id"])
                if shown[answer] > 1 + self._unconfirmed[answer]:
                    verdict.doubled.append(event["event_id"])
        return verdict


_UNFINISHED = """
    select (select count(*) from telegram_update where handled_at is null)
        + (select count(*) from relay_message where event_id is null)
        + (select count(*) from relay_event where state <> 'delivered')
        + (select count(*) from note where state <> 'sent')
"""


def answer_to(event_id: str) -> str:
    """What Make says to an event."""
    return f"re {event_id}"


def _acquaint(server: EmbeddedServer) -> None:
    """People who have talked to the bot, each in a conversation that wants nothing of anybody."""
    with connect(server.conninfo, "writer") as connection:
        migrate(connection)
    with psycopg.connect(server.conninfo) as connection:
        connection.execute(
            """
            insert into user_session (
                chat_id, state, language, first_name, choosing_language, step, attempts, blocked,
                view_version, shown_version, renew, contact_keyboard
            )
            select number, 'cancelled', 'en', 'P' || number, false, 0, 0, false, 0, 0, false, false
            from generate_series(%(first)s::bigint, %(last)s::bigint) as number
            """,
            {"first": FIRST, "last": FIRST + PEOPLE - 1},
        )
