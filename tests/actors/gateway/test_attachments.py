"""What comes with a message is read leniently: a strange field costs itself, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.attachments import attached, contact_name
from actors.gateway.model import Arrival, Routed
from actors.gateway.reading import clean, read
from actors.kernel.ids import UpdateId
from actors.sessions import messages as sessions


def heard(**content: Any) -> object:
    message = {
        "message_id": 7,
        "date": 1,
        "chat": {"id": 5, "type": "private"},
        "from": {"id": 5, "first_name": "Anna"},
        **content,
    }
    reading = read(Arrival(UpdateId(1), json.dumps({"update_id": 1, "message": message})))
    assert isinstance(reading, Routed)
    return reading.message


def test_the_largest_photo_of_an_album_with_its_caption() -> None:
    told = heard(
        photo=[{"file_id": "small"}, {"file_id": "large"}], caption="Se\x00e", media_group_id="9"
    )
    assert isinstance(told, sessions.UnsupportedReceived)
    assert (told.kind, told.message_id) == ("photo", 7)
    assert told.attached == sessions.Attached(file_id="large", caption="See", media_group_id="9")


@pytest.mark.parametrize("kind", ["document", "voice", "video", "audio", "sticker", "animation"])
def test_the_file_of_a_message(kind: str) -> None:
    told = heard(**{kind: {"file_id": "f"}})
    assert isinstance(told, sessions.UnsupportedReceived)
    assert (told.kind, told.attached.file_id) == (kind, "f")


def test_a_place() -> None:
    told = heard(location={"latitude": 50.45, "longitude": 30})
    assert isinstance(told, sessions.UnsupportedReceived)
    assert (told.attached.latitude, told.attached.longitude) == (50.45, 30.0)


@pytest.mark.parametrize("latitude", [True, "50", None, 91, -90.5, 1e400])
def test_half_a_place_is_none(latitude: object) -> None:
    told = attached("location", {"location": {"latitude": latitude, "longitude": 30}}, clean=clean)
    assert (told.latitude, told.longitude) == (None, None)


def test_whose_contact_it_is() -> None:
    told = heard(contact={"phone_number": "1", "first_name": " Ann\n", "last_name": "K"})
    assert isinstance(told, sessions.ContactReceived)
    assert told.name == "Ann K"
    assert contact_name({"contact": {"first_name": 5}}, clean=clean) == ""
    assert contact_name({}, clean=clean) == ""


_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["file_id", "caption", "latitude", "longitude", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["photo", "voice", "location", "caption", "media_group_id"]), _json
    )
)
def test_nothing_that_comes_breaks_it(raw: dict[str, Any]) -> None:
    for kind in ("photo", "voice", "location"):
        told = attached(kind, raw, clean=clean)
        assert len(told.file_id) <= 256
        assert len(told.caption) <= 4_096
        assert (told.latitude is None) is (told.longitude is None)
