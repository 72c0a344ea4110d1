"""The world of the demo: everything answers, and the settings lead there and nowhere else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trio

from actors.payments.catalogue import DigitalRails
from adapters.sandbox.server import LOOPBACK
from config.products import read_products
from config.rails import is_live
from config.settings import load_settings
from config.story_world import (
    PRODUCT,
    World,
    environment,
    free_address,
    written_products,
    written_settings,
)
from config.whereabouts import Whereabouts
from tests.adapters.sandbox.calls import virtual_now
from tests.config.program import get

SHOP = "127.0.0.1:8080"


async def test_every_service_answers_and_says_what_can_be_asked_of_it() -> None:
    async with World(now=virtual_now).served(shop_address=SHOP) as at:
        pages = [(await get(f"{url}/_control")).text for url in at]

    names = ("Telegram", "NocoDB", "Stripe", "YooKassa", "NOW", "Make")
    for page, name in zip(pages, names, strict=True):
        assert page.startswith(f"Control of a {name}")


async def test_the_settings_lead_into_this_world_only_and_take_no_real_money(
    tmp_path: Path,
) -> None:
    async with World(now=virtual_now).served(shop_address=SHOP) as at:
        told = environment(at, shop_address=SHOP, products_file=tmp_path / "products.toml")

    urls = [value for value in told.values() if "://" in value]
    assert len(urls) == len(at) + 1
    assert {urlsplit(url).hostname for url in urls} == {LOOPBACK}
    settings = load_settings(told)
    assert not is_live(settings)
    assert DigitalRails(settings.digital_rails) is DigitalRails.ALL
    assert str(settings.public_url) == f"http://{SHOP}"


async def test_what_is_on_sale_has_a_price_for_every_rail(tmp_path: Path) -> None:
    [product] = read_products(written_products(tmp_path / "new" / "folder"))

    assert product.product_id == PRODUCT
    assert {price.currency for price in product.prices} == {"XTR", "USD", "RUB"}


def test_settings_that_are_written_are_read_as_they_are(tmp_path: Path) -> None:
    told = {"HTTP_BIND": "127.0.0.1:8086", "OPERATOR_TOKEN": "a token $PATH # of ours"}
    place = written_settings(tmp_path, told)
    at = Whereabouts(environ={}, file=place / ".env")
    assert (at.url, at.token) == ("http://127.0.0.1:8086", "a token $PATH # of ours")
    assert place.stat().st_mode & 0o077 == 0


async def test_a_folder_that_cannot_be_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OSError, match="file"):
        written_products(tmp_path / "file")


async def test_a_later_world_tells_of_nothing_that_an_earlier_one_has_told() -> None:
    told: list[str] = []
    for _ in range(2):
        world = World(now=virtual_now)
        told += [world.stripe.events.emit("charge.succeeded", {})["id"] for _ in range(90)]
        await trio.sleep(1)

    assert len(set(told)) == 2 * 90


async def test_a_free_address_can_be_listened_on() -> None:
    host, port = (await free_address()).split(":")

    [listener] = await trio.open_tcp_listeners(int(port), host=host)
    await listener.aclose()
