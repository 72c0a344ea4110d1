"""Signs a request as Standard Webhooks has it, so that its receiver can tell that it is ours. Pure.

    webhook-id          the id of the event, the same each time it is sent
    webhook-timestamp   unix seconds of this attempt
    webhook-signature   v1,<base64>, one for each secret, with blanks between them
    v1 = base64(HMAC-SHA256(key, id + "." + timestamp + "." + body))

https://github.com/standard-webhooks/standard-webhooks (spec, "Signature scheme"). A secret is
`whsec_` and the key in base64.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64


def key_of(secret: str) -> bytes:
    """The key of `whsec_<base64>`; raises `ValueError` for anything else."""
    encoded = secret.removeprefix(PREFIX)
    if encoded == secret:
        raise ValueError("a signing secret begins with whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise ValueError("a signing secret is base64 behind whsec_") from None
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError(f"a signing secret has {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes")
    return key


def signed(event_id: str, body: bytes, *, keys: Sequence[bytes], now: datetime) -> dict[str, str]:
    """The three headers; none without keys."""
    if not keys:
        return {}
    timestamp = str(int(now.timestamp()))
    content = b".".join((event_id.encode(), timestamp.encode(), body))
    digests = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    signatures = (f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
