"""The scenarios that `main.py sim` knows: whole systems in virtual time, with what they prove.

A scenario is an `async def scenario(sim: Simulation)`. What of it is worth a name is listed
here; anything else runs as `module:attribute`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.testing.simulation import Simulation


@dataclass(frozen=True, slots=True)
class Option:
    """A size of a scenario that `--set` changes."""

    default: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is known of a scenario before it runs."""

    title: str
    """One line."""
    run: str
    """The coroutine function, as `module:attribute`."""
    sometimes: tuple[str, ...] = ()
    """What has to happen in one run of many at least: otherwise they prove nothing about it."""
    options: Mapping[str, Option] = field(default_factory=dict)
    seeds: int = 0
    """Seeds in `make sim`; 0 for a scenario that is no part of it."""

    def size(self, option: str, sim: Simulation) -> int:
        """What an option of this scenario is in a run: its default, unless the plan says else."""
        return sim.option(option, self.options[option].default)


_WEATHER = (
    "NocoDB cut off",
    "NocoDB restarted",
    "NocoDB stumbled",
    "Telegram cut off",
    "Telegram stumbled",
    "Telegram broken",
    "flood wait",
    "database away",
    "database slow",
    "lost acknowledgement",
    "transaction refused",
    "the clock jumped",
    "an actor failed",
    "a session failed",
    "crash of bot",
    "killed at a new record",
    "the bot restarted",
)
"""What goes wrong in the shop."""
_CANCELLED = ("cancelled while saving", "paid although cancelled")
"""Whoever cancels while his record is created may have one, and pay."""
_SEEN = ("pressed again", "paid at once", "health: pass", "health: warn", "health: fail")
"""What people and operators see of it."""

_MARKET = (
    "a provider cut off",
    "a provider stumbled",
    "YooKassa did not say",
    "webhooks strayed",
    "a webhook was delivered twice",
    "a webhook came while nobody took it",
    "killed between webhook and grant",
    "crash of bot",
    "the bot restarted",
    "an actor failed",
    "database away",
    "lost acknowledgement",
    "transaction refused",
    "Telegram cut off",
    "flood wait",
    "a card was refused",
    "paid by a delayed method",
    "cancelled",
    "paid late",
    "refused before paying",
    "did it again",
    "the money went back: at_once",
    "the money went back: refunded",
    "the money went back: disputed",
    "the money went back: reinstated",
)
"""What has to happen where something is sold."""

SCENARIOS: Mapping[str, Scenario] = {
    "day": Scenario(
        title="a day of the shop: hundreds register and pay, everything fails now and then",
        run="config.scenarios.day:day",
        sometimes=_WEATHER + _SEEN + _CANCELLED,
        options={
            "people": Option(500, "who come during the day"),
            "hours": Option(24, "how long it lasts"),
            "minutes": Option(12, "between two things that go wrong, on average"),
        },
    ),
    "rush": Scenario(
        title="half an hour of the shop: a dozen people at once, something fails every minute",
        run="config.scenarios.day:rush",
        sometimes=_WEATHER + _SEEN + _CANCELLED,
        options={
            "people": Option(12, "who come at once"),
            "seconds": Option(60, "between two things that go wrong, on average"),
        },
        seeds=600,
    ),
    "registration": Scenario(
        title="one person registers, pays and is told; for `sim crash registration --node bot`",
        run="config.scenarios.registration:registration",
        seeds=4000,
    ),
    "outage": Scenario(
        title="the database is away for longer than anybody's patience, while everybody writes",
        run="config.scenarios.outage:outage",
        sometimes=(
            *("database away", "lost acknowledgement", "transaction refused", "paid at once"),
            *_CANCELLED,
        ),
        options={"people": Option(12, "who come meanwhile")},
        seeds=500,
    ),
    "flood": Scenario(
        title="forty people at once, and a Telegram and a NocoDB that say: too many requests",
        run="config.scenarios.flood:flood",
        sometimes=("flood wait", "the bot flooded", "NocoDB throttled"),
        options={"people": Option(40, "who come at once")},
        seeds=150,
    ),
    "restarts": Scenario(
        title="the bot is stopped and started in order every half minute, then its actors fail",
        run="config.scenarios.restarts:restarts",
        sometimes=("the bot restarted", "an actor failed", "paid at once", *_CANCELLED),
        options={"people": Option(16, "who come meanwhile")},
        seeds=200,
    ),
    "purchase": Scenario(
        title="people buy on four rails, some get their money back; webhooks go astray, all fails",
        run="config.scenarios.purchase:purchase",
        sometimes=_MARKET,
        options={
            "people": Option(12, "who come to buy"),
            "seconds": Option(30, "between two things that go wrong, on average"),
        },
        seeds=300,
    ),
    "clocks": Scenario(
        title="the bot's clock is an hour ahead or ten minutes behind, while forms and orders wait",
        run="config.scenarios.clocks:clocks",
        sometimes=(
            *("the clock was ahead", "the clock was behind", "everything stood still"),
            *("a form expired", "a webhook was refused and accepted later", "paid late"),
        ),
        options={"people": Option(8, "who register, and as many who buy")},
        seeds=150,
    ),
    "talk": Scenario(
        title="people talk to a scenario of Make through the bot, while everything fails",
        run="config.scenarios.relay:talk",
        sometimes=(
            *("Make failed", "Make asked for a rest", "an answer of Make got lost"),
            *("Make was slow", "nobody listened", "the queue was full", "the bot restarted"),
            "an event came twice",
        ),
        options={
            "people": Option(6, "who talk"),
            "seconds": Option(15, "between two things that go wrong, on average"),
        },
        seeds=150,
    ),
    "exchange": Scenario(
        title="one person talks to Make; for `sim crash exchange --node bot`",
        run="config.scenarios.relay:exchange",
        seeds=1000,
    ),
    "broadcast": Scenario(
        title="an administrator sends to hundreds; the bot dies, Telegram and the database fail",
        run="config.scenarios.broadcast:broadcast",
        sometimes=(
            *("crash of bot", "the bot restarted", "an actor failed", "flood wait"),
            *("Telegram cut off", "database away", "an outcome stayed unknown"),
        ),
        options={
            "people": Option(300, "who get it"),
            "seconds": Option(6, "between two things that go wrong, on average"),
        },
        seeds=150,
    ),
    "notice": Scenario(
        title="an administrator sends to a dozen; for `sim crash notice --node bot`",
        run="config.scenarios.broadcast:notice",
        seeds=500,
    ),
    "sale": Scenario(
        title="one person buys on each of four rails; for `sim crash sale --node bot`",
        run="config.scenarios.purchase:sale",
        seeds=1000,
    ),
    "returns": Scenario(
        title="ten people buy, and their money goes back; for `sim crash returns --node bot`",
        run="config.scenarios.purchase:returns",
        seeds=200,
    ),
}
