"""The operators' way to orders: `/v1/admin/orders...`.

Looking asks the store; deciding asks the purchases of the order's chat, and giving money back the
clerk of the refunds. Both write down who did it and why, and both may be told twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from actors.kernel.charges import Standing
from actors.kernel.ids import ChatId, OrderId, PaymentId
from actors.kernel.money import Money
from actors.payments import messages as payments
from actors.payments.deeds import Deed, Refund
from actors.payments.orders import Charge, Order
from actors.payments.ports import Orders, Refunds
from adapters.http.access import Endpoint, Operators
from adapters.http.asking import PAGE_DEFAULT, PAGE_MAX, Refusal, answering, number, read, why
from adapters.http.problems import problem
from runtime import ActorRef, ask

ORDERS = "/v1/admin/orders"
ORDER_ID = re.compile(r"[0-9a-f]{32}")
ORDER_NAME = re.compile(r"[0-9A-Fa-f]{8,32}")
"""An order's id, or at least as much of it as receipts show, in either case."""
NAMESAKES_MAX = 10
"""So many are listed when several orders begin alike."""
PAYMENT_ID = re.compile(r"[!-~]{1,255}")
ANSWER_SECONDS = 10.0

_FILTERS = frozenset({"after", "limit"})


def order_routes(
    orders: Orders,
    refunds: Refunds,
    operators: Operators,
    *,
    purchases: Callable[[ChatId], ActorRef[Any]],
    clerk: ActorRef[Any],
) -> list[BaseRoute]:
    """Return the routes; `purchases` are asked `payments.Decision`, `clerk` `payments.GiveBack`."""
    pages = _Pages(orders, refunds, operators, purchases, clerk)

    def route(path: str, page: Endpoint, method: str) -> Route:
        return Route(path, operators.only(answering(page)), methods=[method])

    one = f"{ORDERS}/{{order_id}}"
    return [
        route(ORDERS, pages.listing, "GET"),
        route(one, pages.show, "GET"),
        route(f"{one}/accept", pages.accept, "POST"),
        route(f"{one}/dismiss", pages.dismiss, "POST"),
        route(f"{one}/refund", pages.refund, "POST"),
    ]


class _Pages:
    def __init__(
        self,
        orders: Orders,
        refunds: Refunds,
        operators: Operators,
        purchases: Callable[[ChatId], ActorRef[Any]],
        clerk: ActorRef[Any],
    ) -> None:
        self._orders, self._refunds, self._operators = orders, refunds, operators
        self._purchases, self._clerk = purchases, clerk

    async def listing(self, request: Request) -> Response:
        query = request.query_params
        if set(query) - _FILTERS:
            raise Refusal("orders that a person has to look at are paged by after and limit")
        limit = number(query, "limit", PAGE_MAX) or PAGE_DEFAULT
        after = query.get("after")
        if after is not None and ORDER_ID.fullmatch(after) is None:
            raise Refusal("after is the id of the last order of the page before")
        found = await self._orders.concerning(
            limit=limit, after=None if after is None else OrderId(after)
        )
        following = found[-1].order_id if len(found) == limit else None
        return JSONResponse({"orders": [summary(each) for each in found], "next": following})

    async def show(self, request: Request) -> Response:
        order = await self._order(request)
        if order is None:
            return _unknown()
        deeds = await self._orders.deeds(order.order_id)
        refunds = await self._refunds.of_order(order.order_id)
        return JSONResponse(whole(order, deeds, refunds))

    async def accept(self, request: Request) -> Response:
        return await self._decide(request, payments.Accept)

    async def dismiss(self, request: Request) -> Response:
        return await self._decide(request, payments.Dismiss)

    async def refund(self, request: Request) -> Response:
        told = await read(request)
        reason = why(told)
        unknown = sorted(told.keys() - {"why", "payment_id", "total"})
        if unknown:
            raise Refusal("a refund is told by why, payment_id and total")
        payment_id, total = _payment_id(told), told.get("total")
        order = await self._order(request)
        if order is None:
            return _unknown()
        question = payments.GiveBack(
            order_id=order.order_id,
            payment_id=payment_id,
            total=None if total is None else _money(total, order, payment_id),
            who=self._operators.name,
            why=reason,
        )
        return _answer(await ask(self._clerk, question, timeout=ANSWER_SECONDS))

    async def _decide(
        self, request: Request, question: type[payments.Accept | payments.Dismiss]
    ) -> Response:
        reason = why(await read(request))
        order = await self._order(request)
        if order is None:
            return _unknown()
        asked = question(order_id=order.order_id, who=self._operators.name, why=reason)
        purchases = self._purchases(order.chat_id)
        return _answer(await ask(purchases, asked, timeout=ANSWER_SECONDS))

    async def _order(self, request: Request) -> Order | None:
        name: str = request.path_params["order_id"]
        if ORDER_NAME.fullmatch(name) is None:
            return None
        beginning = name.lower()
        if ORDER_ID.fullmatch(beginning) is not None:
            return await self._orders.load(OrderId(beginning))
        found = await self._orders.named(beginning, limit=NAMESAKES_MAX)
        if len(found) > 1:
            alike = ", ".join(order.order_id for order in found)
            raise Refusal(f"several orders begin like that, say which: {alike}")
        return found[0] if found else None


# What came


def _payment_id(told: dict[str, Any]) -> PaymentId | None:
    payment_id = told.get("payment_id")
    if payment_id is None:
        return None
    if not isinstance(payment_id, str) or PAYMENT_ID.fullmatch(payment_id) is None:
        raise Refusal("payment_id is the id of one of the order's charges")
    return PaymentId(payment_id)


def _money(total: object, order: Order, payment_id: PaymentId | None) -> Money:
    """In the currency of the charge that is meant, of the order where none is found."""
    meant = [
        charge.received.currency
        for charge in order.charges
        if (charge.received if payment_id is None else charge.payment_id == payment_id)
    ]
    currency = meant[0] if len(meant) == 1 else order.price.currency
    try:
        if isinstance(total, str):
            return Money.of(total, currency)
    except ValueError:
        pass
    raise Refusal(f'total is a text with an amount in {currency}, such as "4.99"')


# What is told


def _unknown() -> Response:
    return problem(HTTPStatus.NOT_FOUND, "there is no such order")


def _answer(told: payments.Done | payments.Refused) -> Response:
    match told:
        case payments.Done(state=state):
            return JSONResponse({"state": state})
        case payments.Refused(missing=True):
            return _unknown()
        case payments.Refused(why=reason):
            return problem(HTTPStatus.CONFLICT, reason)


def summary(order: Order) -> dict[str, object]:
    """One order in a list: what a person has to know to find it, and why he should."""
    return {
        "order_id": order.order_id,
        "concern": order.concern and order.concern.value,
        "state": order.state.value,
        "chat_id": order.chat_id,
        "rail": order.rail.value,
        "product_id": order.product_id,
        "title": order.title,
        "price": str(order.price),
        "kept": str(order.kept),
        "surplus": str(order.surplus),
        "created_at": order.created_at.isoformat(),
    }


def whole(
    order: Order, deeds: tuple[Deed, ...] = (), refunds: tuple[Refund, ...] = ()
) -> dict[str, object]:
    """All that an operator may want to know of it; the goods are the buyer's alone."""
    return {
        **summary(order),
        "live": order.live,
        "sold": order.sold and str(order.sold),
        "given_back": str(order.given_back),
        "checkout_id": order.checkout_id,
        "expires_at": order.expires_at.isoformat(),
        "paid_at": order.paid_at and order.paid_at.isoformat(),
        "charges": [_charge(each) for each in order.charges],
        "refunds": [_refund(each) for each in refunds],
        "deeds": [
            {"what": each.what.value, "who": each.who, "why": each.why, "at": each.at.isoformat()}
            for each in deeds
        ],
    }


def _charge(charge: Charge) -> dict[str, object]:
    return {
        "payment_id": charge.payment_id,
        "standing": _standing(charge),
        "received": str(charge.received),
        "refunded": str(charge.refunded),
        "disputed": str(charge.disputed),
        "reinstated": str(charge.won),
        "live": charge.live,
        "parent": charge.parent,
    }


def _standing(charge: Charge) -> str:
    """Providers call a charge refunded whatever part of it went back."""
    partly = charge.standing is Standing.REFUNDED and charge.refunded < charge.received
    return "partly_refunded" if partly else charge.standing.value


def _refund(refund: Refund) -> dict[str, object]:
    return {
        "payment_id": refund.payment_id,
        "total": str(refund.total),
        "amount": str(refund.amount),
        "state": refund.state.value,
        "detail": refund.detail,
        "asked": refund.asked,
        "wanted_at": refund.wanted_at.isoformat(),
    }
