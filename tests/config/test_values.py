"""Values print as they are written, and lists of secrets have their limits."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from config.settings import load_settings
from config.values import SECRETS_MAX, Bind, Networks, Secrets, seconds_between
from tests.config.test_settings import NOWPAYMENTS, REQUIRED, YOOKASSA, faults


@pytest.mark.parametrize("text", ["127.0.0.1:8080", "[::1]:0", "shop.test:443"])
def test_an_address_prints_as_it_is_written(text: str) -> None:
    host, _, port = text.rpartition(":")
    assert str(Bind(host.strip("[]"), int(port))) == text


def test_secrets_are_listed_newest_first_and_never_shown() -> None:
    listed = TypeAdapter(Secrets).validate_python("first-secret, second-secret")
    assert [secret.get_secret_value() for secret in listed] == ["first-secret", "second-secret"]
    assert "first" not in repr(listed)


@pytest.mark.parametrize("text", ["short", "", "long-enough,", ",".join(["x" * 8] * 9)])
def test_a_list_of_secrets_has_no_holes_and_an_end(text: str) -> None:
    assert SECRETS_MAX == 8
    with pytest.raises(ValidationError):
        TypeAdapter(Secrets).validate_python(text)


def test_networks_of_both_kinds_stand_in_one_list() -> None:
    networks = TypeAdapter(Networks).validate_python("10.0.0.0/8, 2a02:5180::/32,127.0.0.1")
    assert [str(network) for network in networks] == [
        "10.0.0.0/8", "2a02:5180::/32", "127.0.0.1/32",
    ]  # fmt: skip


def test_seconds_say_what_is_in_range() -> None:
    within = seconds_between(0.5, 10.0)
    assert within.func("0.5") == 0.5  # type: ignore[call-arg]
    with pytest.raises(ValueError, match=r"^$"):
        within.func("10.1")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["PUBLIC_URL", "TELEGRAM_WEBHOOK_URL"])
def test_those_outside_ask_by_https_and_our_own_network_may_do_without(name: str) -> None:
    together = {"TELEGRAM_WEBHOOK_SECRET": "x"} if name == "TELEGRAM_WEBHOOK_URL" else {}
    for refused in ("http://shop.example.org", "http://93.184.216.34", "ftp://localhost"):
        assert faults(REQUIRED | together | {name: refused}).keys() == {name}
    for taken in ("https://shop.example.org", "http://127.0.0.1:1", "http://10.1.2.3", "http://x"):
        load_settings(REQUIRED | together | {name: taken})


def test_the_address_of_nocodb_is_that_of_the_server() -> None:
    for refused in ("https://noco.test/api", "https://noco.test/api/v2/", "http://n/base/api/v1"):
        assert "without /api" in faults(REQUIRED | {"NOCODB_URL": refused})["NOCODB_URL"]
    load_settings(REQUIRED | {"NOCODB_URL": "https://api.noco.test/apis"})


STRIPE = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1234"}


@pytest.mark.parametrize(
    ("others", "name", "value"),
    [
        (STRIPE, "STRIPE_WEBHOOK_SECRET", "sk_test_51abcdef"),
        (STRIPE, "STRIPE_WEBHOOK_SECRET", "whsec_1234,rk_live_51abcdef"),
        (STRIPE, "STRIPE_SECRET_KEY", "whsec_1234"),
        (YOOKASSA, "YOOKASSA_SECRET_KEY", "sk_test_51abcdef"),
        (NOWPAYMENTS, "NOWPAYMENTS_API_KEY", "sk_live_51abcdef"),
        (NOWPAYMENTS, "NOWPAYMENTS_IPN_SECRET", "sk_live_51abcdef"),
    ],
)
def test_a_secret_in_the_wrong_place_is_refused(
    others: dict[str, str], name: str, value: str
) -> None:
    assert faults(REQUIRED | others | {name: value}).keys() == {name}
