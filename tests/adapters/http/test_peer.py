"""Whose request it is, whatever its headers say."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from adapters.http.peer import peer_of

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]


def peer(client: str | None, *forwarded: str, **others: str) -> str:
    headers = [(b"x-forwarded-for", line.encode("latin-1")) for line in forwarded]
    headers += [(name.replace("_", "-").encode(), v.encode()) for name, v in others.items()]
    scope = {
        "type": "http",
        "headers": headers,
        "client": None if client is None else (client, 4711),
    }
    return peer_of(HTTPConnection(scope), PROXIES)


def test_without_a_proxy_it_is_the_socket_whatever_the_headers_say() -> None:
    assert peer("203.0.113.7") == "203.0.113.7"
    assert peer("203.0.113.7", "185.71.76.1") == "203.0.113.7"
    assert peer("127.0.0.1", "185.71.76.1") == "127.0.0.1"
    trick = {"x_real_ip": "185.71.76.1", "forwarded": "for=185.71.76.1"}
    assert peer("203.0.113.7", **trick) == "203.0.113.7"
    assert peer("10.0.0.1", **trick) == "10.0.0.1"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["203.0.113.7"], "203.0.113.7"),
        (["185.71.76.1, 203.0.113.7"], "203.0.113.7"),  # the client wrote the first itself
        (["185.71.76.1", "203.0.113.7"], "203.0.113.7"),  # and in a line of its own
        (["203.0.113.7, 10.1.1.1"], "203.0.113.7"),  # two proxies of ours
        (["185.71.76.1, 203.0.113.7, 10.1.1.1, 2001:db8::5"], "203.0.113.7"),
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),  # all ours: the first that is known
        ([], "10.0.0.1"),  # the proxy itself asks
        (["203.0.113.7:51234"], "203.0.113.7"),
        (["[2a02:5180::1]:443"], "2a02:5180::1"),
        (["2A02:5180:0::1"], "2a02:5180::1"),
        (["::ffff:185.71.76.1"], "185.71.76.1"),
        (["::ffff:10.1.1.1"], "10.1.1.1"),
        (["185.71.76.1,"], ""),
        (["unknown"], ""),
        (["185.71.76.1, _hidden"], ""),
        (["185.71.76.1, 203.0.113.7 10.1.1.1"], ""),
        (["185.71.076.1"], ""),  # octal, or not: two readers may differ
        (["185.71.76.1\xa0"], "185.71.76.1"),  # a blank, as any other
        (["garbage, 203.0.113.7"], "203.0.113.7"),  # what is left of the client is not read
    ],
)
def test_behind_a_proxy_it_is_the_first_address_from_the_right_that_is_not_ours(
    lines: list[str], expected: str
) -> None:
    assert peer("10.0.0.1", *lines) == expected


def test_a_proxy_that_is_reached_over_ipv6_is_known_by_its_ipv4_address() -> None:
    assert peer("::ffff:10.0.0.1", "203.0.113.7") == "203.0.113.7"


def test_nobody_knows_who_has_gone() -> None:
    assert peer(None, "203.0.113.7") == ""
    assert peer("/run/socket", "203.0.113.7") == ""


@given(st.lists(st.text(st.characters(codec="latin-1"), max_size=30), max_size=4))
def test_whatever_a_client_writes_a_proxys_own_line_decides(lines: list[str]) -> None:
    assert peer("10.0.0.1", *lines, "203.0.113.7") == "203.0.113.7"
    assert peer("203.0.113.7", *lines) == "203.0.113.7"
