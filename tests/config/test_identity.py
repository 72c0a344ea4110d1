"""The program says the version that it is published under."""

from __future__ import annotations

import tomllib
from pathlib import Path

from config.identity import IDENTITY

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def test_there_is_one_version() -> None:
    published = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["version"]
    assert IDENTITY.version == IDENTITY.release_id == published
