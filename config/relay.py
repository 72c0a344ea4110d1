"""The relay of this shop, if it has one: where events go, and how long users are waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from actors.debounce.model import Patience
from actors.relay.ports import Destination
from adapters.make.client import MakeWebhook, place_of
from adapters.make.signature import key_of
from config.settings import Settings, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayParts:
    """What the branch `relay` of the tree is made of."""

    destination: Destination
    patience: Patience


@asynccontextmanager
async def opened_relay(
    settings: Settings, *, now: Callable[[], datetime]
) -> AsyncIterator[RelayParts | None]:
    """The relay that the settings describe; its connections are closed when the block is left.
    `now` is the wall clock, for signatures.

    Raises `SettingsError` for a webhook that may not be sent to.
    """
    url = settings.make_webhook_url
    if url is None:
        yield None
        return
    check_relay(settings)
    key = settings.make_api_key
    webhook = MakeWebhook(
        url=url.get_secret_value(),
        api_key=key.get_secret_value() if key else None,
        signing_keys=[key_of(s.get_secret_value()) for s in settings.relay_signing_secret],
        private_hosts=settings.relay_private_hosts,
        now=now,
    )
    async with webhook:
        yield RelayParts(destination=webhook, patience=patience_of(settings))


def check_relay(settings: Settings) -> None:
    """Raises `SettingsError` for a webhook that may not be sent to."""
    if settings.make_webhook_url is None:
        return
    try:
        place_of(settings.make_webhook_url.get_secret_value(), settings.relay_private_hosts)
    except ValueError as error:
        raise SettingsError(f"MAKE_WEBHOOK_URL: {error}") from None


def patience_of(settings: Settings) -> Patience:
    """How long users are waited for."""
    return Patience(
        quiet_seconds=settings.debounce_seconds,
        max_seconds=settings.max_wait_seconds,
        window_seconds=settings.relay_window_seconds,
    )
