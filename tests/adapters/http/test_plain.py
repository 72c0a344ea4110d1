"""Plain requests and answers are what h11 would have made of them, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import cast

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from adapters.http.exchange import Addresses, Exchange, scope_of
from adapters.http.head import LINES_MAX, flaw_in_request, flaw_in_text
from adapters.http.limits import ARRIVED
from adapters.http.plain import PlainExchange, PlainRequest, head_of, read_plainly

NOWHERE = Addresses(client=("192.0.2.1", 5), server=("192.0.2.2", 80))
App = Callable[[Scope, Receive, Send], Awaitable[None]]
PLAIN = (
    b"POST /webhooks/stripe HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 2\r\n"
    b"Stripe-Signature: t=1,v1=ab\r\nContent-Type: application/json; charset=utf-8\r\n\r\n{}"
)


def by_h11(received: bytes) -> tuple[h11.Request, bytes]:
    """What a connection without this shortcut would have understood; nothing may be left."""
    assert flaw_in_text(received) is None
    http, body = h11.Connection(h11.SERVER), b""
    http.receive_data(received)
    head = http.next_event()
    assert isinstance(head, h11.Request)
    assert flaw_in_request(head) is None
    while isinstance(event := http.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert http.trailing_data == (b"", False)
    assert http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.SEND_RESPONSE}
    return head, body


def agrees(received: bytes) -> bool:
    """Whether it is plain; then h11 has to agree."""
    plain = read_plainly(received)
    if plain is None:
        return False
    head, body = by_h11(received)
    assert (plain.body, plain.received) == (body, received)
    assert scope_of(plain, NOWHERE, "http") == scope_of(head, NOWHERE, "http")
    return True


def test_a_webhook_is_plain() -> None:
    assert agrees(PLAIN)
    assert agrees(PLAIN.replace(b"{}", b"{}{}").replace(b"h: 2", b"h: 4"))
    assert agrees(PLAIN.replace(b"{}", b"").replace(b"h: 2", b"h: 0"))
    assert agrees(PLAIN.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n"))
    assert agrees(PLAIN.replace(b"Host", b"hOST").replace(b"stripe ", b"strip.e-_1/ "))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"POST", b"PUT"),
        (b"POST", b"GET"),
        (b"POST", b"post"),
        (b"/webhooks/stripe", b"http://shop.test/webhooks/stripe"),
        (b"/webhooks/stripe", b"/webhooks/stripe?a=b"),
        (b"/webhooks/stripe", b"/webhooks/%73tripe"),
        (b"1.1", b"1.0"),
        (b"1.1", b"1.2"),
        (b"1.1\r\n", b"1.1\n"),
        (b"stripe HTTP", b"stripe  HTTP"),
        (b"Host: shop.test\r\n", b""),
        (b"Host: shop.test\r\n", b"Host: shop.test\r\nHost: shop.test\r\n"),
        (b"Host: shop.test", b"Host : shop.test"),
        (b"Host: shop.test", b"Host:shop.test"),
        (b"Host: shop.test", b"Host :shop.test"),
        (b"Host: shop.test", b"Host:  shop.test"),
        (b"Host: shop.test", b"Host: shop.test "),
        (b"Host: shop.test", b"Host: shop.test\r\n more"),
        (b"Host: shop.test", b"Host: shop\xff"),
        (b"Host: shop.test", b"Host: shop.test\x0b"),
        (b"Host: shop.test", b"Host: shop\ttest"),
        (b"Host: shop.test", b"Host: "),
        (b"h: 2", b"h: 02"),
        (b"h: 2", b"h: +2"),
        (b"h: 2", b"h: 1"),
        (b"h: 2", b"h: 3"),
        (b"h: 2", b"h: 2, 2"),
        (b"h: 2\r\n", b"h: 2\r\nContent-Length: 2\r\n"),
        (b"Content-Length: 2\r\n", b""),
        (b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nConnection: keep-alive, close\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nConnection: keep-alive\r\nconnection: close\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"),
        (b"\r\n\r\n", b"\r\n" + b"A: b\r\n" * (LINES_MAX - 3) + b"\r\n"),
        (b"{}", b"{}POST"),
        (b"{}", b""),
        (b"POST", b"\r\nPOST"),
    ],
)
def test_whatever_is_odd_in_any_way_is_left_to_h11(was: bytes, becomes: bytes) -> None:
    assert was in PLAIN
    assert read_plainly(PLAIN.replace(was, becomes, 1)) is None


def test_as_many_lines_are_plain_as_may_be_sent() -> None:
    assert agrees(PLAIN.replace(b"\r\n\r\n", b"\r\n" + b"A: b\r\n" * (LINES_MAX - 4) + b"\r\n"))


WORDS = st.sampled_from(
    [b"a", b"B-c", b"Host", b"Content-Length", b"content-length", b"Transfer-Encoding", b"expect",
     b"Connection", b"X_y", b"a b", b"", b"\xe9", b"3", b"03", b"3, 3", b"chunked", b"close",
     b"keep-alive", b"/x", b"/", b"*", b"a; b", b'"', b"\x00", b"\t", b"{", b"POST"]
)  # fmt: skip
LINES = st.tuples(WORDS, st.sampled_from([b": "] * 9 + [b":", b" : ", b":  "]), WORDS).map(b"".join)
ENDS = st.sampled_from([b"\r\n"] * 30 + [b"\n", b"\r\n ", b"\r", b""])
USUAL = st.sampled_from([(b"Host: x",), (b"Host: x", b"Content-Length: 3")])


@st.composite
def nearly_plain(draw: st.DrawFn) -> bytes:
    start = (
        b"POST ",
        draw(st.sampled_from([b"/a/b", b"/", b"//a", b"/a:b"]) | WORDS),
        b" HTTP/1.1",
    )
    usual = [*draw(USUAL), *draw(st.lists(LINES, max_size=3))]
    lines = [b"".join(start), *draw(st.permutations(usual)), b""]
    return b"".join(line + draw(ENDS) for line in lines) + draw(st.sampled_from([b"abc", b"abcd"]))


@given(nearly_plain())
def test_what_is_read_plainly_is_what_h11_reads(received: bytes) -> None:
    agrees(received)


@given(st.integers(0, len(PLAIN) - 1), st.binary(max_size=2), st.integers(0, 2))
def test_a_plain_request_that_was_tampered_with_is_read_as_h11_reads_it(
    place: int, other: bytes, length: int
) -> None:
    agrees(PLAIN[:place] + other + PLAIN[place + length :])


# The same application, with and without the shortcut


class Client:
    """Says `pieces` after its request, and keeps what it is told."""

    def __init__(self, *pieces: bytes, draining: bool) -> None:
        self._pieces = list(pieces)
        self.draining, self.told, self.left = draining, b"", False

    async def read(self) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    async def leave(self) -> None:
        self.left = True

    async def write(self, data: bytes) -> None:
        self.told += re.sub(rb"date: [^\r]*", b"date: now", data)


HEAD = [(b"content-type", b"a/b"), (b"content-length", b"2")]


def start(*headers: tuple[bytes, bytes], status: int = 200) -> Message:
    return {"type": "http.response.start", "status": status, "headers": [*(headers or HEAD)]}


def said(body: bytes = b"ok", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


STEPS: dict[str, tuple[Message | str, ...]] = {
    "acknowledges": ("take", start(), said()),
    "wants no body": (start(), said()),
    "looks at it between": (start(), "take", said()),
    "refuses": ("take", start(status=400), said()),
    "has nothing to say": ("take", start((b"content-length", b"0")), said(b"")),
    "says so by status": ("take", start(status=204), said(b"")),
    "tells no length": ("take", start((b"a", b"b")), said()),
    "tells another length": ("take", start((b"content-length", b"3")), said()),
    "tells it twice": ("take", start(*HEAD, *HEAD), said()),
    "closes": ("take", start(*HEAD, (b"connection", b"close")), said()),
    "chunks": ("take", start((b"transfer-encoding", b"chunked")), said()),
    "answers in pieces": ("take", start(), said(b"o", more=True), said(b"k")),
    "has more to say than it told": ("take", start(), said(more=True), said()),
    "is the last one": ("take", start(), said(), "drain"),
    "says too much": ("take", start(), said(b"okay")),
    "goes on after the end": ("take", start(), said(), said()),
    "begins twice": ("take", start(*HEAD[1:]), start(), said()),
    "begins twice with nothing": ("take", start((b"content-length", b"0")), start(), said()),
    "has no head": ("take", said()),
    "answers twice": ("take", start(), said(), start(), said()),
    "waits for the end": ("take", start(), said(), "take"),
    "waits for it first": ("take", "take", start(), said()),
    "waits and goes on": ("take", start(), said(), "take", said(), "take"),
    "never takes it and waits": (start(), said(), "take", "take"),
    "crashes": ("take", "crash"),
    "crashes without a look": ("crash",),
    "crashes in its answer": ("take", start(), "crash"),
    "crashes after it": ("take", start(), said(), "crash"),
    "forgets": ("take",),
    "forgets all": (),
}


async def outcome(
    steps: tuple[Message | str, ...], pieces: tuple[bytes, ...], *, draining: bool, plain: bool
) -> list[object]:
    """All that can be seen of one request, by its application, its client and its connection."""
    client, http = Client(*pieces, draining=draining), h11.Connection(h11.SERVER)
    request = read_plainly(PLAIN)
    assert isinstance(request, PlainRequest)
    seen: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        for step in steps:
            if step == "crash":
                raise KeyError(step)
            if step == "drain":
                client.draining = True
            elif step == "take":
                seen.append(await receive())
            else:
                await send(dict(cast("Message", step)))

    if plain:
        served = PlainExchange(client, http, request, NOWHERE).run(app)
    else:
        http.receive_data(PLAIN)
        served = Exchange(client, http, cast("h11.Request", http.next_event()), NOWHERE).run(app)
    try:
        goes_on: object = await served
    except (KeyError, h11.LocalProtocolError) as error:
        goes_on = type(error)
    if goes_on is True:
        if http.our_state is not h11.IDLE:
            http.start_next_cycle()
        seen += [http.states, http.trailing_data]
    return [*seen, goes_on, client.told, client.left]


@pytest.mark.parametrize("draining", [False, True])
@pytest.mark.parametrize("pieces", [(), (PLAIN[:9], PLAIN[9:])])
@pytest.mark.parametrize("app", STEPS)
async def test_nobody_can_tell_whether_h11_was_asked(
    app: str, pieces: tuple[bytes, ...], *, draining: bool
) -> None:
    with_h11 = await outcome(STEPS[app], pieces, draining=draining, plain=False)
    assert await outcome(STEPS[app], pieces, draining=draining, plain=True) == with_h11


async def test_the_body_of_a_plain_request_is_known_before_it_is_asked_for() -> None:
    (scope, *_) = await outcome((), (), draining=False, plain=True)
    assert cast("Scope", scope)["extensions"] == {ARRIVED: b"{}"}


async def test_h11_does_not_hear_of_a_plain_exchange() -> None:
    client, http = Client(draining=False), h11.Connection(h11.SERVER)
    request = read_plainly(PLAIN)
    assert request is not None

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(start())
        await send(said())

    assert await PlainExchange(client, http, request, NOWHERE).run(app)
    assert http.states == {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}


def test_only_a_plain_answer_has_a_plain_head() -> None:
    length = (b"content-length", b"2")
    assert head_of((length,), 2) == b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n"
    assert head_of((length,), 3) is None
    assert head_of((length, length), 2) is None
    assert head_of((length, (b"connection", b"close")), 2) is None
