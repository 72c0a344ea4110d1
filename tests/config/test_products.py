"""The file of products: read whole, or refused with everything that is wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from actors.kernel.money import Money
from config.products import PRODUCTS_MAX, products_of, products_on_sale, read_products
from config.settings import SettingsError, load_settings
from tests.architecture import ROOT
from tests.config.test_settings import REQUIRED

VIP: dict[str, Any] = {
    "id": "vip",
    "title": {"ru": "а", "uk": "б", "en": "c"},
    "description": "d",
    "goods": "g",
    "prices": {"XTR": "100", "USD": "4.99"},
}


def test_the_documents_example_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```toml\n(.*?)```", (ROOT / "docs/products.md").read_text(), re.DOTALL
    )
    file = tmp_path / "products.toml"
    file.write_text(example, "utf-8")
    (vip,) = read_products(file)
    assert vip.product_id == "vip"
    assert vip.digital
    assert vip.title.uk == "VIP-доступ"
    assert vip.goods.ru == vip.goods.en
    assert vip.prices == (Money.of("100", "XTR"), Money.of("4.99", "USD"), Money.of("490", "RUB"))


def test_no_products_are_no_fault() -> None:
    assert products_of({}) == ()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": "VIP!"}, "a-z"),
        ({"id": 7}, "id is a text"),
        ({"digital": "yes"}, "true or false"),
        ({"title": {"en": "c"}}, "title is a text"),
        ({"title": {"ru": "а", "uk": "б", "en": 3}}, "made of texts"),
        ({"title": "x" * 33}, "title has 1 to 32"),
        ({"goods": " "}, "goods has 1 to"),
        ({"prices": {"USD": 4.99}}, "prices are texts"),
        ({"prices": {"USD": "4,99"}}, "the price in USD: not a decimal"),
        ({"prices": {"USD": "0"}}, "more than nothing"),
        ({"prices": {"USD": "0.001"}}, "minor unit"),
        ({"prices": "4.99"}, "prices are texts"),
        ({"prices": {"USD": "4,99"}}, "write 4.99, with a dot"),
        ({"prices": {"XTR": "1.5"}}, "it has no decimals"),
        ({"prices": {"UDS": "4.99"}}, "no such currency"),
        ({"prices": {"usd": "1", "USD": "2"}}, "two in one currency"),
        ({"id": "other"}, "its id is that of product 1"),
        ({"colour": "red"}, "colour is not known"),
    ],
)
def test_a_fault_is_named_with_its_product(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=f"product 2: .*{re.escape(fault)}"):
        products_of({"product": [VIP | {"id": "other"}, VIP | change]})


@pytest.mark.parametrize("missing", sorted(VIP))
def test_what_is_missing_is_named(missing: str) -> None:
    entry = {name: value for name, value in VIP.items() if name != missing}
    with pytest.raises(SettingsError, match=f"{missing} is missing"):
        products_of({"product": [entry]})


def test_every_fault_of_one_product_is_told() -> None:
    wrong = {"id": "VIP!", "digital": "yes", "title": "x" * 33, "colour": "red"}
    entry = {**VIP, **wrong, "prices": {"USD": "4,99", "XTR": "1.5"}}
    del entry["goods"]
    with pytest.raises(SettingsError) as refused:
        products_of({"product": [entry]})
    told = str(refused.value)
    for fault in ("id", "digital", "title", "colour", "goods", "USD", "XTR"):
        assert fault in told
    assert len(told.splitlines()) == 8


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        products_of({"shop": 1, "product": [VIP, VIP, VIP | {"id": ""}]})
    assert len(str(refused.value).splitlines()) == 4


@pytest.mark.parametrize("told", [{"product": VIP}, {"product": [1]}, {"product": [VIP] * 51}])
def test_products_stand_in_a_list_with_an_end(told: dict[str, Any]) -> None:
    assert PRODUCTS_MAX == 50
    with pytest.raises(SettingsError, match=r"\[\[product\]\]|more than 50"):
        products_of(told)


@pytest.mark.parametrize("content", [b"\xff", b"[[product]\n", b"a = "])
def test_what_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "products.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="not TOML"):
        read_products(file)


def test_a_file_without_products_is_told_and_no_file_is_no_fault(tmp_path: Path) -> None:
    file = tmp_path / "products.toml"
    file.write_text("# to be written\n", "utf-8")
    with pytest.raises(SettingsError, match=r"no \[\[product\]\]: nothing would be on sale"):
        products_on_sale(load_settings(REQUIRED | {"PRODUCTS_FILE": str(file)}))
    assert products_on_sale(load_settings(REQUIRED)) == ()


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_products(tmp_path / "absent.toml")
