"""No secret survives, in whatever shape it comes; what is no secret stays readable."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.redaction import DEPTH_MAX, ITEMS_MAX, REDACTED, TEXT_LENGTH_MAX, redactor

BOT_TOKEN = "123456789:AbCdEfGhIjKlMnOpQrStUvWxYz_-1234567"
CANARY = "canary5f1esecret"

clean = redactor()


@pytest.mark.parametrize(
    "text",
    [
        BOT_TOKEN,
        f"POST https://api.telegram.org/bot{BOT_TOKEN}/sendMessage answered 502",
        f"https://api.telegram.org/file/bot{BOT_TOKEN}/photos/1.jpg",
        f"https://proxy.test/bot{BOT_TOKEN.replace(':', '%3A')}/getMe",
        f"The token `{BOT_TOKEN}` was rejected",
    ],
)
def test_a_bot_token_is_known_by_its_shape(text: str) -> None:
    assert BOT_TOKEN.partition(":")[2] not in str(clean(text))


@pytest.mark.parametrize(
    "text",
    [
        f"http://localhost/bot1:{CANARY}/getMe",
        f"postgresql://shop:{CANARY}@db:5432/shop",
        f"postgresql://shop:p@{CANARY}@db/shop",
        f"host=db user=shop password={CANARY} dbname=shop",
        f"host=db password='{CANARY} {CANARY}' dbname=shop",
        f"GET /records?limit=1&xc-token={CANARY}&x=1",
        f"Authorization: Bearer {CANARY}",
        f"authorization:Basic {CANARY}==",
        f'{{"api_key": "{CANARY}", "x": 1}}',
        f"{{'nocodb_token': '{CANARY}'}}",
        f"Headers([(b'xc-token', b'{CANARY}')])",
        f"OPERATOR_TOKEN={CANARY}",
        f"whsec_{CANARY}",
        f"sk_live_{CANARY}",
        f"set-cookie: {CANARY}; path=/",
    ],
)
def test_a_secret_is_known_by_its_surroundings(text: str) -> None:
    assert CANARY not in str(clean(text))


def test_keys_and_digests_are_known_by_their_length() -> None:
    key = "0x" + "c0ffee12" * 8

    assert clean(f"signed with {key}.") == f"signed with {REDACTED}."


@pytest.mark.parametrize(
    "name",
    ["token", "bot_token", "X-Secret", "PASSWORD", "passwd", "Authorization", "apiKey", "api_key",
     "Set-Cookie", "private_key", "signature", "DATABASE_URL", "dsn"],
)  # fmt: skip
def test_a_value_under_a_telling_name_is_hidden(name: str) -> None:
    assert clean({name: CANARY}) == {name: REDACTED}
    assert clean({name: {"value": [CANARY]}}) == {name: REDACTED}
    assert clean([(name, CANARY)]) == [[name, REDACTED]]
    assert clean([name.encode(), CANARY.encode()]) == [repr(name.encode()), REDACTED]


def test_the_secrets_of_this_process_are_known_by_heart() -> None:
    knowing = redactor(["short", "plain word", "plain word and more/"])

    assert (
        knowing("it was plain word and more/ or plain word") == f"it was {REDACTED} or {REDACTED}"
    )
    assert knowing("?next=plain%20word%20and%20more%2F") == f"?next={REDACTED}"
    assert knowing("in short") == "in short"


class Thing:
    def __repr__(self) -> str:
        return f"Thing(password='{CANARY}')"


def test_no_depth_and_no_type_is_a_hiding_place() -> None:
    value = {"a": [{"b": (f"password={CANARY}", {f"token={CANARY}"})}], "thing": Thing()}
    value |= {"error": ValueError(f"secret: {CANARY}"), "raw": f"password={CANARY}".encode()}
    value |= {f"password={CANARY}": 1}

    assert CANARY not in repr(clean(value))


@pytest.mark.parametrize(
    "value",
    [
        "payment.refused",
        "root/sessions",
        "2026-11-21T01:37:30Z",
        "6a2f41a3-c54c-4ce8-a32d-0324e1c32e22",
        "https://nocodb.test/api/v2/tables/m56p6ryypmrhitr/records?where=(Paid,checked)",
        "+380 44 123 45 67",
        "test_told_twice_it_tracks_once",
        "",
        0,
        -1.5,
        True,
        None,
        {"rate_tokens": 29, "record_id": 1, "chat_id": -1001234567890, "token": None},
        [1, "two", {"three": 3}],
    ],
)
def test_what_is_no_secret_stays_as_it_is(value: object) -> None:
    assert clean(value) == value


def test_what_json_cannot_say_is_said_in_words() -> None:
    assert clean([math.nan, math.inf]) == ["nan", "inf"]


def test_long_deep_and_crowded_values_are_cut_and_say_so() -> None:
    deep: object = "x"
    for _ in range(DEPTH_MAX + 2):
        deep = [deep, 0, 0]

    assert len(str(clean("x " * TEXT_LENGTH_MAX))) < TEXT_LENGTH_MAX + 50
    assert "[cut, list]" in repr(clean(deep))
    assert repr(clean(list(range(ITEMS_MAX + 1)))).endswith("'[cut, 101 items]']")
    assert "[cut, 101 items]" in repr(clean({str(n): n for n in range(ITEMS_MAX + 1)}))


def test_a_secret_at_the_cut_does_not_show_half() -> None:
    for margin in range(0, 60, 7):
        text = "x " * (TEXT_LENGTH_MAX // 2 - margin) + BOT_TOKEN + "x " * TEXT_LENGTH_MAX
        assert BOT_TOKEN[:14] not in str(clean(text))


def test_a_value_that_contains_itself_comes_to_an_end() -> None:
    ring: list[object] = []
    ring += [ring, 0, 0]

    assert "[cut, list]" in repr(clean(ring))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(anything)
def test_whatever_comes_becomes_json(value: object) -> None:
    json.dumps(clean(value), allow_nan=False)


def test_the_id_of_an_order_can_be_read_in_the_log() -> None:
    order_id = "0123456789abcdef" * 2
    assert redactor()(f"order {order_id} granted") == f"order {order_id} granted"
    assert order_id not in str(redactor([order_id])(order_id)), "unless it is a secret of ours"
