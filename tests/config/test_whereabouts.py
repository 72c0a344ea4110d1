"""All commands find the shop in one way: the environment, then `.env`, and `--url` above both."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.whereabouts import DEFAULT_URL, NotLetIn, Unreachable, Whereabouts

TOKEN = "a token of twenty-four characters"


def found(folder: Path, text: str = "", *, url: str | None = None, **environ: str) -> Whereabouts:
    file = folder / ".env"
    if text:
        file.write_text(text, "utf-8")
    return Whereabouts(url, environ, file=file)


def test_what_stands_in_the_file_is_found(tmp_path: Path) -> None:
    at = found(
        tmp_path,
        f"# ours\nHTTP_BIND=127.0.0.1:8086\nOPERATOR_TOKEN='{TOKEN}'\nTIME_ZONE=Europe/Kyiv\n",
    )
    assert (at.url, at.token, str(at.zone)) == ("http://127.0.0.1:8086", TOKEN, "Europe/Kyiv")


def test_the_environment_is_above_the_file_and_a_url_above_both(tmp_path: Path) -> None:
    text = "HTTP_BIND=127.0.0.1:1\nOPERATOR_TOKEN=of-the-file\nTIME_ZONE=Europe/Kyiv\n"
    at = found(
        tmp_path, text, HTTP_BIND="127.0.0.1:2", OPERATOR_TOKEN="of-this-shell", TIME_ZONE="UTC"
    )
    assert (at.url, at.token, str(at.zone)) == ("http://127.0.0.1:2", "of-this-shell", "UTC")
    assert found(tmp_path, text, url="http://shop.test", HTTP_BIND=":").url == "http://shop.test"


@pytest.mark.parametrize("url", ["https://shop.test", "http://192.0.2.1:8080", "http://127.1.evil"])
def test_what_the_file_holds_is_sent_to_nobody_elsewhere(url: str, tmp_path: Path) -> None:
    at = found(tmp_path, "OPERATOR_TOKEN=of-the-file\n", url=url)
    assert at.token is None
    assert "stays here" in at.explained(NotLetIn("not let in"))
    assert found(tmp_path, url=url, OPERATOR_TOKEN="of-this-shell").token == "of-this-shell"
    for own in (None, "http://localhost:1", "http://[::1]:8080"):
        assert found(tmp_path, url=own).token == "of-the-file"


def test_a_blank_value_counts_as_absent(tmp_path: Path) -> None:
    at = found(tmp_path, "OPERATOR_TOKEN=of-the-file\nTIME_ZONE=\nHTTP_BIND", OPERATOR_TOKEN=" ")
    assert (at.url, at.token, at.zone) == (DEFAULT_URL, "of-the-file", None)


@pytest.mark.parametrize(
    ("bind", "url"),
    [
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:80", "http://[::1]:80"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("shop.test:443", "http://shop.test:443"),
    ],
)
def test_who_listens_everywhere_is_asked_on_this_machine(
    bind: str, url: str, tmp_path: Path
) -> None:
    assert found(tmp_path, HTTP_BIND=bind).url == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("HTTP_BIND=8080", r"HTTP_BIND, in .*/\.env, is no host:port"),
        ("HTTP_BIND=127.0.0.1:0", "say where by --url"),
    ],
)
def test_an_address_that_cannot_be_asked_is_told_with_its_place(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=said):
        assert found(tmp_path, text).url
    assert found(tmp_path, text, url="http://there").url == "http://there"


def test_a_zone_that_is_none_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="TIME_ZONE, in the environment, is no IANA name"):
        assert found(tmp_path, TIME_ZONE="Kyiv").zone


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\x80\xff\n")
    with pytest.raises(ValueError, match=r"\.env is not a text in UTF-8"):
        found(tmp_path)
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()
    assert found(tmp_path).url == DEFAULT_URL


def test_who_finds_nobody_hears_where_the_address_is_from(tmp_path: Path) -> None:
    reason = Unreachable("no answer")
    nowhere = f"HTTP_BIND stands neither in the environment nor in {tmp_path / '.env'}"
    assert (
        found(tmp_path).explained(reason) == f"no answer ({nowhere}; --url names another address)"
    )
    assert found(tmp_path, url="http://there").explained(reason) == "no answer"
    in_file = found(tmp_path, "HTTP_BIND=127.0.0.1:1").explained(reason)
    assert f"HTTP_BIND was found in {tmp_path / '.env'};" in in_file
    assert "in the environment;" in found(tmp_path, HTTP_BIND="h:1").explained(reason)


def test_who_is_not_let_in_hears_where_the_token_is_from_and_never_reads_it(
    tmp_path: Path,
) -> None:
    reason = NotLetIn("answers 401")
    assert "OPERATOR_TOKEN stands neither" in found(tmp_path).explained(reason)
    in_file = found(tmp_path, f"OPERATOR_TOKEN='{TOKEN}'", url="http://localhost").explained(reason)
    assert in_file == f"answers 401 (OPERATOR_TOKEN was found in {tmp_path / '.env'})"
