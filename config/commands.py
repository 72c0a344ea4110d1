"""The commands of `main.py`: what people type, and the exit status they get.

Each is imported when it is asked for: who wants to know how a shop is does not wait for all of it.

Data goes to stdout, progress and logs to stderr; `--json` is for machines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import cyclopts

from config.identity import IDENTITY
from config.process import DONE, INTERRUPTED, REFUSED, heed_signals, stop_talking

app = cyclopts.App(
    name="main.py",
    help="factorage: supervised actors that sell on Telegram.",
    version=IDENTITY.version,
    result_action="return_value",
)

USAGE = (
    "Usage: main.py run | demo | health | broadcast | replay | report | sim [OPTIONS]; "
    "--help tells more.\n"
)

RUN = """Run the shop, configured by the environment (and `.env` in this folder).

The first SIGINT or SIGTERM drains and exits with 0, a second one ends at once. Exits with 2, and
says what to do, when the settings or the machine do not allow a start.
"""

DEMO = "Show the whole product: real code and database, a simulated outside world."

HEALTH = "Ask a running shop how it is. Exits with 0 pass, 1 warn, 2 fail, 3 unreachable."

REPLAY = "What providers delivered: try it again, put it aside. Decide about orders."
SIM = "Simulate the whole system: virtual time, seeded schedules, faults, `kill -9`."

BROADCAST = "One text for many: begin it, look on, stop it, try again, change or take it back."

REPORT = "What the books say: the ledger's accounts, money of nobody, orders that wait."

HOLDING = frozenset({"run", "demo"})
"""Commands for which signals are held until `until_signalled` answers them."""


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


app.command("config.serving:run", name="run", help=RUN)
app.command("config.demo:show", name="demo", help=DEMO)
app.command("config.health:show", name="health", help=HEALTH)
app.command("config.broadcast:app", name="broadcast", help=BROADCAST)
app.command("config.replay:app", name="replay", help=REPLAY)
app.command("config.report:app", name="report", help=REPORT)
app.command("config.sim:app", name="sim", help=SIM)


def _refuse(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return REFUSED


__all__ = ["app", "main"]
