"""What is signed is what JavaScript would sign: asked of Node, and remembered from Node."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.kernel.strict_json import load_object
from adapters.nowpayments.canonical import canonical, canonicals, signature
from tests.adapters.nowpayments.documents import asked_of_node, random_documents
from tests.adapters.nowpayments.vectors import SECRET, VECTORS

REMEMBERED = Path(__file__).with_name("node_answers.json")
"""`{"node": version, "answers": [[document, what Node made of it], ...]}`"""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_contract_are_signed(name: str) -> None:
    body, text, wanted = VECTORS[name]
    document = load_object(body.encode())
    assert canonical(document) == text
    assert signature(text, SECRET) == wanted
    assert signature(text, f" {SECRET}\n") == wanted
    assert signature(text, "another") != wanted
    assert canonicals(document)[0] == text


def test_what_node_once_answered() -> None:
    remembered = json.loads(REMEMBERED.read_text("utf-8"))["answers"]
    assert len(remembered) >= 300
    for document, answer in remembered:
        assert canonical(load_object(document.encode())) == answer


@pytest.mark.process
def test_twenty_thousand_random_documents_are_asked_of_node() -> None:
    if shutil.which("node") is None:
        pytest.skip("no node on this machine: only its remembered answers were compared")
    documents = random_documents(20_000, seed=7)
    answers = asked_of_node(documents)
    assert len(answers) == len(documents)
    for document, answer in zip(documents, answers, strict=True):
        assert canonical(load_object(document.encode())) == answer


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("10.0", "10"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345678", "123456789012345680"),
        ("12345678901234567890", "12345678901234567000"),
        ("9007199254740993", "9007199254740992"),
        ("0.000001", "0.000001"),
        ("0.0000012", "0.0000012"),
        ("0.00000012", "1.2e-7"),
        ("-1.5e-9", "-1.5e-9"),
        ("1.25e+30", "1.25e+30"),
        ("5e-324", "5e-324"),
        ("1e400", "null"),
        ("0.1", "0.1"),
        ("100", "100"),
        ("165.652609000", "165.652609"),
    ],
)
def test_numbers_are_printed_as_ecmascript_prints_them(number: str, text: str) -> None:
    assert canonical(load_object(f'{{"n":{number}}}'.encode())) == f'{{"n":{text}}}'


def test_keys_like_array_indices_stand_first_in_their_own_order() -> None:
    keys = ["b", "10", "9", "01", "4294967294", "4294967295", "-1", "", "\ue000", "😀", "a"]
    text = canonical(dict.fromkeys(keys))
    assert list(json.loads(text)) == [
        *["9", "10", "4294967294"],
        *["", "-1", "01", "4294967295", "a", "b", "😀", "\ue000"],  # by UTF-16, not by code point
    ]


def test_what_is_assigned_to_the_prototype_is_no_member() -> None:
    document = load_object(b'{"b":{"__proto__":[1]},"__proto__":{"c":1},"a":"__proto__"}')
    assert canonicals(document) == ('{"a":"__proto__","b":{}}',)


def test_a_long_key_of_digits_is_a_text() -> None:
    assert canonical({"9" * 5000: 1, "a": 2}).startswith('{"999')


def test_arrays_may_be_objects_as_in_the_published_sample() -> None:
    document = {"a": [3, {"z": 1, "b": [2]}], "b": [], "c": list(range(11))}
    assert canonical(document, arrays_as_objects=True) == (
        '{"a":{"0":3,"1":{"b":{"0":2},"z":1}},"b":{},'
        '"c":{"0":0,"1":1,"2":2,"3":3,"4":4,"5":5,"6":6,"7":7,"8":8,"9":9,"10":10}}'
    )
    assert canonical([1, [2]]) == "[1,[2]]"


def test_there_are_two_texts_only_where_there_is_an_array() -> None:
    assert canonicals({"a": 1, "b": {"c": "x"}}) == ('{"a":1,"b":{"c":"x"}}',)
    assert canonicals({"a": [1]}) == ('{"a":[1]}', '{"a":{"0":1}}')
    assert canonicals({"a": "[no array]"}) == ('{"a":"[no array]"}',)


def test_half_a_pair_is_escaped_and_a_whole_one_is_not() -> None:
    document = load_object(rb'{"t":"\ud83d\ude00 \ud83d \uDE00"}')
    assert canonical(document) == '{"t":"😀 \\ud83d \\ude00"}'
    assert signature(canonical(document), SECRET)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical({"a": {1, 2}})


@given(JSON)
def test_the_text_reads_back_as_the_same_value(value: object) -> None:
    def doubled(part: object) -> object:
        """As JavaScript holds it."""
        if isinstance(part, dict):
            return {key: doubled(item) for key, item in part.items()}
        if isinstance(part, list):
            return list(map(doubled, part))
        return float(part) if type(part) in (int, float) else part  # type: ignore[arg-type]

    assert doubled(json.loads(canonical(value))) == doubled(value)


@given(JSON)
def test_the_order_of_keys_and_the_writing_of_numbers_change_nothing(value: object) -> None:
    body = json.dumps({"a": value, "b": 1.0})
    other = json.dumps({"b": 1, "a": value}, indent=1, ensure_ascii=False)
    exact = load_object(body.encode("utf-8", "surrogatepass")) if body.isascii() else {}
    assert canonical(exact) == canonical(json.loads(other))
    assert canonical({"n": Decimal("1.50")}) == canonical({"n": 1.5})
