"""Administrators choose when it starts by their own clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from actors.broadcasts.model import Audience, Broadcast, Content, State
from actors.broadcasts.panel_buttons import press_of
from actors.broadcasts.panel_reader import IN_ENGLISH, Reader
from actors.broadcasts.panel_when import DAYS, asked, choices, chosen, told
from actors.kernel.ids import BroadcastId
from actors.kernel.language import Language

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KYIV = Reader(language=Language.RU, zone=ZoneInfo("Europe/Kyiv"))
KEPT = Broadcast(
    broadcast_id=BroadcastId(3),
    content=Content(text="Hi"),
    audience=Audience(),
    state=State.READY,
    created_at=NOON,
    starts_at=NOON,
)


def offered(broadcast: Broadcast, reader: Reader, now: datetime) -> dict[str, datetime]:
    """What each button makes of it, but for the one that stands for at once."""
    found = {}
    for row in choices(broadcast, reader, now)[1:]:
        for button in row:
            press = press_of(button.data)
            assert press is not None
            assert press.verb == "pick"
            moment = chosen(broadcast, press.word, now=now)
            assert moment is not None
            found[button.text] = moment
    return found


def test_days_hours_and_quarters_are_those_of_the_readers_clocks() -> None:
    late = NOON.replace(hour=20, minute=50)  # 22:50 in Kyiv
    buttons = offered(KEPT, KYIV, late)
    at_23 = NOON.replace(hour=21)
    assert buttons == {
        "11-21": at_23,
        **{f"11-{21 + n}": at_23 + timedelta(days=n) for n in range(1, DAYS)},
        "23:00": at_23,
        ":00": at_23,
        ":15": at_23 + timedelta(minutes=15),
        ":30": at_23 + timedelta(minutes=30),
        ":45": at_23 + timedelta(minutes=45),
    }
    assert asked(KYIV, late) == "Выберите, когда начать. Сейчас 2026-11-21 22:50 UTC+2."


def test_what_is_chosen_is_marked_and_the_other_buttons_keep_the_rest_of_it() -> None:
    when = NOON.replace(day=23, hour=7, minute=15)
    later = replace(KEPT, starts_at=when)
    buttons = offered(later, IN_ENGLISH, NOON)
    assert {text for text in buttons if text.startswith("✓ ")} == {"✓ 11-23", "✓ 07:15", "✓ :15"}
    assert buttons["11-25"] == when.replace(day=25)
    assert buttons["18:15"] == when.replace(hour=18)
    assert buttons[":45"] == when.replace(minute=45)
    assert buttons["11-21"] == NOON.replace(hour=13), "07:15 is over today"
    assert sum(map(len, choices(later, IN_ENGLISH, NOON))) < 100, "as many as a message may have"
    assert told(later, IN_ENGLISH) == ["Start: 2026-11-23 07:15 UTC"]
    assert told(KEPT, IN_ENGLISH) == []


def test_a_time_that_the_clocks_skip_is_not_offered() -> None:
    spring = replace(KEPT, starts_at=datetime(2027, 3, 28, 10, tzinfo=UTC))
    buttons = offered(spring, KYIV, datetime(2027, 3, 27, 12, tzinfo=UTC))
    assert "02:00" in buttons
    assert "03:00" not in buttons


def test_at_once_is_the_beginning_and_so_is_what_is_over() -> None:
    ((first,), *_) = choices(KEPT, IN_ENGLISH, NOON)
    assert first.text == "✓ At once"
    later = replace(KEPT, starts_at=NOON + timedelta(hours=3))
    ((first,), *_) = choices(later, IN_ENGLISH, NOON)
    assert first.text == "At once"
    assert chosen(later, "t-", now=NOON) == NOON
    seconds = int(NOON.timestamp())
    assert chosen(KEPT, f"t+{seconds}", now=NOON + timedelta(hours=1)) == KEPT.created_at


@pytest.mark.parametrize("word", ["", "t", "t+", "t+x", "t+²", "l+en", "t+" + "9" * 11, "t+-1"])
def test_any_other_word_says_nothing(word: str) -> None:
    assert chosen(KEPT, word, now=NOON) is None
