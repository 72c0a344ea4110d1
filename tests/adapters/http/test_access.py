"""Who may look at the operator's routes, and what the others are told."""

from __future__ import annotations

import json

import pytest
from starlette.requests import Request

from adapters.http.access import Operators, Writers

TOKEN = "a secret of 24 characters or more"
OPEN = Operators(token=None, loopback=True)
GUARDED = Operators(token=TOKEN, loopback=True)


def request(**headers: str) -> Request:
    raw = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in ({"host": "127.0.0.1:8080"} | headers).items()
    ]
    return Request({"type": "http", "method": "GET", "path": "/health", "headers": raw})


def test_the_right_token_opens() -> None:
    assert GUARDED.refusal(request(authorization=f"Bearer {TOKEN}")) is None
    assert GUARDED.refusal(request(authorization=f"bearer {TOKEN}")) is None


@pytest.mark.parametrize(
    "sent",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        "",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer \xff\xfe\x80",  # no str.compare_digest would survive it
    ],
)
def test_anything_else_is_refused_without_a_crash(sent: str) -> None:
    refusal = GUARDED.refusal(request(authorization=sent))
    assert refusal is not None
    assert refusal.status_code == 401
    assert refusal.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN.encode() not in bytes(refusal.body)


def test_no_token_is_asked_for_one() -> None:
    refusal = GUARDED.refusal(request())
    assert refusal is not None
    assert refusal.status_code == 401
    assert "OPERATOR_TOKEN" in json.loads(bytes(refusal.body))["detail"]


def test_two_tokens_are_none() -> None:
    header = (b"authorization", f"Bearer {TOKEN}".encode())
    twice = Request({"type": "http", "headers": [header, header]})
    refusal = GUARDED.refusal(twice)
    assert refusal is not None
    assert refusal.status_code == 401


def test_a_token_is_wanted_even_on_loopback_once_it_is_set() -> None:
    assert GUARDED.refusal(request(host="localhost")) is not None


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080"])
def test_without_a_token_this_machine_may_look(host: str) -> None:
    assert OPEN.refusal(request(host=host)) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8080"},  # a web page that rebinds its own name to loopback
        {"host": "127.0.0.1.evil.example"},
        {"host": ""},
        {"host": "[::1"},
        {"x_forwarded_for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 proxy"},
        {"x_real_ip": "203.0.113.9"},
        {"x_forwarded_proto": "https"},  # all that some proxies add
        {"cf_connecting_ip": "203.0.113.9"},  # a tunnel that ends on this machine
        {"true_client_ip": "203.0.113.9"},
        {"x_client_ip": "203.0.113.9"},
    ],
)
def test_without_a_token_the_world_behind_a_proxy_or_a_browser_may_not(
    headers: dict[str, str],
) -> None:
    refusal = OPEN.refusal(request(**headers))
    if headers == {"host": "[::1"}:
        assert refusal is None  # harmless: it names loopback, only sloppily
        return
    assert refusal is not None
    assert refusal.status_code == 403
    assert "OPERATOR_TOKEN" in json.loads(bytes(refusal.body))["detail"]


def test_without_a_token_a_public_address_is_closed() -> None:
    refusal = Operators(token=None, loopback=False).refusal(request())
    assert refusal is not None
    assert refusal.status_code == 403
    assert Operators(token="", loopback=False).refusal(request()) is not None


NARROW, BEFORE = "another secret of 24 characters", "what it was before this one"
WRITERS = Writers(operators=GUARDED, tokens=(NARROW, BEFORE))


def test_a_token_for_writing_lets_in_there_and_nowhere_else() -> None:
    narrow = request(authorization=f"Bearer {NARROW}")
    assert WRITERS.refusal(narrow) is None
    assert WRITERS.refusal(request(authorization=f"Bearer {BEFORE}")) is None
    assert WRITERS.refusal(request(authorization=f"bearer {TOKEN}")) is None
    refusal = GUARDED.refusal(narrow)
    assert refusal is not None
    assert refusal.status_code == 401


@pytest.mark.parametrize(
    "sent",
    ["", f"Bearer {NARROW}x", f"Bearer {NARROW}, {BEFORE}", f"Basic {NARROW}", "Bearer \xff"],
)
def test_another_token_lets_in_nowhere_and_hears_which_would(sent: str) -> None:
    refusal = WRITERS.refusal(request(authorization=sent))
    assert refusal is not None
    assert refusal.status_code == 401
    assert "MESSAGES_TOKEN" in json.loads(bytes(refusal.body))["detail"]
    assert NARROW.encode() not in bytes(refusal.body)


def test_two_tokens_for_writing_are_none() -> None:
    header = (b"authorization", f"Bearer {NARROW}".encode())
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [header, header]}
    assert WRITERS.refusal(Request(scope)) is not None


def test_where_operators_need_no_token_the_one_for_writing_is_not_asked_for() -> None:
    assert Writers(operators=OPEN, tokens=(NARROW,)).refusal(request()) is None
    far = Operators(token=None, loopback=False)
    assert Writers(operators=far).refusal(request()) is not None
    assert Writers(operators=far, tokens=(NARROW,)).refusal(request()) is not None
    narrow = request(authorization=f"Bearer {NARROW}")
    assert Writers(operators=far, tokens=(NARROW,)).refusal(narrow) is None
