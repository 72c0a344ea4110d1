"""Everything the environment may say, read once, checked together, frozen.

Each field states what it expects (`description`) and shows one value (`examples`): faults are
reported in those words, and no value is ever echoed, because a token pasted into the wrong
variable would end up in a log. `.env.example` documents the same names for people.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from adapters.postgres.address import EXPECTED, read_address, secrets_of

BOT_TOKEN_PATTERN = r"[0-9]{1,20}:[A-Za-z0-9_-]{3,128}"  # noqa: S105 - a pattern, not a token
HEADER_VALUE_PATTERN = r"[\x21-\x7e]{1,512}"
TABLE_ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"
COLUMN_PATTERN = r"[^\x00-\x1f\x7f(),~]{1,255}"
NUMBER_PATTERN = r"[0-9]{1,9}(\.[0-9]{1,6})?"
OPERATOR_TOKEN_LENGTH_MIN = 24
INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX = 0.1, 86_400.0
SHUTDOWN_SECONDS_MIN, SHUTDOWN_SECONDS_MAX = 0.1, 600.0
PORT_MAX = 65_535


class SettingsError(Exception):
    """The environment does not describe a system; the text has one line for each fault."""


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


def _seconds(least: float, most: float) -> BeforeValidator:
    """A plain decimal in range: Python's `float` would also take `nan`, `inf`, `1_0` and `1e9`."""

    def check(value: str) -> float:
        if re.fullmatch(NUMBER_PATTERN, value) is None or not least <= float(value) <= most:
            raise ValueError
        return float(value)

    return BeforeValidator(check)


def _http_url(value: str) -> str:
    """An http or https address without user, query or fragment; no slash at its end."""
    url = urlsplit(value) if re.fullmatch(r"[\x21-\x7e]{1,2048}", value) else urlsplit("")
    if url.scheme not in {"http", "https"} or not url.hostname or url.port == 0:
        raise ValueError
    if "@" in url.netloc or "?" in value or "#" in value or "\\" in value:
        raise ValueError
    return value.rstrip("/")


def _database_url(value: str) -> str:
    """A libpq URL. A user, a password, or a socket folder in `?host=` may be in it."""
    read_address(value)
    return value


def _bind(value: str) -> Bind:
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


def _default_data_dir() -> str:
    """The machine's folder for root, the user's own otherwise."""
    return "/var/lib/factorage" if os.geteuid() == 0 else "~/.local/share/factorage"


Secret = Annotated[SecretStr, _matching(HEADER_VALUE_PATTERN)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
Column = Annotated[str, _matching(COLUMN_PATTERN)]
COLUMN_EXPECTED = "the title of a column, without ( ) , ~"


class Settings(BaseSettings):
    """What `main.py run` was told. A blank value counts as absent: a template left unfilled."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",  # an environment holds much that is not ours
        case_sensitive=True,
        env_ignore_empty=True,
        enable_decoding=False,  # no value is JSON
        validate_default=False,
    )

    bot_token: Annotated[SecretStr, _matching(BOT_TOKEN_PATTERN)] = Field(
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
    database_url: Annotated[SecretStr, BeforeValidator(_database_url)] | None = Field(
        default=None,
        alias="DATABASE_URL",
        description=f"the address of a PostgreSQL database, {EXPECTED}",
        examples=["postgresql://shop@localhost:5432/shop"],
    )
    data_dir: Annotated[Path, BeforeValidator(_folder)] = Field(
        default_factory=_default_data_dir,
        validate_default=True,
        alias="DATA_DIR",
        description="a folder for the embedded database",
        examples=["/var/lib/factorage"],
    )
    http_bind: Annotated[Bind, BeforeValidator(_bind)] = Field(
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
    log_format: Literal["console", "json"] | None = Field(
        default=None,
        alias="LOG_FORMAT",
        description="console or json",
        examples=["json"],
    )
    nocodb_url: HttpUrl = Field(
        alias="NOCODB_URL",
        description="the http or https address of a NocoDB server, without user or query",
        examples=["https://nocodb.example.org"],
    )
    nocodb_token: Secret = Field(
        alias="NOCODB_TOKEN",
        description="an API token of NocoDB, without spaces",
        examples=["what Team & Settings, Tokens shows, 40 characters"],
    )
    nocodb_table_id: Annotated[str, _matching(TABLE_ID_PATTERN)] = Field(
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
        float, _seconds(INTERVAL_SECONDS_MIN, INTERVAL_SECONDS_MAX)
    ] = Field(
        default=20.0,
        alias="TRACKER_INTERVAL_SECONDS",
        description="seconds between two looks at NocoDB, from 0.1 to 86400",
        examples=["20"],
    )
    shutdown_seconds: Annotated[float, _seconds(SHUTDOWN_SECONDS_MIN, SHUTDOWN_SECONDS_MAX)] = (
        Field(
            default=10.0,
            alias="SHUTDOWN_SECONDS",
            description="seconds a shutdown may take, from 0.1 to 600",
            examples=["10"],
        )
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
    def _without_margins(cls, told: dict[str, Any]) -> dict[str, Any]:
        """Values are pasted, and often with a blank or a line end around them."""
        return {name: value.strip() for name, value in told.items() if str(value).strip()}

    def secrets(self) -> frozenset[str]:
        """Every secret in plain text, for whoever has to keep them out of logs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        secrets = {value.get_secret_value() for value in values if isinstance(value, SecretStr)}
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
        faults = {str(fault["loc"][0]): fault["type"] for fault in error.errors()}
        raise SettingsError(_report(faults)) from None  # pydantic's own text quotes the values


def _report(faults: Mapping[str, str]) -> str:
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    width = max(map(len, faults))
    lines = [
        f"  {name:<{width}}  is {'missing' if faults[name] == 'missing' else 'malformed'}: "
        f"expected {field.description}; for example {(field.examples or [''])[0]}"
        for name, field in fields.items()
        if name in faults
    ]
    count = "1 setting is" if len(lines) == 1 else f"{len(lines)} settings are"
    return "\n".join([f"{count} missing or malformed (.env.example explains each):", *lines])
