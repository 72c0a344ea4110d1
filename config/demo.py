"""The demo: the production process on the sandbox, with a story to read.

Everything is real except the outside world: the Bot API and NocoDB are simulated on loopback,
behind the same HTTP. No credential is needed and nothing leaves this machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TextIO

import trio
from rich.console import Console
from rich.markup import escape

from adapters.sandbox import nocodb_control, telegram_control
from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.server import serve
from adapters.sandbox.telegram import TelegramSandbox
from config.process import FAILED, until_signalled
from config.settings import Settings, load_settings
from config.story import Step, Story
from config.wiring import running_shop
from runtime import SupervisionError

INTERVAL_SECONDS = 2.0
"""The tracker asks ten times as often as in production: nobody likes to wait for a demo."""
BOT_TOKEN = "123456789:SandboxSandboxSandboxSandboxSandbo"  # noqa: S105 - the sandbox's own


async def run(*, leave: bool, as_json: bool, keep: Path | None) -> int:
    """Tell the story, then stay up until a signal, or `leave`; answer the exit status."""
    outcome = _Outcome()
    folder = nullcontext(keep) if keep else tempfile.TemporaryDirectory(prefix="factorage-")
    with folder as data_dir:
        if keep is None:
            # As root, PostgreSQL runs as another user, who has to pass through; its own
            # folder inside stays closed to everybody else.
            Path(data_dir).chmod(0o711)
        demo = partial(_demo, Path(data_dir), outcome, leave=leave, as_json=as_json)
        try:
            await until_signalled(demo)
        except SupervisionError as error:
            sys.stderr.write(f"{error.__cause__ or error}\n")
            return FAILED
    return 0 if outcome.ok else FAILED


class _Outcome:
    """Whether the story held, for after everything is down."""

    ok = False


async def _demo(
    data_dir: Path, outcome: _Outcome, until: trio.CancelScope, *, leave: bool, as_json: bool
) -> None:
    page = _Page(sys.stderr if as_json else sys.stdout)
    async with _sandbox() as (telegram, nocodb, urls):
        page.title()
        settings = _settings(data_dir, *urls)
        started = trio.current_time()
        async with running_shop(settings) as shop:
            story = Story(shop, telegram, nocodb, page.step, trio.current_time() - started)
            with until:
                await story.run()
                outcome.ok = story.ok
                if as_json:
                    sys.stdout.write(json.dumps(_summary(story)) + "\n")
                    sys.stdout.flush()
                page.end(story, await shop.url(), urls)
                if not leave:
                    await trio.sleep_forever()
            shop.drain()


@asynccontextmanager
async def _sandbox() -> AsyncIterator[tuple[TelegramSandbox, NocodbSandbox, tuple[str, str]]]:
    telegram, nocodb = TelegramSandbox(token=BOT_TOKEN), NocodbSandbox()
    telegram.rate_limit(on=True)
    async with (
        serve(telegram_control.controlled(telegram)) as telegram_url,
        serve(nocodb_control.controlled(nocodb)) as nocodb_url,
    ):
        yield telegram, nocodb, (telegram_url, nocodb_url)


def _settings(data_dir: Path, telegram_url: str, nocodb_url: str) -> Settings:
    return load_settings(
        {
            "BOT_TOKEN": BOT_TOKEN,
            "TELEGRAM_API_URL": telegram_url,
            "NOCODB_URL": nocodb_url,
            "NOCODB_TOKEN": TOKEN,
            "NOCODB_TABLE_ID": TABLE_ID,
            "TRACKER_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
            "DATA_DIR": str(data_dir),
            "HTTP_BIND": "127.0.0.1:0",
        }
    )


def _summary(story: Story) -> dict[str, object]:
    return {
        "ok": story.ok,
        "steps": [
            {"name": step.name, "ok": step.ok, "seconds": round(step.seconds, 3)}
            for step in story.steps
        ],
        "telegram_requests": story.telegram.calls.total(),
        "nocodb_requests": story.nocodb.calls.total(),
        "restarts": story.restarts,
    }


class _Page:
    """The story as people read it."""

    def __init__(self, out: TextIO) -> None:
        self._console = Console(file=out, highlight=False)

    def title(self) -> None:
        """What is going to be shown."""
        self._console.print(
            "[bold]factorage[/bold]: a registration is paid end to end. "
            "Real actors, real PostgreSQL; Telegram and NocoDB are simulated on loopback.\n"
        )

    def step(self, step: Step) -> None:
        """One line of it."""
        mark = "[green]ok  [/green]" if step.ok else "[red]FAIL[/red]"
        name, said = escape(step.name), escape(step.said)
        self._console.print(
            f"{mark} {step.seconds:6.2f} s  [bold]{name}[/bold]: {said}", soft_wrap=True
        )

    def end(self, story: Story, url: str, urls: tuple[str, str]) -> None:
        """What it took, and where to look around."""
        summary = _summary(story)
        self._console.print(
            f"\n{summary['telegram_requests']} requests to Telegram, "
            f"{summary['nocodb_requests']} to NocoDB, {story.restarts} restarts.\n"
            f"\n  {url}/health        how everything is"
            f"\n  {url}/health/tree   the supervision tree"
            f"\n  {url}/metrics       the figures"
            f"\n  {urls[0]}/_control      the simulated Telegram"
            f"\n  {urls[1]}/_control      the simulated NocoDB\n"
            "\nCtrl-C ends it.",
            soft_wrap=True,
        )
