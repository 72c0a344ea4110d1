"""The signature work of both peers: Stripe's scheme, as a careful programmer writes it down."""

from __future__ import annotations

import hashlib
import hmac
import time

TOLERANCE_SECONDS = 300


def genuine(header: str, body: bytes, secret: bytes) -> bool:
    """Whether Stripe signed these bytes, not long ago."""
    parts = [part.partition("=") for part in header.split(",")]
    stamp = next((value for name, _, value in parts if name == "t"), "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > TOLERANCE_SECONDS:
        return False
    signed = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()
    return any(
        hmac.compare_digest(signed, value.encode("latin-1", "replace"))
        for name, _, value in parts
        if name == "v1"
    )
