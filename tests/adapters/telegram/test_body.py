"""Fields and files as servers read them."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from io import BytesIO

import pytest

from adapters.telegram.body import Upload, form, multipart

PNG = b"\x89PNG\r\n--\x00"


def read(fields: dict[str, str], files: dict[str, Upload]) -> list[tuple[object, object, object]]:
    """Each part's name, its file name, and what is in it."""
    kind, body = multipart(fields, files)
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get_payload(decode=True),
        )
        for part in message.iter_parts()
    ]


def test_fields_are_a_form() -> None:
    assert form({"text": "a&b=ü", "chat_id": "7"}) == b"text=a%26b%3D%C3%BC&chat_id=7"
    assert form({}) == b""


def test_fields_and_files_are_parts() -> None:
    files: dict[str, Upload] = {
        "photo": ("a.png", PNG, "image/png"),
        "video": ("b.mp4", BytesIO(b"moving"), "video/mp4"),
    }
    assert read({"chat_id": "7"}, files) == [
        ("chat_id", None, b"7"),
        ("photo", "a.png", PNG),
        ("video", "b.mp4", b"moving"),
    ]


def test_a_file_name_cannot_add_a_header() -> None:
    ((_, name, content),) = read({}, {"photo": ('a"\r\nX: y', PNG, "image/png")})
    assert (name, content) == ("a%22%0D%0AX: y", PNG)


def test_text_that_has_no_utf8_is_refused() -> None:
    for make in (form, lambda fields: multipart(fields, {})):
        with pytest.raises(UnicodeError):
            make({"text": "\ud800"})
