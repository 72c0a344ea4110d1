"""What administrators see in their chat, and what their buttons say."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actors.broadcasts.model import Audience, Broadcast, Content, Counts, Kind, Reach, State
from actors.broadcasts.panel import bar, duration, refusal, view
from actors.broadcasts.panel_buttons import fingerprint, press_of
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.broadcasts.panel_texts import USAGE
from actors.kernel.ids import BroadcastId
from actors.kernel.language import Language
from adapters.sandbox.telegram_html import parse

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Broadcast(
    broadcast_id=BroadcastId(3),
    content=Content(text="Hi"),
    audience=Audience(),
    created_at=NOON,
    starts_at=NOON,
)
RUNNING = replace(
    KEPT,
    state=State.RUNNING,
    prepared=True,
    started_at=NOON,
    counts=Counts(total=2_000, left_out=7, sent=480, blocked=15, failed=3, unknown=2),
)


def labels(broadcast: Broadcast) -> list[str]:
    return [button.text for row in view(broadcast)[1] for button in row]


def test_what_waits_shows_how_many_it_will_reach() -> None:
    text, keyboard = view(
        replace(KEPT, state=State.READY), reach=Reach(reachable=1_234, left_out=5)
    )
    assert text == (
        "<b>Broadcast 3 waits for you</b>\nTo everybody\nRecipients: 1,234; cannot be reached: 5"
    )
    seen = fingerprint(KEPT)
    pressable = [button.data for row in keyboard for button in row]
    assert pressable == [f"b:start:3:{seen}", "b:cancel:3", "b:page:3:whom", "b:page:3:when"]


def test_what_nobody_would_get_cannot_be_confirmed() -> None:
    text, keyboard = view(replace(KEPT, state=State.READY), reach=Reach(reachable=0, left_out=2))
    assert text.endswith("Nobody would get it: choose others; cannot be reached: 2")
    assert [button.text for row in keyboard for button in row] == ["Cancel", "To whom…", "When…"]


def test_what_starts_later_says_when_by_the_readers_clocks() -> None:
    later = replace(KEPT, state=State.SCHEDULED, starts_at=NOON + timedelta(hours=4))
    assert "starts at 2026-11-21 16:00 UTC<" in view(later)[0]
    kyiv = Reader(language=Language.UK, zone=ZoneInfo("Europe/Kyiv"))
    assert view(later, kyiv)[0] == "<b>Розсилка 3: почнеться 2026-11-21 18:00 UTC+2</b>"
    assert view(replace(later, starts_at=NOON))[0] == "<b>Broadcast 3 starts</b>"


def test_while_recipients_are_listed_no_progress_is_made_up() -> None:
    listing = replace(RUNNING, prepared=False, counts=Counts())
    assert view(listing)[0] == ("<b>Broadcast 3 is under way</b>\nThe recipients are being listed…")


@pytest.mark.parametrize("language", list(Language))
def test_every_state_has_its_words_in_every_language(language: Language) -> None:
    reader = Reader(language=language)
    for state in State:
        for kind in Kind:
            text, keyboard = view(
                replace(RUNNING, state=state, kind=kind),
                reader,
                reach=Reach(reachable=1_000, left_out=1),
                per_second=1.0,
            )
            assert "{" not in parse(text)[0]
            assert all(len(button.text) <= 24 for row in keyboard for button in row)
            if language is not Language.EN and state is State.RUNNING:
                assert "1\N{NARROW NO-BREAK SPACE}000" in text
                assert not re.search("[A-Za-z]{2}", re.sub("<[^>]*>", "", text))
    usage, _entities = parse(reader.say(USAGE))
    assert "{first_name} {name} {language} {chat_id}" in usage
    assert len(usage) < 1_000


def test_what_runs_shows_how_far_it_is_and_for_how_long() -> None:
    text, _ = view(RUNNING, per_second=25.0)
    plain, _entities = parse(text)
    assert plain.splitlines() == [
        "Broadcast 3 is under way",
        f"{chr(0x2588) * 5}{chr(0x2591) * 15} 25% (500 of 2,000)",
        "480 sent, 15 unreachable, 3 failed, 2 unknown, 7 left out",
        "25 a second, 60 s left",
    ]
    assert "a second" not in view(RUNNING, per_second=0.0)[0]
    assert "a second" not in view(replace(RUNNING, state=State.PAUSED), per_second=9.0)[0]
    assert "480 changed" in view(replace(RUNNING, kind=Kind.EDIT))[0]
    assert "480 deleted" in view(replace(RUNNING, kind=Kind.DELETE))[0]
    assert "nobody yet" in view(replace(RUNNING, counts=Counts(total=5)))[0]


def test_what_cannot_start_says_why() -> None:
    text, _ = view(replace(KEPT, state=State.DRAFT, trouble="can't parse <b>"))
    assert text.endswith("can't parse &lt;b&gt;")
    shut_out = "the bot may not write to ADMIN_CHAT_ID: Forbidden: bot was <kicked>"
    text, _ = view(replace(KEPT, state=State.DRAFT, trouble=shut_out), Reader(language=Language.UK))
    assert "бот не може писати адміністраторам: Forbidden: bot was &lt;kicked&gt;" in text
    nobody = replace(KEPT, state=State.DRAFT, trouble="there is nobody to send it to any more")
    assert view(nobody, Reader(language=Language.RU))[0].endswith("получателей больше нет")


def test_there_is_a_button_for_what_can_be_done() -> None:
    pressable = {state: labels(replace(KEPT, state=state)) for state in State}
    assert pressable == {
        State.CHECKING: [], State.DRAFT: ["Cancel"],
        State.READY: ["Confirm", "Cancel", "To whom…", "When…"],
        State.SCHEDULED: ["Pause", "Cancel"], State.RUNNING: ["Pause", "Cancel"],
        State.PAUSED: ["Go on", "Cancel"], State.FINISHED: [], State.CANCELLED: [],
        State.DELETED: [],
    }  # fmt: skip
    for state in State:
        for row in view(replace(KEPT, state=state))[1]:
            assert all(press_of(button.data) for button in row)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (3_540, "59 min"),
        (3_600, "1 h 0 min"),
        (12_000, "3 h 20 min"),
    ],
)
def test_durations_are_told_as_people_say_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


def test_durations_are_told_in_every_language() -> None:
    told = [duration(12_000, Reader(language=language)) for language in Language]
    assert told == ["3 ч 20 мин", "3 год 20 хв", "3 h 20 min"]


def test_texts_are_html() -> None:
    for text in (IN_ENGLISH.say(USAGE), refusal("{nme} is <b> & so"), bar(0, 0), bar(5, 5)):
        assert parse(text)
