"""Values print as they are written, and lists of secrets have their limits."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from config.values import SECRETS_MAX, Bind, Networks, Secrets, seconds_between


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
