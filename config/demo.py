"""The demo: the production process on the sandbox, with a story to read.

Everything is real except the outside world: the Bot API, NocoDB, Stripe, YooKassa and NOWPayments
are simulated on loopback, behind the same HTTP. No credential is needed and nothing leaves this
machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, TextIO

import cyclopts
import trio
from rich.padding import Padding
from rich.text import Text

from config.health import Flag
from config.logging import configure_logging
from config.process import DONE, FAILED, REFUSED, Life, Terminal, until_signalled, verdict
from config.settings import load_settings
from config.story import STARTS, Story
from config.story_stage import Step
from config.story_world import (
    ADMIN_CHAT_ID,
    OWN_ADDRESS,
    Addresses,
    World,
    as_env_file,
    environment,
    free_address,
    written_products,
    written_settings,
)
from config.wiring import running_shop
from runtime import SupervisionError

REACHABLE = 0o711
"""As root, PostgreSQL runs as another user, who has to pass through the temporary folder; its
own folder inside stays closed to everybody else."""
MAIN = Path(__file__).resolve().parent.parent / "main.py"
WIDTH_MAX = 88
"""Columns; longer lines are hard to read."""
INDENT = 15
"""Columns in front of what a step says."""


def show(
    *,
    exit_: Annotated[Flag, cyclopts.Parameter(name="--exit")] = False,
    json: Flag = False,
    keep: Path | None = None,
    sandbox: Flag = False,
    verbose: Flag = False,
) -> int:
    """Show the whole product on this machine: real code and database, a simulated outside world.

    `main.py demo --sandbox > .env &`, then `main.py run`: a shop of your own in that world.

    Parameters
    ----------
    exit_
        End after the story; the exit status is 0 only if every step of it was verified.
    json
        Print one line of JSON on stdout when the story has been told, the story on stderr.
    keep
        Keep the database in this folder instead of a temporary one.
    sandbox
        Only the outside world, without a shop and a story: its settings are printed as an `.env`.
    verbose
        Show the log as well.
    """
    if sandbox and (exit_ or json):
        sys.stderr.write("--sandbox tells no story: leave --exit and --json out\n")
        return REFUSED
    configure_logging("console", "INFO" if verbose else "CRITICAL")
    if sandbox:
        return trio.run(run_sandbox, keep)
    return trio.run(partial(run, leave=exit_, as_json=json, keep=keep))


async def run_sandbox(keep: Path | None) -> int:
    """Be the outside world of a shop that somebody starts himself, until a signal."""
    with _folder(keep) as data_dir:
        try:
            await until_signalled(partial(serve_sandbox, data_dir, sys.stdout))
        except OSError as error:
            sys.stderr.write(f"There is no room for it in {data_dir}: {error}\n")
            return REFUSED
    return DONE


async def serve_sandbox(data_dir: Path, out: TextIO, life: Life) -> None:
    """Answer as the outside world; `out` gets the settings of a shop in it."""
    products = await trio.to_thread.run_sync(written_products, data_dir)
    async with World().served(shop_address=OWN_ADDRESS) as at:
        told = environment(at, shop_address=OWN_ADDRESS, products_file=products)
        out.write(as_env_file(told | {"DATA_DIR": str(data_dir)}))
        out.flush()
        with life.serving():
            await trio.sleep_forever()


async def run(*, leave: bool, as_json: bool, keep: Path | None) -> int:
    """Tell the story, then stay up until a signal, or `leave`; answer the exit status."""
    with _folder(keep) as data_dir:
        demo = Demo(data_dir, leave=leave, as_json=as_json)
        try:
            await until_signalled(demo.serve)
        except SupervisionError as failure:
            status, reason = verdict(failure)
            demo.page.refused(reason)
            return status
        except BrokenPipeError:
            raise  # whoever read it went away: that is no lack of room
        except OSError as error:
            demo.page.refused(f"There is no room for it in {data_dir}: {error}")
            return REFUSED
        finally:
            demo.report()
    return demo.status


class Demo:
    """One telling of the story: where it happens, and how far it came."""

    def __init__(self, data_dir: Path, *, leave: bool, as_json: bool) -> None:
        self.page = Page(sys.stderr if as_json else sys.stdout)
        self._data_dir, self._leave = data_dir, leave
        self._world = World()
        self._story: Story | None = None
        self._unreported = as_json

    @property
    def status(self) -> int:
        """The exit status once it is over. Whoever ends it himself has not seen it fail."""
        if self._ok:
            return DONE
        failed = self._story is not None and self._story.failed
        return FAILED if failed or self._leave else DONE

    async def serve(self, life: Life) -> None:
        """The world, the shop in it, the story, and then whatever the reader likes to try."""
        address, products = await free_address(), written_products(self._data_dir)
        async with self._world.served(shop_address=address) as at:
            self.page.title()
            began = trio.current_time()
            told = environment(at, shop_address=address, products_file=products)
            told["DATA_DIR"] = str(self._data_dir)
            settings, place = load_settings(told), written_settings(self._data_dir, told)
            async with running_shop(settings) as shop:
                with life.serving():
                    took = trio.current_time() - began
                    self._story = Story(shop, self._world, self.page.step, took)
                    await self._story.run()
                    self.report()
                    self.page.figures(self._summary())
                    if not self._leave:
                        self.page.addresses(await shop.url(), at, place)
                        await trio.sleep_forever()

    def report(self) -> None:
        """Print the summary line, once, if it is wanted."""
        if self._unreported:
            self._unreported = False
            sys.stdout.write(json.dumps(self._summary()) + "\n")
            sys.stdout.flush()

    @property
    def _ok(self) -> bool:
        return self._story is not None and self._story.ok

    def _summary(self) -> dict[str, object]:
        steps = [Step(STARTS)] if self._story is None else self._story.steps
        return {
            "ok": self._ok,
            "steps": [
                {
                    "name": step.name,
                    "ok": step.ok,
                    "seconds": round(step.seconds, 6),
                    "figures": {name: round(value, 6) for name, value in step.figures.items()},
                }
                for step in steps
            ],
            **{f"{name}_requests": count for name, count in self._world.requests()},
            "restarts": 0 if self._story is None else self._story.restarts,
        }


class Page:
    """The story as people read it: plain words, colour on a terminal, in any encoding."""

    def __init__(self, out: TextIO) -> None:
        self._terminal = Terminal(file=out, highlight=False)
        self._terminal.width = min(self._terminal.width, WIDTH_MAX)
        self._encoding = out.encoding or "ascii"

    def title(self) -> None:
        """What is going to be shown."""
        self._say(
            ("factorage: a registration, three purchases, a broadcast, from end to end\n", "bold"),
            "The actors, the database and the HTTP are real; Telegram, NocoDB, Stripe, YooKassa, "
            "NOWPayments and Make are simulated on this machine.\n\n",
            ("Starting PostgreSQL and the actors: some seconds ...\n", "dim"),
        )

    def step(self, step: Step) -> None:
        """What happened, how long it took, and what has been verified."""
        mark = ("ok  ", "green") if step.ok else ("FAIL", "bold red")
        self._say(mark, f"{step.seconds:7.2f} s  ", (step.name, "bold"))
        self._say(step.said, indent=INDENT)

    def figures(self, summary: dict[str, object]) -> None:
        """What it took."""
        self._say(
            f"\n{summary['telegram_requests']} requests to Telegram, "
            f"{summary['nocodb_requests']} to NocoDB, {summary['stripe_requests']} to Stripe, "
            f"{summary['restarts']} restarts."
        )

    def addresses(self, url: str, at: Addresses, place: Path) -> None:
        """Where to look around, each on a line of its own, whole; in `place` commands find it."""
        for address, what in (
            (f"{url}/health", "how everything is; it warns for a"),
            ("", "minute of the worker that was killed"),
            (f"{url}/health/tree", "the supervision tree"),
            (f"{url}/metrics", "the figures"),
            (f"{at.telegram}/_control", "the simulated Telegram: what to ask of it"),
            (f"{at.nocodb}/_control", "the simulated NocoDB, likewise"),
            (f"{at.stripe}/_control", "Stripe"),
            (f"{at.yookassa}/_control", "YooKassa"),
            (f"{at.nowpayments}/_control", "NOWPayments"),
            (f"{at.make}/_control", "Make"),
        ):
            self._terminal.out(f"  {address:<38} {what}")
        self._say(("\nWhat administrators see, and how to buy something as user 7:", "bold"))
        user = f"{at.telegram}/_control/users"
        self._terminal.out(f"  curl {user}/{ADMIN_CHAT_ID}/screen")
        self._terminal.out(f'  curl {user}/7/says -d \'{{"text": "/buy"}}\'')
        self._terminal.out(f"  curl {user}/7/screen")
        self._say(
            ("\nCommands find the shop in this folder, because of its .env; what webhooks", "bold")
        )
        self._say(("are signed with stands there too, and no OPERATOR_TOKEN is asked for:", "bold"))
        self._terminal.out(f"  cd {place}")
        for words in ("report ledger", "replay list", "broadcast create 'Hi {first_name}' --wait"):
            self._terminal.out(f"  {sys.executable} {MAIN} {words}")
        self._say("\nIt goes on running; Ctrl-C ends it.")

    def refused(self, reason: str) -> None:
        """Why there is nothing to be shown."""
        self._say(("\nThe demo cannot go on. ", "bold red"), reason)

    def _say(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        pairs = [(part, "") if isinstance(part, str) else part for part in parts]
        text = Text.assemble(*((self._sayable(words), style) for words, style in pairs))
        self._terminal.print(Padding(text, (0, 0, 0, indent), expand=False))

    def _sayable(self, words: str) -> str:
        """Without what the terminal would obey, or its encoding cannot say."""
        tame = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in words)
        return tame.encode(self._encoding, "backslashreplace").decode(self._encoding)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the database lives; gone afterwards unless it is to be kept."""
    if keep is not None:
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="factorage-") as folder:
        Path(folder).chmod(REACHABLE)
        yield Path(folder)
