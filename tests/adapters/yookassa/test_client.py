"""Whatever YooKassa answers has one defined outcome, and the secret is told to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX
from adapters.sandbox.server import Request, Response, serve
from adapters.yookassa.client import Refusal, YooKassaClient

SECRET = "test_SecretKeyExample"


@dataclass
class Scripted:
    """A server that gives its answers in turn, the last one for ever."""

    answers: list[Response | None]
    delay_seconds: float = 0.0
    head_bytes_max: int = 16_384
    seen: list[Request] = field(default_factory=list)

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: datetime(2026, 11, 21, tzinfo=UTC)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        await trio.sleep(self.delay_seconds)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def a_client(url: str) -> YooKassaClient:
    return YooKassaClient(url=f"{url}/v3/", shop_id="100500", secret_key=SECRET)


async def asked(*answers: Response | None, delay_seconds: float = 0.0) -> object:
    server = Scripted(list(answers), delay_seconds)
    async with serve(server) as url, a_client(url) as client:
        return await client.get("/payments/1")


def wait(milliseconds: object, status: int = 202) -> Response:
    return Response.of({"type": "processing", "retry_after": milliseconds}, status)


async def test_requests_go_out_as_yookassa_wants_them() -> None:
    server = Scripted([Response.of({"id": "1"})])
    async with serve(server) as url, a_client(url) as client:
        assert await client.post("/payments", {"a": "ї"}, key="order-1") == {"id": "1"}
        assert await client.get("/payments/1") == {"id": "1"}
    post, get = server.seen
    assert (post.method, post.path, get.path) == ("POST", "/v3/payments", "/v3/payments/1")
    assert post.headers["authorization"] == (
        "Basic MTAwNTAwOnRlc3RfU2VjcmV0S2V5RXhhbXBsZQ=="  # the contract's vector
    )
    assert post.headers["idempotence-key"] == "order-1"
    assert json.loads(post.body) == {"a": "ї"}
    assert "idempotence-key" not in get.headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_refusal_is_told_in_words_without_secrets(status: int) -> None:
    error = {
        "type": "error",
        "id": "ab5a11cd",
        "code": "invalid_request",
        "description": f"Not {SECRET}\n",
        "parameter": "amount",
    }
    answer = await asked(Response.of(error, status))
    assert answer == Refusal(
        status=status,
        detail=f"YooKassa at 127.0.0.1 answered {status} "
        "invalid_request Not [secret]  amount ab5a11cd",
    )


async def test_a_refusal_without_words_is_one_too() -> None:
    answer = await asked(Response.page(403))
    assert answer == Refusal(status=403, detail="YooKassa at 127.0.0.1 answered 403")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "cannot be asked"),
        (Response.of({}, 408), "answered 408"),
        (Response.of({}, 429), "answered 429"),
        (Response.of({}, 500), "answered 500"),
        (Response.page(503), "answered 503"),
        (Response.of({}, 302, {"location": "http://elsewhere/"}), "answered 302"),
        (Response.of({}, 201), "answered 201"),
        (Response.page(200), "does not understand"),
        (Response.of([]), "not an object"),
        (Response(status=200, body=b'{"a":1,"a":2}'), "stands twice"),
        (Response(status=200, body=b"x" * (BYTES_MAX + 1)), "more than"),
    ],
)
async def test_everything_else_is_no_answer(answer: Response | None, said: str) -> None:
    with pytest.raises(Unavailable, match=said) as caught:
        await asked(answer)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_what_is_not_finished_is_asked_for_again_with_the_same_key() -> None:
    server = Scripted([wait(1800), wait(500), Response.of({"id": "1"})])
    async with serve(server) as url, a_client(url) as client:
        assert await client.post("/payments", {}, key="k") == {"id": "1"}
    assert trio.current_time() == pytest.approx(2.3, abs=0.01)
    assert {request.headers["idempotence-key"] for request in server.seen} == {"k"}
    assert len({request.body for request in server.seen}) == 1


async def test_what_never_finishes_is_no_answer() -> None:
    with pytest.raises(Unavailable, match="not finished"):
        await asked(wait(100))
    assert trio.current_time() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize(
    ("told", "seconds"), [(None, 1.8), ("1", 1.8), (0, 1.8), (True, 1.8), (10**9, 5.0)]
)
async def test_a_pause_has_a_default_and_a_limit(told: object, seconds: float) -> None:
    assert await asked(wait(told), Response.of({})) == {}
    assert trio.current_time() == pytest.approx(seconds, abs=0.01)


@pytest.mark.parametrize(("told", "seconds"), [(2500, 2.5), (None, None)])
async def test_a_pause_after_a_refusal_is_handed_on(told: object, seconds: float | None) -> None:
    with pytest.raises(Unavailable) as caught:
        await asked(wait(told, 429))
    assert caught.value.retry_after_seconds == seconds


async def test_one_deadline_covers_all_repetitions() -> None:
    with pytest.raises(Unavailable, match="did not answer within 20 s"):
        await asked(wait(5000), delay_seconds=7)
    assert trio.current_time() == pytest.approx(20, abs=0.1)


async def test_nobody_there_is_no_answer() -> None:
    async with a_client("http://127.0.0.1:9") as client:
        with pytest.raises(Unavailable, match="ConnectError"):
            await client.get("/payments/1")
