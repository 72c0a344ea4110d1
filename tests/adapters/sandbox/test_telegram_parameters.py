"""Parameters arrive in four ways and mean the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sandbox.server import Request
from adapters.sandbox.telegram_parameters import (
    Parameters,
    Refusal,
    decode,
    flag,
    integer,
    parsed,
    read,
    too_many,
)

MULTIPART = (
    '--x\r\nContent-Disposition: form-data; name="text"\r\n\r\nПривіт,\nAda\r\n'
    '--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
    "Content-Type: image/jpeg\r\n\r\n\x00\x01\r\n--x--\r\n"
)


def posted(body: bytes, kind: str, query: str = "") -> Parameters:
    return read(
        Request(method="POST", path="/", query=query, headers={"content-type": kind}, body=body)
    )


def test_query_form_json_and_multipart_say_the_same() -> None:
    assert read(Request(method="GET", path="/", query="chat_id=7&text=%D1%97")) == {
        "chat_id": "7",
        "text": "ї",
    }
    form = posted(b"text=a+b&empty=", "application/x-www-form-urlencoded; charset=utf-8")
    assert form == {"text": "a b", "empty": ""}
    body = {"chat_id": 7, "on": True, "nothing": None, "list": ["ї"]}
    assert posted(json.dumps(body).encode(), "application/json") == {
        "chat_id": "7",
        "on": "true",
        "list": '["ї"]',
    }
    multipart = posted(MULTIPART.encode(), "multipart/form-data; boundary=x")
    assert multipart == {"text": "Привіт,\nAda", "photo": "a.jpg"}


def test_the_body_wins_over_the_query_and_an_unknown_kind_is_ignored() -> None:
    assert posted(b'{"a": "body"}', "application/json", "a=query&b=1") == {"a": "body", "b": "1"}
    assert posted(b"a=body", "text/plain", "a=query") == {"a": "query"}


@pytest.mark.parametrize(
    ("body", "kind", "refusal"),
    [
        (b"{", "application/json", "can't parse JSON object"),
        (b"[" * 100_000, "application/json", "can't parse JSON object"),
        (b'{"a": NaN}', "application/json", "can't parse JSON object"),
        (b'{"a": "\\ud800"}', "application/json", "can't parse JSON object"),
        (b"\xff\xfe\x00", "application/json", "can't parse JSON object"),
        (b"[]", "application/json", "object expected as JSON body"),
        (b"a=\xff", "application/x-www-form-urlencoded", "strings must be encoded in UTF-8"),
        (b"a=%ff", "application/x-www-form-urlencoded", "strings must be encoded in UTF-8"),
        (b"garbage", "multipart/form-data", "can't parse multipart/form-data"),
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes, kind: str, refusal: str) -> None:
    with pytest.raises(Refusal) as caught:
        posted(body, kind)
    assert caught.value.description == f"Bad Request: {refusal}"


def test_values_are_read_as_td_reads_them() -> None:
    given = Parameters({"n": "12", "word": "x", "on": " True ", "off": "0", "json": '{"a": 1}'})

    assert [integer(given, name, 5, 0, 10) for name in ("n", "word", "absent")] == [10, 5, 5]
    assert [flag(given, name) for name in ("on", "off", "absent")] == [True, False, False]
    assert parsed(given, "json", "no") == {"a": 1}
    assert parsed(given, "absent", "no") is None
    with pytest.raises(Refusal, match="no good"):
        parsed(given, "word", "no good")


def test_a_refusal_is_told_as_the_bot_api_tells_it() -> None:
    assert too_many(3).as_json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 3",
        "parameters": {"retry_after": 3},
    }


@given(st.binary(), st.sampled_from(["application/json", "multipart/form-data; boundary=x"]))
def test_any_bytes_are_read_or_refused(body: bytes, kind: str) -> None:
    try:
        found = posted(body, kind)
    except Refusal:
        return
    assert all(isinstance(text, str) for text in found.values())


@given(st.text())
def test_any_text_is_json_or_a_value_error(text: str) -> None:
    try:
        decode(text)
    except ValueError:
        return
