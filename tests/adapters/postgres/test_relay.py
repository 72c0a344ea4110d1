"""What the relay's statements cost."""

from __future__ import annotations

from adapters.postgres.database import Database, Statement
from adapters.postgres.relay import NOTE_PAYMENTS, PostgresOutbox
from tests.adapters.contract.test_debounce import NOON

SOLD = 3_000
PAGES_MAX = 60
"""Of 8 kB that are looked at for one new order; what was sold before has hundreds."""
_SELL = """
insert into purchase_order (
    order_id, chat_id, product_id, rail, state, version, saved_by, title, description, goods,
    language, currency, price, sold, live, charges, attempts, created_at, expires_at, paid_at,
    view_version, shown_version, renew, dismissed
)
select md5(number::text), number, 'p', 'stars', 'granted', 1, gen_random_uuid(), 'A title',
    repeat('A description. ', 20), 'access', 'en', 'XTR', 10, 10, true, '[]', 0, %(at)s, %(at)s,
    %(at)s::timestamptz + make_interval(secs => number), 0, 0, false, false
from generate_series(%(first)s::int, %(last)s::int) as number
"""


async def test_a_look_for_payments_costs_what_is_new(database: Database) -> None:
    outbox = PostgresOutbox(database)
    await outbox.open(at=NOON)
    await database.write(Statement(_SELL, {"at": NOON, "first": 1, "last": SOLD}))
    while await outbox.note_payments():
        pass
    assert len(await outbox.pending(after=0, limit=2 * SOLD)) == SOLD
    # As autovacuum does; the look behind it takes what was updated out of the index.
    await database.write(Statement("analyze purchase_order"))
    await outbox.note_payments()
    await database.write(Statement(_SELL, {"at": NOON, "first": SOLD + 1, "last": SOLD + 1}))
    explained = f"explain (analyze, buffers, format json) {NOTE_PAYMENTS}"
    ((row,),) = await database.write(Statement(explained, {"limit": 500}))
    plan = row["QUERY PLAN"][0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < PAGES_MAX
    assert len(await outbox.pending(after=0, limit=2 * SOLD)) == SOLD + 1
