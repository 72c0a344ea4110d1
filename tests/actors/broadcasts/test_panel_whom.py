"""Administrators mark who gets it, and read who that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actors.broadcasts.model import Audience, Broadcast, Content, State
from actors.broadcasts.panel_buttons import press_of
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.broadcasts.panel_whom import PLANS_MAX, STATES, Page, choices, chosen, page_after, told
from actors.kernel.ids import BroadcastId, ChatId, ProductId
from actors.kernel.language import Language
from actors.sessions.model import State as Conversation

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERYBODY = Audience()
FILLED = Audience(
    languages=(Language.RU, Language.UK),
    states=(*STATES["filling"], "success"),
    products=(ProductId("notes"), ProductId("gone")),
    active_since=NOON,
)
RU = Reader(
    language=Language.RU, zone=ZoneInfo("Europe/Kyiv"), products={ProductId("notes"): "Ноты & <b>"}
)


def waiting(audience: Audience = EVERYBODY) -> Broadcast:
    return Broadcast(
        broadcast_id=BroadcastId(3),
        content=Content(text="Hi"),
        audience=audience,
        state=State.READY,
        created_at=NOON,
        starts_at=NOON,
    )


def test_every_state_of_a_conversation_can_be_chosen_once() -> None:
    states = [state for several in STATES.values() for state in several]
    assert sorted(states) == sorted(state.value for state in Conversation)


def test_who_gets_it_is_told_in_words() -> None:
    assert told(Audience(), IN_ENGLISH) == "To everybody"
    assert told(FILLED, RU) == (
        "Кому: язык — Русский / Українська, регистрация — не закончена / оплачена, "
        "купили «Ноты &amp; &lt;b&gt;» / «gone», были активны с 2026-11-21 14:00 UTC+2"
    )
    some = Audience(states=("name", "success"), chat_ids=(ChatId(1), ChatId(2)))
    assert told(some, IN_ENGLISH) == "To: 2 chats, registration: paid / name"


@pytest.mark.parametrize("page", list(Page))
@pytest.mark.parametrize("audience", [Audience(), FILLED])
def test_each_button_does_what_it_shows(page: Page, audience: Audience) -> None:
    kept = waiting(audience)
    for row in choices(kept, RU, page):
        for button in row:
            press = press_of(button.data)
            assert press is not None
            if press.verb == "page":
                assert press.word in set(Page)
                continue
            after = chosen(audience, press.word, now=NOON + timedelta(days=9))
            assert after is not None
            assert press.word[1] == ("-" if "\u2713" in button.text else "+") or press.word == "a-"
            assert chosen(after, press.word, now=NOON + timedelta(days=9)) == after  # twice is once
            shown = [b.data for r in choices(waiting(after), RU, page_after(press.word)) for b in r]
            if press.word[0] != "a":
                assert button.data not in shown  # it does the opposite now


def test_what_is_marked_and_unmarked_is_as_before() -> None:
    audience = Audience()
    for word in ("l+uk", "s+filling", "p+notes", "a+30"):
        audience = chosen(audience, word, now=NOON) or audience
    assert audience == Audience(
        languages=(Language.UK,), states=STATES["filling"], products=(ProductId("notes"),),
        active_since=NOON - timedelta(days=30),
    )  # fmt: skip
    for word in ("l-uk", "s-filling", "p-notes", "a-"):
        audience = chosen(audience, word, now=NOON) or audience
    assert audience == Audience()


@pytest.mark.parametrize("word", ["", "l", "l+", "l+de", "lxuk", "s+new", "p+", "a+", "a+8", "z+1"])
def test_any_other_word_chooses_nobody(word: str) -> None:
    assert chosen(Audience(), word, now=NOON) is None


def test_without_products_there_is_nothing_to_choose_by_them_and_many_are_cut_off() -> None:
    assert "Purchases…" not in [
        b.text for row in choices(waiting(), IN_ENGLISH, Page.WHOM) for b in row
    ]
    many = Reader(products={ProductId(f"p{n}"): f"P{n}" for n in range(PLANS_MAX + 5)})
    assert len(choices(waiting(), many, Page.PLANS)) == PLANS_MAX + 1
