"""What the environment may say about sending to many: how fast, and what it may cost.

A part of `config.settings.Settings`, which says how settings are read and told.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from config.values import whole_between


class BroadcastSettings(BaseSettings):
    """The bulk lane of the dispatcher (docs/dispatcher.md)."""

    broadcast_per_second: Annotated[int, whole_between(1, 30)] = Field(
        default=28,
        alias="BROADCAST_PER_SECOND",
        description="messages of broadcasts a second, a whole number from 1 to 30",
        examples=["28"],
    )
    broadcast_paid_per_second: Annotated[int, whole_between(0, 1000)] = Field(
        default=0,
        alias="BROADCAST_PAID_PER_SECOND",
        description="the same of those that Telegram may bill, from 0 (off) to 1000",
        examples=["0"],
    )
    broadcast_stars_budget: Annotated[int, whole_between(0, 100_000_000)] = Field(
        default=0,
        alias="BROADCAST_STARS_BUDGET",
        description="Stars that paid broadcasts may cost in all, a whole number",
        examples=["1000"],
    )
