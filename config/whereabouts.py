"""Where the shop is that a command asks, what proves that an operator asks, and by which clocks he
is told times: HTTP_BIND, OPERATOR_TOKEN and TIME_ZONE, in the environment and behind it in `.env`
of this folder, as `main.py run` reads them. `--url` overrides the address.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic_settings import BaseSettings, DotEnvSettingsSource

from config.values import bind, zone

ENV_FILE = Path(".env")
"""Read behind the environment, from the folder that a command is started in."""
NAMES = ("HTTP_BIND", "OPERATOR_TOKEN", "TIME_ZONE")
DEFAULT_URL = "http://127.0.0.1:8080"
"""Where a shop listens that was not told otherwise."""
ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
"""Who listens on all addresses is asked on this machine's own."""

_Values = Mapping[str, str | None]


class Unreachable(Exception):  # noqa: N818 - a verdict, like `fail`
    """There is no answer to be had from a shop; the text says why and what to try."""


class NotLetIn(Unreachable):
    """It wants another OPERATOR_TOKEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One setting, and where it stands."""

    value: str
    place: str
    """`the environment`, or the path of the file; "" when it stands nowhere."""


class Whereabouts:
    """Reads the three settings. Raises `ValueError` for a file that cannot be read, and for a
    value that makes no sense as soon as it is needed.
    """

    def __init__(
        self, url: str | None = None, environ: Mapping[str, str] = os.environ, *, file: Path
    ) -> None:
        self._file = file.absolute()
        in_file = _read(file)
        self._told = {name: self._find(name, environ, in_file) for name in NAMES}
        self._url = url

    @property
    def url(self) -> str:
        """Where the shop's HTTP port is, such as http://127.0.0.1:8080."""
        if self._url is not None:
            return self._url
        told = self._told["HTTP_BIND"]
        if not told.place:
            return DEFAULT_URL
        try:
            host, port = at = bind(told.value)
        except ValueError:
            raise ValueError(
                f"HTTP_BIND, in {told.place}, is no host:port such as 127.0.0.1:8080"
            ) from None
        if not port:
            raise ValueError(f"HTTP_BIND, in {told.place}, names no port: say where by --url")
        return f"http://{at._replace(host=ANY_HOST.get(host, host))}"

    @property
    def token(self) -> str | None:
        """What operators prove themselves with. What the file holds is for the shop on this
        machine: to a `--url` elsewhere goes only what the environment says.
        """
        return None if self._is_withheld() else self._told["OPERATOR_TOKEN"].value or None

    @property
    def zone(self) -> ZoneInfo | None:
        """What TIME_ZONE says, None where it stands nowhere."""
        told = self._told["TIME_ZONE"]
        try:
            return zone(told.value) if told.place else None
        except ValueError:
            raise ValueError(
                f"TIME_ZONE, in {told.place}, is no IANA name of a time zone, such as Europe/Kyiv"
            ) from None

    def explained(self, reason: Unreachable) -> str:
        """Why there is no answer, and where the address or the token was looked for."""
        if isinstance(reason, NotLetIn):
            if self._is_withheld():
                return f"{reason} (the one in {self._file} stays here: export the other shop's)"
            return f"{reason} ({self._source('OPERATOR_TOKEN')})"
        if self._url is not None:
            return str(reason)
        return f"{reason} ({self._source('HTTP_BIND')}; --url names another address)"

    def _is_withheld(self) -> bool:
        of_the_file = self._told["OPERATOR_TOKEN"].place == str(self._file)
        return of_the_file and self._url is not None and not is_local(self._url)

    def _source(self, name: str) -> str:
        place = self._told[name].place
        if place:
            return f"{name} was found in {place}"
        return f"{name} stands neither in the environment nor in {self._file}"

    def _find(self, name: str, environ: Mapping[str, str], in_file: _Values) -> Told:
        for value, place in (
            (environ.get(name), "the environment"),
            (in_file.get(name), str(self._file)),
        ):
            if value and value.strip():
                return Told(value=value.strip(), place=place)
        return Told(value="", place="")


def find_shop(url: str | None = None) -> Whereabouts:
    """The shop of this folder, or the one at `url`. Raises `ValueError`."""
    return Whereabouts(url, file=ENV_FILE)


def is_local(url: str) -> bool:
    """Whether `url` is on this machine, where no proxy belongs in between."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _read(file: Path) -> _Values:
    try:
        return DotEnvSettingsSource(BaseSettings, env_file=file, case_sensitive=True).env_vars
    except UnicodeDecodeError:
        raise ValueError(f"{file.absolute()} is not a text in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{file.absolute()} cannot be read: {error}") from error
