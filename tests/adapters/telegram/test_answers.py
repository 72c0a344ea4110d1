"""An answer is the Bot API's, or it is nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.answers import (
    Answer,
    decode,
    detail,
    encode,
    hide_token,
    load,
    seconds,
)


def refusal(status: int, **fields: object) -> Answer | None:
    return decode(status, json.dumps({"ok": False} | fields).encode())


def test_a_result_is_what_the_method_answered() -> None:
    assert decode(200, b'{"ok": true, "result": [1]}') == Answer(code=200, result=[1])
    assert decode(200, b'{"ok": true, "result": null}') == Answer(code=200, result=None)


def test_a_refusal_carries_what_telegram_says_about_it() -> None:
    assert refusal(
        429,
        error_code=429,
        description="Too Many Requests: retry after 3",
        parameters={"retry_after": 3, "migrate_to_chat_id": -100},
    ) == Answer(
        code=429,
        description="Too Many Requests: retry after 3",
        retry_after_seconds=3.0,
        migrate_to_chat_id=-100,
    )


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [(400, 403, 403), (200, 403, 403), (403, None, 403), (200, None, 400), (502, "x", 502),
     (404, True, 404), (403, 10**9, 403), (302, None, 400)],
)  # fmt: skip
def test_the_code_is_the_bodys_then_the_status(status: int, code: object, expected: int) -> None:
    answer = refusal(status, error_code=code)
    assert answer is not None
    assert answer.code == expected


@pytest.mark.parametrize(
    "parameters",
    [None, 7, [], {"retry_after": "soon"}, {"retry_after": -1}, {"retry_after": True},
     {"migrate_to_chat_id": 5}, {"migrate_to_chat_id": "-100"}, {"migrate_to_chat_id": -(2**60)}],
)  # fmt: skip
def test_a_parameter_of_the_wrong_kind_counts_as_absent(parameters: object) -> None:
    answer = refusal(400, description=7, parameters=parameters)
    assert answer == Answer(code=400)


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"ok": true}'),
        (200, b'{"result": true}'),
        (200, b'{"ok": 1, "result": true}'),
        (200, b'{"ok": "true", "result": true}'),
        (500, b'{"ok": true, "result": true}'),
        (200, b'{"ok": true, "result": ' + b"[" * 100_000),
    ],
)
def test_what_is_not_the_bot_apis_is_nothing(status: int, content: bytes) -> None:
    assert decode(status, content) is None


@given(st.binary())
def test_no_bytes_make_it_raise(content: bytes) -> None:
    assert decode(200, content) is None or content.startswith(b"{")


def test_one_mad_value_costs_no_neighbour() -> None:
    mad = b'[1, %s, "\xff\x01 \\ud800", NaN, 2]' % (b"9" * 5_000)
    loaded = load(mad)
    assert (loaded[0], loaded[4]) == (1, 2)
    assert loaded[1] == "9" * 5_000
    assert loaded[2] == "\ufffd\x01 \ud800"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (0.5, 0.5), ("17", 17.0), (" 2 ", 2.0), (0, 0.0), ("", None), ("-1", None),
     (-1, None), (True, None), (None, None), (float("nan"), None), (float("inf"), None),
     ("9" * 400, None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ([3], None)],
)  # fmt: skip
def test_a_wait_is_a_number_of_seconds_or_nothing(value: object, expected: float | None) -> None:
    assert seconds(value) == expected


def test_a_refusal_is_written_as_python_telegram_bot_reads_it() -> None:
    written = json.loads(encode(Answer(code=400, description="no", migrate_to_chat_id=-100)))
    assert written == {
        "ok": False,
        "description": "no",
        "parameters": {"migrate_to_chat_id": -100},
    }


def test_the_token_in_a_url_is_hidden() -> None:
    url = "https://api.telegram.org/bot42:AAsecret/getMe"
    assert hide_token(f"POST {url} 200") == "POST https://api.telegram.org/bot<token>/getMe 200"
    assert hide_token(f'"{url[:-6]}"') == '"https://api.telegram.org/bot<token>"'


def test_a_detail_is_one_short_line() -> None:
    assert detail("a\r\n b" + "c" * 1_000) == "a b" + "c" * 297
