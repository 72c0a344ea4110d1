"""The address of a database, read strictly, so that no part of a password is taken for another.

libpq is lenient where a character of a password is not percent-encoded: in
`postgresql://shop:a@b@db/shop` the host is `b@db`, in `postgresql://shop:a/b@db/shop` the port is
`a`, and its refusals then quote the wrong parts. Here such an address is no address at all.
"""

from __future__ import annotations

import re
from itertools import chain

import psycopg
from psycopg.conninfo import conninfo_to_dict

EXPECTED = (
    "postgresql://user:password@host:port/database, with special characters in each part "
    "percent-encoded (@ as %40, / as %2F, % as %25)"
)

_PART = r"(?:(?![%@/?#\[\]])[!-~]|%[0-9A-Fa-f]{2})*"
_HOSTS = r"(?:[A-Za-z0-9._,:\[\]-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(rf"postgres(?:ql)?://(?:{_PART}@)?{_HOSTS}(?:/{_PART})?(?:\?(?:(?![@#])[!-~])*)?")
_PORT = re.compile(r"|[0-9]{1,5}")
_SECRETS = ("password", "sslpassword")

PORT_MAX = 65_535
ADDRESS_CHARACTERS_MAX = 2_048


class NotUnderstood(ValueError):  # noqa: N818 - a verdict
    """It is no address of a database. Says what is expected and nothing of what it was."""

    def __init__(self) -> None:
        super().__init__(f"expected {EXPECTED}")


def read_address(url: str) -> dict[str, str]:
    """Parameters of libpq that a URL stands for, decoded. Raises `NotUnderstood`."""
    if len(url) > ADDRESS_CHARACTERS_MAX or _URL.fullmatch(url) is None:
        raise NotUnderstood
    try:
        told = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except (psycopg.Error, ValueError):
        raise NotUnderstood from None  # libpq quotes what it does not understand
    for port in told.get("port", "").split(","):
        if _PORT.fullmatch(port) is None or not 1 <= int(port or 1) <= PORT_MAX:
            raise NotUnderstood
    return told


def secrets_of(url: str) -> frozenset[str]:
    """What of this address must not be shown, as it is written and as it is meant."""
    told = read_address(url)
    meant = {told[name] for name in _SECRETS if told.get(name)}
    written = re.search(rf"//[^:@/?]*:({_PART})@", url)
    in_query = re.findall(rf"[?&](?:{'|'.join(_SECRETS)})=([^&]*)", url)
    return frozenset(filter(None, chain(meant, in_query, [written[1]] if written else [])))
