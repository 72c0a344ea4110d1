"""Whether a webhook is Stripe's own: `Stripe-Signature` over the exact bytes. Pure.

    Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>][,v0=<hex>]
    v1 = hex(HMAC-SHA256(key = the whole "whsec_..." text, ascii(t) + "." + body))

Stricter than Stripe's own library in one thing: a time too far in the future is refused as well
(`contracts/providers.md` section 1.5). Never raises, whatever the header and the body are.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import datetime

from actors.ingress.model import Rejected

HEADER = "stripe-signature"
TOLERANCE_SECONDS = 300
"""How far the signed time may be from ours, into the past and the future. Each repetition of a
webhook is signed anew."""

_SECONDS = re.compile(r"[0-9]{1,12}")


def signed_at(
    header: str, body: bytes, *, secrets: Sequence[bytes], now: datetime
) -> int | Rejected:
    """The time Stripe signed `body` at, in unix seconds, by any of `secrets`.

    While a secret is being rolled the header has one `v1` for each; other schemes are ignored.
    """
    items = [item.partition("=") for item in header.split(",")]
    times = [value for name, _, value in items if name == "t"]
    # What is not ASCII becomes a question mark, which no hexadecimal digest contains.
    given = [value.encode("ascii", "replace") for name, _, value in items if name == "v1"]
    if not given or not times or _SECONDS.fullmatch(times[0]) is None:
        return Rejected(reason="signature", detail="no Stripe-Signature of the scheme v1")
    signed = times[0].encode("ascii") + b"." + body
    digests = [hmac.digest(secret, signed, "sha256").hex().encode() for secret in secrets]
    matches = [hmac.compare_digest(one, digest) for one in given for digest in digests]
    if not any(matches):
        return Rejected(reason="signature", detail="the Stripe-Signature does not match the body")
    if abs(int(now.timestamp()) - int(times[0])) > TOLERANCE_SECONDS:
        detail = f"signed more than {TOLERANCE_SECONDS} s away from the time here"
        return Rejected(reason="stale", detail=detail)
    return int(times[0])
