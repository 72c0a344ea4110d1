"""Orders that wait for a person: `main.py report orders|order` shows them, `main.py replay
accept|dismiss|refund` decides.

Both ask the operator API of the running shop: a decision is the shop's to carry out, and looking
goes the same way, so that it can be done from wherever deciding can. Deciding stands beside the
replay of events, because it is the same errand: something was put aside for a person, who says,
with a reason that is written down, how it goes on.

Exit status: 0 done, 1 the shop refuses, 2 what was typed makes no sense, 3 nobody there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import cyclopts

from actors.operations.model import line
from config.office import HERE, Office, Refused, Say, Where, tell_office
from config.process import DONE, FAILED

ORDERS = "/v1/admin/orders"
LIMIT = 50
PAGE_MAX = 500

COLUMNS = {
    "order_id": "order",
    "concern": "concern",
    "state": "state",
    "rail": "rail",
    "price": "price",
    "kept": "kept",
    "created_at": "created",
    "title": "product",
}

Count = Annotated[int, cyclopts.Parameter(validator=cyclopts.validators.Number(gte=1))]


def show_orders(*, limit: Count = LIMIT, where: Where = HERE) -> int:
    """Show the orders that a person has to look at, the oldest first, and why.

    Parameters
    ----------
    limit
        At most so many.
    """

    async def tell(office: Office, say: Say) -> int:
        found: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"limit": min(limit, PAGE_MAX)}
        while len(found) < limit:
            page = await office.get(ORDERS, query)
            found += page["orders"]
            if page["next"] is None:
                break
            query["after"] = page["next"]
        found = found[:limit]
        say.table({"orders": found}, found, COLUMNS, nothing="no order waits for a person")
        return DONE

    return tell_office(where, tell)


def show_order(order_id: str, *, where: Where = HERE) -> int:
    """Show one order whole: its charges, its refunds, what operators did."""

    async def tell(office: Office, say: Say) -> int:
        order = await office.get(f"{ORDERS}/{_id(order_id)}")
        say.facts(order)
        return DONE

    return tell_office(where, tell)


def accept(order_id: str, *, why: str, where: Where = HERE) -> int:
    """Let an order that was paid late, oddly or not in full count as paid: it is delivered.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    """
    return _decide(order_id, "accept", {"why": why}, where)


def dismiss(order_id: str, *, why: str, where: Where = HERE) -> int:
    """Take an order off the list of those that a person has to look at, until more is heard of it.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    """
    return _decide(order_id, "dismiss", {"why": why}, where)


def refund(
    order_id: str,
    *,
    why: str,
    total: str | None = None,
    charge: str | None = None,
    where: Where = HERE,
) -> int:
    """Give money back to whoever paid; told twice, it goes back once.

    Parameters
    ----------
    why
        The reason; it is written down with your token's name.
    total
        How much of the charge is to have gone back in all, such as 4.99; all of it by default.
    charge
        Which charge, where the order has several with money.
    """
    told = {"why": why, "total": total, "payment_id": charge}
    body = {name: value for name, value in told.items() if value is not None}
    return _decide(order_id, "refund", body, where)


def _decide(order_id: str, what: str, body: Mapping[str, object], where: Where) -> int:
    async def tell(office: Office, say: Say) -> int:
        try:
            answer = await office.post(f"{ORDERS}/{_id(order_id)}/{what}", body)
        except Refused as refusal:
            sys.stderr.write(f"{line(str(refusal))}\n")
            return FAILED
        say.lines(answer, [f"{order_id} {answer['state']}"])
        return DONE

    return tell_office(where, tell)


def _id(order_id: str) -> str:
    """Fit for a path: whatever else was typed is no order's id."""
    if not order_id.isascii() or not order_id.isalnum():
        raise ValueError("an order is named by its id, or by 8 digits of it as on its receipt")
    return order_id.lower()
