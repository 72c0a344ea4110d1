"""The commands of `main.py`: what people type, and the exit status they get.

Data goes to stdout, progress and logs to stderr; `--json` is for machines.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import cyclopts
import structlog
import trio

from adapters.http.listening import CannotListen, ensure_free
from config import demo, health
from config.logging import configure_logging
from config.process import (
    DONE,
    INTERRUPTED,
    REFUSED,
    Life,
    Terminal,
    heed_signals,
    keep_what_is_up,
    stop_talking,
    until_signalled,
    verdict,
)
from config.settings import Settings, SettingsError, load_settings
from config.wiring import IDENTITY, bind_of, running_shop
from runtime import SupervisionError

app = cyclopts.App(
    name="main.py",
    help="factorage: supervised actors that sell on Telegram.",
    version=IDENTITY.version,
    result_action="return_value",
)

log = structlog.get_logger("factorage")

ENV_FILE = Path(".env")
"""Read behind the environment, from the folder that the command is started in."""
USAGE = (
    "Usage: main.py run | demo | health | broadcast | replay | report | sim [OPTIONS]; "
    "--help tells more.\n"
)

REPLAY = "What providers delivered: try it again, put it aside. Decide about orders."
SIM = "Simulate the whole system: virtual time, seeded schedules, faults, `kill -9`."

BROADCAST = "One text for many: begin it, look on, stop it, try again, change or take it back."

REPORT = "What the books say: the ledger's accounts, money of nobody, orders that wait."

HOLDING = frozenset({"run", "demo"})
"""Commands for which signals are held until `until_signalled` answers them."""

Flag = Annotated[bool, cyclopts.Parameter(negative="", show_default=False)]


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; answer its exit status."""
    try:
        if HOLDING.isdisjoint(arguments[:1]):
            heed_signals()
        status = app(list(arguments), exit_on_error=False)
        sys.stdout.flush()
    except cyclopts.CycloptsError:
        return _refuse(USAGE.rstrip())  # cyclopts has said what is wrong
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return stop_talking()
    return status if isinstance(status, int) else DONE


@app.command
def run() -> int:
    """Run the shop, configured by the environment (and `.env` in this folder).

    The first SIGINT or SIGTERM drains and exits with 0, a second one ends at once. Exits with
    2, and says what to do, when the settings or the machine do not allow a start.
    """
    try:
        settings = load_settings(os.environ, env_file=ENV_FILE if ENV_FILE.exists() else None)
    except SettingsError as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"{ENV_FILE.absolute()} cannot be read: {error}")
    configure_logging(settings.log_format, secrets=settings.secrets())
    return trio.run(_run, settings)


async def _run(settings: Settings) -> int:
    try:
        await until_signalled(partial(_serve, settings))
    except (CannotListen, SupervisionError) as failure:
        status, reason = verdict(failure)
        sys.stderr.write(f"{reason}\n")
        return status
    return DONE


async def _serve(settings: Settings, life: Life) -> None:
    bind = bind_of(settings)
    if bind.port:
        await ensure_free(bind)
    async with running_shop(settings) as shop:
        with life.serving():
            keep_what_is_up()
            log.info("factorage.up", url=await shop.url(), version=IDENTITY.version)
            await trio.sleep_forever()
    log.info("factorage.down", fates=str(shop.system.fates()))


@app.command(name="demo")
def run_demo(
    *,
    exit_: Annotated[Flag, cyclopts.Parameter(name="--exit")] = False,
    json: Flag = False,
    keep: Path | None = None,
    verbose: Flag = False,
) -> int:
    """Show the whole product on this machine: real code and database, a simulated outside world.

    Parameters
    ----------
    exit_
        End after the story; the exit status is 0 only if every step of it was verified.
    json
        Print one line of JSON on stdout when the story has been told, the story on stderr.
    keep
        Keep the database in this folder instead of a temporary one.
    verbose
        Show the log as well.
    """
    configure_logging("console", "INFO" if verbose else "CRITICAL")
    return trio.run(partial(demo.run, leave=exit_, as_json=json, keep=keep))


@app.command(name="health")
def show_health(*, url: str = health.DEFAULT_URL, json: Flag = False) -> int:
    """Ask a running shop how it is. Exits with 0 pass, 1 warn, 2 fail, 3 unreachable.

    Parameters
    ----------
    url
        Where its HTTP port is; OPERATOR_TOKEN is sent along when it is set.
    json
        Print the health document.
    """
    token = os.environ.get("OPERATOR_TOKEN") or None
    console = Terminal(highlight=False)
    return trio.run(partial(health.check, url, console=console, token=token, as_json=json))


app.command("config.broadcast:app", name="broadcast", help=BROADCAST)
app.command("config.replay:app", name="replay", help=REPLAY)
app.command("config.report:app", name="report", help=REPORT)
app.command("config.sim:app", name="sim", help=SIM)  # imported when it is asked for


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return REFUSED


__all__ = ["app", "main"]
