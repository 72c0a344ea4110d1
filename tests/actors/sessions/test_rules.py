"""Guards and changes of the flow, one by one."""

from __future__ import annotations

from dataclasses import replace

from actors.kernel.ids import ChatId, RecordId
from actors.kernel.language import Language
from actors.sessions import rules
from actors.sessions.model import Session
from actors.sessions.rules import Event, Occurrence

EMPTY = Session(chat_id=ChatId(1))
FULL = replace(EMPTY, name="Anna", contact="+380501234567", record_id=RecordId(7))


def typed(text: str) -> Occurrence:
    return Occurrence(event=Event.TEXT, source="typed", text=text)


def shared(number: str) -> Occurrence:
    return Occurrence(event=Event.PHONE_SHARED, source="typed", text=number)


def test_a_name_is_valid_or_there_is_a_reason() -> None:
    assert rules.valid_name(EMPTY, typed("Anna"))
    for text in ("", "a" * 81):
        assert not rules.valid_name(EMPTY, typed(text))
    assert rules.name_too_long(EMPTY, typed("a" * 81))
    assert not rules.name_too_long(EMPTY, typed(""))


def test_the_contact_decides_where_a_valid_name_leads() -> None:
    assert rules.valid_name_contact_known(FULL, typed("Anna"))
    assert not rules.valid_name_contact_known(EMPTY, typed("Anna"))
    assert not rules.valid_name_contact_known(FULL, typed(""))


def test_a_shared_number_needs_no_plus_and_a_typed_one_does() -> None:
    assert rules.valid_phone(EMPTY, shared("4411234567"))
    assert not rules.valid_phone(EMPTY, typed("4411234567"))


def test_the_same_number_twice_is_recognised() -> None:
    assert rules.same_phone(FULL, shared("380501234567"))
    assert not rules.same_phone(FULL, shared("380501234568"))
    assert not rules.same_phone(EMPTY, shared("garbage"))


def test_a_form_without_one_of_its_answers_is_not_complete() -> None:
    assert rules.form_complete(FULL, typed(""))
    for lacking in (replace(FULL, name=None), replace(FULL, contact=None)):
        assert not rules.form_complete(lacking, typed(""))


def test_only_the_own_record_counts() -> None:
    def paid(record_id: int) -> Occurrence:
        return Occurrence(event=Event.PAID, record_id=RecordId(record_id))

    assert rules.own_record(FULL, paid(7))
    assert not rules.own_record(FULL, paid(8))
    assert not rules.own_record(EMPTY, Occurrence(event=Event.PAID))
    assert rules.has_record(FULL, paid(8))
    assert not rules.has_record(EMPTY, paid(8))


def test_changes_keep_the_cleaned_answers() -> None:
    assert rules.take_name(EMPTY, typed(" Anna\u202e ")).name == "Anna"
    assert rules.take_phone(EMPTY, typed("+380 50 1234567")).contact == "+380501234567"
    chosen = Occurrence(event=Event.LANGUAGE_CHOSEN, text="uk")
    covered = rules.open_languages(EMPTY, typed(""))
    assert rules.choosing_language(covered, typed(""))
    assert rules.take_language(covered, chosen) == replace(EMPTY, language=Language.UK)


def test_what_was_entered_can_be_forgotten() -> None:
    assert rules.forget(FULL, typed("")) == replace(FULL, name=None, contact=None)


def test_attempts_are_counted_and_the_record_is_kept() -> None:
    recorded = Occurrence(event=Event.RECORDED, record_id=RecordId(7))
    assert rules.take_record(EMPTY, recorded).record_id == 7
    assert rules.count_attempt(rules.count_attempt(EMPTY, recorded), recorded).attempts == 2
