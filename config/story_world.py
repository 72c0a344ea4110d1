"""The outside world of the demo: every service that the shop talks to, simulated on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import trio

from adapters.sandbox import (
    make_control,
    nocodb_control,
    nowpayments_control,
    stripe_control,
    telegram_control,
    yookassa_control,
)
from adapters.sandbox.make import PATH, MakeSandbox
from adapters.sandbox.nocodb import TABLE_ID, TOKEN, NocodbSandbox
from adapters.sandbox.nowpayments import API_KEY, IPN_SECRET, NowPaymentsSandbox
from adapters.sandbox.server import LOOPBACK, serve, utc_now
from adapters.sandbox.stripe import KEY, WEBHOOK_SECRET, StripeSandbox
from adapters.sandbox.telegram import TelegramSandbox
from adapters.sandbox.telegram_user import Screen
from adapters.sandbox.yookassa import SECRET_KEY, SHOP_ID, YooKassaSandbox

BOT_TOKEN = "123456789:SandboxSandboxSandboxSandboxSandbo"  # noqa: S105 - the sandbox's own
ADMIN_CHAT_ID = -1_000_000_000_042
INTERVAL_SECONDS = 2.0
"""The tracker asks ten times as often as in production: nobody likes to wait for a demo."""
QUIET_SECONDS = 1.0
"""Likewise; a user has finished when he was quiet for so long."""
NUMBERS_A_SECOND = 100
"""More than a story uses up: two worlds never make the same charge for a database that is kept."""
COMMANDS_FOLDER = "factorage-demo"
"""Of its own: a folder that is kept may have an `.env` of another shop."""
OWN_ADDRESS = "127.0.0.1:8080"
"""Where a shop listens that somebody starts himself in this world."""
PRODUCT = "notes"
PRODUCTS = """\
# What the demo sells; docs/products.md explains it.

[[product]]
id = "notes"
prices = { XTR = "100", USD = "4.99", RUB = "490.00" }
goods = "https://example.org/notes/on-the-analytical-engine"

[product.title]
en = "Notes on the Engine"
ru = "Заметки о машине"
uk = "Нотатки про машину"

[product.description]
en = "What it can do, and the first program for it"
ru = "Что она умеет, и первая программа для неё"
uk = "Що вона вміє, і перша програма для неї"
"""


class Addresses(NamedTuple):
    """Where each of the simulated services answers."""

    telegram: str
    nocodb: str
    stripe: str
    yookassa: str
    nowpayments: str
    make: str


class World:
    """Everything outside of the shop, with one wall clock. Telegram keeps to its rate limits."""

    def __init__(self, *, now: Callable[[], datetime] = utc_now) -> None:
        number = int(now().timestamp()) * NUMBERS_A_SECOND
        self.telegram = TelegramSandbox(token=BOT_TOKEN, now=now, first_number=number)
        self.telegram.rate_limit(on=True)
        self.nocodb = NocodbSandbox(now=now)
        self.stripe = StripeSandbox(now=now, first_number=number)
        self.yookassa = YooKassaSandbox(now=now, first_number=number)
        self.nowpayments = NowPaymentsSandbox(now=now, first_number=number)
        self.make = MakeSandbox(now=now)
        self._office = self.telegram.group(ADMIN_CHAT_ID, "Administrators")

    @asynccontextmanager
    async def served(self, *, shop_address: str) -> AsyncIterator[Addresses]:
        """All of them answer, each with its control, and deliver to the shop at `host:port`."""
        self.stripe.webhooks_to(f"http://{shop_address}/webhooks/stripe")
        self.yookassa.webhooks_to(f"http://{shop_address}/webhooks/yookassa")
        async with (
            serve(telegram_control.controlled(self.telegram)) as telegram,
            serve(nocodb_control.controlled(self.nocodb)) as nocodb,
            serve(stripe_control.controlled(self.stripe)) as stripe,
            serve(yookassa_control.controlled(self.yookassa)) as yookassa,
            serve(nowpayments_control.controlled(self.nowpayments)) as nowpayments,
            serve(make_control.controlled(self.make)) as make,
            self.stripe.deliveries,
            self.yookassa.deliveries,
            self.nowpayments.deliveries,
        ):
            yield Addresses(telegram, nocodb, stripe, yookassa, nowpayments, make)

    def office(self) -> Screen:
        """What administrators see in their group."""
        messages = tuple(self._office.messages.values())
        return Screen(messages=messages, reply_keyboard=(), typing=False)

    def requests(self) -> Iterator[tuple[str, int]]:
        """How many requests of the shop each service the story is about has had."""
        for name in ("telegram", "nocodb", "stripe"):
            yield name, getattr(self, name).calls.total()


def environment(at: Addresses, *, shop_address: str, products_file: Path) -> dict[str, str]:
    """The settings of a shop in this world, but for its database."""
    return {
        "BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_API_URL": at.telegram,
        "ADMIN_CHAT_ID": str(ADMIN_CHAT_ID),
        "HTTP_BIND": shop_address,
        "PUBLIC_URL": f"http://{shop_address}",
        "NOCODB_URL": at.nocodb,
        "NOCODB_TOKEN": TOKEN,
        "NOCODB_TABLE_ID": TABLE_ID,
        "TRACKER_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
        "PRODUCTS_FILE": str(products_file),
        "DIGITAL_RAILS": "all",
        "STRIPE_SECRET_KEY": KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "STRIPE_API_URL": at.stripe,
        "YOOKASSA_SHOP_ID": SHOP_ID,
        "YOOKASSA_SECRET_KEY": SECRET_KEY,
        "YOOKASSA_NETWORKS": "127.0.0.0/8",
        "YOOKASSA_API_URL": f"{at.yookassa}/v3",
        "NOWPAYMENTS_API_KEY": API_KEY,
        "NOWPAYMENTS_IPN_SECRET": IPN_SECRET,
        "NOWPAYMENTS_API_URL": f"{at.nowpayments}/v1",
        "MAKE_WEBHOOK_URL": f"{at.make}{PATH}",
        "RELAY_PRIVATE_HOSTS": LOOPBACK,
        "DEBOUNCE_SECONDS": str(QUIET_SECONDS),
    }


def written_products(folder: Path) -> Path:
    """The file that says what is on sale, in `folder`, which is made. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "products.toml"
    file.write_text(PRODUCTS, "utf-8")
    return file


def as_env_file(told: Mapping[str, str]) -> str:
    """The settings as `.env` has them."""
    lines = [f"{name}='{value}'" for name, value in told.items()]
    return "\n".join(["# A shop in the simulated world of `main.py demo`.", *lines, ""])


def written_settings(folder: Path, told: Mapping[str, str]) -> Path:
    """A folder in `folder` in which operators' commands find this shop. Raises `OSError`."""
    place = folder / COMMANDS_FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    (place / ".env").write_text(as_env_file(told), "utf-8")
    return place


async def free_address() -> str:
    """A `host:port` on which nobody listens just now: providers are told it before the shop is."""
    [listener] = await trio.open_tcp_listeners(0, host=LOOPBACK)
    async with listener:
        return f"{LOOPBACK}:{listener.socket.getsockname()[1]}"
