"""Stripe's signature: the vectors, Stripe's own library beside ours, and anything at all."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import SignatureVerificationError, WebhookSignature

from actors.ingress.model import Rejected
from adapters.stripe.signature import signed_at

SECRET = "whsec_test_0123456789abcdef0123456789abcdef"
OLD_SECRET = "whsec_old_secret"
SIGNED = 1_767_225_600
NOW = datetime.fromtimestamp(SIGNED, UTC)
S1_BODY = (
    b'{"id":"evt_1TestVector0001","object":"event","type":"payment_intent.succeeded","data":'
    b'{"object":{"id":"pi_1TestVector0001","object":"payment_intent","amount":1999,"currency":'
    b'"usd","status":"succeeded","metadata":{"order_id":"42"}}}}'
)
S1_V1 = "a61161f8a688dcc09815386ac09cbcf86a83384b9ad173e15b4a2e7d746846ad"
S1 = f"t={SIGNED},v1={S1_V1}"
S2_BODY = '{"id":"evt_2","type":"checkout.session.completed","note":"Оплата №1 / café"}'.encode()
S2 = f"t={SIGNED},v1=7985dd312d614374c11d8bbd30d6fc7ab25a9ee9a4f965e43ca7efaddf618071"
OLD_V1 = "6ea9ba0f131dbfef3c1cae332b2b2bcccbd25c2004ad02ca41d4c61208c43ccb"
S3 = f"t={SIGNED},v1={OLD_V1},v1={S1_V1},v0=deadbeef"


def outcome(header: str, body: bytes = S1_BODY, *secrets: str, now: datetime = NOW) -> int | str:
    """The signed time, or why not."""
    keys = [secret.encode() for secret in secrets or (SECRET,)]
    found = signed_at(header, body, secrets=keys, now=now)
    return found.reason if isinstance(found, Rejected) else found


def stripe_accepts(header: str, body: bytes = S1_BODY, secret: str = SECRET) -> bool:
    """What Stripe's own library says, the time aside."""
    try:
        return bool(WebhookSignature.verify_header(body.decode(), header, secret))
    except SignatureVerificationError:
        return False


@pytest.mark.parametrize(
    ("header", "body", "secrets"),
    [
        (S1, S1_BODY, [SECRET]),
        (S2, S2_BODY, [SECRET]),
        (S3, S1_BODY, [SECRET]),
        (S3, S1_BODY, [OLD_SECRET]),
        (S3, S1_BODY, ["whsec_other", OLD_SECRET]),
        (S1, S1_BODY, [OLD_SECRET, SECRET]),
    ],
)
def test_the_vectors_verify(header: str, body: bytes, secrets: list[str]) -> None:
    assert outcome(header, body, *secrets) == SIGNED


@pytest.mark.parametrize(
    ("header", "body", "secret"),
    [
        (S1, S1_BODY + b" ", SECRET),
        (S1, S2_BODY, SECRET),
        (S1, S1_BODY, OLD_SECRET),
        (S1, S1_BODY, SECRET.removeprefix("whsec_")),
        (S1.replace(str(SIGNED), str(SIGNED + 1)), S1_BODY, SECRET),
        (S1.replace("v1=", "v0="), S1_BODY, SECRET),
        (S1[:-1], S1_BODY, SECRET),
        (f"t={SIGNED},v1={S1_V1.upper()}", S1_BODY, SECRET),
        (f"t={SIGNED}, v1={S1_V1}", S1_BODY, SECRET),
        (f"t={SIGNED}", S1_BODY, SECRET),
        (f"v1={S1_V1}", S1_BODY, SECRET),
        (f"t=,v1={S1_V1}", S1_BODY, SECRET),
        (f"t=soon,v1={S1_V1}", S1_BODY, SECRET),
        ("", S1_BODY, SECRET),
        ("garbage", S1_BODY, SECRET),
        (",,,===", S1_BODY, SECRET),
    ],
)
def test_whatever_stripes_own_library_refuses_is_refused(
    header: str, body: bytes, secret: str
) -> None:
    assert not stripe_accepts(header, body, secret)
    assert outcome(header, body, secret) == "signature"


def test_what_stripes_own_library_signs_is_accepted() -> None:
    body = '{"note":"Оплата"}'
    header = WebhookSignature.generate_signature_header(body, OLD_SECRET, timestamp=SIGNED)
    assert outcome(header, body.encode(), OLD_SECRET) == SIGNED


@pytest.mark.parametrize(
    ("late_seconds", "found"),
    [
        (0, SIGNED),
        (299, SIGNED),
        (300, SIGNED),
        (301, "stale"),
        (3600, "stale"),
        (-300, SIGNED),
        (-301, "stale"),
        (-3600, "stale"),
    ],
)
def test_the_window_has_two_sides(late_seconds: int, found: int | str) -> None:
    assert outcome(S1, now=NOW + timedelta(seconds=late_seconds)) == found


def test_a_stranger_learns_nothing_about_the_window() -> None:
    assert outcome(S1, S2_BODY, now=NOW + timedelta(days=1)) == "signature"


@pytest.mark.parametrize(
    "time", [f"+{SIGNED}", f" {SIGNED}", "1_767_225_600", "１７６７", "9" * 13]
)
def test_only_plain_digits_are_a_time(time: str) -> None:
    assert outcome(f"t={time},v1={S1_V1}") == "signature"


@given(header=st.text(max_size=200), body=st.binary(max_size=200))
def test_no_header_and_no_body_raises(header: str, body: bytes) -> None:
    assert outcome(header, body) == "signature"


@given(time=st.text(max_size=20), proofs=st.lists(st.text(max_size=70), max_size=4))
def test_nothing_that_looks_like_a_header_raises(time: str, proofs: list[str]) -> None:
    header = ",".join([f"t={time}", *(f"v1={proof}" for proof in proofs)])
    assert outcome(header, b"\xff\xfe") == "signature"


def test_bytes_that_are_no_text_can_be_signed() -> None:
    """Stripe's own library raises UnicodeDecodeError here; that they are no JSON comes later."""
    body = b"\xff\xfe\x00"
    digest = hmac.digest(SECRET.encode(), f"{SIGNED}.".encode() + body, "sha256").hex()
    header = f"t={SIGNED},v1={digest}"

    with pytest.raises(UnicodeDecodeError):
        WebhookSignature.verify_header(body, header, SECRET)
    assert outcome(header, body) == SIGNED
    assert outcome(header, body[:-1]) == "signature"
