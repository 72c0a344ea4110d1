"""The flow of a conversation, declared: from which state what leads where, and when.

`FLOW` is read from top to bottom: the first row that names the state and the event, and whose
guard holds, is taken. `step` is the only place where a session moves. Nothing here knows how
a state looks (`views`), how an event came about (`hearing`), or the outside (`actor`).
docs/flow.md shows the same rows as a table and as a graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from actors.kernel import transitions
from actors.sessions.model import Note, Session, State
from actors.sessions.rules import (
    Effect,
    Event,
    Occurrence,
    choosing_language,
    count_attempt,
    forget,
    form_complete,
    has_record,
    may_have_record,
    name_too_long,
    on_sale,
    open_languages,
    own_record,
    relay_open,
    same_phone,
    take_language,
    take_name,
    take_phone,
    take_record,
    valid_name,
    valid_name_contact_known,
    valid_phone,
)

Transition = transitions.Transition[State, Event, Session, Effect, Note, [Session, Occurrence]]
"""One row of the flow."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where an occurrence led; `bubble` answers a pressed button, None shows nothing."""

    session: Session
    effect: Effect | None = None
    bubble: Note | None = None


S, E, N = State, Event, Note
_row = Transition.of
ANY = tuple(State)
FORM = (S.LANGUAGE, S.NAME, S.CONTACT, S.SUMMARY, S.CHANGING)
ENDED = (S.CANCELLED, S.EXPIRED)
OPEN = tuple(state for state in State if state not in (S.NEW, *FORM))
"""States in which what a user writes is no answer to a question of ours."""
TYPED = (E.TEXT, E.PHONE_SHARED, E.FOREIGN_CONTACT)
BUTTONS = (
    *(E.LANGUAGE_CHOSEN, E.LANG, E.USE_NAME, E.SAVE, E.CHANGE, E.CHANGE_NAME, E.CHANGE_CONTACT),
    *(E.BACK, E.CANCEL, E.RESTART, E.RESUME),
)
"""What an inline button may say; anything else in a button was forged."""
INSIDE = (E.TIMED_OUT, E.RECORDED, E.POSTPONED, E.ABSENT, E.PAID)
USER = tuple(event for event in Event if event not in INSIDE)

FORM_SECONDS = 3_600
"""A form that is left alone for this long is closed, and what was entered is dropped."""

ATTEMPT_SECONDS = 60
"""An attempt to create the record is given up for lost after this, and made again."""

TIMEOUT_SECONDS: Mapping[State, int] = {
    **dict.fromkeys(FORM, FORM_SECONDS),
    S.SAVING: ATTEMPT_SECONDS,
    S.CANCELLED: ATTEMPT_SECONDS,
}
"""How long a state lasts before `timed_out` happens to it; anything the user does in the
form begins the time anew. A state without an entry lasts for ever, and so does `cancelled`
unless it is not known whether a record was created."""

FLOW: tuple[Transition, ...] = (
    # the first contact, whatever it is, opens the form
    _row(S.NEW, E.CANCEL, S.LANGUAGE, says=N.NOTHING_TO_CANCEL),
    _row(S.NEW, E.LANGUAGE_CHOSEN, S.LANGUAGE, does=take_language),
    _row(S.NEW, USER, S.LANGUAGE),
    # the form
    _row(S.LANGUAGE, E.LANGUAGE_CHOSEN, S.NAME, does=take_language),
    _row(S.NAME, (E.TEXT, E.USE_NAME), S.SUMMARY, when=valid_name_contact_known, does=take_name),
    _row(S.NAME, (E.TEXT, E.USE_NAME), S.CONTACT, when=valid_name, does=take_name),
    _row(S.NAME, (E.TEXT, E.USE_NAME), when=name_too_long, says=N.NAME_LONG),
    _row(S.NAME, (E.TEXT, E.USE_NAME), says=N.NAME_EMPTY),
    _row(S.CONTACT, (E.TEXT, E.PHONE_SHARED), S.SUMMARY, when=valid_phone, does=take_phone),
    _row(S.CONTACT, (E.TEXT, E.PHONE_SHARED), says=N.PHONE_BAD),
    _row(S.CONTACT, E.FOREIGN_CONTACT, says=N.PHONE_FOREIGN),
    _row(S.SUMMARY, E.SAVE, S.SAVING, when=form_complete, effect=Effect.REGISTER),
    _row(S.SUMMARY, E.CHANGE, S.CHANGING),
    _row(S.CHANGING, E.CHANGE_NAME, S.NAME),
    _row(S.CHANGING, E.CHANGE_CONTACT, S.CONTACT),
    _row(ANY, E.BACK, when=choosing_language),
    _row((S.CHANGING, S.NAME, S.CONTACT), E.BACK, S.SUMMARY, when=form_complete),
    # the record
    _row(S.SAVING, E.RECORDED, S.AWAITING_PAYMENT, does=take_record, effect=Effect.TRACK),
    _row(S.SAVING, E.POSTPONED, does=count_attempt),
    _row(S.SAVING, E.TIMED_OUT, effect=Effect.REGISTER),
    # who cancelled while his record was being created may have one, and may pay
    _row(S.CANCELLED, E.RECORDED, does=take_record, effect=Effect.TRACK),
    _row(S.CANCELLED, E.POSTPONED, when=may_have_record, does=count_attempt),
    _row(S.CANCELLED, E.TIMED_OUT, when=may_have_record, effect=Effect.LOOK_UP),
    _row(S.CANCELLED, E.ABSENT, does=forget),
    # the payment, also of somebody who cancelled and paid all the same
    _row((S.AWAITING_PAYMENT, S.CANCELLED), E.PAID, S.SUCCESS, when=own_record),
    # leaving
    _row(FORM, E.CANCEL, S.CANCELLED, does=forget),
    _row(S.SAVING, E.CANCEL, S.CANCELLED),
    _row(S.AWAITING_PAYMENT, E.CANCEL, S.CANCELLED, effect=Effect.TRACK),
    _row(S.SUCCESS, E.CANCEL, says=N.ALREADY_PAID),
    _row(ENDED, E.CANCEL, says=N.NOTHING_TO_CANCEL),
    _row(FORM, E.TIMED_OUT, S.EXPIRED, does=forget),
    # coming back
    _row(
        S.CANCELLED,
        (E.START, E.RESTART, E.RESUME),
        S.AWAITING_PAYMENT,
        when=has_record,
        effect=Effect.TRACK,
    ),
    _row(ENDED, (E.START, E.RESTART), S.LANGUAGE, does=forget),
    # everywhere
    _row(ANY, (E.START, E.STATUS)),
    _row(S.LANGUAGE, E.LANG),
    _row(ANY, E.LANG, does=open_languages),
    _row(ANY, E.LANGUAGE_CHOSEN, does=take_language),
    _row(ANY, E.HELP, when=on_sale, says=N.HELP_IN_SHOP),
    _row(ANY, E.HELP, says=N.HELP),
    _row(ANY, E.UNKNOWN_COMMAND, when=on_sale, says=N.UNKNOWN_IN_SHOP),
    _row(ANY, E.UNKNOWN_COMMAND, says=N.UNKNOWN_COMMAND),
    _row(ANY, E.PHONE_SHARED, when=same_phone),
    _row(OPEN, (*TYPED, E.UNSUPPORTED), when=relay_open, effect=Effect.RELAY),
    _row(S.SUCCESS, TYPED, says=N.ALREADY_PAID),
    _row(ANY, TYPED, says=N.BUTTONS_ONLY),
    _row(ANY, E.UNSUPPORTED, says=N.UNSUPPORTED),
    _row(ANY, (E.STALE_BUTTON, *BUTTONS), says=N.STALE_BUTTON),
    _row(ANY, INSIDE),
)


def step(session: Session, heard: Occurrence, *, now: datetime) -> Step:
    """Where `heard` leads. Told twice, facts from inside change nothing the second time."""
    row = transition(session, heard)
    by_user = heard.source != "inside"
    after = replace(session, choosing_language=False) if by_user or row.to else session
    after = row.does(after, heard) if row.does else after
    after = replace(after, state=row.to or session.state)
    if after.state is not session.state:
        after = replace(after, attempts=0)
    if _asks(after) != _asks(session):
        after = replace(after, step=session.step + 1)
    if by_user or after.state is not session.state:
        after = replace(after, note=row.says if heard.source != "button" else None)
    after = replace(after, deadline=_deadline(session, after, heard, now))
    bubble = row.says if heard.source == "button" else None
    return Step(after, row.effect, bubble)


def transition(session: Session, heard: Occurrence) -> Transition:
    """The row that applies. There always is one: the last rows of `FLOW` catch everything."""
    return transitions.first(FLOW, session.state, heard.event, session, heard)


def _asks(session: Session) -> tuple[State, bool]:
    return session.state, session.choosing_language


def _deadline(before: Session, after: Session, heard: Occurrence, now: datetime) -> datetime | None:
    seconds = TIMEOUT_SECONDS.get(after.state)
    if seconds is None or (after.state is S.CANCELLED and not may_have_record(after, heard)):
        return None
    if after.state is before.state and heard.event is not Event.TIMED_OUT:
        if heard.event is Event.POSTPONED and after.state not in FORM:
            return heard.retry_at
        if heard.source == "inside" or after.state not in FORM:
            return before.deadline
    return now + timedelta(seconds=seconds)
