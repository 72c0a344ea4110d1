"""`main.py` as people run it: a process of its own, with the outside world in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import trio

from adapters.sandbox.nocodb import TABLE_ID, NocodbSandbox
from adapters.sandbox.nocodb import TOKEN as NOCODB_TOKEN
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TOKEN as BOT_TOKEN
from adapters.sandbox.telegram import TelegramSandbox

MAIN = Path(__file__).resolve().parents[2] / "main.py"
PATIENCE_SECONDS = 60.0
"""For what takes a second on a machine that has nothing else to do."""
POLL_SECONDS = 0.02


@dataclass
class Outside:
    """Telegram and NocoDB, and how `main.py run` is told where they are."""

    telegram: TelegramSandbox
    nocodb: NocodbSandbox
    settings: dict[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        """The settings and, `None` being impossible in an environment, what differs from them."""
        return self.settings | more


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Both servers, answering on loopback; no process under test can take them along."""
    telegram, nocodb = TelegramSandbox(), NocodbSandbox()
    telegram.rate_limit(on=True)
    async with serve(telegram) as telegram_url, serve(nocodb) as nocodb_url:
        settings = {
            "BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "NOCODB_URL": nocodb_url,
            "NOCODB_TOKEN": NOCODB_TOKEN,
            "NOCODB_TABLE_ID": TABLE_ID,
            "TRACKER_INTERVAL_SECONDS": "0.3",
            "HTTP_BIND": "127.0.0.1:0",
            "LOG_FORMAT": "json",
        }
        yield Outside(telegram, nocodb, settings)


@dataclass
class Program:
    """One process, and what it has said so far."""

    process: trio.Process
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def exit_status(self, *, within: float = PATIENCE_SECONDS) -> int:
        """How it ended; negative when a signal ended it."""
        with trio.fail_after(within):
            return await self.process.wait()

    async def stands_still(self, *, within: float = PATIENCE_SECONDS) -> None:
        """Wait until it has stopped itself (SIGSTOP)."""
        options = os.WSTOPPED | os.WNOWAIT | os.WNOHANG
        with trio.fail_after(within):
            while os.waitid(os.P_PID, self.process.pid, options) is None:  # noqa: ASYNC222 - it looks, and does not wait
                assert self.process.returncode is None, self.output
                await trio.sleep(POLL_SECONDS)

    async def says(self, text: str, *, within: float = PATIENCE_SECONDS) -> str:
        """The first line of stdout or stderr with `text` in it."""
        with trio.move_on_after(within):
            while self.process.returncode is None:
                if line := self._line(text):
                    return line
                await trio.sleep(POLL_SECONDS)
            await trio.sleep(POLL_SECONDS)
        if line := self._line(text):
            return line
        raise AssertionError(f"never said {text!r}, but:\n{self.output}")

    @property
    def output(self) -> str:
        """Both streams, for a failed test to show."""
        return f"{self.out.decode(errors='replace')}\n{self.err.decode(errors='replace')}"

    async def url(self) -> str:
        """Where its HTTP port is, as soon as it listens."""
        return str(json.loads(await self.says("http.listening"))["url"])

    async def is_up(self) -> str:
        """Wait until the whole tree is up; the URL of its HTTP port."""
        return str(json.loads(await self.says("factorage.up"))["url"])

    def _line(self, text: str) -> str | None:
        lines = self.out.splitlines() + self.err.splitlines()
        return next((line.decode() for line in lines if text.encode() in line), None)


@asynccontextmanager
async def started(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Program]:
    """`main.py` with these arguments, started in `folder`; killed when the block is left."""
    process = await trio.lowlevel.open_process(
        [sys.executable, str(MAIN), *arguments],
        cwd=folder,
        env=surroundings(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program = Program(process)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_collect, process.stdout, program.out)
        nursery.start_soon(_collect, process.stderr, program.err)
        try:
            yield program
        finally:
            if process.returncode is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
            nursery.cancel_scope.deadline = trio.current_time() + 1.0


def surroundings(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a process of ours needs of this one's environment, and nothing that is not ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return kept | {"LC_ALL": "C.UTF-8"} | dict(environment or {})


async def ended(
    *arguments: str, folder: Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Run `main.py` to its end: exit status, stdout, stderr."""
    async with started(*arguments, folder=folder, environment=environment) as program:
        status = await program.exit_status()
        await trio.sleep(POLL_SECONDS)
    return status, program.out.decode(), program.err.decode()


async def get(url: str) -> httpx.Response:
    """One request, without a proxy."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
        return await client.get(url)


async def answers(url: str, status: int, *, within: float = PATIENCE_SECONDS) -> httpx.Response:
    """Ask until the answer has this status."""
    response: httpx.Response | None = None
    with trio.move_on_after(within):
        while True:
            response = await get(url)
            if response.status_code == status:
                return response
            await trio.sleep(POLL_SECONDS)
    raise AssertionError(f"{url} answers {response and (response.status_code, response.text)}")


async def _collect(stream: trio.abc.ReceiveStream | None, into: bytearray) -> None:
    assert stream is not None
    async with stream:
        async for chunk in stream:
            into += chunk


@asynccontextmanager
async def running(
    world: Outside, folder: Path, **settings: str
) -> AsyncIterator[tuple[Program, str]]:
    """`main.py run` with its tree up, and its URL."""
    environment = world.environment(**settings)
    async with started("run", folder=folder, environment=environment) as program:
        yield program, await program.is_up()
