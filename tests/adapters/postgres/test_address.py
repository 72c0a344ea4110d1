"""Addresses of databases: what is taken, what is refused, and that a refusal keeps the secret."""

from __future__ import annotations

import traceback

import pytest

from adapters.postgres.address import NotUnderstood, read_address, secrets_of

MALFORMED = [
    "postgresql://u:pwSECRET%zz@127.0.0.1:1/x",
    "postgresql://u:pwSECRET%@127.0.0.1:1/x",
    "postgresql://u:pwSECRET%00@127.0.0.1:1/x",
    "postgresql://u:a@pwSECRET@127.0.0.1:1/x",
    "postgresql://u:a/pwSECRET@127.0.0.1:1/x",
    "postgresql://u:1/pwSECRET@127.0.0.1:1/x",
    "postgresql://u:pwSECRET/b@127.0.0.1:1/x",
    "postgresql://u:pwSECRET?b@127.0.0.1:1/x",
    "postgresql://u:pwSECRET#b@127.0.0.1:1/x",
    "postgresql://u:pwSECRET b@127.0.0.1:1/x",
    "postgresql://u:[pwSECRET@127.0.0.1:1/x",
    "postgresql://u:pwSECRET@[::1/x",
    "postgresql://u:pwSECRET",
    "postgresql://127.0.0.1:pwSECRET/x",
    "postgresql://u@127.0.0.1:0/x?password=pwSECRET",
    "postgresql://u@127.0.0.1:65536/x?password=pwSECRET",
    "postgresql://u@127.0.0.1:1/x?password=pwSECRET%zz",
    "postgresql://u@127.0.0.1:1/x?password=a&pwSECRET",
    "postgresql://u@127.0.0.1:1/x?password=a=pwSECRET",
    "postgresql://u@127.0.0.1:1/x?pwSECRET=a",
    "postgresql://u@127.0.0.1/x?port=pwSECRET",
    "host=127.0.0.1 password=pwSECRET",
    "mysql://u:pwSECRET@127.0.0.1/x",
    "postgresql://u:pwSECRET@127.0.0.1/x" + "x" * 2_048,
    "",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_refusal_says_what_is_expected_and_nothing_of_what_it_was(url: str) -> None:
    with pytest.raises(NotUnderstood, match="percent-encoded") as refused:
        read_address(url)
    report = "".join(traceback.format_exception_only(refused.value))
    assert "SECRET" not in report
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "host", "secrets"),
    [
        ("postgresql://shop@localhost:5432/shop", "localhost", set()),
        ("postgres://shop:a:b@db/shop", "db", {"a:b"}),
        ("postgresql://shop:a%40b@[::1]:5432/shop", "::1", {"a%40b", "a@b"}),
        ("postgresql://shop@one:1,two:2/shop?password=p%25", "one,two", {"p%25", "p%"}),
        ("postgresql://shop:pw@db/shop?host=/run/postgresql", "/run/postgresql", {"pw"}),
        ("postgresql://%2Frun%2Fpostgresql/shop?sslpassword=key", "/run/postgresql", {"key"}),
        ("postgresql:///shop", None, set()),
    ],
)
def test_an_address_and_its_secrets_are_read_as_libpq_reads_them(
    url: str, host: str | None, secrets: set[str]
) -> None:
    assert read_address(url).get("host") == host
    assert secrets_of(url) == secrets
