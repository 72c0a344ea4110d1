"""Settings: what is taken, what is refused, and that a refusal says everything and no secret."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.settings import Settings, SettingsError, load_settings, slips
from config.values import Bind
from tests.architecture import ROOT

CANARY = "canary-5f1e-secret"

REQUIRED = {
    "BOT_TOKEN": "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11",
    "NOCODB_URL": "http://nocodb.test:8080/base/",
    "NOCODB_TOKEN": f"{CANARY}-nocodb",
    "NOCODB_TABLE_ID": "m56p6ryypmrhitr",
}

NAMES = {str(field.alias) for field in Settings.model_fields.values()}


def faults(environ: dict[str, str]) -> dict[str, str]:
    """The refusal of `environ`: each name and what is said of it."""
    with pytest.raises(SettingsError) as refusal:
        load_settings(environ)
    lines = str(refusal.value).splitlines()[1:]
    return {line.split()[0]: line for line in lines}


def test_four_names_are_enough() -> None:
    settings = load_settings(REQUIRED)

    assert settings.bot_token.get_secret_value() == REQUIRED["BOT_TOKEN"]
    assert settings.nocodb_url == "http://nocodb.test:8080/base"
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.http_bind == Bind("127.0.0.1", 8080)
    assert settings.tracker_interval_seconds == 20
    assert settings.shutdown_seconds == 10
    assert settings.database_url is None
    assert settings.operator_token is None
    assert settings.log_format is None
    assert settings.data_dir.is_absolute()


EVERY_NAME = {
    "TELEGRAM_API_URL": "http://127.0.0.1:8081",
    "DATABASE_URL": "postgresql://shop:pw@db/shop?host=/run/postgresql",
    "DATA_DIR": "state/of/the/shop",
    "HTTP_BIND": "[::1]:0",
    "OPERATOR_TOKEN": "o" * 24,
    "MESSAGES_TOKEN": "m" * 24,
    "LOG_FORMAT": "json",
    "NOCODB_PAID_COLUMN": "Оплачено",
    "NOCODB_NAME_COLUMN": "Full name",
    "NOCODB_CONTACT_COLUMN": "Phone",
    "NOCODB_CHAT_ID_COLUMN": "Chat",
    "NOCODB_LANGUAGE_COLUMN": "Lang",
    "BROADCAST_PER_SECOND": "25",
    "BROADCAST_PAID_PER_SECOND": "1000",
    "BROADCAST_STARS_BUDGET": "500",
    "TRACKER_INTERVAL_SECONDS": "0.5",
    "SHUTDOWN_SECONDS": "30",
    "PUBLIC_URL": "https://shop.test/",
    "TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8,::1",
    "ADMIN_CHAT_ID": "-1001234567890",
    "PRODUCTS_FILE": "products.toml",
    "DIGITAL_RAILS": "all",
    "TELEGRAM_PROVIDER_TOKEN": "381764678:TEST:100037",
    "TELEGRAM_WEBHOOK_URL": "https://shop.test/webhooks/telegram",
    "ADMIN_LANGUAGE": "uk",
    "TIME_ZONE": "Europe/Kyiv",
    "TELEGRAM_WEBHOOK_SECRET": "a_-9,b_-8",
    "STRIPE_SECRET_KEY": "rk_test_51",
    "STRIPE_WEBHOOK_SECRET": "whsec_new , whsec_old",
    "STRIPE_API_URL": "http://127.0.0.1:1",
    "YOOKASSA_SHOP_ID": "100500",
    "YOOKASSA_SECRET_KEY": "test_x",
    "YOOKASSA_NETWORKS": "2a02:5180::/32",
    "YOOKASSA_API_URL": "http://127.0.0.1:2/v3",
    "YOOKASSA_RECEIPT_EMAIL": "receipts@shop.test",
    "YOOKASSA_VAT_CODE": "4",
    "YOOKASSA_RECEIPT_SUBJECT": "commodity",
    "NOWPAYMENTS_API_KEY": "k",
    "NOWPAYMENTS_IPN_SECRET": "ipn-secret",
    "NOWPAYMENTS_API_URL": "http://127.0.0.1:3/v1",
    "NOWPAYMENTS_EMAIL": "shop@shop.test",
    "NOWPAYMENTS_PASSWORD": "correct-horse",
    "NOWPAYMENTS_PAY_CURRENCY": "usdttrc20",
    "NOCODB_WEBHOOK_SECRET": "hook-secret",
    "SUCCESS_URL_SIGNING_KEY": "s" * 32,
    "MAKE_WEBHOOK_URL": "https://hook.make.test/abc?x=y",
    "MAKE_API_KEY": "make-key",
    "RELAY_SIGNING_SECRET": "whsec_" + "a2V5" * 8,
    "RELAY_PRIVATE_HOSTS": "localhost",
    "DEBOUNCE_SECONDS": "1",
    "MAX_WAIT_SECONDS": "9",
    "RELAY_WINDOW_SECONDS": "0",
}


def test_every_name_is_read() -> None:
    settings = load_settings(REQUIRED | EVERY_NAME)

    assert EVERY_NAME.keys() | REQUIRED.keys() == NAMES
    assert settings.data_dir == Path.cwd() / "state/of/the/shop"
    assert str(settings.http_bind) == "[::1]:0"
    assert settings.nocodb_paid_column == "Оплачено"
    assert settings.tracker_interval_seconds == 0.5
    assert [str(network) for network in settings.trusted_proxies] == [
        "127.0.0.1/32", "10.0.0.0/8", "::1/128",
    ]  # fmt: skip
    assert settings.admin_chat_id == -1001234567890
    assert settings.time_zone.key == "Europe/Kyiv"
    rotated = [secret.get_secret_value() for secret in settings.stripe_webhook_secret]
    assert rotated == ["whsec_new", "whsec_old"]
    assert settings.secrets() >= {"whsec_new", "whsec_old", "s" * 32, "b_-8", "correct-horse"}


def test_a_time_zone_is_one_that_there_is() -> None:
    assert load_settings(REQUIRED).time_zone.key == "UTC"
    for name in ("Europe/Kiev", "America/Argentina/Ushuaia", "Etc/GMT+5", "UTC"):
        assert load_settings(REQUIRED | {"TIME_ZONE": f" {name}\n"}).time_zone.key == name
    for name in ("Europe", "Kyiv", "+02:00", "../UTC", "/etc/localtime", "Europe/Kyiv/", "x.zi"):
        told = faults(REQUIRED | {"TIME_ZONE": name})
        assert "is malformed: expected the IANA name of a time zone" in told["TIME_ZONE"]
        assert told["TIME_ZONE"].endswith("for example Europe/Kyiv")


YOOKASSA = {"YOOKASSA_SHOP_ID": "1", "YOOKASSA_SECRET_KEY": "x"}
NOWPAYMENTS = {
    "NOWPAYMENTS_API_KEY": "x",
    "NOWPAYMENTS_IPN_SECRET": "y" * 8,
    "PUBLIC_URL": "http://x",
}


@pytest.mark.parametrize("name", ["NOWPAYMENTS_PAY_CURRENCY", "NOWPAYMENTS_EMAIL"])
def test_what_is_for_a_rail_that_is_not_there_is_missed(name: str) -> None:
    together = {"NOWPAYMENTS_PAY_CURRENCY": "trx"}
    if name == "NOWPAYMENTS_EMAIL":
        together = {name: "a@b.test", "NOWPAYMENTS_PASSWORD": "x"}
    assert "NOWPAYMENTS_API_KEY" in faults(REQUIRED | together)


@pytest.mark.parametrize(
    ("alone", "lacking"),
    [
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "STRIPE_WEBHOOK_SECRET"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1234"}, "STRIPE_SECRET_KEY"),
        ({"YOOKASSA_SHOP_ID": "1"}, "YOOKASSA_SECRET_KEY"),
        ({"YOOKASSA_SECRET_KEY": "x"}, "YOOKASSA_SHOP_ID"),
        ({"NOWPAYMENTS_API_KEY": "x", "PUBLIC_URL": "http://x"}, "NOWPAYMENTS_IPN_SECRET"),
        ({"NOWPAYMENTS_API_KEY": "x", "NOWPAYMENTS_IPN_SECRET": "y" * 8}, "PUBLIC_URL"),
        ({"TELEGRAM_WEBHOOK_URL": "https://shop.test"}, "TELEGRAM_WEBHOOK_SECRET"),
        (NOWPAYMENTS | {"NOWPAYMENTS_EMAIL": "a@b.test"}, "NOWPAYMENTS_PASSWORD"),
        (YOOKASSA | {"YOOKASSA_RECEIPT_EMAIL": "a@b.test"}, "YOOKASSA_VAT_CODE"),
        (YOOKASSA | {"YOOKASSA_VAT_CODE": "1"}, "YOOKASSA_RECEIPT_EMAIL"),
        (NOWPAYMENTS | {"NOWPAYMENTS_PASSWORD": "x"}, "NOWPAYMENTS_EMAIL"),
    ],
)
def test_half_of_what_belongs_together_is_missed(alone: dict[str, str], lacking: str) -> None:
    told = faults(REQUIRED | alone | {"NOCODB_URL": "nonsense"})

    assert told.keys() == {lacking, "NOCODB_URL"}
    assert "is missing, and " in told[lacking]
    assert any(f"and {name} wants it" in told[lacking] for name in alone)


def test_a_misspelt_name_is_told_beside_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("STRIPE_SECRET_KEY=sk_test_1\nSTRIPE_WEBHOK_SECRET=whsec_1234\n")
    with pytest.raises(SettingsError) as refused:
        load_settings(REQUIRED, env_file=file)
    told = str(refused.value).splitlines()
    assert told[0].startswith("1 setting is missing")
    assert "STRIPE_WEBHOK_SECRET  is no setting: is STRIPE_WEBHOOK_SECRET meant?" in told[2]
    assert slips(file) == {"STRIPE_WEBHOK_SECRET": "STRIPE_WEBHOOK_SECRET"}
    assert slips(tmp_path / "absent") == slips(None) == {}


@pytest.mark.parametrize("value", ["10.0.0.1/8", "localhost", "10.0.0.0/33", ",", "1,,2", "*"])
def test_a_network_is_one(value: str) -> None:
    assert faults(REQUIRED | {"TRUSTED_PROXIES": value}).keys() == {"TRUSTED_PROXIES"}


@pytest.mark.parametrize("value", ["0", "@channel", "12x", "1" * 17, "--1", "+1"])
def test_a_chat_is_named_by_its_number(value: str) -> None:
    assert faults(REQUIRED | {"ADMIN_CHAT_ID": value}).keys() == {"ADMIN_CHAT_ID"}


def test_an_empty_environment_is_told_all_that_is_missing() -> None:
    told = faults({})

    assert told.keys() == REQUIRED.keys()
    assert all("is missing: expected" in line for line in told.values())
    assert all("for example" in line for line in told.values())


@pytest.mark.parametrize("password", ["%zz", "%", "@", "/", "1/", "?", "#", " ", "\n", "[", "ї"])
def test_a_password_that_is_not_percent_encoded_is_refused_and_not_shown(password: str) -> None:
    for secret in (f"{CANARY}{password}", f"{password}{CANARY}"):
        with pytest.raises(SettingsError, match="percent-encoded") as refused:
            load_settings(REQUIRED | {"DATABASE_URL": f"postgresql://u:{secret}@127.0.0.1:1/x"})
        assert CANARY not in str(refused.value)
        assert refused.value.__suppress_context__


def test_a_password_is_kept_out_of_logs_as_it_is_written_and_as_it_is_meant() -> None:
    address = f"postgresql://u:{CANARY}%40@db/shop?sslpassword={CANARY}%2F"
    secrets = load_settings(REQUIRED | {"DATABASE_URL": address}).secrets()
    assert secrets >= {f"{CANARY}%40", f"{CANARY}@", f"{CANARY}%2F", f"{CANARY}/"}


WRONG = {
    "BOT_TOKEN": f"{CANARY}",
    "TELEGRAM_API_URL": f"https://user:{CANARY}@telegram.test",
    "DATABASE_URL": f"mysql://user:{CANARY}@db/shop",
    "DATA_DIR": f"{CANARY}\x00",
    "HTTP_BIND": f"{CANARY}",
    "OPERATOR_TOKEN": f"{CANARY}",
    "MESSAGES_TOKEN": f"{CANARY}",
    "LOG_FORMAT": f"{CANARY}",
    "NOCODB_URL": f"ftp://{CANARY}",
    "NOCODB_TOKEN": f"{CANARY} {CANARY}",
    "NOCODB_TABLE_ID": f"{CANARY}/",
    "NOCODB_PAID_COLUMN": f"({CANARY})",
    "NOCODB_NAME_COLUMN": f"{CANARY}\n{CANARY}",
    "NOCODB_CONTACT_COLUMN": f"{CANARY},",
    "NOCODB_CHAT_ID_COLUMN": f"{CANARY}~",
    "NOCODB_LANGUAGE_COLUMN": CANARY * 30,
    "BROADCAST_PER_SECOND": "31",
    "BROADCAST_PAID_PER_SECOND": "-1",
    "BROADCAST_STARS_BUDGET": f"{CANARY}",
    "TRACKER_INTERVAL_SECONDS": f"{CANARY}",
    "SHUTDOWN_SECONDS": f"{CANARY}",
    "PUBLIC_URL": CANARY,
    "TRUSTED_PROXIES": CANARY,
    "ADMIN_CHAT_ID": CANARY,
    "ADMIN_LANGUAGE": CANARY,
    "TIME_ZONE": CANARY,
    "PRODUCTS_FILE": f"{CANARY}\x00",
    "DIGITAL_RAILS": CANARY,
    "TELEGRAM_PROVIDER_TOKEN": f"{CANARY} {CANARY}",
    "TELEGRAM_WEBHOOK_URL": CANARY,
    "TELEGRAM_WEBHOOK_SECRET": f"{CANARY}.",
    "STRIPE_SECRET_KEY": CANARY,
    "STRIPE_WEBHOOK_SECRET": f"{CANARY},{CANARY} {CANARY}",
    "STRIPE_API_URL": CANARY,
    "YOOKASSA_SHOP_ID": CANARY,
    "YOOKASSA_SECRET_KEY": f"{CANARY} {CANARY}",
    "YOOKASSA_NETWORKS": CANARY,
    "YOOKASSA_API_URL": CANARY,
    "YOOKASSA_RECEIPT_EMAIL": CANARY,
    "YOOKASSA_VAT_CODE": "0",
    "YOOKASSA_RECEIPT_SUBJECT": f"{CANARY}-",
    "NOWPAYMENTS_API_KEY": f"{CANARY} {CANARY}",
    "NOWPAYMENTS_IPN_SECRET": ",".join([CANARY] * 9),
    "NOWPAYMENTS_API_URL": CANARY,
    "NOWPAYMENTS_EMAIL": f"{CANARY}@{CANARY} {CANARY}",
    "NOWPAYMENTS_PASSWORD": f"{CANARY} {CANARY}",
    "NOWPAYMENTS_PAY_CURRENCY": f"{CANARY}/",
    "NOCODB_WEBHOOK_SECRET": f"{CANARY},",
    "SUCCESS_URL_SIGNING_KEY": CANARY,
    "MAKE_WEBHOOK_URL": CANARY,
    "MAKE_API_KEY": f"{CANARY} {CANARY}",
    "RELAY_SIGNING_SECRET": CANARY,
    "RELAY_PRIVATE_HOSTS": f"{CANARY} {CANARY}",
    "DEBOUNCE_SECONDS": CANARY,
    "MAX_WAIT_SECONDS": CANARY,
    "RELAY_WINDOW_SECONDS": CANARY,
}
"""Every setting, with a value that it does not take."""


def test_every_fault_is_told_at_once_and_no_value_with_it() -> None:
    told = faults(WRONG)

    assert told.keys() == NAMES
    assert CANARY not in "".join(told.values())


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0", "1e3", "1_0", "٣", "", "86401", "0x1"])
def test_an_interval_is_a_plain_number_in_range(value: str) -> None:
    environ = REQUIRED | {"TRACKER_INTERVAL_SECONDS": value}

    if value == "":
        assert load_settings(environ).tracker_interval_seconds == 20
    else:
        assert faults(environ).keys() == {"TRACKER_INTERVAL_SECONDS"}


@pytest.mark.parametrize(
    "value",
    [
        "nocodb.test", "//nocodb.test", "http://", "http:///path", "file:///etc/passwd",
        "http://h:99999", "http://h:0", "http://h:x", "http://u@h", "http://h/?q=1", "http://h#f",
        "http://h\\@x", "http://[::1", "http://h /", "http://хост", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_address_is_plain_http(value: str) -> None:
    assert faults(REQUIRED | {"NOCODB_URL": value}).keys() == {"NOCODB_URL"}


@pytest.mark.parametrize(
    "value",
    ["8080", ":8080", "localhost", "localhost:", "h:65536", "h:-1", "::1:80", "[::1]", "h:8O"],
)
def test_a_bind_is_a_host_and_a_port(value: str) -> None:
    assert faults(REQUIRED | {"HTTP_BIND": value}).keys() == {"HTTP_BIND"}


def test_a_blank_value_counts_as_absent() -> None:
    blank = load_settings(
        REQUIRED | {"DATABASE_URL": "", "OPERATOR_TOKEN": "  ", "LOG_FORMAT": "\n"}
    )

    assert blank == load_settings(REQUIRED)
    assert faults(REQUIRED | {"BOT_TOKEN": " "})["BOT_TOKEN"].find("is missing") > 0


def test_pasted_margins_do_not_matter() -> None:
    settings = load_settings(REQUIRED | {"BOT_TOKEN": f" {REQUIRED['BOT_TOKEN']}\n"})

    assert settings.bot_token.get_secret_value() == REQUIRED["BOT_TOKEN"]


def test_a_file_stands_behind_the_environment(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HTTP_BIND='0.0.0.0:80'\nLOG_FORMAT=\nUNKNOWN={x\n")

    settings = load_settings(REQUIRED | {"HTTP_BIND": "127.0.0.1:81"}, env_file=file)

    assert settings.http_bind.port == 81
    assert settings.log_format is None
    assert load_settings(REQUIRED, env_file=tmp_path / "absent") == load_settings(REQUIRED)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(b"BOT_TOKEN=\xff\xfe\x00")

    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(REQUIRED, env_file=file)


def test_settings_are_frozen_and_print_no_secret() -> None:
    settings = load_settings(
        REQUIRED
        | {"DATABASE_URL": f"postgres://u:{CANARY}@db/shop", "OPERATOR_TOKEN": f"{CANARY}-operator"}
    )

    with pytest.raises(ValidationError):
        settings.nocodb_url = "http://elsewhere"
    assert CANARY not in f"{settings!r} {settings} {settings.model_dump()}"
    assert settings.secrets() >= {CANARY, f"{CANARY}-nocodb", f"{CANARY}-operator"}


@given(st.dictionaries(st.sampled_from(sorted(NAMES)), st.text(max_size=60)))
def test_whatever_it_is_told_it_answers_or_explains(environ: dict[str, str]) -> None:
    try:
        load_settings(environ)
    except SettingsError as refusal:
        lines = str(refusal).splitlines()
        assert all(line.startswith("  ") for line in lines[1:])


def test_the_template_documents_every_name_with_its_default() -> None:
    template = (ROOT / ".env.example").read_text("utf-8")
    written = dict(re.findall(r"^([A-Z_]+)=(.*)$", template, re.MULTILINE))

    assert written.keys() == NAMES
    assert load_settings(REQUIRED | {k: v for k, v in written.items() if v}) == load_settings(
        REQUIRED
    )
