"""The declared flow: what a reader of the table expects, and what no sequence may break."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.ids import ChatId, RecordId
from actors.kernel.language import Language
from actors.sessions.flow import FLOW, FORM, FORM_SECONDS, USER, step, transition
from actors.sessions.model import Note, Session, State, clean_name, clean_phone
from actors.sessions.rules import Effect, Event, Occurrence

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NEW = Session(chat_id=ChatId(1))
FULL = replace(NEW, name="Anna", contact="+380501234567")
RECORD = RecordId(55)

TEXTS = (
    st.sampled_from(["Anna", "+380501234567", "", "x" * 81, "<b>", "\u202e", "hello"]) | st.text()
)
OCCURRENCES = (
    st.builds(
        Occurrence,
        event=st.sampled_from([event for event in USER if event is not Event.LANGUAGE_CHOSEN]),
        source=st.sampled_from(["command", "typed", "button"]),
        text=TEXTS,
    )
    | st.builds(
        Occurrence,
        event=st.just(Event.LANGUAGE_CHOSEN),
        source=st.sampled_from(["command", "button"]),
        text=st.sampled_from(Language),
    )
    | st.builds(
        Occurrence,
        event=st.sampled_from([Event.RECORDED, Event.PAID]),
        record_id=st.sampled_from([RECORD, RecordId(66)]),
    )
    | st.builds(Occurrence, event=st.just(Event.TIMED_OUT))
    | st.builds(Occurrence, event=st.just(Event.POSTPONED), retry_at=st.just(NOON))
)

HAPPY_PATH = (
    Occurrence(event=Event.START, source="command"),
    Occurrence(event=Event.LANGUAGE_CHOSEN, source="button", text="uk"),
    Occurrence(event=Event.TEXT, source="typed", text="Anna"),
    Occurrence(event=Event.PHONE_SHARED, source="typed", text="380501234567"),
    Occurrence(event=Event.SAVE, source="button"),
    Occurrence(event=Event.RECORDED, record_id=RECORD),
    Occurrence(event=Event.PAID, record_id=RECORD),
)


def after(session: Session, *heard: Occurrence, now: datetime = NOON) -> Session:
    for one in heard:
        session = step(session, one, now=now).session
    return session


def said(event: Event, text: str = "") -> Occurrence:
    return Occurrence(event=event, source="typed", text=text)


def pressed(event: Event, text: str = "") -> Occurrence:
    return Occurrence(event=event, source="button", text=text)


def at(state: State) -> Session:
    """A session as it can really be in that state."""
    form = replace(NEW, state=state, deadline=NOON, view_version=1)
    match state:
        case State.SUMMARY | State.CHANGING | State.SAVING:
            return replace(form, name=FULL.name, contact=FULL.contact)
        case State.AWAITING_PAYMENT | State.SUCCESS:
            return replace(FULL, state=state, record_id=RECORD, view_version=1)
        case _:
            return form


def test_the_happy_path_leads_to_success() -> None:
    states, session = [], NEW
    for heard in HAPPY_PATH:
        session = after(session, heard)
        states.append(session.state)
    assert states == [
        State.LANGUAGE,
        State.NAME,
        State.CONTACT,
        State.SUMMARY,
        State.SAVING,
        State.AWAITING_PAYMENT,
        State.SUCCESS,
    ]
    assert (session.language, session.name, session.contact, session.record_id) == (
        Language.UK,
        "Anna",
        "+380501234567",
        RECORD,
    )


def test_every_state_has_an_answer_to_every_event() -> None:
    for state in State:
        for event in Event:
            row = transition(at(state), Occurrence(event=event))
            assert state in row.states
            assert event in row.events


def test_every_row_is_taken_by_something() -> None:
    """A row above that catches everything would hide it."""
    for index, row in enumerate(FLOW):
        hidden = [
            (state, event)
            for state in row.states
            for event in row.events
            if any(
                state in earlier.states and event in earlier.events and earlier.when is None
                for earlier in FLOW[:index]
            )
        ]
        assert len(hidden) < len(row.states) * len(row.events), row


@given(st.lists(OCCURRENCES, max_size=30))
def test_no_sequence_of_events_skips_a_rule(heard: list[Occurrence]) -> None:
    session, saved, paid = NEW, False, False
    for one in heard:
        moved = step(session, one, now=NOON)
        before, session = session, moved.session
        saved |= before.state is State.SUMMARY and one.event is Event.SAVE
        paid |= one.event is Event.PAID and one.record_id == before.record_id
        if session.name is not None:
            assert clean_name(session.name) == session.name
        if session.contact is not None:
            assert clean_phone(session.contact, session.language) == session.contact
        if session.state in {State.SUMMARY, State.CHANGING, State.SAVING, State.AWAITING_PAYMENT}:
            assert session.complete
        if session.state in {State.AWAITING_PAYMENT, State.SUCCESS}:
            assert session.record_id is not None
        if session.record_id is not None:
            assert saved
            assert session.state in {State.AWAITING_PAYMENT, State.SUCCESS, State.CANCELLED}
        if session.state is State.SUCCESS:
            assert paid
        if before.state is State.SUCCESS:
            assert session.state is State.SUCCESS
        if before.record_id is not None:
            assert session.record_id is not None
            assert moved.effect is not Effect.REGISTER


@given(st.lists(OCCURRENCES, max_size=30))
def test_a_step_number_never_stands_for_two_questions(heard: list[Occurrence]) -> None:
    session = NEW
    asked: dict[int, tuple[State, bool]] = {}
    for one in heard:
        session = after(session, one)
        question = (session.state, session.choosing_language)
        assert asked.setdefault(session.step, question) == question


@given(st.lists(OCCURRENCES, max_size=30), OCCURRENCES)
def test_what_happens_inside_happens_once(heard: list[Occurrence], last: Occurrence) -> None:
    session = after(NEW, *heard, last)
    if last.event in {Event.PAID, Event.RECORDED}:
        assert step(session, last, now=NOON) == step(session, last, now=NOON + timedelta(hours=9))
        assert after(session, last) == session


@pytest.mark.parametrize("event", USER)
def test_whatever_comes_first_opens_the_form(event: Event) -> None:
    assert after(NEW, said(event, "ru")).state is State.LANGUAGE


@pytest.mark.parametrize("state", FORM)
def test_start_keeps_what_was_entered(state: State) -> None:
    assert after(at(state), said(Event.START)) == replace(
        at(state), deadline=NOON + timedelta(seconds=FORM_SECONDS)
    )


@pytest.mark.parametrize("state", [State.AWAITING_PAYMENT, State.SUCCESS])
@pytest.mark.parametrize("event", [Event.START, Event.STATUS])
def test_a_registered_user_is_shown_where_he_stands(state: State, event: Event) -> None:
    moved = step(at(state), said(event), now=NOON)
    assert (moved.session, moved.effect) == (at(state), None)


def test_a_user_with_a_record_resumes_instead_of_registering_again() -> None:
    cancelled = step(at(State.AWAITING_PAYMENT), pressed(Event.CANCEL), now=NOON)
    assert cancelled.effect is Effect.TRACK
    assert cancelled.session.state is State.CANCELLED
    for event in (Event.START, Event.RESUME, Event.RESTART):
        resumed = step(cancelled.session, said(event), now=NOON)
        assert resumed.effect is Effect.TRACK
        assert resumed.session.state is State.AWAITING_PAYMENT
        assert resumed.session.name == "Anna"


def test_who_pays_after_cancelling_has_paid() -> None:
    cancelled = after(at(State.AWAITING_PAYMENT), said(Event.CANCEL))
    assert after(cancelled, Occurrence(event=Event.PAID, record_id=RECORD)).state is State.SUCCESS


def test_a_record_that_exists_only_after_cancelling_is_tracked_all_the_same() -> None:
    cancelled = after(at(State.SAVING), said(Event.CANCEL))
    late = step(cancelled, Occurrence(event=Event.RECORDED, record_id=RECORD), now=NOON)
    assert (late.session.state, late.effect) == (State.CANCELLED, Effect.TRACK)


def test_the_payment_of_somebody_else_changes_nothing() -> None:
    waiting = at(State.AWAITING_PAYMENT)
    assert after(waiting, Occurrence(event=Event.PAID, record_id=RecordId(66))) == waiting


@pytest.mark.parametrize("state", FORM)
def test_cancelling_the_form_forgets_what_was_entered(state: State) -> None:
    cancelled = after(at(state), said(Event.CANCEL))
    assert cancelled.state is State.CANCELLED
    assert (cancelled.name, cancelled.contact, cancelled.deadline) == (None, None, None)


@pytest.mark.parametrize("state", FORM)
def test_a_form_left_alone_expires(state: State) -> None:
    expired = after(at(state), Occurrence(event=Event.TIMED_OUT))
    assert expired.state is State.EXPIRED
    assert (expired.name, expired.contact, expired.deadline) == (None, None, None)


def test_what_the_user_does_in_the_form_begins_its_time_anew() -> None:
    later = NOON + timedelta(minutes=50)
    session = after(at(State.NAME), said(Event.TEXT, ""), now=later)
    assert session.deadline == later + timedelta(seconds=FORM_SECONDS)


def test_what_the_user_does_while_saving_does_not_move_the_next_attempt() -> None:
    session = after(at(State.SAVING), said(Event.STATUS), now=NOON + timedelta(seconds=3))
    assert session.deadline == NOON


def test_a_record_created_after_cancelling_is_remembered() -> None:
    cancelled = after(at(State.SAVING), said(Event.CANCEL))
    known = after(cancelled, Occurrence(event=Event.RECORDED, record_id=RECORD))
    assert (known.state, known.record_id) == (State.CANCELLED, RECORD)
    assert after(known, said(Event.START)).state is State.AWAITING_PAYMENT


def test_a_failed_attempt_is_counted_and_has_its_time() -> None:
    retry_at = NOON + timedelta(seconds=7)
    failed = after(at(State.SAVING), Occurrence(event=Event.POSTPONED, retry_at=retry_at))
    assert (failed.state, failed.attempts, failed.deadline) == (State.SAVING, 1, retry_at)
    again = step(failed, Occurrence(event=Event.TIMED_OUT), now=retry_at)
    assert again.effect is Effect.REGISTER
    assert again.session.deadline is not None
    assert again.session.deadline > retry_at


@pytest.mark.parametrize("state", [state for state in State if state is not State.NEW])
def test_the_language_choice_covers_any_panel_and_gives_it_back(state: State) -> None:
    covered = after(at(state), said(Event.LANG))
    assert covered.state is state
    chosen = after(covered, pressed(Event.LANGUAGE_CHOSEN, "ru"))
    assert chosen.language is Language.RU
    assert not chosen.choosing_language
    assert chosen.state is (State.NAME if state is State.LANGUAGE else state)


def test_the_language_choice_is_closed_by_whatever_the_user_does_next() -> None:
    covered = after(at(State.SAVING), said(Event.LANG))
    waiting = after(covered, Occurrence(event=Event.POSTPONED, retry_at=NOON))
    assert waiting.choosing_language
    assert not after(waiting, said(Event.STATUS)).choosing_language
    assert not after(waiting, Occurrence(event=Event.RECORDED, record_id=RECORD)).choosing_language


def test_back_closes_the_language_choice_before_anything_else() -> None:
    covered = after(at(State.CHANGING), pressed(Event.LANG))
    assert after(covered, pressed(Event.BACK)).state is State.CHANGING


@pytest.mark.parametrize("event", [Event.CHANGE_NAME, Event.CHANGE_CONTACT])
def test_a_change_leads_back_to_the_summary(event: Event) -> None:
    changing = after(at(State.SUMMARY), pressed(Event.CHANGE), pressed(event))
    assert after(changing, pressed(Event.BACK)).state is State.SUMMARY
    answered = after(changing, said(Event.TEXT, "+380507654321"))
    assert answered.state is State.SUMMARY


@pytest.mark.parametrize(
    ("state", "event", "text", "note"),
    [
        (State.NAME, Event.TEXT, "", Note.NAME_EMPTY),
        (State.NAME, Event.TEXT, "x" * 81, Note.NAME_LONG),
        (State.CONTACT, Event.TEXT, "soon", Note.PHONE_BAD),
        (State.CONTACT, Event.FOREIGN_CONTACT, "+380501234567", Note.PHONE_FOREIGN),
        (State.SUMMARY, Event.TEXT, "yes", Note.BUTTONS_ONLY),
        (State.SAVING, Event.TEXT, "hurry", Note.BUTTONS_ONLY),
        (State.SUCCESS, Event.TEXT, "thanks", Note.ALREADY_PAID),
        (State.SUCCESS, Event.CANCEL, "", Note.ALREADY_PAID),
        (State.EXPIRED, Event.CANCEL, "", Note.NOTHING_TO_CANCEL),
        (State.NAME, Event.UNSUPPORTED, "", Note.UNSUPPORTED),
        (State.NAME, Event.HELP, "", Note.HELP),
        (State.NAME, Event.UNKNOWN_COMMAND, "", Note.UNKNOWN_COMMAND),
    ],
)
def test_what_does_not_fit_is_answered_politely(
    state: State, event: Event, text: str, note: Note
) -> None:
    session = after(at(state), said(event, text))
    assert (session.state, session.note) == (state, note)


def test_in_a_shop_help_is_about_it_too() -> None:
    for event, note in (
        (Event.HELP, Note.HELP_IN_SHOP),
        (Event.UNKNOWN_COMMAND, Note.UNKNOWN_IN_SHOP),
    ):
        assert after(at(State.NAME), replace(said(event, ""), sells=True)).note is note


def test_a_stale_button_is_answered_in_its_bubble_only() -> None:
    moved = step(at(State.NAME), pressed(Event.STALE_BUTTON), now=NOON)
    assert moved.bubble is Note.STALE_BUTTON
    assert moved.session.note is None


def test_a_note_stays_until_the_user_does_the_next_thing() -> None:
    noted = after(at(State.SAVING), said(Event.TEXT, "hurry"))
    waiting = after(noted, Occurrence(event=Event.POSTPONED, retry_at=NOON))
    assert waiting.note is Note.BUTTONS_ONLY
    assert after(waiting, Occurrence(event=Event.RECORDED, record_id=RECORD)).note is None
