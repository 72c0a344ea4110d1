"""What a message from Telegram means for the flow, and what its buttons carry.

A button says `<step>:<event>` or `<step>:<event>:<argument>`. The step tells whether it
belongs to what the session asks now: a button of an older panel, and the second press of a
double one, carry another step and are stale. Callback data can be forged, so only what
stands on buttons is accepted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from actors.kernel.language import Language, language_of
from actors.sessions import messages as sessions
from actors.sessions.flow import BUTTONS
from actors.sessions.model import Note, Session, State, clean_name
from actors.sessions.rules import Event, Occurrence

COMMANDS = {
    "start": Event.START,
    "cancel": Event.CANCEL,
    "status": Event.STATUS,
    "lang": Event.LANG,
    "help": Event.HELP,
}

Said = (
    sessions.CommandReceived
    | sessions.TextReceived
    | sessions.ContactReceived
    | sessions.ButtonPressed
    | sessions.UnsupportedReceived
)
"""What a user does in the chat."""


def acquainted(session: Session, profile: sessions.Profile) -> Session:
    """The session with what Telegram tells about whoever writes.

    Whoever writes has let the bot in. The language is taken over only once: later the user's
    own choice counts.
    """
    is_new = session.state is State.NEW
    first_name = clean_name(profile.first_name)
    return replace(
        session,
        first_name=None if isinstance(first_name, Note) else first_name,
        language=language_of(profile.language_code) if is_new else session.language,
        blocked=False,
    )


def occurrence(session: Session, said: Said) -> Occurrence:
    """The event that `said` is in this session."""
    match said:
        case sessions.CommandReceived():
            return _command(said)
        case sessions.TextReceived():
            return Occurrence(event=Event.TEXT, source="typed", text=said.text)
        case sessions.ContactReceived():
            event = Event.PHONE_SHARED if said.own else Event.FOREIGN_CONTACT
            return Occurrence(event=event, source="typed", text=said.phone_number)
        case sessions.ButtonPressed():
            return _button(session, said.data)
        case sessions.UnsupportedReceived():
            return Occurrence(event=Event.UNSUPPORTED, source="typed")
        case _:
            assert_never(said)


def button_data(session: Session, event: Event, argument: str = "") -> str:
    """What a button of the session's present panel carries (at most 64 bytes)."""
    return f"{session.step}:{event}:{argument}" if argument else f"{session.step}:{event}"


def _command(told: sessions.CommandReceived) -> Occurrence:
    event = COMMANDS.get(told.name, Event.UNKNOWN_COMMAND)
    argument = told.argument.strip().lower()
    if event is Event.LANG and argument in tuple(Language):
        return Occurrence(event=Event.LANGUAGE_CHOSEN, source="command", text=argument)
    return Occurrence(event=event, source="command")


def _button(session: Session, data: str) -> Occurrence:
    step, _, rest = data.partition(":")
    name, _, argument = rest.partition(":")
    stale = Occurrence(event=Event.STALE_BUTTON, source="button")
    if step != str(session.step) or name not in BUTTONS or session.state is State.NEW:
        return stale
    event = Event(name)
    if event is Event.LANGUAGE_CHOSEN:
        known = argument in tuple(Language)
        return Occurrence(event=event, source="button", text=argument) if known else stale
    text = session.first_name or "" if event is Event.USE_NAME else ""
    return Occurrence(event=event, source="button", text=text)
