"""Whatever NOWPayments answers has one defined outcome, and the key is told to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import trio

from actors.kernel.failures import Unavailable
from actors.kernel.strict_json import BYTES_MAX
from adapters.nowpayments import client as subject
from adapters.nowpayments.client import Account, NowPaymentsClient, Refusal
from adapters.sandbox.nowpayments import API_KEY, EMAIL, PASSWORD, NowPaymentsSandbox
from adapters.sandbox.server import Request, Response, serve
from tests.adapters.sandbox.calls import virtual_now

KEY = "canary-key-that-nobody-may-ever-print"


@dataclass
class Scripted:
    """A server that gives every request the same answer."""

    answer: Response | None
    delay_seconds: float = 0.0
    head_bytes_max: int = 16_384
    seen: list[Request] = field(default_factory=list)

    @property
    def now(self) -> Callable[[], datetime]:
        return lambda: datetime(2026, 11, 21, tzinfo=UTC)

    async def __call__(self, request: Request) -> Response | None:
        self.seen.append(request)
        await trio.sleep(self.delay_seconds)
        return self.answer


def a_client(url: str, account: Account | None = None) -> NowPaymentsClient:
    return NowPaymentsClient(url=f"{url}/v1/", api_key=KEY, account=account)


async def asked(server: Scripted) -> object:
    async with serve(server) as url, a_client(url) as client:
        return await client.get("/payment/1")


async def test_amounts_stay_exact_in_both_directions() -> None:
    server = Scripted(Response(status=201, body=b'{"a":0.1,"b":12345678901234567890.5}'))
    async with serve(server) as url, a_client(url) as client:
        answer = await client.post("/invoice", {"price_amount": Decimal("990.10")})
    assert answer == {"a": Decimal("0.1"), "b": Decimal("12345678901234567890.5")}
    (request,) = server.seen
    assert (request.method, request.path) == ("POST", "/v1/invoice")
    assert request.body == b'{"price_amount":990.10}'
    assert request.headers["x-api-key"] == KEY
    assert request.headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_is_told_in_words_without_secrets(status: int) -> None:
    body = {"statusCode": status, "code": "INVALID_API_KEY", "message": f"Not {KEY}\n!"}
    answer = await asked(Scripted(Response.of(body, status)))
    assert isinstance(answer, Refusal)
    assert answer.status == status
    assert answer.detail == (
        f"NOWPayments at 127.0.0.1 answered {status} INVALID_API_KEY Not [secret] !"
    )


async def test_a_refusal_in_plain_text_is_one_too() -> None:
    answer = await asked(Scripted(Response(status=403, body=b"Forbidden")))
    assert answer == Refusal(status=403, detail="NOWPayments at 127.0.0.1 answered 403")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "cannot be asked"),
        (Response.of({}, 408), "answered 408"),
        (Response.of({}, 429), "answered 429"),
        (Response.page(502), "answered 502"),
        (Response.of({}, 302, {"location": "http://elsewhere/"}), "answered 302"),
        (Response.page(200), "does not understand"),
        (Response.of([]), "not an object"),
        (Response(status=200, body=b'{"a":1,"a":2}'), "stands twice"),
        (Response(status=200, body=b"x" * (BYTES_MAX + 1)), "more than"),
    ],
)
async def test_everything_else_is_no_answer(answer: Response | None, said: str) -> None:
    with pytest.raises(Unavailable, match=said) as caught:
        await asked(Scripted(answer))
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), ("soon", None), ("9" * 9, None)])
async def test_a_pause_is_handed_on(told: str, seconds: float | None) -> None:
    with pytest.raises(Unavailable) as caught:
        await asked(Scripted(Response.of({}, 429, {"retry-after": told})))
    assert caught.value.retry_after_seconds == seconds


async def test_one_deadline_covers_the_whole_request() -> None:
    with pytest.raises(Unavailable, match="did not answer within 15 s"):
        await asked(Scripted(Response.of({}), delay_seconds=15.1))
    assert trio.current_time() == pytest.approx(15, abs=0.1)


async def test_nobody_there_is_no_answer() -> None:
    async with a_client("http://127.0.0.1:9") as client:
        with pytest.raises(Unavailable, match="ConnectError"):
            await client.get("/status")


async def test_a_list_wants_a_token_that_is_bought_once() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    account = Account(email=EMAIL, password=PASSWORD)
    async with (
        serve(sandbox) as url,
        NowPaymentsClient(url=f"{url}/v1", api_key=API_KEY, account=account) as client,
    ):
        assert client.lists
        for _ in range(3):
            page = await client.list("/payment/", limit=5)
            assert isinstance(page, dict)
            assert page["data"] == []
        assert sandbox.calls == {"auth": 1, "list": 3}
        await trio.sleep(subject.TOKEN_SECONDS)
        await client.list("/payment/", limit=5)
        assert sandbox.calls["auth"] == 2


async def test_a_token_that_ran_out_early_is_renewed_once() -> None:
    sandbox = NowPaymentsSandbox(now=virtual_now)
    account = Account(email=EMAIL, password=PASSWORD)
    async with (
        serve(sandbox) as url,
        NowPaymentsClient(url=f"{url}/v1", api_key=API_KEY, account=account) as client,
    ):
        await client.list("/payment/", limit=5)
        sandbox.fail_next(1, 401, kind="list")
        assert isinstance(await client.list("/payment/", limit=5), dict)
        assert sandbox.calls == {"auth": 2, "list": 3}
        sandbox.fail_next(2, 401, kind="list")
        assert isinstance(await client.list("/payment/", limit=5), Refusal)


async def test_a_wrong_password_is_a_refusal_and_a_strange_token_none() -> None:
    account = Account(email=EMAIL, password="canary-password")
    sandbox = NowPaymentsSandbox(now=virtual_now, api_key=KEY)
    async with serve(sandbox) as url, a_client(url, account) as client:
        refusal = await client.list("/payment/")
    assert isinstance(refusal, Refusal)
    assert "INVALID_CREDENTIALS" in refusal.detail
    odd = Scripted(Response.of({"token": 7}))
    async with serve(odd) as url, a_client(url, account) as client:
        with pytest.raises(Unavailable, match="no token"):
            await client.list("/payment/")
    assert json.loads(odd.seen[0].body) == {"email": EMAIL, "password": "canary-password"}
    assert "authorization" not in odd.seen[0].headers


async def test_lists_without_an_account_are_a_bug() -> None:
    async with a_client("http://127.0.0.1:9") as client:
        assert not client.lists
        with pytest.raises(TypeError):
            await client.list("/payment/")
