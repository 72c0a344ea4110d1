r"""Signed, expiring tokens for the address to which a payer's browser comes back. Pure.

```
token     = base64url(payload, tag) without padding, 76 characters
payload   = version (1 byte, 1), order id (16 bytes), expiry (8 bytes, Unix seconds, big-endian)
tag       = HMAC-SHA256(key, "factorage success url\\0" + payload)
```

A token shows that we gave this address away, for a while, and nothing else: whoever has it has
seen a page, and has proved no payment. The first key signs, all of them verify, so that a key is
changed by putting a new one in front and taking the old one away when its tokens have expired.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from actors.kernel.ids import OrderId

VERSION = 1
KEY_LENGTH_MIN = 32
"""Bytes; as many as the hash gives."""
TOKEN_LENGTH_MAX = 200
"""Characters that are looked at at all."""

_PURPOSE = b"factorage success url\0"
"""A tag of ours for anything else is none for this."""
_PAYLOAD_BYTES = 1 + 16 + 8
_TAG_BYTES = 32


class Invalid(StrEnum):
    """Why a token is not accepted."""

    MALFORMED = "malformed"
    FORGED = "forged"
    """Or signed with a key that has been taken away."""
    EXPIRED = "expired"


class SuccessTokens:
    """Gives tokens out and takes them back. Raises `ValueError` for no key, or a short one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ValueError("no key to sign success URLs with")
        if any(len(key) < KEY_LENGTH_MIN for key in keys):
            raise ValueError(f"a key has at least {KEY_LENGTH_MIN} bytes")
        self._keys = tuple(keys)

    def issue(self, order_id: OrderId, *, expires_at: datetime) -> str:
        """A token for the order, good until `expires_at`, to the second."""
        seconds = int((expires_at - _EPOCH) / timedelta(seconds=1))
        payload = bytes([VERSION]) + bytes.fromhex(order_id) + seconds.to_bytes(8, "big")
        tag = _tag(self._keys[0], payload)
        return base64.urlsafe_b64encode(payload + tag).rstrip(b"=").decode()

    def read(self, token: str, *, now: datetime) -> OrderId | Invalid:
        """The order that the token names, or why it is not accepted."""
        raw = _bytes(token)
        if raw is None:
            return Invalid.MALFORMED
        payload, tag = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
        # All keys, in constant time: neither a prefix nor which key it was shows in how long
        # this takes.
        signed = [hmac.compare_digest(_tag(key, payload), tag) for key in self._keys]
        if not any(signed):
            return Invalid.FORGED
        if payload[0] != VERSION:
            return Invalid.MALFORMED
        expires_at = int.from_bytes(payload[-8:], "big")
        if (now - _EPOCH) / timedelta(seconds=1) >= expires_at:
            return Invalid.EXPIRED
        return OrderId(payload[1:17].hex())


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _tag(key: bytes, payload: bytes) -> bytes:
    return hmac.new(key, _PURPOSE + payload, hashlib.sha256).digest()


def _bytes(token: str) -> bytes | None:
    """What the token holds; None unless it is exactly what `issue` writes."""
    if len(token) > TOKEN_LENGTH_MAX or not token.isascii():
        return None
    padded = token.encode() + b"=" * (-len(token) % 4)
    try:
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    if len(raw) != _PAYLOAD_BYTES + _TAG_BYTES:
        return None
    # One spelling only: two texts must not be the same token.
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return raw if canonical == token else None
