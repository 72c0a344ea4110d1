"""The relay that the settings describe, or a word on what is wrong with them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest

from config.relay import opened_relay, patience_of
from config.settings import Settings, SettingsError, load_settings
from tests.config.test_settings import REQUIRED

URL = "https://hook.eu1.make.com/abc123?x=1"
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()


def now() -> datetime:
    return datetime(2026, 11, 21, tzinfo=UTC)


def settings(**names: str) -> Settings:
    return load_settings(REQUIRED | names)


async def test_without_a_webhook_there_is_no_relay() -> None:
    async with opened_relay(settings(), now=now) as parts:
        assert parts is None


async def test_a_webhook_and_the_defaults() -> None:
    told = settings(MAKE_WEBHOOK_URL=URL, MAKE_API_KEY="key", RELAY_SIGNING_SECRET=SECRET)
    async with opened_relay(told, now=now) as parts:
        assert parts is not None
        assert parts.patience == patience_of(told)
    patience = patience_of(told)
    assert (patience.quiet_seconds, patience.max_seconds, patience.window_seconds) == (4, 15, 10)


async def test_plain_http_is_for_hosts_that_were_named() -> None:
    plain = settings(MAKE_WEBHOOK_URL="http://n8n.internal/hook")
    with pytest.raises(SettingsError, match="MAKE_WEBHOOK_URL"):
        async with opened_relay(plain, now=now):
            pass
    named = settings(
        MAKE_WEBHOOK_URL="http://N8N.internal/hook", RELAY_PRIVATE_HOSTS="127.0.0.1, n8n.Internal"
    )
    async with opened_relay(named, now=now) as parts:
        assert parts is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAKE_WEBHOOK_URL", "hook.make.com/x"),
        ("MAKE_WEBHOOK_URL", "https://hook.make.com/x#y"),
        ("MAKE_WEBHOOK_URL", "https://u:p@hook.make.com/x"),
        ("RELAY_SIGNING_SECRET", "secret"),
        ("RELAY_SIGNING_SECRET", "whsec_c2hvcnQ="),
        ("RELAY_SIGNING_SECRET", f"{SECRET},x"),
        ("RELAY_PRIVATE_HOSTS", "a b"),
        ("DEBOUNCE_SECONDS", "0"),
        ("MAX_WAIT_SECONDS", "601"),
        ("RELAY_WINDOW_SECONDS", "-1"),
    ],
)
def test_what_makes_no_sense_is_refused_and_never_repeated(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings(**({"MAKE_WEBHOOK_URL": URL} | {name: value}))
    assert name in str(refused.value)
    assert value not in str(refused.value) or len(value) < 5


def test_a_scenario_is_no_operator() -> None:
    token = "canary-of-twenty-four-or-more"
    with pytest.raises(SettingsError, match=r"MESSAGES_TOKEN .*not the OPERATOR_TOKEN") as refused:
        settings(OPERATOR_TOKEN=token, MESSAGES_TOKEN=f" {token}")
    assert token not in str(refused.value)
    with pytest.raises(SettingsError, match="MESSAGES_TOKEN"):
        settings(MESSAGES_TOKEN=token[:23])
    for both in (f"{token}?,{token}", f"{token}?,{token[:23]}", f"{token}?,"):
        with pytest.raises(SettingsError, match="MESSAGES_TOKEN"):
            settings(OPERATOR_TOKEN=token, MESSAGES_TOKEN=both)
    told = settings(OPERATOR_TOKEN=f"{token}!", MESSAGES_TOKEN=f"{token}, {token}?")
    assert [each.get_secret_value() for each in told.messages_token] == [token, f"{token}?"]
    assert told.secrets() >= {token, f"{token}?"}, "and they are kept out of logs"
    assert token not in repr(told)
    assert settings(MESSAGES_TOKEN=token).operator_token is None


def test_a_key_without_a_webhook_means_nothing() -> None:
    for name, value in (("MAKE_API_KEY", "key"), ("RELAY_SIGNING_SECRET", SECRET)):
        with pytest.raises(SettingsError, match="MAKE_WEBHOOK_URL"):
            settings(**{name: value})


def test_the_address_and_its_keys_are_kept_out_of_logs() -> None:
    told = settings(MAKE_WEBHOOK_URL=URL, MAKE_API_KEY="key-canary", RELAY_SIGNING_SECRET=SECRET)
    assert {URL, "key-canary", SECRET} <= told.secrets()
    assert URL not in repr(told)
