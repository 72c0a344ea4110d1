"""Tokens for the way back from a provider: signed, expiring, and proof of nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import OrderId
from actors.payments.tokens import Invalid, SuccessTokens
from tests.actors.payments.orders import NOON, ORDER

OLD, NEW = b"o" * 32, b"n" * 40
HOUR = timedelta(hours=1)
TOKENS = SuccessTokens([NEW, OLD])
TOKEN = TOKENS.issue(ORDER.order_id, expires_at=NOON + HOUR)


def test_a_token_comes_back_as_its_order_until_it_expires() -> None:
    assert TOKENS.read(TOKEN, now=NOON) == ORDER.order_id
    second = timedelta(seconds=1)
    assert TOKENS.read(TOKEN, now=NOON + HOUR - second) == ORDER.order_id
    assert TOKENS.read(TOKEN, now=NOON + HOUR) is Invalid.EXPIRED


def test_the_token_is_what_its_description_says() -> None:
    """Made once by hand, so that tokens in people's browsers survive a rewrite."""
    payload = b"\x01" + bytes.fromhex(ORDER.order_id) + int((NOON + HOUR).timestamp()).to_bytes(8)
    tag = hmac.new(NEW, b"factorage success url\0" + payload, hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(payload + tag).rstrip(b"=").decode() == TOKEN
    assert len(TOKEN) == 76


def test_a_key_is_changed_without_breaking_what_was_given_away() -> None:
    old = SuccessTokens([OLD]).issue(ORDER.order_id, expires_at=NOON + HOUR)
    assert TOKENS.read(old, now=NOON) == ORDER.order_id
    assert SuccessTokens([NEW]).read(old, now=NOON) is Invalid.FORGED
    assert SuccessTokens([OLD]).read(TOKEN, now=NOON) is Invalid.FORGED


def test_no_character_can_be_changed() -> None:
    for place, character in enumerate(TOKEN):
        other = "A" if character != "A" else "B"
        changed = TOKEN[:place] + other + TOKEN[place + 1 :]
        assert TOKENS.read(changed, now=NOON) in {Invalid.FORGED, Invalid.MALFORMED}, place


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        " " + TOKEN,
        TOKEN + "\n",
        TOKEN.replace("A", "/"),
        "A" * 76,
        "é" * 76,
        "A" * 100000,
        TOKEN[:40] + "." + TOKEN[41:],
    ],
)
def test_what_is_no_token_of_ours_is_refused(token: str) -> None:
    if token != TOKEN:
        assert TOKENS.read(token, now=NOON) in {Invalid.FORGED, Invalid.MALFORMED}


def test_another_version_is_refused_even_when_it_is_signed() -> None:
    payload = b"\x02" + bytes.fromhex(ORDER.order_id) + (2**40).to_bytes(8)
    tag = hmac.new(NEW, b"factorage success url\0" + payload, hashlib.sha256).digest()
    token = base64.urlsafe_b64encode(payload + tag).rstrip(b"=").decode()
    assert TOKENS.read(token, now=NOON) is Invalid.MALFORMED


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b"x" * 31]])
def test_keys_are_long_and_there_is_one(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        SuccessTokens(keys)


@given(st.text(max_size=120))
def test_nothing_that_is_sent_makes_it_fail(token: str) -> None:
    assert TOKENS.read(token, now=NOON) in {Invalid.FORGED, Invalid.MALFORMED}


@given(st.integers(0, 2**128 - 1), st.integers(1, 10**9))
def test_every_order_comes_back(number: int, seconds: int) -> None:
    order_id = OrderId(f"{number:032x}")
    token = TOKENS.issue(order_id, expires_at=NOON + timedelta(seconds=seconds))
    assert TOKENS.read(token, now=NOON) == order_id
