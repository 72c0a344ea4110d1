"""What operators see of orders, what they can decide, and who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from actors.kernel.charges import Standing
from actors.kernel.ids import OrderId
from actors.kernel.money import Money
from actors.payments.orders import State
from actors.payments.views import reference
from adapters.http.access import Operators
from adapters.http.app import application
from adapters.http.asking import PAGE_MAX
from adapters.http.orders import ORDERS, order_routes
from tests.actors.payments.shop import Shop

TOKEN = "a token of twenty-four characters"
AUTH = {"authorization": f"Bearer {TOKEN}"}
UNKNOWN = f"{ORDERS}/{'f' * 32}"
SO = {"why": "she asked"}


@asynccontextmanager
async def office(**headers: str) -> AsyncIterator[tuple[httpx.AsyncClient, Shop]]:
    """A shop, and an operator before it."""
    shop = Shop()
    async with shop.open():
        routes = order_routes(
            shop.store,
            shop.refunds,
            Operators(token=TOKEN, loopback=True),
            purchases=shop.system.region("root/purchases").ref,
            clerk=shop.clerk(),
        )
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=application(routes)),
            base_url="http://127.0.0.1",
            headers=AUTH | headers,
        ) as http:
            yield http, shop


async def late(shop: Shop) -> str:
    """Somebody has paid too late; the path of his order."""
    await shop.buy()
    await shop.press("Cancel")
    await shop.pay(shop.charge(name=f"charge{len(shop.orders)}"))
    assert shop.state() is State.LATE
    return f"{ORDERS}/{shop.order.order_id}"


async def test_orders_that_wait_for_a_person_are_listed_page_by_page() -> None:
    async with office() as (http, shop):
        assert (await http.get(ORDERS)).json() == {"orders": [], "next": None}
        for _ in range(3):
            await late(shop)
        await shop.buy()
        first = (await http.get(ORDERS, params={"limit": 2})).json()
        assert [each["concern"] for each in first["orders"]] == ["late", "late"]
        second = (await http.get(ORDERS, params={"limit": 2, "after": first["next"]})).json()
        assert second["next"] is None
        listed = [each["order_id"] for each in first["orders"] + second["orders"]]
        assert sorted(listed) == sorted(order.order_id for order in shop.orders[:3])


@pytest.mark.parametrize(
    "query", ["limit=0", f"limit={PAGE_MAX + 1}", "limit=x", "after=1", "after=", "state=late"]
)
async def test_a_question_that_makes_no_sense_is_told_what_to_write(query: str) -> None:
    async with office() as (http, _):
        answer = await http.get(f"{ORDERS}?{query}")
        assert answer.status_code == 400
        assert answer.json()["detail"]


async def test_an_order_is_shown_whole_and_its_goods_are_not() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        told = (await http.get(path)).json()
        assert (told["state"], told["concern"], told["price"]) == ("late", "late", "4.99 USD")
        assert [charge["received"] for charge in told["charges"]] == ["4.99 USD"]
        assert (told["refunds"], told["deeds"]) == ([], [])
        assert "Code" not in str(told)


async def test_what_is_accepted_is_granted_once_and_written_down() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        for state in ("paid", "granted"):
            answer = await http.post(f"{path}/accept", json=SO)
            assert (answer.status_code, answer.json()) == (200, {"state": state})
            await shop.system.settle()
        assert shop.state() is State.GRANTED
        (deed,) = (await http.get(path)).json()["deeds"]
        assert (deed["what"], deed["who"], deed["why"]) == ("accept", "operator", "she asked")
        shop.check()


async def test_what_cannot_be_accepted_is_a_conflict_that_says_why() -> None:
    async with office() as (http, shop):
        await shop.buy()
        path = f"{ORDERS}/{shop.order.order_id}"
        answer = await http.post(f"{path}/accept", json=SO)
        assert answer.status_code == 409
        assert "this one is waiting" in answer.json()["detail"]
        dismissed = await http.post(f"{path}/dismiss", json=SO)
        assert dismissed.status_code == 409


async def test_what_is_dismissed_is_listed_no_more() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        for _ in range(2):
            answer = await http.post(f"{path}/dismiss", json=SO)
            assert (answer.status_code, answer.json()) == (200, {"state": "late"})
        assert (await http.get(ORDERS)).json()["orders"] == []
        assert (await http.get(path)).json()["concern"] is None


async def test_money_goes_back_in_part_and_in_whole() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        for body in ({"total": "1.50", "payment_id": "charge1"}, {}):
            answer = await http.post(f"{path}/refund", json=SO | body)
            assert (answer.status_code, answer.json()) == (200, {"state": "pending"})
            await shop.system.settle()
        again = await http.post(f"{path}/refund", json=SO)
        assert again.json() == {"state": "done"}
        told = (await http.get(path)).json()
        assert [each["amount"] for each in told["refunds"]] == ["1.50 USD", "3.49 USD"]
        assert [each["what"] for each in told["deeds"]] == ["refund", "refund"]
        assert [str(each.total) for each in shop.provider.given_back] == ["1.50 USD", "4.99 USD"]


async def test_a_total_is_read_in_the_currency_of_its_charge() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        await shop.pay(shop.charge(amount=Money.of("3", "EUR"), name="euros"))
        for body in (
            {"total": "1.50", "payment_id": "euros"},
            {"total": "2", "payment_id": "charge1"},
        ):
            assert (await http.post(f"{path}/refund", json=SO | body)).status_code == 200
            await shop.system.settle()
        assert [str(each.total) for each in shop.provider.given_back] == ["1.50 EUR", "2.00 USD"]
        vague = await http.post(f"{path}/refund", json=SO | {"total": "1"})
        assert vague.status_code == 409  # which of the two?


async def test_what_cannot_go_back_is_a_conflict_that_says_why() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        await shop.pay(
            shop.charge(Standing.REFUNDED, name="charge1", refunded=Money.of("4.99", "USD"))
        )
        answer = await http.post(f"{path}/refund", json=SO)
        assert answer.status_code == 409
        assert "went back already" in answer.json()["detail"]


@pytest.mark.parametrize("deed", ["accept", "dismiss", "refund"])
@pytest.mark.parametrize(
    "body", [{}, {"why": ""}, {"why": " "}, {"why": 1}, {"why": "x" * 301}, {"because": "x"}]
)
async def test_who_does_something_says_why(deed: str, body: dict[str, object]) -> None:
    async with office() as (http, shop):
        path = await late(shop)
        answer = await http.post(f"{path}/{deed}", json=body)
        assert answer.status_code == 400
        assert shop.state() is State.LATE
        assert shop.provider.given_back == []


@pytest.mark.parametrize(
    "body",
    [
        {"total": 1.5},
        {"total": "1,50"},
        {"total": "x"},
        {"payment_id": ""},
        {"payment_id": 5},
        {"payment_id": "a b"},
        {"amount": "1.50"},
    ],
)
async def test_a_refund_that_is_not_understood_gives_nothing_back(body: dict[str, object]) -> None:
    async with office() as (http, shop):
        path = await late(shop)
        answer = await http.post(f"{path}/refund", json=SO | body)
        assert answer.status_code == 400
        await shop.system.settle()
        assert shop.provider.given_back == []


async def test_an_order_is_found_by_what_its_receipt_calls_it() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        name = reference(shop.order)
        assert name.isupper() or name.isdigit()
        for typed in (name, name.lower(), shop.order.order_id.upper()):
            told = await http.get(f"{ORDERS}/{typed}")
            assert told.json()["order_id"] == shop.order.order_id
        assert (await http.get(path[:-25])).status_code == 404  # 7 digits: too few to go by
        answer = await http.post(f"{ORDERS}/{name}/accept", json=SO)
        assert (answer.status_code, shop.state()) == (200, State.GRANTED)


async def test_a_name_that_several_orders_have_lists_them() -> None:
    async with office() as (http, shop):
        await late(shop)
        twins = [
            replace(shop.order, order_id=OrderId(f"0f0f0f0f{number:024x}"), version=1)
            for number in range(2)
        ]
        for each in twins:
            await shop.store.save(each)
        answer = await http.get(f"{ORDERS}/0F0F0F0F")
        assert answer.status_code == 400
        assert all(each.order_id in answer.json()["detail"] for each in twins)


async def test_a_charge_of_which_a_part_went_back_is_not_called_refunded() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        for refunded, standing in (("1", "partly_refunded"), ("4.99", "refunded")):
            back = Money.of(refunded, "USD")
            await shop.pay(shop.charge(Standing.REFUNDED, name="charge1", refunded=back))
            told = (await http.get(path)).json()
            assert [each["standing"] for each in told["charges"]] == [standing]


@pytest.mark.parametrize(
    ("total", "words"),
    [("0", "more than nothing"), ("-1", "more than nothing"), ("1.999", "it has 2 decimals")],
)
async def test_a_total_that_no_provider_could_pay_is_refused_at_once(
    total: str, words: str
) -> None:
    async with office() as (http, shop):
        path = await late(shop)
        answer = await http.post(f"{path}/refund", json=SO | {"total": total})
        assert answer.status_code == 409
        assert words in answer.json()["detail"]
        assert (await http.get(path)).json()["refunds"] == []


@pytest.mark.parametrize("path", [UNKNOWN, f"{ORDERS}/1", f"{ORDERS}/{'F' * 32}"])
async def test_an_order_that_nobody_knows_is_not_found(path: str) -> None:
    async with office() as (http, _):
        assert (await http.get(path)).status_code == 404
        for deed in ("accept", "dismiss", "refund"):
            assert (await http.post(f"{path}/{deed}", json=SO)).status_code == 404


async def test_nobody_else_may_look_or_decide() -> None:
    async with office(authorization="Bearer wrong") as (http, shop):
        path = await late(shop)
        assert (await http.get(ORDERS)).status_code == 401
        assert (await http.get(path)).status_code == 401
        for deed in ("accept", "dismiss", "refund"):
            assert (await http.post(f"{path}/{deed}", json=SO)).status_code == 401
        assert shop.state() is State.LATE


async def test_a_page_of_somebody_else_cannot_decide() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        body = b'{"why": "x"}'
        answer = await http.post(
            f"{path}/accept", content=body, headers={"content-type": "text/plain"}
        )
        assert answer.status_code == 400
        assert shop.state() is State.LATE


async def test_without_a_store_everybody_is_told_to_come_back() -> None:
    async with office() as (http, shop):
        path = await late(shop)
        shop.store.away = True
        for answer in (await http.get(path), await http.post(f"{path}/accept", json=SO)):
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
