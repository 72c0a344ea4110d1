"""The words of the flow: events, effects, guards and changes.

Each guard and each change has the name under which docs/flow.md shows it. All of it is pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from actors.kernel.ids import RecordId
from actors.kernel.language import Language
from actors.sessions.model import Note, Session, clean_name, clean_phone


class Event(StrEnum):
    """What can happen to a conversation."""

    START = "start"
    CANCEL = "cancel"
    STATUS = "status"
    LANG = "lang"
    HELP = "help"
    UNKNOWN_COMMAND = "unknown_command"
    TEXT = "text"
    PHONE_SHARED = "phone_shared"
    FOREIGN_CONTACT = "foreign_contact"
    UNSUPPORTED = "unsupported"
    LANGUAGE_CHOSEN = "language_chosen"
    USE_NAME = "use_name"
    SAVE = "save"
    CHANGE = "change"
    CHANGE_NAME = "change_name"
    CHANGE_CONTACT = "change_contact"
    BACK = "back"
    RESTART = "restart"
    RESUME = "resume"
    STALE_BUTTON = "stale_button"
    TIMED_OUT = "timed_out"
    RECORDED = "recorded"
    POSTPONED = "postponed"
    ABSENT = "absent"
    PAID = "paid"


class Effect(StrEnum):
    """What has to be done outside after the session was saved."""

    REGISTER = "register"
    LOOK_UP = "look_up"
    TRACK = "track"
    RELAY = "relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event and what came with it.

    `source` tells what the user expects: a typed command or message is answered below it, a
    button where it was pressed; `inside` is what the user did not do.
    """

    event: Event
    source: Literal["command", "typed", "button", "inside"] = "inside"
    text: str = ""
    record_id: RecordId | None = None
    retry_at: datetime | None = None
    relayed: bool = False
    """There is somebody else to whom it can be passed on."""
    sells: bool = False
    """Something is on sale here."""


Guard = Callable[[Session, Occurrence], bool]
Change = Callable[[Session, Occurrence], Session]


def valid_name(_session: Session, heard: Occurrence) -> bool:
    """The text is a name."""
    return not isinstance(clean_name(heard.text), Note)


def valid_name_contact_known(session: Session, heard: Occurrence) -> bool:
    """The text is a name, and the contact is there already."""
    return session.contact is not None and valid_name(session, heard)


def name_too_long(_session: Session, heard: Occurrence) -> bool:
    """The text would be a name if it were shorter."""
    return clean_name(heard.text) is Note.NAME_LONG


def valid_phone(session: Session, heard: Occurrence) -> bool:
    """The text or the shared contact is a phone number."""
    return _phone(session, heard) is not None


def same_phone(session: Session, heard: Occurrence) -> bool:
    """The shared number is the one that is known: the button was pressed twice."""
    return session.contact is not None and _phone(session, heard) == session.contact


def relay_open(_session: Session, heard: Occurrence) -> bool:
    """What no form awaits can be passed on."""
    return heard.relayed


def on_sale(_session: Session, heard: Occurrence) -> bool:
    """Something is on sale here."""
    return heard.sells


def form_complete(session: Session, _heard: Occurrence) -> bool:
    """Name and contact are known."""
    return session.complete


def may_have_record(session: Session, _heard: Occurrence) -> bool:
    """A record was asked for, and whether there is one is not known."""
    return session.complete and session.record_id is None


def has_record(session: Session, _heard: Occurrence) -> bool:
    """The user's row exists: he is never registered a second time."""
    return session.record_id is not None


def own_record(session: Session, heard: Occurrence) -> bool:
    """The payment belongs to the user's row."""
    return session.record_id is not None and session.record_id == heard.record_id


def choosing_language(session: Session, _heard: Occurrence) -> bool:
    """The language choice covers the panel."""
    return session.choosing_language


def take_language(session: Session, heard: Occurrence) -> Session:
    """Speak the chosen language, and show the state's panel again."""
    return replace(session, language=Language(heard.text), choosing_language=False)


def open_languages(session: Session, _heard: Occurrence) -> Session:
    """Cover the panel with the language choice."""
    return replace(session, choosing_language=True)


def take_name(session: Session, heard: Occurrence) -> Session:
    """Remember the cleaned name."""
    return replace(session, name=clean_name(heard.text))


def take_phone(session: Session, heard: Occurrence) -> Session:
    """Remember the normalised number."""
    return replace(session, contact=_phone(session, heard))


def take_record(session: Session, heard: Occurrence) -> Session:
    """Remember the row."""
    return replace(session, record_id=heard.record_id)


def count_attempt(session: Session, _heard: Occurrence) -> Session:
    """One more attempt failed."""
    return replace(session, attempts=session.attempts + 1)


def forget(session: Session, _heard: Occurrence) -> Session:
    """Drop what was entered."""
    return replace(session, name=None, contact=None)


def _phone(session: Session, heard: Occurrence) -> str | None:
    shared = heard.event is Event.PHONE_SHARED
    return clean_phone(heard.text, session.language, shared=shared)
