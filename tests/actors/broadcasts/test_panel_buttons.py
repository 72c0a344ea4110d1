"""A button says what it is for, and of what it was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.broadcast.messages import Button, Media
from actors.broadcasts.model import Audience, Broadcast, Content, State
from actors.broadcasts.panel_buttons import Press, button, fingerprint, press_of
from actors.kernel.ids import BroadcastId, MessageId
from actors.kernel.language import Language

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEPT = Broadcast(
    broadcast_id=BroadcastId(12),
    content=Content(text="Hi"),
    audience=Audience(),
    created_at=NOON,
    starts_at=NOON,
)


def test_it_tells_what_is_being_asked_for() -> None:
    assert press_of("b:pause:12") == Press("pause", BroadcastId(12))
    pressed = press_of(button(KEPT, "English", "pick", "l+en").data)
    assert pressed == Press("pick", BroadcastId(12), "l+en")


@pytest.mark.parametrize(
    "data",
    [
        "",
        "b:",
        "b:fly:1",
        "p:pause:1",
        "b:pause:",
        "b:pause:-1",
        "b:pause:²",
        "b:pause:" + "9" * 20,
    ],
)
def test_any_other_button_is_none_of_ours(data: str) -> None:
    assert press_of(data) is None


def test_what_is_confirmed_is_what_was_seen_whatever_else_has_changed() -> None:
    seen = fingerprint(KEPT)
    moved = replace(KEPT, state=State.READY, version=7, panel_message_id=MessageId(3))
    assert fingerprint(moved) == seen
    others = (
        replace(KEPT, content=Content(text="Bye")),
        replace(KEPT, content=Content(text="Hi", media=Media(kind="photo", file="x" * 20))),
        replace(KEPT, content=Content(text="Hi", buttons=((Button(text="A", url="tg://x"),),))),
        replace(KEPT, audience=Audience(languages=(Language.RU,))),
        replace(KEPT, audience=Audience(active_since=NOON)),
    )
    assert len({seen, *map(fingerprint, others)}) == 1 + len(others)


def test_the_longest_button_is_within_telegrams_limit() -> None:
    most = replace(KEPT, broadcast_id=BroadcastId(10**17 - 1))
    for verb, word in (("start", fingerprint(most)), ("pick", "p+" + "x" * 24)):
        assert len(button(most, "x", verb, word).data.encode()) <= 64  # type: ignore[arg-type]
