"""The words of a broadcast's life: events, guards and changes.

Each guard and each change has the name under which docs/broadcasts.md shows it. All of it is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from actors.broadcasts.model import Audience, Broadcast, Content, Outcome


class Event(StrEnum):
    """What can happen to a broadcast."""

    ACCEPTED = "accepted"
    """Telegram showed it to the administrators."""
    REFUSED = "refused"
    """Telegram did not."""
    STARTED = "started"
    """Its time has come."""
    PREPARED = "prepared"
    """Whoever is to be told is written down."""
    EMPTY = "empty"
    """Its time has come, and there is nobody."""
    EXHAUSTED = "exhausted"
    """Every recipient has an outcome."""
    PAUSE = "pause"
    RESUME = "resume"
    """Begin, or go on."""
    CANCEL = "cancel"
    RETRY = "retry"
    """Try again where it failed."""
    EDIT = "edit"
    """Send something else."""
    CHOOSE = "choose"
    """Send it to others, or at another time."""
    DELETE = "delete"
    """Send nothing more, and take back what was sent."""


class Effect(StrEnum):
    """What has to be done outside after the broadcast was saved."""

    CHECK = "check"


class Remark(StrEnum):
    """Why something cannot be done."""

    NOT_UNDER_WAY = "it is not under way"
    NOT_WAITING = "it waits for nobody's word"
    IS_OVER = "it is over"
    NOT_FINISHED = "it has not finished yet"
    NOTHING_FAILED = "nothing of it failed"
    HAS_STARTED = "it has started"
    NOT_STARTED = "nothing of it was sent: cancel it"
    IS_CANCELLED = "it was cancelled, and nothing more of it is sent: create another"
    IS_DELETED = "it was deleted, and nothing more of it is sent: create another"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event and what came with it."""

    event: Event
    detail: str = ""
    content: Content | None = None
    audience: Audience | None = None
    starts_at: datetime | None = None
    again: int = 0
    """How many recipients would be tried again."""
    outcomes: tuple[Outcome, ...] = ()
    """Those with which of them."""


def held(broadcast: Broadcast, _heard: Occurrence, _now: datetime) -> bool:
    """It waits for somebody's word."""
    return broadcast.hold


def something_failed(_broadcast: Broadcast, heard: Occurrence, _now: datetime) -> bool:
    """There is somebody to try again."""
    return heard.again > 0


def note_why(broadcast: Broadcast, heard: Occurrence, _now: datetime) -> Broadcast:
    """Remember what is wrong with it."""
    return replace(broadcast, trouble=heard.detail)


def take_content(broadcast: Broadcast, heard: Occurrence, _now: datetime) -> Broadcast:
    """Remember what is to be sent instead."""
    return replace(broadcast, content=heard.content or broadcast.content, trouble="")


def take_choice(broadcast: Broadcast, heard: Occurrence, _now: datetime) -> Broadcast:
    """Remember who is to get it, or when."""
    return replace(
        broadcast,
        audience=heard.audience or broadcast.audience,
        starts_at=heard.starts_at or broadcast.starts_at,
    )


def note_start(broadcast: Broadcast, _heard: Occurrence, now: datetime) -> Broadcast:
    """Remember when it began."""
    return replace(broadcast, started_at=broadcast.started_at or now)


def note_end(broadcast: Broadcast, _heard: Occurrence, now: datetime) -> Broadcast:
    """Remember when it ended."""
    return replace(broadcast, ended_at=now)


def note_prepared(broadcast: Broadcast, _heard: Occurrence, _now: datetime) -> Broadcast:
    """Remember that everybody is written down."""
    return replace(broadcast, prepared=True, again=())


def begin_again(broadcast: Broadcast, heard: Occurrence, _now: datetime) -> Broadcast:
    """It has not ended after all: remember who is tried again."""
    return replace(broadcast, ended_at=None, prepared=False, again=heard.outcomes)
