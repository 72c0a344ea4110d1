"""`main.py health` against small real servers: honest ones, broken ones, and strangers."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from rich.console import Console

from actors.operations.document import health_document
from actors.operations.messages import Reported, Status
from actors.operations.model import Phase, Readiness
from config import health
from tests.actors.operations.test_document import condition
from tests.actors.operations.test_tree import actor, region, root

TEST_SECONDS = 30.0


def answer(body: bytes, *, status: str = "200 OK", kind: str = "application/health+json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def document(**changes: Any) -> bytes:
    return json.dumps(health_document(condition(**changes))).encode()


class Stranger:
    """A server on loopback that says `reply` to anybody, and remembers what it was asked."""

    def __init__(self, reply: bytes, *, then_wait: bool = False) -> None:
        self._reply, self._then_wait = reply, then_wait
        self.asked: list[bytes] = []
        self.url = ""

    async def __call__(self, stream: trio.SocketStream) -> None:
        async with stream:
            try:
                self.asked.append(await stream.receive_some(65_536))
                await stream.send_all(self._reply)
                if self._then_wait:
                    await trio.sleep_forever()
            except trio.BrokenResourceError:
                return


@asynccontextmanager
async def at(stranger: Stranger) -> AsyncIterator[Stranger]:
    with trio.fail_after(TEST_SECONDS):
        async with trio.open_nursery() as nursery:
            serve = partial(trio.serve_tcp, stranger, 0, host="127.0.0.1")
            (listener,) = await nursery.start(serve)
            stranger.url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
            yield stranger
            nursery.cancel_scope.cancel()


async def ask(
    reply: bytes,
    *,
    terminal: bool = False,
    then_wait: bool = False,
    **options: Any,
) -> tuple[int, str]:
    """Ask a server that says `reply`; returns the exit status and what was printed."""
    printed = io.StringIO()
    console = Console(file=printed, force_terminal=terminal, width=100)
    async with at(Stranger(reply, then_wait=then_wait)) as server:
        status = await health.check(server.url, console=console, **options)
    return status, printed.getvalue()


@pytest.mark.parametrize(
    ("status", "code", "http"),
    [("pass", 0, "200 OK"), ("warn", 1, "200 OK"), ("fail", 2, "503 Service Unavailable")],
)
async def test_the_exit_status_is_the_verdict(status: Status, code: int, http: str) -> None:
    reports = (Reported(component="nocodb", status=status, output="look at it"),)
    reply = answer(document(reports=reports), status=http)
    assert (await ask(reply))[0] == code
    assert (await ask(reply, as_json=True))[0] == code
    assert (await ask(reply, terminal=True))[0] == code


@pytest.mark.real_clock
async def test_json_is_the_document_as_it_came() -> None:
    body = document()
    status, printed = await ask(answer(body), as_json=True)
    assert status == 0
    assert json.loads(printed) == json.loads(body)
    assert printed.count("\n") == 1


async def test_the_plain_form_has_one_fact_a_line() -> None:
    reply = answer(
        document(
            readiness=Readiness(phase=Phase.DRAINING, present=("store",)),
            reports=(Reported(component="nocodb", status="warn", output="answers 429: wait"),),
            tree=root(actor(restarts_used=4, last_error="KeyError('x')"), region(actor())),
        )
    )
    status, printed = await ask(reply)
    assert status == 1
    spent = "root/tracker has used 4 of 5 restarts: KeyError('x')"
    assert printed.splitlines() == [
        "warn factorage 0.1.0 (abc123), draining, up 12 s",
        "warn process draining the process is draining: no new work is taken",
        "pass store ready",
        "warn nocodb answers 429: wait",
        "pass root running",
        f"warn root/tracker running restarts 4/5 mailbox 0 {spent}",
        "pass root/sessions running awake 1 mailbox 0",
        "messages sent 10 handled 6 dead 1 expired 1 queued 2",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59, "59 s"),
        (61, "1 min 1 s"),
        (7_260, "2 h 1 min"),
        (183_600, "2 d 3 h"),
        (None, "an unknown time"),
    ],
)
async def test_a_duration_is_said_in_two_units(seconds: float | None, words: str) -> None:
    body = json.loads(document())
    body["checks"]["process:uptime"][0]["observedValue"] = seconds
    _, printed = await ask(answer(json.dumps(body).encode()))
    assert printed.splitlines()[0].endswith(f"up {words}")


async def test_a_terminal_gets_a_table_and_a_tree() -> None:
    _, printed = await ask(answer(document(tree=root(actor(state="waiting")))), terminal=True)
    assert "▲ warn" in printed
    assert "└── " in printed
    assert "tracker" in printed
    assert "sent 10" in printed


async def test_what_a_server_says_cannot_steer_the_terminal() -> None:
    odd = "\x1b]0;owned\x07\x1b[2J[bold red]markup[/]\x9b31m"
    body = json.dumps(
        {
            "status": "warn",
            "version": odd,
            "releaseId": odd,
            "serviceId": odd,
            "notes": [],
            "output": odd,
            "checks": {
                odd: [{"status": "warn", "output": odd, "observedValue": [odd]}],
                "supervision:state": [{"componentId": odd, "observedValue": odd}],
            },
        }
    ).encode()
    for terminal in (False, True):
        status, printed = await ask(answer(body), terminal=terminal)
        assert status == 1
        assert "\x1b]0" not in printed
        assert "\x1b[2J" not in printed
        assert "\x9b" not in printed
        assert "[bold red]" in printed
    _, printed = await ask(answer(body), as_json=True)
    assert "\x1b" not in printed
    assert "\x9b" not in printed


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"<html>It works!</html>", kind="text/html"),
        answer(b"Not Found", status="404 Not Found", kind="text/plain"),
        answer(b"", status="302 Found"),
        answer(b"null"),
        answer(b"{}"),
        answer(b'{"status": "pass"'),
        answer(b'{"status": "perfect", "checks": {}}'),
        answer(b"[" * 200_000),
        answer(b"\xff\xfe\x00"),
        answer(b'{"status": "pass"}')[:-5],  # closes too early
        answer(b"x" * (health.DOCUMENT_MAX_BYTES + 1)),
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
async def test_a_stranger_is_unreachable_and_named(reply: bytes) -> None:
    status, printed = await ask(reply)
    assert status == 3
    assert printed.startswith("unreachable: ")
    assert "http://127.0.0.1:" in printed
    assert len(printed.splitlines()) == 1
    status, printed = await ask(reply, as_json=True)
    assert status == 3
    assert json.loads(printed)["status"] == "unreachable"


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_without_the_right_token_it_says_what_to_set(status: str) -> None:
    body = b'{"title": "No", "detail": "send the token of this server"}'
    code, printed = await ask(answer(body, status=status, kind="application/problem+json"))
    assert code == 3
    assert "send the token of this server" in printed
    assert "OPERATOR_TOKEN" in printed
    code, printed = await ask(answer(b"<html>", status=status, kind="text/html"))
    assert code == 3
    assert "OPERATOR_TOKEN" in printed


async def test_the_token_is_sent_and_the_path_is_added_once() -> None:
    console = Console(file=io.StringIO())
    async with at(Stranger(answer(document()))) as server:
        for url in (server.url, f"{server.url}/", f"{server.url}/health"):
            assert await health.check(url, token="secret", console=console) == 0
    for asked in server.asked:
        assert asked.startswith(b"GET /health HTTP/1.1\r\n")
        assert b"authorization: bearer secret\r\n" in asked.lower()


async def test_a_server_that_never_answers_is_given_up() -> None:
    dripping = answer(b"x" * 100)[:80]
    for reply in (b"", b"HTTP/1.1 200 OK\r\n", dripping):
        status, printed = await ask(reply, then_wait=True, within_seconds=0.2)
        assert status == 3
        assert "within" in printed or "no answer" in printed


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://no-such-host.invalid",
        "ftp://127.0.0.1/",
        "127.0.0.1:8080",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://\x00",
        "",
        "https://exa mple",
    ],
)
async def test_an_address_with_nobody_there_is_unreachable(url: str) -> None:
    printed = io.StringIO()
    with trio.fail_after(TEST_SECONDS):
        assert await health.check(url, console=Console(file=printed, width=200)) == 3
    assert printed.getvalue().startswith("unreachable: ")


@pytest.mark.real_clock
async def test_a_server_without_tls_is_unreachable_over_https() -> None:
    printed = io.StringIO()
    async with at(Stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        url = server.url.replace("http:", "https:")
        assert await health.check(url, console=Console(file=printed, width=200)) == 3
    assert "ssl" in printed.getvalue().lower(), ssl.OPENSSL_VERSION


@pytest.mark.parametrize("token", ["тайна", "two\r\nlines: yes", "\x00"])
async def test_a_token_that_fits_no_header_is_no_crash(token: str) -> None:
    console = Console(file=io.StringIO())
    async with at(Stranger(answer(document()))) as server:
        assert await health.check(server.url, token=token, console=console) == 3
