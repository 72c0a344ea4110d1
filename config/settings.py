"""Everything the environment may say, read once, checked together, frozen.

Each field states what it expects (`description`) and shows one value (`examples`): faults are
reported in those words, and no value is ever echoed, because a token pasted into the wrong
variable would end up in a log. `.env.example` documents the same names for people.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.postgres.address import EXPECTED, secrets_of
from config.broadcast_settings import BroadcastSettings
from config.complaints import Lacking, report, slips_in
from config.payment_settings import PaymentSettings
from config.relay_settings import RelaySettings
from config.values import (
    COLUMN_EXPECTED,
    INTERVAL_SECONDS_MAX,
    INTERVAL_SECONDS_MIN,
    OPERATOR_TOKEN_LENGTH_MIN,
    SHUTDOWN_SECONDS_MAX,
    SHUTDOWN_SECONDS_MIN,
    Address,
    AnyChatId,
    Bind,
    BotToken,
    Column,
    DatabaseUrl,
    Folder,
    HttpUrl,
    Networks,
    NocoDbUrl,
    OutsideUrl,
    Secret,
    Secrets,
    TableId,
    Tokens,
    WebhookSecrets,
    Zone,
    seconds_between,
)

TOGETHER = (
    {"TELEGRAM_WEBHOOK_URL", "TELEGRAM_WEBHOOK_SECRET"},
    {"STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"},
    {"YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY"},
    {"YOOKASSA_RECEIPT_EMAIL", "YOOKASSA_VAT_CODE"},
    {"NOWPAYMENTS_API_KEY", "NOWPAYMENTS_IPN_SECRET"},
    {"NOWPAYMENTS_EMAIL", "NOWPAYMENTS_PASSWORD"},
)
"""Names that mean something only together: one without the other is a fault."""
NEEDED = {
    "BROADCAST_PAID_PER_SECOND": "BROADCAST_STARS_BUDGET",
    "MAKE_API_KEY": "MAKE_WEBHOOK_URL",
    "RELAY_SIGNING_SECRET": "MAKE_WEBHOOK_URL",
    "NOWPAYMENTS_API_KEY": "PUBLIC_URL",  # invoices say where they are reported
    "YOOKASSA_RECEIPT_EMAIL": "YOOKASSA_SHOP_ID",
    "NOWPAYMENTS_EMAIL": "NOWPAYMENTS_API_KEY",
    "NOWPAYMENTS_PAY_CURRENCY": "NOWPAYMENTS_API_KEY",
}
"""What the first means nothing without."""


class SettingsError(Exception):
    """The environment does not describe a system; the text has one line for each fault."""


def _default_data_dir() -> str:
    """The machine's folder for root, the user's own otherwise."""
    return "/var/lib/factorage" if os.geteuid() == 0 else "~/.local/share/factorage"


class Settings(PaymentSettings, BroadcastSettings, RelaySettings):
    """What `main.py run` was told. A blank value counts as absent: a template left unfilled."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",  # an environment holds much that is not ours
        case_sensitive=True,
        env_ignore_empty=True,
        enable_decoding=False,  # no value is JSON
        validate_default=False,
    )

    bot_token: BotToken = Field(
        alias="BOT_TOKEN",
        description="the bot's token as BotFather gives it: digits, a colon, letters and digits",
        examples=["123456789:AbCdEfGhIjKlMnOpQrStUvWxYz012345678"],
    )
    telegram_api_url: HttpUrl = Field(
        default="https://api.telegram.org",
        alias="TELEGRAM_API_URL",
        description="the http or https address of a Bot API server, without user or query",
        examples=["https://api.telegram.org"],
    )
    database_url: DatabaseUrl | None = Field(
        default=None,
        alias="DATABASE_URL",
        description=f"the address of a PostgreSQL database, {EXPECTED}",
        examples=["postgresql://shop@localhost:5432/shop"],
    )
    data_dir: Folder = Field(
        default_factory=_default_data_dir,
        validate_default=True,
        alias="DATA_DIR",
        description="a folder for the embedded database",
        examples=["/var/lib/factorage"],
    )
    http_bind: Address = Field(
        default=Bind("127.0.0.1", 8080),
        alias="HTTP_BIND",
        description="the host and port to listen on, the port up to 65535",
        examples=["127.0.0.1:8080"],
    )
    operator_token: Secret | None = Field(
        default=None,
        alias="OPERATOR_TOKEN",
        min_length=OPERATOR_TOKEN_LENGTH_MIN,
        description=f"a secret of at least {OPERATOR_TOKEN_LENGTH_MIN} characters without spaces",
        examples=["what `openssl rand -hex 24` prints"],
    )
    messages_token: Tokens = Field(
        default=(),
        alias="MESSAGES_TOKEN",
        description=(
            f"a secret of at least {OPERATOR_TOKEN_LENGTH_MIN} characters without spaces, and not "
            "the OPERATOR_TOKEN; two with a comma while it is changed"
        ),
        examples=["what `openssl rand -hex 24` prints"],
    )
    log_format: Literal["console", "json"] | None = Field(
        default=None,
        alias="LOG_FORMAT",
        description="console or json",
        examples=["json"],
    )
    nocodb_url: NocoDbUrl = Field(
        alias="NOCODB_URL",
        description="the http or https address of a NocoDB server, without /api, user or query",
        examples=["https://nocodb.example.org"],
    )
    nocodb_token: Secret = Field(
        alias="NOCODB_TOKEN",
        description="an API token of NocoDB, without spaces",
        examples=["what Team & Settings, Tokens shows, 40 characters"],
    )
    nocodb_table_id: TableId = Field(
        alias="NOCODB_TABLE_ID",
        description="the id of the table of registrations: letters, digits, _ and -",
        examples=["m56p6ryypmrhitr"],
    )
    nocodb_paid_column: Column = Field(
        default="Paid",
        alias="NOCODB_PAID_COLUMN",
        description=COLUMN_EXPECTED,
        examples=["Paid"],
    )
    nocodb_name_column: Column = Field(
        default="Name",
        alias="NOCODB_NAME_COLUMN",
        description=COLUMN_EXPECTED,
        examples=["Name"],
    )
    nocodb_contact_column: Column = Field(
        default="Contact",
        alias="NOCODB_CONTACT_COLUMN",
        description=COLUMN_EXPECTED,
        examples=["Contact"],
    )
    nocodb_chat_id_column: Column = Field(
        default="ChatId",
        alias="NOCODB_CHAT_ID_COLUMN",
        description=COLUMN_EXPECTED,
        examples=["ChatId"],
    )
    nocodb_language_column: Column = Field(
        default="Language",
        alias="NOCODB_LANGUAGE_COLUMN",
        description=COLUMN_EXPECTED,
        examples=["Language"],
    )
    tracker_interval_seconds: Annotated[
        float, seconds_between(INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX)
    ] = Field(
        default=20.0,
        alias="TRACKER_INTERVAL_SECONDS",
        description="seconds between two looks at NocoDB, from 0.1 to 86400",
        examples=["20"],
    )
    shutdown_seconds: Annotated[
        float, seconds_between(SHUTDOWN_SECONDS_MIN, SHUTDOWN_SECONDS_MAX)
    ] = Field(
        default=10.0,
        alias="SHUTDOWN_SECONDS",
        description="seconds a shutdown may take, from 0.1 to 600",
        examples=["10"],
    )
    public_url: OutsideUrl | None = Field(
        default=None,
        alias="PUBLIC_URL",
        description="the https address under which the outside world reaches this server",
        examples=["https://shop.example.org"],
    )
    trusted_proxies: Networks = Field(
        default=(),
        alias="TRUSTED_PROXIES",
        description="networks of the proxies in front of us, with commas between them",
        examples=["127.0.0.1, 10.0.0.0/8"],
    )
    admin_chat_id: AnyChatId | None = Field(
        default=None,
        alias="ADMIN_CHAT_ID",
        description="the id of the chat that is told of payments, a whole number",
        examples=["-1001234567890"],
    )
    admin_language: Literal["ru", "uk", "en"] = Field(
        default="en",
        alias="ADMIN_LANGUAGE",
        description="ru, uk or en: what that chat is told in",
        examples=["en"],
    )
    time_zone: Zone = Field(
        default_factory=lambda: ZoneInfo("UTC"),
        alias="TIME_ZONE",
        description="the IANA name of a time zone",
        examples=["Europe/Kyiv"],
    )
    telegram_webhook_url: OutsideUrl | None = Field(
        default=None,
        alias="TELEGRAM_WEBHOOK_URL",
        description="the https address to which Telegram sends updates",
        examples=["https://shop.example.org/webhooks/telegram"],
    )
    telegram_webhook_secret: WebhookSecrets = Field(
        default=(),
        alias="TELEGRAM_WEBHOOK_SECRET",
        description="1 to 256 of A-Z a-z 0-9 _ -; two with a comma while it is changed",
        examples=["what `openssl rand -hex 32` prints"],
    )
    nocodb_webhook_secret: Secrets = Field(
        default=(),
        alias="NOCODB_WEBHOOK_SECRET",
        description="what the webhook sends as X-Hook-Secret",
        examples=["what `openssl rand -hex 24` prints"],
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic passes them all by name
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `load_settings` was given, then its file; never the process's own environment."""
        return (init_settings, dotenv_settings)

    @model_validator(mode="before")
    @classmethod
    def _told(cls, told: dict[str, Any]) -> dict[str, Any]:
        """Values are pasted, and often with a blank or a line end around them.

        Of two that are useless alone, the one that is lacking is put down as blank: no blank
        gets past its field, and `load_settings` reports it as missing.
        """
        known = {name: value.strip() for name, value in told.items() if str(value).strip()}
        for pair in TOGETHER:
            for name in sorted(known.keys() & pair):
                known = dict.fromkeys(pair, Lacking(name)) | known
        for name, other in NEEDED.items():
            if name in known:
                known.setdefault(other, Lacking(name))
        return known

    @field_validator("messages_token")
    @classmethod
    def _of_its_own(
        cls, tokens: tuple[SecretStr, ...], told: ValidationInfo
    ) -> tuple[SecretStr, ...]:
        """Whoever has one is no operator."""
        if told.data.get("operator_token") in tokens:
            raise ValueError
        return tokens

    def secrets(self) -> frozenset[str]:
        """Every secret in plain text, for whoever has to keep them out of logs."""
        secrets: set[str] = set()
        for name in type(self).model_fields:
            value = getattr(self, name)
            several = value if isinstance(value, tuple) else (value,)
            secrets |= {one.get_secret_value() for one in several if isinstance(one, SecretStr)}
        url = self.database_url
        return frozenset(secrets | (secrets_of(url.get_secret_value()) if url else set()))


def load_settings(environ: Mapping[str, str], *, env_file: Path | None = None) -> Settings:
    """The settings that `environ` describes, and behind it `env_file` where there is one.

    Raises `SettingsError`, which names every fault at once.
    """
    names = {str(field.alias) for field in Settings.model_fields.values()}
    told: dict[str, Any] = {name: environ[name] for name in names if environ.get(name, "").strip()}
    told["_env_file"] = env_file  # the one argument of pydantic-settings that is not a field
    try:
        return Settings(**told)
    except UnicodeDecodeError:
        raise SettingsError(f"{env_file} is not a text in UTF-8") from None
    except ValidationError as error:
        told_of = report(Settings.model_fields.values(), error.errors(), slips(env_file))
        raise SettingsError(told_of) from None  # pydantic's own text quotes the values


def slips(env_file: Path | None) -> dict[str, str]:
    """Names in `env_file` that are no settings, each with the one that was probably meant."""
    known = {str(field.alias) for field in Settings.model_fields.values()}
    is_there = env_file is not None and env_file.is_file()
    return slips_in(env_file.read_text("utf-8"), known) if env_file and is_there else {}
