"""How one value of the environment is written: each reader takes a text and refuses the rest.

A reader raises `ValueError` without a word: what was expected is said by the setting's own
description, and the value itself is never echoed (`config.settings`).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, SecretStr

from adapters.postgres.address import read_address

BOT_TOKEN_PATTERN = r"[0-9]{1,20}:[A-Za-z0-9_-]{3,128}"  # noqa: S105 - a pattern, not a token
HEADER_VALUE_PATTERN = r"[\x21-\x7e]{1,512}"
WEBHOOK_SECRET_PATTERN = r"[A-Za-z0-9_-]{1,256}"  # noqa: S105 - a pattern again
STRIPE_KEY_PATTERN = r"(sk|rk)_(test|live)_[\x21-\x7e]{1,500}"
STRIPE_SIGNING_PATTERN = r"whsec_[\x21-\x2b\x2d-\x7e]{2,500}"
NOT_STRIPES_PATTERN = rf"(?!(sk|rk|pk)_(test|live)_|whsec_){HEADER_VALUE_PATTERN}"
"""A key of somebody else: one of Stripe's in its place would be found by the first buyer."""
SIGNING_KEY_PATTERN = r"[\x21-\x2b\x2d-\x7e]{32,512}"
LISTED_SECRET_PATTERN = r"(?!(sk|rk|pk)_(test|live)_)[\x21-\x2b\x2d-\x7e]{8,512}"  # noqa: S105
"""One of several secrets between commas."""
SECRETS_MAX = 8
EMAIL_PATTERN = r"[\x21-\x3f\x41-\x7e]{1,64}@[A-Za-z0-9.-]{1,255}"
VAT_CODE_PATTERN = r"[1-9][0-9]?"
WORD_PATTERN = r"[a-z_]{1,64}"
ZONE_PATTERN = r"[A-Za-z][A-Za-z0-9_+-]{0,30}(/[A-Za-z0-9_+-]{1,30}){0,2}"
COIN_PATTERN = r"[A-Za-z0-9]{2,20}"
SHOP_ID_PATTERN = r"[0-9]{1,20}"
CHAT_ID_PATTERN = r"-?[1-9][0-9]{0,15}"
TABLE_ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"
COLUMN_PATTERN = r"[^\x00-\x1f\x7f(),~]{1,255}"
NUMBER_PATTERN = r"[0-9]{1,9}(\.[0-9]{1,6})?"
OPERATOR_TOKEN_LENGTH_MIN = 24
TOKEN_PATTERN = rf"[\x21-\x2b\x2d-\x7e]{{{OPERATOR_TOKEN_LENGTH_MIN},512}}"
"""One of several bearer tokens between commas."""
INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX = 0.1, 86_400.0
SHUTDOWN_SECONDS_MIN, SHUTDOWN_SECONDS_MAX = 0.1, 600.0
PORT_MAX = 65_535


class Bind(NamedTuple):
    """Where the HTTP port listens; `str()` gives it back as `host:port`, with brackets for IPv6."""

    host: str
    port: int
    """0 lets the operating system choose."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _matching(pattern: str) -> BeforeValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError
        return value

    return BeforeValidator(check)


def seconds_between(least: float, most: float) -> BeforeValidator:
    """A plain decimal in range: Python's `float` would also take `nan`, `inf`, `1_0` and `1e9`."""

    def check(value: str) -> float:
        if re.fullmatch(NUMBER_PATTERN, value) is None or not least <= float(value) <= most:
            raise ValueError
        return float(value)

    return BeforeValidator(check)


def whole_between(least: int, most: int) -> BeforeValidator:
    """A plain whole number in range."""

    def check(value: str) -> int:
        if re.fullmatch(r"[0-9]{1,9}", value) is None or not least <= int(value) <= most:
            raise ValueError
        return int(value)

    return BeforeValidator(check)


def http_url(value: str) -> str:
    """An http or https address without user, query or fragment; no slash at its end."""
    url = urlsplit(value) if re.fullmatch(r"[\x21-\x7e]{1,2048}", value) else urlsplit("")
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
        raise ValueError
    if "@" in url.netloc or "?" in value or "#" in value or "\\" in value:
        raise ValueError
    return value.rstrip("/")


def outside_url(value: str) -> str:
    """The same for those outside, who ask by https alone; a machine of our own network has a name
    without a dot, or a private address, and may do without.
    """
    url = urlsplit(http_url(value))
    if url.scheme != "https" and not _is_ours(url.hostname or ""):
        raise ValueError
    return value.rstrip("/")


def _is_ours(host: str) -> bool:
    try:
        return ip_address(host).is_private  # loopback is
    except ValueError:
        return "." not in host


def _nocodb_url(value: str) -> str:
    """Of the server, whose API the client finds itself."""
    url = http_url(value)
    if re.search(r"/api(/v[0-9]+)?$", urlsplit(url).path):
        raise ValueError
    return url


def zone(value: str) -> ZoneInfo:
    """A time zone by its IANA name."""
    if re.fullmatch(ZONE_PATTERN, value) is None:
        raise ValueError
    try:
        return ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError):  # a folder of zones, such as `Europe`
        raise ValueError from None


def _database_url(value: str) -> str:
    """A libpq URL. A user, a password, or a socket folder in `?host=` may be in it."""
    read_address(value)
    return value


def bind(value: str) -> Bind:
    """`host:port`, with brackets around an IPv6 address."""
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", value)
    if found is None or int(found[2]) > PORT_MAX:
        raise ValueError
    return Bind(found[1].strip("[]"), int(found[2]))


def _folder(value: str) -> Path:
    if "\x00" in value:
        raise ValueError
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:  # `~` of a user without a home
        raise ValueError from error


def _chat_id(value: str) -> int:
    if re.fullmatch(CHAT_ID_PATTERN, value) is None:
        raise ValueError
    return int(value)


def _vat_code(value: str) -> int:
    if re.fullmatch(VAT_CODE_PATTERN, value) is None:
        raise ValueError
    return int(value)


def _listed(pattern: str) -> BeforeValidator:
    """Several secrets between commas: the new one and the old one while they are rotated."""

    def check(value: str) -> tuple[SecretStr, ...]:
        parts = [part.strip() for part in value.split(",")]
        if len(parts) > SECRETS_MAX or any(re.fullmatch(pattern, part) is None for part in parts):
            raise ValueError
        return tuple(SecretStr(part) for part in parts)

    return BeforeValidator(check)


def _networks(value: str) -> tuple[Network, ...]:
    """Networks between commas, such as `10.0.0.0/8, ::1`; one address is a network of one."""
    return tuple(ip_network(part.strip()) for part in value.split(","))


Network = IPv4Network | IPv6Network
BotToken = Annotated[SecretStr, _matching(BOT_TOKEN_PATTERN)]
Secret = Annotated[SecretStr, _matching(HEADER_VALUE_PATTERN)]
StripeKey = Annotated[SecretStr, _matching(STRIPE_KEY_PATTERN)]
WebhookSecrets = Annotated[tuple[SecretStr, ...], _listed(WEBHOOK_SECRET_PATTERN)]
Secrets = Annotated[tuple[SecretStr, ...], _listed(LISTED_SECRET_PATTERN)]
Tokens = Annotated[tuple[SecretStr, ...], _listed(TOKEN_PATTERN)]
SigningKeys = Annotated[tuple[SecretStr, ...], _listed(SIGNING_KEY_PATTERN)]
DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]
StripeSecrets = Annotated[tuple[SecretStr, ...], _listed(STRIPE_SIGNING_PATTERN)]
NotStripes = Annotated[SecretStr, _matching(NOT_STRIPES_PATTERN)]
OutsideUrl = Annotated[str, BeforeValidator(outside_url)]
NocoDbUrl = Annotated[str, BeforeValidator(_nocodb_url)]
HttpUrl = Annotated[str, BeforeValidator(http_url)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Address = Annotated[Bind, BeforeValidator(bind)]
Folder = Annotated[Path, BeforeValidator(_folder)]
Zone = Annotated[ZoneInfo, BeforeValidator(zone)]
AnyChatId = Annotated[int, BeforeValidator(_chat_id)]
Email = Annotated[str, _matching(EMAIL_PATTERN)]
VatCode = Annotated[int, BeforeValidator(_vat_code)]
Word = Annotated[str, _matching(WORD_PATTERN)]
Coin = Annotated[str, _matching(COIN_PATTERN)]
ShopId = Annotated[str, _matching(SHOP_ID_PATTERN)]
TableId = Annotated[str, _matching(TABLE_ID_PATTERN)]
Column = Annotated[str, _matching(COLUMN_PATTERN)]
COLUMN_EXPECTED = "the title of a column, without ( ) , ~"
