"""Whatever Stripe answers has one defined outcome, and the key is told to nobody."""

from __future__ import annotations

import logging
import traceback

import pytest
import trio
from structlog.testing import capture_logs

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX
from adapters.sandbox.server import Response, serve
from adapters.stripe.client import API_VERSION, Refusal, Reply, encoded
from tests.adapters.stripe.wire import KEY, Scripted, client_of
from tests.adapters.telegram.wire import http, raw, says

ERROR = {
    "error": {
        "type": "invalid_request_error",
        "code": "parameter_missing",
        "param": "mode",
        "message": f"Missing required param: mode. Key {KEY}\n",
    }
}


async def ask(answer: Response | None) -> Reply | Refusal:
    async with serve(Scripted(answer)) as url, client_of(url) as client:
        return await client.post("/v1/things", [("a", "b")], idempotency_key="k")


def refused(status: int, should_retry: str = "", **headers: str) -> Response:
    advice = {"stripe-should-retry": should_retry} if should_retry else {}
    return Response.of(ERROR, status, {"request-id": "req_7", **advice, **headers})


async def test_a_form_goes_out_as_stripes_own_library_writes_it() -> None:
    server = Scripted(Response.of({"id": "x"}, 200, {"request-id": "req_1"}))
    async with serve(server) as url, client_of(f"{url}/") as client:
        form = [("a[0][b c]", "1 & 2"), ("name", "Ї=+")]
        reply = await client.post("/v1/things", form, idempotency_key="order-42")
    (request,) = server.seen

    assert reply == Reply(body={"id": "x"}, request_id="req_1")
    assert (request.method, request.path) == ("POST", "/v1/things")
    assert request.body == b"a[0][b%20c]=1+%26+2&name=%D0%87%3D%2B"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["idempotency-key"] == "order-42"
    assert request.headers["stripe-version"] == API_VERSION
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_question_carries_its_query_and_no_key_of_its_own() -> None:
    server = Scripted(Response.of({}))
    async with serve(server) as url, client_of(url) as client:
        await client.get("/v1/things/1", [("expand[]", "a.b")])
        await client.get("/v1/things/2")
    asked, bare = server.seen

    assert (asked.method, asked.path, asked.query) == ("GET", "/v1/things/1", "expand[]=a.b")
    assert (bare.path, bare.query) == ("/v1/things/2", "")
    assert "idempotency-key" not in asked.headers


def test_text_is_encoded_whatever_it_is() -> None:
    assert encoded([("a[b]", "#?/\n")]) == "a[b]=%23%3F%2F%0A"
    assert encoded([]) == ""


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404])
async def test_a_refusal_is_told_in_stripes_words_without_the_key(status: int) -> None:
    refusal = await ask(refused(status))
    assert refusal == Refusal(
        status=status,
        type="invalid_request_error",
        code="parameter_missing",
        param="mode",
        message="Missing required param: mode. Key [key]",
        request_id="req_7",
    )
    assert "req_7" in str(refusal)


@pytest.mark.parametrize("status", [408, 409, 424, 429, 500, 502, 503, 504])
async def test_what_may_change_is_unavailable(status: int) -> None:
    with pytest.raises(Unavailable) as told:
        await ask(refused(status, **{"retry-after": "7"}))
    assert told.value.retry_after_seconds == 7
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("status", "advice", "repeat"),
    [(400, "true", True), (500, "false", False), (409, "false", False), (429, "true", True)],
)
async def test_stripes_own_advice_wins(status: int, advice: str, repeat: bool) -> None:
    if repeat:
        with pytest.raises(Unavailable):
            await ask(refused(status, advice))
    else:
        assert isinstance(await ask(refused(status, advice)), Refusal)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        Response(status=200, body=b"<html>"),
        Response(status=200, body=b"[]"),
        Response(status=200, body=b'{"a":1,"a":2}'),
        Response(status=200, body=b"\xff"),
        Response(status=302, headers={"location": "http://elsewhere/"}),
        Response(status=502, body=b"<html>"),
        Response(status=200, body=b" " * (BYTES_MAX + 1)),
    ],
)
async def test_an_answer_that_is_not_stripes_is_unavailable(answer: Response | None) -> None:
    with pytest.raises(Unavailable):
        await ask(answer)


async def test_an_answer_without_end_is_not_kept() -> None:
    with pytest.raises(Unavailable, match=f"more than {BYTES_MAX} bytes"):
        await ask(Response(status=200, body=b" " * (BYTES_MAX + 1)))


async def test_the_key_follows_no_redirect() -> None:
    server = Scripted(Response(status=307, headers={"location": "/elsewhere"}))
    async with serve(server) as url, client_of(url) as client:
        with pytest.raises(Unavailable, match="307"):
            await client.get("/v1/x")
    assert len(server.seen) == 1


async def test_a_refusal_that_is_no_json_is_still_one() -> None:
    refusal = await ask(Response(status=404, body=b"<html>"))
    assert refusal == Refusal(status=404)
    assert str(refusal) == "Stripe answered 404: no reason"


@pytest.mark.parametrize("error", [None, [], "no", {"type": 7, "message": None}])
async def test_an_error_of_another_shape_has_no_words(error: object) -> None:
    assert await ask(Response.of({"error": error}, 400)) == Refusal(status=400)


@pytest.mark.parametrize("content", [b"", b"garbage\r\n\r\n", http(200, b"{", length=9)])
async def test_half_an_answer_is_unavailable(content: bytes) -> None:
    async with raw(says(content)) as url, client_of(url) as client:
        with pytest.raises(Unavailable):
            await client.get("/v1/x")


async def test_nobody_there_is_unavailable() -> None:
    async with serve(Scripted(None)) as url:
        pass
    async with client_of(url) as client:
        with pytest.raises(Unavailable, match="cannot be asked"):
            await client.get("/v1/x")


async def test_an_answer_byte_by_byte_ends_at_the_deadline() -> None:
    async def drip(stream: trio.SocketStream) -> None:
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            await trio.sleep(0.1)
            await stream.send_all(b" ")

    async with raw(drip) as url, client_of(url) as client:
        started = trio.current_time()
        with pytest.raises(Unavailable, match=r"within 0.5 s"):
            await client.get("/v1/x")
        assert trio.current_time() - started == pytest.approx(0.5, abs=0.01)


async def test_the_key_is_in_no_log_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told, causes = "", []
    with capture_logs() as events:
        for answer in (refused(400), refused(500), None, Response.of({})):
            try:
                told += str(await ask(answer))
            except Unavailable as error:
                told += "".join(traceback.format_exception(error)) + repr(vars(error))
                causes.append(error.__cause__)

    assert [found["event"] for found in events] == [
        "stripe.answered",
        "stripe.refused",
        "stripe.answered",
        "stripe.unavailable",
        "stripe.answered",
    ]
    assert [found["request_id"] for found in events[:4]] == ["req_7"] * 4
    assert causes == [None, None]
    assert KEY not in told + caplog.text + str(events)
