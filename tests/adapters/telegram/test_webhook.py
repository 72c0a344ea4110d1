"""Who may push updates to us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.ingress.model import Delivery, Event, Nothing, Rejected, SourceName, StoredEvent
from actors.kernel.ids import EventId
from adapters.telegram.webhook import SECRET_HEADER, TelegramSource

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = "canary_SECRET-1"
SOURCE = TelegramSource(secrets=["older", SECRET])


def verified(secret: str | None, body: bytes = b'{"update_id": 1}') -> Event | Rejected:
    headers = {} if secret is None else {SECRET_HEADER: secret}
    delivery = Delivery(source=SourceName.TELEGRAM, headers=headers, body=body, peer="")
    return SOURCE.verify(delivery, now=NOW)


@pytest.mark.parametrize("secret", ["older", SECRET])
def test_whoever_knows_a_secret_is_believed(secret: str) -> None:
    event = verified(secret)
    assert isinstance(event, Event)
    assert event.key == "1"
    assert (event.source, event.body) == (SourceName.TELEGRAM, b'{"update_id": 1}')
    assert SECRET not in repr(event)


@pytest.mark.parametrize("given", ["", SECRET[:-1], SECRET + "x", SECRET.lower(), "\xff", "\udcff"])
def test_nobody_else_is(given: str) -> None:
    told = verified(given)
    assert isinstance(told, Rejected)
    assert told.reason == "signature"
    assert SECRET not in told.detail
    assert isinstance(verified(None), Rejected)


def test_what_is_proved_and_no_update_is_for_the_gateway_to_count() -> None:
    event = verified(SECRET, b"[")
    assert isinstance(event, Event)
    assert event.body == b"["


@pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""]])
def test_without_a_secret_nobody_could_be_believed(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="need a secret"):
        TelegramSource(secrets=secrets)


async def test_an_update_is_none_of_the_processors_business() -> None:
    event = verified(SECRET)
    assert isinstance(event, Event)
    stored = StoredEvent(event_id=EventId(1), event=event, received_at=NOW)
    assert isinstance(await SOURCE.interpret(stored), Nothing)
