"""Requests are signed as Standard Webhooks has it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from adapters.make.signature import key_of, signed

NOW = datetime.fromtimestamp(1_614_265_330, UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_vector_of_the_specifications_own_libraries() -> None:
    headers = signed(EVENT_ID, BODY, keys=[key_of(SECRET)], now=NOW)
    assert headers == {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_secret_is_changed_both_sign() -> None:
    other = key_of("whsec_" + base64.b64encode(b"x" * 24).decode())
    headers = signed(EVENT_ID, BODY, keys=[other, key_of(SECRET)], now=NOW)
    first, second = headers["webhook-signature"].split(" ")
    assert first != second
    assert second == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_without_a_secret_nothing_is_signed() -> None:
    assert signed(EVENT_ID, BODY, keys=[], now=NOW) == {}


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_abc!", "whsec_" + "A" * 100]
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="signing secret"):
        key_of(secret)
