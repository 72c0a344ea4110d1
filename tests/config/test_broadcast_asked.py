"""What is typed of a broadcast becomes the API's words, or is refused in plain ones."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from actors.broadcasts.model import CHAT_IDS_MAX
from config.broadcast_asked import Content, Segment

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_content_is_a_text_with_one_file_and_buttons() -> None:
    assert Content().told("Hi") == {"text": "Hi"}
    assert Content(photo="file", button=("Read = https://a.test?x=y", "B=tg://x")).told("Hi") == {
        "text": "Hi",
        "media": {"kind": "photo", "file": "file"},
        "buttons": [
            [{"text": "Read", "url": "https://a.test?x=y"}],
            [{"text": "B", "url": "tg://x"}],
        ],
    }
    with pytest.raises(ValueError, match="one photo, video, document or animation"):
        Content(photo="a", video="b").told("Hi")
    with pytest.raises(ValueError, match="no button: 'Read'"):
        Content(button=("Read",)).told("Hi")


def test_a_segment_narrows_by_all_that_is_said(tmp_path: Path) -> None:
    assert Segment().told(now=NOON) == {"languages": [], "states": [], "products": []}
    (chats := tmp_path / "chats").write_text("1\n-2 3", "utf-8")
    segment = Segment(language=("uk",), state=("success",), plan=("notes",), active="2d")
    assert segment.told(now=NOON) == {
        "languages": ["uk"],
        "states": ["success"],
        "products": ["notes"],
        "active_since": "2026-11-19T12:00:00+00:00",
    }
    assert Segment(chats=chats).told(now=NOON)["chat_ids"] == [1, -2, 3]
    chats.write_text("7\n" * (CHAT_IDS_MAX + 1), "utf-8")
    with pytest.raises(ValueError, match=r"lists 20,001 chats and a broadcast takes 20,000"):
        Segment(chats=chats).told(now=NOON)
    with pytest.raises(ValueError, match="no age: 'soon'"):
        Segment(active="soon").told(now=NOON)
    with pytest.raises(ValueError, match="is no file with a chat id in each line"):
        Segment(chats=tmp_path).told(now=NOON)
