"""docs/orders.md is the declared life; `python -m tests.actors.payments.test_chart` writes it."""

from __future__ import annotations

from pathlib import Path

from actors.payments.chart import CHART
from actors.payments.life import (
    DELIVERY_SECONDS,
    LIFE,
    OPENING_SECONDS,
    PROCESSING_SECONDS,
    UNDERPAID_SECONDS,
)
from actors.payments.orders import State
from actors.payments.rules import OVERTIME_SECONDS

DOCUMENT = Path(__file__).parents[3] / "docs" / "orders.md"


def document() -> str:
    return f"""# The life of an order

Made from `actors/payments/life.py`; `python -m tests.actors.payments.test_chart` writes it anew,
and a test keeps it equal.

```mermaid
{CHART.mermaid(LIFE)}```

## Every row

From top to bottom, the first row that applies is taken. *alive* is `opening`, `waiting`,
`processing` and `underpaid`, of which a chat has at most one order for the same product on the same
rail; *ended* is `expired`, `cancelled` and `failed`. "Does" in bold is done outside, after the
order was saved: **open** asks the provider for a checkout, **deliver** sends the receipt with what
was bought. "Says" is the bubble of a pressed button. Where "Goes to" is empty the state stays.

{CHART.table(LIFE)}
## What a payment means

Charges are compared with the order before anything is granted. Of each charge the order remembers
the newest state; what counts are charges of the order's own currency and mode (live or test), made
to the order itself, less what went back.

- `paid_in_full`: what counts is at least the price. What is beyond it is shown as a surplus.
- `paid_short`: something has arrived, and less than the price.
- `strange`: another currency or mode, an additional deposit to the address of an earlier charge
  (NOWPayments' `parent_payment_id`), a charge that failed with money in it for which nothing was
  sold, or one that the books refuse. It never pays an order; it is shown, and a person looks.
- `charge_failed`, `charge_expired`: of the last charge that is open. Each coin of a NOWPayments
  invoice is a charge with an expiry of its own: there the order's own time counts.
- `partly_refunded`, of what was sold, leaves the state and is shown; `wholly_refunded` when nothing
  of it is left. `taken_back` is a chargeback, `reinstated` the end of one that was won: the order
  goes back to where it stood, or to where its money puts it by now.
- `nothing_new`: this state of the charge was known, or says nothing about money.

The same transaction keeps the order, books its sale (customer to sales, key `order:<id>:sale`) when
it becomes `paid`, marks the charge as recorded and the Telegram update as handled, and writes down
what an operator decided. What went back and was the customer's is booked as returned (ledger.md).

## Whom it concerns

A person has to look at an order that is `late`, `held` or `disputed`, and at one that was bought
with more money than its price (`surplus`) or with money of another currency or mode besides
(`strange`). `main.py report orders` lists them until it is settled, or until an operator says that
he has seen to it (`dismiss`); news of a charge are another matter, and are listed again.

## Time-outs

Nothing else ends by itself.

| State | Seconds | |
| --- | --- | --- |
| `opening` | {OPENING_SECONDS} | it is asked for again; after a failure 5 s, doubling to 5 min |
| `waiting` | {OVERTIME_SECONDS} | after the order has expired: news of a payment takes its time |
| `processing` | {PROCESSING_SECONDS} | a chain or a delayed method may take days to confirm |
| `underpaid` | {UNDERPAID_SECONDS} | the rest may follow; then a person has to look |
| `paid` | {DELIVERY_SECONDS} | the goods are told again: after a refusal 10 min, blocked a day |
"""


def test_the_document_shows_the_life_that_is_declared() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_the_table_has_a_line_for_every_row() -> None:
    lines = CHART.table(LIFE).splitlines()
    assert len(lines) == 2 + len(LIFE)
    assert {line.count("|") for line in lines} == {7}


def test_the_graph_reaches_every_state() -> None:
    reached = {
        line.split(" --> ")[1].split(":")[0] for line in CHART.mermaid(LIFE).splitlines()[1:]
    }
    assert reached == set(State)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
