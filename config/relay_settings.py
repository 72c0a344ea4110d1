"""What the environment may say about the relay: where messages go, and when they are complete.

A part of `config.settings.Settings`, which says how settings are read and told.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings

from adapters.make.signature import key_of
from config.values import Secret, http_url, seconds_between

HOST_PATTERN = r"\[?[A-Za-z0-9._:-]{1,253}\]?"
SECRETS_MAX = 4


def _webhook_url(value: str) -> str:
    """An address like any other, and a query may be in it: where it goes is the secret."""
    http_url(value.partition("?")[0])
    if re.fullmatch(r"[\x21-\x7e]{1,2048}", value) is None or "#" in value:
        raise ValueError
    return value


def _signing_secrets(value: str) -> tuple[SecretStr, ...]:
    parts = [part.strip() for part in value.split(",")]
    if len(parts) > SECRETS_MAX:
        raise ValueError
    for part in parts:
        key_of(part)
    return tuple(SecretStr(part) for part in parts)


def _hosts(value: str) -> frozenset[str]:
    hosts = [part.strip() for part in value.split(",")]
    if not all(re.fullmatch(HOST_PATTERN, host) for host in hosts):
        raise ValueError
    return frozenset(host.strip("[]").lower() for host in hosts)


class RelaySettings(BaseSettings):
    """The relay (docs/relay.md)."""

    make_webhook_url: Annotated[SecretStr, BeforeValidator(_webhook_url)] | None = Field(
        default=None,
        alias="MAKE_WEBHOOK_URL",
        description="the https address of a webhook to which messages and payments are relayed",
        examples=["https://hook.eu1.make.com/..."],
    )
    make_api_key: Secret | None = Field(
        default=None,
        alias="MAKE_API_KEY",
        description="a key of that webhook, without spaces",
        examples=["what the webhook's settings show"],
    )
    relay_signing_secret: Annotated[tuple[SecretStr, ...], BeforeValidator(_signing_secrets)] = (
        Field(
            default=(),
            alias="RELAY_SIGNING_SECRET",
            description="whsec_ and 24 to 64 bytes in base64; two with a comma while it is changed",
            examples=["whsec_ and what `openssl rand -base64 32` prints"],
        )
    )
    relay_private_hosts: Annotated[frozenset[str], BeforeValidator(_hosts)] = Field(
        default=frozenset(),
        alias="RELAY_PRIVATE_HOSTS",
        description="names of hosts inside our own network that may be relayed to, with commas",
        examples=["n8n.internal, 127.0.0.1"],
    )
    debounce_seconds: Annotated[float, seconds_between(0.1, 60)] = Field(
        default=4.0,
        alias="DEBOUNCE_SECONDS",
        description="seconds of quiet after which a user has finished, from 0.1 to 60",
        examples=["4"],
    )
    max_wait_seconds: Annotated[float, seconds_between(0.1, 600)] = Field(
        default=15.0,
        alias="MAX_WAIT_SECONDS",
        description="seconds that a message waits for more at most, from 0.1 to 600",
        examples=["15"],
    )
    relay_window_seconds: Annotated[float, seconds_between(0, 600)] = Field(
        default=10.0,
        alias="RELAY_WINDOW_SECONDS",
        description="seconds between two unanswered batches of a user, from 0 (off) to 600",
        examples=["10"],
    )
