"""What the panel shows in each state; pure. HTML, every value in it escaped."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from actors.broadcast.messages import Button, Keyboard
from actors.kernel.language import Language
from actors.sessions import texts
from actors.sessions.hearing import button_data
from actors.sessions.model import Session, State
from actors.sessions.rules import Event
from actors.sessions.texts import BUTTON_LENGTH_MAX, LANGUAGE_NAMES, Label, Text

Choice = tuple[Label, Event]
"""A button: what stands on it, and what pressing it means."""


@dataclass(frozen=True, slots=True)
class View:
    """What the user sees. Telegram allows one of both keyboards, never both."""

    text: str
    keyboard: Keyboard = ()
    contact_button: str | None = None


def view_of(session: Session) -> View:
    """The panel of the session as it is now."""
    text, keyboard = _text(session), _keyboard(session)
    if session.note is not None:
        text = f"{texts.note(session.note, session.language)}\n\n{text}"
    if _asks_for_contact(session):
        return View(text, contact_button=texts.label(Label.SHARE_PHONE, session.language))
    return View(text, keyboard)


def _asks_for_contact(session: Session) -> bool:
    """For the first time: a number that is being changed is hardly the user's own again."""
    in_sight = session.state is State.CONTACT and not session.choosing_language
    return in_sight and session.contact is None


def _text(session: Session) -> str:
    return texts.say(
        _which_text(session),
        session.language,
        name=escape(session.name or "", quote=False),
        contact=escape(session.contact or "", quote=False),
        record_id=session.record_id,
    )


def _which_text(session: Session) -> Text:
    if session.choosing_language:
        return Text.LANGUAGE_CHOICE
    match session.state:
        case State.NEW | State.LANGUAGE:
            return Text.LANGUAGE
        case State.NAME:
            return Text.NAME if session.name is None else Text.NAME_NOW
        case State.CONTACT:
            return Text.CONTACT if session.contact is None else Text.CONTACT_NOW
        case State.SUMMARY:
            return Text.SUMMARY
        case State.CHANGING:
            return Text.CHANGING
        case State.SAVING:
            return Text.SAVING_SLOW if session.attempts else Text.SAVING
        case State.AWAITING_PAYMENT:
            return Text.AWAITING_PAYMENT
        case State.SUCCESS:
            return Text.SUCCESS
        case State.CANCELLED:
            return Text.CANCELLED if session.record_id is None else Text.CANCELLED_RECORD
        case State.EXPIRED:
            return Text.EXPIRED


def _keyboard(session: Session) -> Keyboard:
    if session.choosing_language or session.state in {State.NEW, State.LANGUAGE}:
        return _languages(session)
    rows = tuple(
        tuple(_button(session, label, event) for label, event in row) for row in _choices(session)
    )
    if session.state is State.NAME and session.first_name not in {None, session.name}:
        return (_offered_name(session),), *rows
    return rows


def _button(session: Session, label: Label, event: Event) -> Button:
    return Button(text=texts.label(label, session.language), data=button_data(session, event))


def _choices(session: Session) -> tuple[tuple[Choice, ...], ...]:
    """The buttons of a state, row by row."""
    cancel = (Label.CANCEL, Event.CANCEL)
    language = (Label.CHANGE_LANGUAGE, Event.LANG)
    match session.state:
        case State.NAME | State.CONTACT if session.complete:
            return (((Label.BACK, Event.BACK),),)
        case State.NAME | State.SAVING:
            return ((cancel,),)
        case State.SUMMARY:
            return ((Label.SAVE, Event.SAVE), (Label.CHANGE, Event.CHANGE)), (cancel,)
        case State.CHANGING:
            name = (Label.CHANGE_NAME, Event.CHANGE_NAME)
            contact = (Label.CHANGE_CONTACT, Event.CHANGE_CONTACT)
            return (name, contact, language), ((Label.BACK, Event.BACK),)
        case State.AWAITING_PAYMENT:
            return ((language, cancel),)
        case State.SUCCESS:
            return ((language,),)
        case State.CANCELLED if session.record_id is not None:
            return (((Label.RESUME, Event.RESUME),),)
        case State.CANCELLED | State.EXPIRED:
            return (((Label.RESTART, Event.RESTART),),)
        case _:
            return ()


def _languages(session: Session) -> Keyboard:
    choice = tuple(
        Button(
            text=LANGUAGE_NAMES[language],
            data=button_data(session, Event.LANGUAGE_CHOSEN, language),
        )
        for language in Language
    )
    if not session.choosing_language:
        return (choice,)
    return choice, (_button(session, Label.BACK, Event.BACK),)


def _offered_name(session: Session) -> Button:
    """Telegram's own name, to take over with one tap."""
    name = session.first_name or ""
    shown = name if len(name) <= BUTTON_LENGTH_MAX else f"{name[: BUTTON_LENGTH_MAX - 1]}…"
    return Button(text=shown, data=button_data(session, Event.USE_NAME))
