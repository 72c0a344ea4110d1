"""kill -9 during a broadcast: each recipient has one outcome, nobody is told twice or forgotten.

The process is killed at random moments while it sends, and PostgreSQL restarts in between. The Bot
API server writes down when each request came and was answered: `unknown` may only be whoever's
request was under way when the process died. `FACTORAGE_KILLS=50` asks for more of it (with
`-o faulthandler_timeout=0`). The same harness has to find the fault of a shop that marks a
recipient after it has sent.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
import trio

from adapters.postgres.embedded import EmbeddedServer
from adapters.postgres.migrate import migrate
from adapters.postgres.session import connect
from adapters.sandbox.nocodb import TABLE_ID, NocodbSandbox
from adapters.sandbox.nocodb import TOKEN as NOCODB_TOKEN
from adapters.sandbox.server import Request, Response, serve
from adapters.sandbox.telegram import TOKEN as BOT_TOKEN
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_parameters import Refusal, read
from tests.config.program import MAIN, PATIENCE_SECONDS, surroundings
from tests.fixtures.postgres import reachable_folder, url_of

KILLS = int(os.environ.get("FACTORAGE_KILLS", "4"))
PER_SECOND = 100
"""Of the paid lane: what is under way at a kill is more than at the free 28 a second."""
PEOPLE = 150 + 60 * KILLS
UP_SECONDS_MIN, UP_SECONDS_MAX = 0.05, 0.6
"""How long a process lives after the first request of its life; see `careless_post`."""
RESTARTS_EVERY = 3
"""After so many kills PostgreSQL is stopped as by a crash, and started again."""
ANSWER_SECONDS = 0.04
"""Telegram thinks for up to so long before it shows a message, and again before it says so."""
WRITTEN_SECONDS = 0.5
"""So long after its answer an outcome may still be on its way into the database."""
ADMIN, FIRST = 1, 1_000
CARELESS = (sys.executable, "-m", "tests.stories.careless_post")
PRODUCTION = (sys.executable, str(MAIN), "run")

pytestmark = pytest.mark.process


@dataclass(slots=True)
class Asked:
    """One request for a recipient; `answered` is None while the server thinks."""

    arrived: float
    answered: float | None = None


class LoggingTelegram(TelegramSandbox):
    """A Bot API server that knows which requests were under way when."""

    def __init__(self, luck: random.Random) -> None:
        super().__init__()
        self.log: dict[int, list[Asked]] = {}
        self.asked = trio.Event()
        self._luck = luck

    async def __call__(self, request: Request) -> Response | None:
        if not request.path.lower().endswith("/sendmessage"):
            return await super().__call__(request)
        try:
            chat_id = int(read(request).get("chat_id", "0"))
        except Refusal:
            chat_id = 0
        if chat_id < FIRST:
            return await super().__call__(request)
        asked = Asked(time.monotonic())
        self.log.setdefault(chat_id, []).append(asked)
        self.asked.set()
        await trio.sleep(self._luck.uniform(0, ANSWER_SECONDS))
        response = await super().__call__(request)
        await trio.sleep(self._luck.uniform(0, ANSWER_SECONDS))
        asked.answered = time.monotonic()
        return response

    def shown(self, chat_id: int) -> int:
        """How many messages somebody has in his chat."""
        return len(self.user(chat_id).screen().messages)


@dataclass
class Verdict:
    """What is wrong in the end, person by person."""

    outcomes: Counter[str] = field(default_factory=Counter)
    twice: list[int] = field(default_factory=list)
    """Who has the message more than once."""
    missing: list[int] = field(default_factory=list)
    """Who has no outcome."""
    false: list[int] = field(default_factory=list)
    """Who is said to have it, and has not, or the other way round."""
    groundless: list[int] = field(default_factory=list)
    """Who is `unknown` although nothing of his was under way at any kill."""
    miscounted: bool = False

    @property
    def faults(self) -> int:
        return len(self.twice) + len(self.missing) + len(self.false) + len(self.groundless)


async def test_killed_at_any_moment_everybody_has_one_outcome(tmp_path: Path) -> None:
    verdict = await _campaign(PRODUCTION, tmp_path, seed=1)
    assert (verdict.faults, verdict.miscounted) == (0, False), verdict
    assert set(verdict.outcomes) <= {"sent", "unknown"}, verdict
    assert sum(verdict.outcomes.values()) == PEOPLE


async def test_a_shop_that_marks_after_it_has_sent_is_found_out(tmp_path: Path) -> None:
    verdict = await _campaign(CARELESS, tmp_path, seed=2)
    assert verdict.twice, f"the harness would not notice a double: {verdict}"


async def _campaign(command: Sequence[str], tmp_path: Path, seed: int) -> Verdict:
    luck, folder = random.Random(seed), reachable_folder()
    server, telegram, nocodb = (
        EmbeddedServer(folder / "postgres"),
        LoggingTelegram(luck),
        NocodbSandbox(),
    )
    port, kills = _free_port(), list[tuple[float, float]]()
    try:
        await server.start()
        _acquaint(server)
        for chat_id in (ADMIN, *range(FIRST, FIRST + PEOPLE)):
            telegram.user(chat_id).chat.started = True
        async with serve(telegram) as telegram_url, serve(nocodb) as nocodb_url:
            environment = surroundings(
                {
                    "BOT_TOKEN": BOT_TOKEN,
                    "TELEGRAM_API_URL": telegram_url,
                    "NOCODB_URL": nocodb_url,
                    "NOCODB_TOKEN": NOCODB_TOKEN,
                    "NOCODB_TABLE_ID": TABLE_ID,
                    "LOG_FORMAT": "json",
                    "DATABASE_URL": url_of(server, "postgres"),
                    "HTTP_BIND": f"127.0.0.1:{port}",
                    "ADMIN_CHAT_ID": str(ADMIN),
                    "BROADCAST_PAID_PER_SECOND": str(PER_SECOND),
                    "BROADCAST_STARS_BUDGET": "1000000",
                }
            )
            for kill in range(KILLS):
                telegram.asked = trio.Event()
                process = await _started(command, environment, tmp_path / "log")
                await _answers(port, process)
                if not kill:
                    await _begin(port)
                with trio.fail_after(PATIENCE_SECONDS):
                    await telegram.asked.wait()
                await trio.sleep(luck.uniform(UP_SECONDS_MIN, UP_SECONDS_MAX))
                before = time.monotonic()
                process.kill()
                await process.wait()
                kills.append((before, time.monotonic()))
                if kill % RESTARTS_EVERY == RESTARTS_EVERY - 1:
                    await server.stop(signal.SIGQUIT)
                    await server.start()
            process = await _started(command, environment, tmp_path / "log")
            await _answers(port, process)
            await _until_finished(port)
            process.send_signal(signal.SIGTERM)
            with trio.fail_after(PATIENCE_SECONDS):
                assert await process.wait() == 0
            verdict = _judge(server, telegram, kills)
        print(f"{KILLS} kills, {verdict.outcomes}")  # noqa: T201 - on `-s`
        return verdict
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _judge(
    server: EmbeddedServer, telegram: LoggingTelegram, kills: Sequence[tuple[float, float]]
) -> Verdict:
    verdict = Verdict()
    with psycopg.connect(server.conninfo) as connection:
        kept: dict[int, str] = dict(
            connection.execute("select chat_id, outcome from broadcast_recipient").fetchall()
        )
        (counts,) = connection.execute("select sent, unknown, total from broadcast").fetchall()
    for chat_id in range(FIRST, FIRST + PEOPLE):
        outcome, shown = kept.get(chat_id, "nowhere"), telegram.shown(chat_id)
        verdict.outcomes[outcome] += 1
        if shown > 1:
            verdict.twice.append(chat_id)
        if outcome not in {"sent", "unknown", "blocked", "failed"}:
            verdict.missing.append(chat_id)
        elif (outcome == "sent" and not shown) or (outcome in {"blocked", "failed"} and shown):
            verdict.false.append(chat_id)
        elif outcome == "unknown" and not _was_under_way(telegram.log.get(chat_id, []), kills):
            verdict.groundless.append(chat_id)
    verdict.miscounted = counts != (
        verdict.outcomes["sent"],
        verdict.outcomes["unknown"],
        PEOPLE,
    )
    return verdict


def _was_under_way(log: Sequence[Asked], kills: Sequence[tuple[float, float]]) -> bool:
    """Whether somebody's request was on its way, with the server, or hardly answered, at a kill.

    Without an entry it never came: it was begun, and died before it left.
    """
    return not log or any(
        asked.arrived <= after and (asked.answered or after) >= before - WRITTEN_SECONDS
        for asked in log
        for before, after in kills
    )


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


async def _begin(port: int) -> None:
    """An operator asks for the broadcast."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/v1/admin/broadcasts",
            json={"text": "News for {first_name}", "paid": True},
        )
    assert answer.status_code == 200, answer.text


async def _until_finished(port: int) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        with trio.fail_after(PATIENCE_SECONDS + PEOPLE / 20):
            while True:
                answer = await client.get(f"http://127.0.0.1:{port}/v1/admin/broadcasts/1")
                if json.loads(answer.text)["state"] == "finished":
                    return
                await trio.sleep(0.1)


async def _started(command: Sequence[str], environment: dict[str, str], log: Path) -> trio.Process:
    with log.open("ab") as said:
        return await trio.lowlevel.open_process(
            list(command), cwd=MAIN.parent, env=environment, stdout=said, stderr=said
        )


async def _answers(port: int, process: trio.Process) -> None:
    """Wait until it is ready, and not just listens: a start tells operators to come back."""
    async with httpx.AsyncClient(trust_env=False) as client:
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                assert process.returncode is None, "it ended by itself"
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                except httpx.HTTPError:
                    await trio.sleep(0.02)
                    continue
                if answer.status_code == 200:
                    return
                await trio.sleep(0.02)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
